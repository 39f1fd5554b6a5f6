"""Which operating system a tree holds, by its os-release file (os-release(5))."""

from typing import NamedTuple

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.tree import FileTree

# In this order, as os-release(5) asks; the first is often a symbolic link to the second, and links are not followed.
PATHS = ("etc/os-release", "usr/lib/os-release")
_LARGEST_FILE = 65536
# Their package databases are read, and advisories are known for some of their releases.
_SUPPORTED = frozenset({"debian", "alpine"})


class OperatingSystem(NamedTuple):
    """An operating system as it names itself.

    Attributes:
        id: Its short name, such as ``debian``; empty where it does not say.
        version_id: Its version, such as ``12`` or ``3.18.4``; empty where it does not say.
        pretty_name: Its name and version to be shown.
    """

    id: str = ""
    version_id: str = ""
    pretty_name: str = ""

    @property
    def distribution(self) -> str:
        """The release that advisories are published for: ``debian-12``, ``alpine-3.18``; empty if unknown."""
        depth = 2 if self.id == "alpine" else 1
        release = ".".join(self.version_id.split(".")[:depth])
        return "-".join(part for part in (self.id, release) if part)


def find_operating_system(tree: FileTree) -> OperatingSystem | None:
    """Read what a tree says of its operating system.

    Args:
        tree: A root file system or an image.

    Returns:
        The system; None where there is none.

    Raises:
        ScanError: With code 17 where it is one whose packages cannot be judged: to leave them out would look clean.
    """
    for path in PATHS:
        try:
            text = tree.read(path, _LARGEST_FILE).decode("utf-8", "replace")
        except (OSError, ValueError):
            continue
        found = _read(text)
        if found.id and found.id not in _SUPPORTED:
            raise ScanError(
                ExitCode.OPERATING_SYSTEM_NOT_SUPPORTED,
                f"{found.pretty_name or found.id} is not supported; packages of {' and '.join(sorted(_SUPPORTED))} are",
            )
        return found
    return None


def _read(text: str) -> OperatingSystem:
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.strip().partition("=")
        if separator:
            values[key] = value.strip("\"'")
    version = values.get("VERSION_ID", "")
    return OperatingSystem(values.get("ID", "").lower(), version, values.get("PRETTY_NAME") or values.get("NAME", ""))
