"""Python: an installed distribution's own description (PyPA specifications: core metadata, installed projects)."""

import re

from local.qscanner.packages import Ecosystem, Package
from local.qscanner.versions.pep440 import PythonVersion

_PLACE = re.compile(r"(?:.*/)?[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO)", re.DOTALL)
_LONGEST_LICENCE = 100


def is_metadata(path: str) -> bool:
    """Tell by its path whether a file describes an installed distribution."""
    return bool(_PLACE.fullmatch(path))


def read_metadata(content: bytes, path: str) -> list[Package]:
    """Read an installed distribution's description.

    Args:
        content: The file.
        path: Where it stands, relative to the root.

    Returns:
        The distribution; none where it gives a version that is not Python's.

    Raises:
        ValueError: The file names no distribution and version.
    """
    fields: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        key, separator, value = line.partition(":")
        if separator and not line[0].isspace():
            fields.setdefault(key.strip().lower(), value.strip())
    name, version = fields.get("name", ""), fields.get("version", "")
    if not name or not version:
        message = "names no distribution and version"
        raise ValueError(message)
    try:
        PythonVersion(version)
    except ValueError:
        return []
    licence = fields.get("license-expression") or fields.get("license", "")
    licence = licence if len(licence) <= _LONGEST_LICENCE and licence.upper() != "UNKNOWN" else ""
    return [Package(Ecosystem.PYPI, re.sub(r"[-_.]+", "-", name).lower(), version, path, licence)]
