"""Debian: the packages that dpkg has installed (deb-version(7), dpkg-query(1), deb-control(5))."""

import re
from collections.abc import Iterator

from local.qscanner.packages import Ecosystem, Package
from local.qscanner.versions.dpkg import DebianVersion

STATUS_PATH = "var/lib/dpkg/status"
STATUS_FOLDER = "var/lib/dpkg/status.d/"
"""Where images without dpkg itself ("distroless") keep a file for each package."""
# Not among them: not-installed and config-files, of which nothing is left to run.
_PRESENT = frozenset({
    "installed", "unpacked", "half-configured", "half-installed", "triggers-awaited", "triggers-pending",
})  # fmt: skip
_SOURCE = re.compile(r"(?P<name>\S+)(?:\s+\((?P<version>[^)]+)\))?")


def read_status(content: bytes, path: str, distribution: str) -> list[Package]:
    """Read a dpkg status file, or one of ``status.d``.

    Args:
        content: The file.
        path: Where it stands.
        distribution: The distribution that the packages are of, such as ``debian-12``.

    Returns:
        The packages whose files are there.

    Raises:
        ValueError: The file is not text, or a package in it has no name or no version that can be compared.
    """
    found: set[Package] = set()
    for fields in _paragraphs(content.decode("utf-8")):
        state = fields.get("status", "install ok installed").split()
        if not state or state[-1] not in _PRESENT:
            continue
        name, version = fields.get("package", ""), fields.get("version", "")
        if not name:
            message = "has an entry without a package's name"
            raise ValueError(message)
        source = _SOURCE.fullmatch(fields.get("source", "")) or _SOURCE.fullmatch(name)
        package = Package(
            Ecosystem.DEB,
            name,
            version,
            path,
            distribution=distribution,
            source=source["name"] if source else name,
            source_version=(source["version"] if source else None) or version,
            architecture=fields.get("architecture", ""),
        )
        for text in (package.version, package.source_version):
            DebianVersion(text)
        found.add(package)
    return sorted(found)


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Split the file into paragraphs of fields, their names in lower case; continued lines are left out."""
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif not line[0].isspace():
            key, _, value = line.partition(":")
            fields[key.strip().lower()] = value.strip()
    if fields:
        yield fields
