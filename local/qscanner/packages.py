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
    DEB = "deb"
    APK = "apk"

    @property
    def is_of_the_system(self) -> bool:
        """Whether its packages belong to a distribution of an operating system."""
        return self in {Ecosystem.DEB, Ecosystem.APK}


class Package(NamedTuple):
    """One package at one version, named by one file.

    Attributes:
        ecosystem: Where it comes from.
        name: Its name as the ecosystem compares it: ``@scope/name``, ``group:artifact``, a module path.
        version: The version as the file gives it.
        path: The naming file, relative to the scanned folder, with ``/``.
        licence: What the file says of the licence, or empty.
        distribution: For a system package, the distribution as ``debian-12`` or ``alpine-3.18``.
        source: For a system package, the name of the source package that it was built from.
        source_version: The version of that source package.
        architecture: For a system package, what it was built for.
        layer: In an image, the diff id of the layer that last brought it: 64 hexadecimal digits.
    """

    ecosystem: Ecosystem
    name: str
    version: str
    path: str
    licence: str = ""
    distribution: str = ""
    source: str = ""
    source_version: str = ""
    architecture: str = ""
    layer: str = ""

    @property
    def group_and_name(self) -> tuple[str, str]:
        """Split the name into its group (empty where there is none) and the rest."""
        if self.ecosystem.is_of_the_system:
            return self.distribution.partition("-")[0], self.name
        separator = ":" if self.ecosystem is Ecosystem.MAVEN else "/"
        group, _, name = self.name.rpartition(separator)
        return group, name

    @property
    def purl(self) -> str:
        """Give the package URL, as the package-url specification builds it for each type."""
        group, name = self.group_and_name
        namespace = "".join(f"{quote(part, safe='')}/" for part in group.split("/") if part)
        qualifiers = {"arch": self.architecture, "distro": self.distribution}
        named = "&".join(f"{key}={quote(value, safe='')}" for key, value in qualifiers.items() if value)
        base = f"pkg:{self.ecosystem}/{namespace}{quote(name, safe='')}@{quote(self.version, safe='')}"
        return f"{base}?{named}" if named else base
