"""Python: pinned requirements, as pip reads its requirements files."""

import posixpath
import re
from collections.abc import Callable

from local.qscanner.packages import Ecosystem, Package
from local.qscanner.versions.pep440 import PythonVersion

FILE_NAME = "requirements.txt"
MAX_INCLUDED_FILES = 100
# Longer lines are no requirement, and would cost the patterns below quadratic time.
_LONGEST_LINE = 4096

# A comment begins at the line's start or after white space (pip: "Requirements File Format").
_COMMENT = re.compile(r"(^|\s)#.*$")
_CONTINUATION = re.compile(r"\\\r?\n")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement(?:\s+|=))(?P<file>.+)")
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*\(?(?P<specifiers>[^;@)]*)\)?\s*(?:;.*)?"
)
_PIN = re.compile(r"===?\s*(?P<version>[^\s,*]+)")
_OPTION = re.compile(r"\s--?[A-Za-z].*$")


def read_requirements(path: str, read: Callable[[str], bytes]) -> tuple[list[Package], list[str]]:
    """Read a requirements file and the ones that it includes.

    Args:
        path: The file, relative to the scanned folder.
        read: Gives a file's content by such a path; raises OSError or ValueError where it may or can not.

    Returns:
        The pinned packages, each with the file that names it; and a warning for each include that could not be read.

    Raises:
        OSError: The first file cannot be read.
        ValueError: The first file is not text, or too large.
    """
    found: set[Package] = set()
    warnings: list[str] = []
    seen = {path}
    waiting = [path]
    while waiting:
        current = waiting.pop()
        try:
            text = read(current).decode("utf-8-sig")
        except (OSError, ValueError) as error:
            if current == path:
                raise
            warnings.append(f"{current}, included by {path}, cannot be read: {error}")
            continue
        pins, includes = _read_lines(text)
        found.update(Package(Ecosystem.PYPI, name, version, current) for name, version in pins)
        for include in includes:
            wanted = posixpath.normpath(posixpath.join(posixpath.dirname(current), include))
            if wanted not in seen and len(seen) < MAX_INCLUDED_FILES:
                seen.add(wanted)
                waiting.append(wanted)
    return sorted(found), warnings


def _read_lines(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Give the pins (name, version) and the included files of one file's text."""
    pins: list[tuple[str, str]] = []
    includes: list[str] = []
    for raw in _CONTINUATION.sub("", text).splitlines():
        line = _COMMENT.sub("", raw).strip() if len(raw) <= _LONGEST_LINE else ""
        if include := _INCLUDE.fullmatch(line):
            includes.append(include["file"].strip().strip("\"'"))
        elif pin := _pin(line):
            pins.append(pin)
    return pins, includes


def _pin(line: str) -> tuple[str, str] | None:
    """Give name and version of a requirement that allows exactly one version."""
    requirement = _REQUIREMENT.fullmatch(_OPTION.sub("", line).strip())
    if not requirement:
        return None
    pins = [pin["version"] for part in requirement["specifiers"].split(",") if (pin := _PIN.fullmatch(part.strip()))]
    if len(pins) != 1:
        return None
    try:
        PythonVersion(pins[0])
    except ValueError:
        return None
    return re.sub(r"[-_.]+", "-", requirement["name"]).lower(), pins[0]
