"""Finds packages and secrets in a tree."""

import posixpath
import re
from collections.abc import Callable, Iterable

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.journal import Journal
from local.qscanner.manifests import golang, npm, pypi, python_installed
from local.qscanner.packages import Package
from local.qscanner.secret_rules import MAX_FILE_BYTES, Secret, find_secrets
from local.qscanner.tree import FileTree

_POM = "pom.xml"
_MANIFEST_NAMES = npm.LOCK_NAMES | {npm.MANIFEST_NAME, pypi.FILE_NAME, golang.FILE_NAME, _POM}
# What requirements.txt may include: any name, but by custom a text file that speaks of requirements or constraints.
_INCLUDED = re.compile(r"(?:require|constraint)[^/]*/?[^/]*\.(?:txt|in)", re.IGNORECASE)
_NODE_MODULES = "/node_modules/"
# Where npm puts a package; deeper files of the same name belong to the package's own tests and examples.
_INSTALLED = re.compile(r"(?:@[^/]+/)?[^/]+/package\.json", re.DOTALL)
# Bytes of a file name that are no UTF-8, and halves of characters from JSON escapes, both as Python keeps them.
_NO_TEXT = re.compile("[\ud800-\udfff]")


def is_manifest(path: str) -> bool:
    """Tell by its path whether a file is needed to know a tree's software packages."""
    name = posixpath.basename(path)
    return name in _MANIFEST_NAMES or python_installed.is_metadata(path) or bool(_INCLUDED.search(path))


def collect_packages(tree: FileTree, paths: Iterable[str], journal: Journal) -> list[Package]:
    """Read every dependency file of a tree.

    Args:
        tree: Where the files are.
        paths: The tree's files.
        journal: Where includes and versions that stay unknown are named.

    Returns:
        The packages in order, each once for every file that names it.

    Raises:
        ScanError: With code 13 where a dependency file cannot be understood: a scan that left it out would look clean.
    """
    every_path = list(paths)
    locked_folders = {posixpath.dirname(path) for path in every_path if posixpath.basename(path) in npm.LOCK_NAMES}
    found: set[Package] = set()
    for path in every_path:
        if posixpath.basename(path) == npm.MANIFEST_NAME and not _speaks_for_itself(path, locked_folders):
            continue
        try:
            packages, warnings = _read(tree, path)
        except (OSError, ValueError) as error:
            raise ScanError(ExitCode.SCA_FAILED, f"{path} cannot be read: {error}") from error
        found.update(presentable(package._replace(layer=tree.layer_of(package.path))) for package in packages)
        for warning in warnings:
            journal.warn(warning)
    return sorted(found)


def _read(tree: FileTree, path: str) -> tuple[list[Package], list[str]]:
    """Give the packages that one file names, and warnings; nothing for a file of no known name."""
    name = posixpath.basename(path)
    if name in npm.LOCK_NAMES:
        return npm.read_lock(tree.read(path), path), []
    if name == npm.MANIFEST_NAME:
        return npm.read_manifest(tree.read(path), path), []
    if name == pypi.FILE_NAME:
        return pypi.read_requirements(path, tree.read)
    if name == golang.FILE_NAME:
        return golang.read_go_mod(tree.read(path), path), []
    if name == _POM:
        return _maven_reader()(path, tree.read)
    if python_installed.is_metadata(path):
        return python_installed.read_metadata(tree.read(path), path), []
    return [], []


def _maven_reader() -> Callable[[str, Callable[[str], bytes]], tuple[list[Package], list[str]]]:
    from local.qscanner.manifests.maven import read_pom  # noqa: PLC0415 - XML costs start-up time, and few trees need it

    return read_pom


def _speaks_for_itself(path: str, locked_folders: set[str]) -> bool:
    """Tell whether a package.json is that of an installed package, or one that no lock beside or above it settles."""
    _, is_installed, below = f"/{path}".rpartition(_NODE_MODULES)
    if is_installed:
        return bool(_INSTALLED.fullmatch(below))
    folder = posixpath.dirname(path)
    while folder not in locked_folders:
        if not folder:
            return True
        folder = posixpath.dirname(folder)
    return False


def collect_secrets(tree: FileTree, paths: Iterable[str], journal: Journal) -> list[Secret]:
    """Look for secrets in every file of a tree that is not too large.

    Args:
        tree: Where the files are.
        paths: The tree's files.
        journal: Where matches are named at level debug, in full as in QScanner's own debug output.

    Returns:
        The secrets by path and line.

    Raises:
        ScanError: With code 5 where a file cannot be read.
    """
    found: list[Secret] = []
    for path in paths:
        try:
            content = tree.read(path, MAX_FILE_BYTES)
        except ValueError:
            journal.debug(f"{path} is too large to be searched for secrets")
            continue
        except OSError as error:
            raise ScanError(ExitCode.FILESYSTEM_UNREADABLE, f"{path} cannot be read: {error}") from error
        for secret in find_secrets(content, _as_text(path)):
            journal.debug(f"{secret.rule.id} in {secret.path}:{secret.line}: {secret.match}")
            found.append(secret._replace(layer=tree.layer_of(path)))
    return found


def presentable(package: Package) -> Package:
    """Make a package's texts fit to be written.

    Returns:
        The package, with what is no Unicode text in its fields replaced.
    """
    ecosystem, *texts = package
    return Package(ecosystem, *map(_as_text, texts))


def _as_text(text: str) -> str:
    """Replace what is no Unicode text, as Go does when it writes JSON: file names and escapes can hold anything."""
    return text if text.isascii() else _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)
