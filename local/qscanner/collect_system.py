"""Finds the packages of an operating system in a tree, and in an image the layer that brought each."""

import posixpath
from collections.abc import Callable, Iterable

from local.qscanner.collect import presentable
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.journal import Journal
from local.qscanner.manifests import apk, dpkg
from local.qscanner.operating_system import PATHS, OperatingSystem
from local.qscanner.packages import Package
from local.qscanner.tree import FileTree

type Reader = Callable[[bytes, str, str], list[Package]]


def is_database(path: str) -> bool:
    """Tell by its path whether a file lists packages of the system."""
    return _reader(path) is not None


def is_of_interest(path: str) -> bool:
    """Tell by its path whether a file is needed to know the system and its packages."""
    return path in PATHS or is_database(path)


def collect_system_packages(
    tree: FileTree, paths: Iterable[str], system: OperatingSystem, journal: Journal
) -> list[Package]:
    """Read every package database of a tree.

    Args:
        tree: Where the files are.
        paths: The tree's files.
        system: The operating system, whose packages they are.
        journal: Where it is said that there is no database.

    Returns:
        The packages in order. Of an image, each names the last layer that brought it at that version.

    Raises:
        ScanError: With code 12 where a database cannot be understood: a scan that left it out would look clean.
    """
    found: set[Package] = set()
    databases = [path for path in paths if is_database(path)]
    if not databases:
        journal.warn(f"{system.pretty_name or system.id} has no package database that is known")
    for path in databases:
        try:
            found.update(presentable(package) for package in _read(tree, path, system.distribution))
        except (OSError, ValueError) as error:
            raise ScanError(ExitCode.OPERATING_SYSTEM_FAILED, f"{path} cannot be read: {error}") from error
    return sorted(found)


def _read(tree: FileTree, path: str, distribution: str) -> list[Package]:
    """Read a database as each layer left it: a package is of the layer after which it was there as it is now."""
    reader = _reader(path)
    brought: dict[Package, str] = {}
    for layer, content in tree.versions(path):
        packages = reader(content, path, distribution) if reader else []
        brought = {package: brought.get(package, layer) for package in packages}
    return [package._replace(layer=layer) for package, layer in brought.items()]


def _reader(path: str) -> Reader | None:
    if path in apk.INSTALLED_PATHS:
        return apk.read_installed
    if path == dpkg.STATUS_PATH:
        return dpkg.read_status
    if posixpath.dirname(path) + "/" == dpkg.STATUS_FOLDER and not path.endswith(".md5sums"):
        return dpkg.read_status
    return None
