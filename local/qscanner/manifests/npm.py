"""npm: package-lock.json of every version, and package.json where nothing locks it."""

import json
from collections.abc import Iterator
from typing import Any

from local.qscanner.packages import Ecosystem, Package
from local.qscanner.versions.semver import SemanticVersion

LOCK_NAMES = frozenset({"package-lock.json", "npm-shrinkwrap.json"})
MANIFEST_NAME = "package.json"
_NODE_MODULES = "node_modules/"
# What is installed: peers and workspaces are named by others.
_DEPENDENCY_KEYS = ("dependencies", "devDependencies", "optionalDependencies")


def read_lock(content: bytes, path: str) -> list[Package]:
    """Read a lock file, of npm's lockfileVersion 1, 2 or 3.

    Args:
        content: The file.
        path: Where it stands, relative to the scanned folder.

    Returns:
        One package for each name and version that npm would install; links, local folders and git sources are left out.

    Raises:
        ValueError: The file is not a lock file.
    """
    document = _object(content)
    installed = document.get("packages")
    if isinstance(installed, dict):
        found = _from_packages(installed, path)
    else:
        found = _from_dependencies(document.get("dependencies"), path)
    return sorted(set(found))


def read_manifest(content: bytes, path: str) -> list[Package]:
    """Read a package.json that no lock file covers.

    Args:
        content: The file.
        path: Where it stands, relative to the scanned folder.

    Returns:
        Inside ``node_modules``, the package that the file describes; elsewhere its dependencies pinned to one version.

    Raises:
        ValueError: The file is not a package.json.
    """
    document = _object(content)
    if f"/{_NODE_MODULES}" in f"/{path}":
        return [package] if (package := _package(document.get("name"), document, path)) else []
    found: set[Package] = set()
    for key in _DEPENDENCY_KEYS:
        dependencies = document.get(key)
        if not isinstance(dependencies, dict):
            continue
        for name, wanted in dependencies.items():
            real_name, version = _without_alias(name, wanted)
            if package := _package(real_name, {"version": version}, path):
                found.add(package)
    return sorted(found)


def _from_packages(installed: dict[str, Any], path: str) -> Iterator[Package]:
    """Read the flat map of lockfileVersion 2 and 3, from place to package; "" is the project itself."""
    for place, entry in installed.items():
        _, is_installed, name = place.rpartition(_NODE_MODULES)
        if not is_installed or not isinstance(entry, dict) or entry.get("link"):
            continue
        if package := _package(entry.get("name", name), entry, path):
            yield package


def _from_dependencies(dependencies: object, path: str) -> Iterator[Package]:
    """Read the nested maps of lockfileVersion 1."""
    waiting = [dependencies]
    while waiting:
        level = waiting.pop()
        if not isinstance(level, dict):
            continue
        for name, entry in level.items():
            if not isinstance(entry, dict):
                continue
            waiting.append(entry.get("dependencies"))
            real_name, version = _without_alias(name, entry.get("version"))
            if package := _package(real_name, {"version": version}, path):
                yield package


def _without_alias(name: str, version: object) -> tuple[str, object]:
    """Resolve ``npm:real-name@version``, by which a package is installed under another name."""
    if not isinstance(version, str) or not version.startswith("npm:"):
        return name, version
    real_name, _, real_version = version.removeprefix("npm:").rpartition("@")
    return (real_name, real_version) if real_name else (name, None)


def _package(name: object, entry: dict[str, Any], path: str) -> Package | None:
    """Make a package of an entry, if its version is one version and not a range, an address or a folder."""
    version = entry.get("version")
    if not isinstance(name, str) or not name or not isinstance(version, str):
        return None
    exact = version.strip().removeprefix("=").removeprefix("v").strip()
    if exact.count(".") < 2:
        return None
    try:
        SemanticVersion(exact)
    except ValueError:
        return None
    return Package(Ecosystem.NPM, name, exact, path, _licence(entry.get("license")))


def _licence(value: object) -> str:
    """Read a licence, as a text or in the old form of an object."""
    text = value.get("type") if isinstance(value, dict) else value
    return text.strip() if isinstance(text, str) else ""


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except RecursionError as error:
        message = "is nested too deeply"
        raise ValueError(message) from error
    if not isinstance(document, dict):
        message = "is not a JSON object"
        raise ValueError(message)  # noqa: TRY004 - a fault of the file's content, like the ones above
    return document
