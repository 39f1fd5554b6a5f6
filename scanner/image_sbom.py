"""Writes the bill of materials of the scanner image, in SPDX 2.3, as the last thing before the image is done.

``python image_sbom.py PACKAGES TARGET``: Python packages are looked for in PACKAGES, Debian's are asked of dpkg. What
the image says about itself is taken from ``VERSION``, ``QSCANNER_VERSION`` and ``QSCANNER_SHA256`` in the environment.
"""

import json
import os
import platform
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

_NO_ASSERTION: Final = "NOASSERTION"
_DPKG: Final = ("dpkg-query", "--show", "--showformat", "${Package}\t${Version}\t${Architecture}\n")


def main(argv: list[str]) -> int:
    """Write the bill.

    Args:
        argv: The folder of Python packages, and the file to write.

    Returns:
        0.
    """
    listed = subprocess.run(_DPKG, capture_output=True, text=True, check=True).stdout  # the image's own dpkg
    packages = [*own_packages(os.environ), *debian_packages(listed), *python_packages(Path(argv[0]))]
    target = Path(argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document(packages, datetime.now(UTC)), indent=1), encoding="utf-8")
    return 0


def own_packages(variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """Describe what stands in the image besides packages.

    Args:
        variables: With the versions, and the sum of QScanner.

    Returns:
        Packages as SPDX has them: Scangate's worker, QScanner and Python.
    """
    qscanner = _package("qscanner", variables.get("QSCANNER_VERSION", ""), supplier="Organization: Qualys, Inc.")
    qscanner["checksums"] = [{"algorithm": "SHA256", "checksumValue": variables.get("QSCANNER_SHA256", "").lower()}]
    return [
        _package("scangate-worker", variables.get("VERSION", "")),
        qscanner,
        _package("python", platform.python_version(), f"pkg:generic/python@{platform.python_version()}"),
    ]


def debian_packages(listed: str) -> list[dict[str, Any]]:
    """Describe Debian packages.

    Args:
        listed: Lines of name, version and architecture with tabs between, as dpkg-query prints them.

    Returns:
        Packages as SPDX has them.
    """
    found = []
    for line in listed.splitlines():
        name, version, architecture = line.split("\t")
        url = f"pkg:deb/debian/{quote(name, safe='')}@{quote(version, safe='')}?arch={architecture}"
        found.append(_package(name, version, url))
    return found


def python_packages(folder: Path) -> list[dict[str, Any]]:
    """Describe Python packages.

    Args:
        folder: Where they are installed.

    Returns:
        Packages as SPDX has them, by name.
    """
    known = sorted((each.name, each.version) for each in distributions(path=[str(folder)]))
    return [_package(name, version, f"pkg:pypi/{name.lower()}@{quote(version, safe='')}") for name, version in known]


def document(packages: Iterable[dict[str, Any]], created: datetime) -> dict[str, Any]:
    """Put a bill together.

    Args:
        packages: What is in the image.
        created: The time, in UTC.

    Returns:
        The document (SPDX specification 2.3, JSON).
    """
    numbered = [{"SPDXID": f"SPDXRef-Package-{number}", **package} for number, package in enumerate(packages, 1)]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "scangate-scanner-image",
        "documentNamespace": f"urn:uuid:{uuid.uuid4()}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: scangate-image_sbom"],
        },
        "packages": numbered,
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": package["SPDXID"],
            }
            for package in numbered
        ],
    }


def _package(name: str, version: str, url: str | None = None, supplier: str = _NO_ASSERTION) -> dict[str, Any]:
    package: dict[str, Any] = {
        "name": name,
        "versionInfo": version or "unknown",
        "supplier": supplier,
        "downloadLocation": _NO_ASSERTION,
        "filesAnalyzed": False,
        "licenseConcluded": _NO_ASSERTION,
        "licenseDeclared": _NO_ASSERTION,
        "copyrightText": _NO_ASSERTION,
    }
    if url is not None:
        package["externalRefs"] = [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}
        ]
    return package


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
