"""What is found in a tree: packages, with the place they were named at."""

from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote


class Ecosystem(StrEnum):
    """Where a package comes from; the value is its package-URL type."""

    NPM = "npm"
    PYPI = "pypi"
    MAVEN = "maven"
    GO = "golang"


class Package(NamedTuple):
    """One package at one version, named by one file.

    Attributes:
        ecosystem: Where it comes from.
        name: Its name as the ecosystem compares it: ``@scope/name``, ``group:artifact``, a module path.
        version: The version as the file gives it.
        path: The naming file, relative to the scanned folder, with ``/``.
        licence: What the file says of the licence, or empty.
    """

    ecosystem: Ecosystem
    name: str
    version: str
    path: str
    licence: str = ""

    @property
    def group_and_name(self) -> tuple[str, str]:
        """Split the name into its group (empty where there is none) and the rest."""
        separator = ":" if self.ecosystem is Ecosystem.MAVEN else "/"
        group, _, name = self.name.rpartition(separator)
        return group, name

    @property
    def purl(self) -> str:
        """Give the package URL, as the package-url specification builds it for each type."""
        group, name = self.group_and_name
        namespace = "".join(f"{quote(part, safe='')}/" for part in group.split("/") if part)
        return f"pkg:{self.ecosystem}/{namespace}{quote(name, safe='')}@{quote(self.version, safe='')}"
