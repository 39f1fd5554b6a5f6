"""Alpine's version order, as apk-tools define it (apk-package(5), section "Package version")."""

import re
from functools import total_ordering

_LONGEST_TEXT = 256
_VERSION = re.compile(
    r"(?P<first>[0-9]+)(?P<numbers>(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?P<commit>~[0-9a-f]+)?(?:-r(?P<revision>[0-9]+))?"
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")
_BEFORE_RELEASE = ("alpha", "beta", "pre", "rc")
_AFTER_RELEASE = ("cvs", "svn", "git", "hg", "p")
# What may stand at one place, from what makes a version older to what makes it newer.
_PRE_SUFFIX, _END, _REVISION, _COMMIT, _SUFFIX_NUMBER, _POST_SUFFIX, _LETTER, _NUMBER = range(8)


@total_ordering
class AlpineVersion:
    """A version ordered as apk orders it."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Read a version.

        Raises:
            ValueError: The text is not a version of an Alpine package.
        """
        match = _VERSION.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
        if not match:
            message = f"{text[:80]!r} is not a version of an Alpine package"
            raise ValueError(message)
        self._key = _key(match)

    def __eq__(self, other: object) -> bool:
        """Tell whether the two compare as equal."""
        return isinstance(other, AlpineVersion) and self._key == other._key

    def __lt__(self, other: "AlpineVersion") -> bool:
        """Tell whether this one precedes the other."""
        return self._key < other._key

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._key)


type _Part = tuple[int, int, str]


def _key(match: re.Match[str]) -> tuple[_Part, ...]:
    parts: list[_Part] = [(_NUMBER, int(match["first"]), "")]
    parts += [_number(digits) for digits in match["numbers"].split(".")[1:]]
    if match["letter"]:
        parts.append((_LETTER, 0, match["letter"]))
    for name, digits in _SUFFIX.findall(match["suffixes"]):
        parts.append(_suffix(name))
        if digits:
            parts.append((_SUFFIX_NUMBER, int(digits), ""))
    if match["commit"]:
        parts.append((_COMMIT, 0, match["commit"]))
    if match["revision"]:
        parts.append((_REVISION, int(match["revision"]), ""))
    return (*parts, (_END, 0, ""))


def _number(digits: str) -> _Part:
    """A number with a leading zero is a decimal fraction: it is compared as text, and comes before all others."""
    return (_NUMBER, 0, digits) if digits.startswith("0") else (_NUMBER, int(digits), "")


def _suffix(name: str) -> _Part:
    if name in _BEFORE_RELEASE:
        return (_PRE_SUFFIX, _BEFORE_RELEASE.index(name), "")
    return (_POST_SUFFIX, _AFTER_RELEASE.index(name), "")
