"""Maven: the dependencies of a pom.xml, as far as files in the tree settle their versions."""

import posixpath
import re
from collections.abc import Callable
from typing import NamedTuple

from local.qscanner.manifests.xml_elements import Element, read_xml
from local.qscanner.packages import Ecosystem, Package

FILE_NAME = "pom.xml"
_DEFAULT_PARENT = "../pom.xml"
_MAX_PARENTS = 16
_PROPERTY = re.compile(r"\$\{([^${}]{1,200})\}")
# A property may name another; more steps than this are a circle.
_MAX_SUBSTITUTIONS = 32
_LONGEST_VALUE = 512


class _Dependency(NamedTuple):
    group: str
    artifact: str
    version: str


class _Model(NamedTuple):
    """What a pom and its parents in the tree say together."""

    properties: dict[str, str]
    managed: dict[tuple[str, str], str]
    dependencies: list[_Dependency]


def read_pom(path: str, read: Callable[[str], bytes]) -> tuple[list[Package], list[str]]:
    """Read a pom.xml, with its parents as far as they stand in the tree.

    Args:
        path: The file, relative to the scanned folder.
        read: Gives a file's content by such a path; raises OSError or ValueError where it may or can not.

    Returns:
        The dependencies whose version is known, named ``group:artifact``; and a warning for each of the others.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is not a pom, or declares a document type.
    """
    model = _effective_model(path, read)
    found: set[Package] = set()
    warnings: list[str] = []
    for dependency in model.dependencies:
        group, artifact = (_resolve(text, model.properties) for text in (dependency.group, dependency.artifact))
        managed = model.managed.get((dependency.group, dependency.artifact)) or model.managed.get((group, artifact), "")
        version = _exact(_resolve(dependency.version or managed, model.properties))
        if group and artifact and version:
            found.add(Package(Ecosystem.MAVEN, f"{group}:{artifact}", version, path))
        else:
            warnings.append(f"{path}: the version of {group}:{artifact} is not settled by files in the tree")
    return sorted(found), warnings


def _effective_model(path: str, read: Callable[[str], bytes]) -> _Model:
    project = _read_project(path, read)
    model = _own_model(project)
    seen = {path}
    while (path := _parent_path(path, project)) and path not in seen and len(seen) < _MAX_PARENTS:
        seen.add(path)
        try:
            project = _read_project(path, read)
        except (OSError, ValueError):
            break
        inherited = _own_model(project)
        # What stands nearer wins; a child inherits its parent's dependencies, too.
        model = _Model(
            {**inherited.properties, **model.properties},
            {**inherited.managed, **model.managed},
            model.dependencies + inherited.dependencies,
        )
    return model


def _read_project(path: str, read: Callable[[str], bytes]) -> Element:
    project = read_xml(read(path))
    if project.name != "project":
        message = f"is not a pom: its root is <{project.name[:40]}>"
        raise ValueError(message)
    return project


def _own_model(project: Element) -> _Model:
    managed = {
        (dependency.group, dependency.artifact): dependency.version
        for dependency in _dependencies(project.first("dependencyManagement"))
    }
    profiles = project.first("profiles").all("profile")
    dependencies = [each for place in (project, *profiles) for each in _dependencies(place)]
    return _Model(_properties(project), managed, dependencies)


def _dependencies(place: Element) -> list[_Dependency]:
    return [
        _Dependency(entry.text("groupId"), entry.text("artifactId"), entry.text("version"))
        for entry in place.first("dependencies").all("dependency")
    ]


def _properties(project: Element) -> dict[str, str]:
    """Give the pom's own properties, and the ones that Maven derives from its coordinates."""
    parent = project.first("parent")
    properties = {child.name: child.content.strip() for child in project.first("properties").children}
    for key in ("groupId", "artifactId", "version"):
        inherited = parent.text(key)
        own = project.text(key) or inherited
        for prefix in ("project.", "pom."):
            properties.setdefault(prefix + key, own)
        properties.setdefault(f"project.parent.{key}", inherited)
    return {key: value for key, value in properties.items() if value}


def _parent_path(path: str, project: Element) -> str:
    """Give where the pom says its parent stands, or nothing if it names none."""
    parent = project.first("parent")
    if not parent.children:
        return ""
    relative = parent.text("relativePath") if parent.first("relativePath").name else _DEFAULT_PARENT
    if not relative:
        return ""
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
    return wanted if wanted.endswith(".xml") else posixpath.normpath(posixpath.join(wanted, FILE_NAME))


def _resolve(text: str, properties: dict[str, str]) -> str:
    """Put properties in the place of their names; what stays unknown makes the whole empty."""
    for _ in range(_MAX_SUBSTITUTIONS):
        name = _PROPERTY.search(text)
        if not name:
            return "" if "${" in text else text
        text = text[: name.start()] + properties.get(name[1], "${}") + text[name.end() :]
        if len(text) > _LONGEST_VALUE:
            return ""
    return ""


def _exact(version: str) -> str:
    """Give the one version that is meant; ``[1.2]`` means 1.2, any other range nothing that is known here."""
    if version.startswith("[") and version.endswith("]") and "," not in version:
        return version[1:-1].strip()
    return "" if version[:1] in {"[", "("} else version
