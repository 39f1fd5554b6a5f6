"""``-ScanResult.spdx.json``: the packages as an SPDX 2.3 document (https://spdx.github.io/spdx-spec/v2.3/)."""

from typing import Any

from local.qscanner.outputs.clock import utc
from local.qscanner.outputs.licences import is_expression
from local.qscanner.packages import Package
from local.qscanner.scan_result import ScanResult
from local.qscanner.version import NOTICE, current_version

_ROOT = "SPDXRef-Target"
_UNKNOWN = "NOASSERTION"


def spdx(result: ScanResult) -> dict[str, Any]:
    """Give the SPDX document of a scan: the target, which contains every package."""
    packages = [_package(package, number) for number, package in enumerate(result.packages, start=1)]
    contained = [_relationship(_ROOT, "CONTAINS", package["SPDXID"]) for package in packages]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": result.target or "scan",
        "documentNamespace": f"https://scangate.invalid/qscanner-stand-in/{result.prefix}/{int(result.started * 1000)}",
        "creationInfo": {
            "created": utc(result.started),
            "creators": [f"Tool: qscanner-stand-in-{current_version()}"],
            "comment": NOTICE,
        },
        "packages": [_target(result), *packages],
        "relationships": [_relationship("SPDXRef-DOCUMENT", "DESCRIBES", _ROOT), *contained],
    }


def _target(result: ScanResult) -> dict[str, Any]:
    target: dict[str, Any] = {
        "SPDXID": _ROOT,
        "name": result.name,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _UNKNOWN,
        "copyrightText": _UNKNOWN,
        "primaryPackagePurpose": "CONTAINER" if result.image else "SOURCE",
    }
    if result.image:
        target["checksums"] = [{"algorithm": "SHA256", "checksumValue": result.image.digest}]
    return target | ({"versionInfo": result.version} if result.version else {})


def _package(package: Package, number: int) -> dict[str, Any]:
    return {
        "SPDXID": f"SPDXRef-Package-{number}",
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": package.licence if is_expression(package.licence) else _UNKNOWN,
        "copyrightText": _UNKNOWN,
        "sourceInfo": f"named by {package.path}" + (f" in layer {package.layer}" if package.layer else ""),
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": package.purl},
        ],
    }


def _relationship(element: str, kind: str, related: str) -> dict[str, str]:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}
