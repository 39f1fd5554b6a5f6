"""Semantic Versioning 2.0.0 precedence, as npm and Go modules use it."""

import re
from functools import total_ordering

_SEMVER = re.compile(
    r"""[v=\s]*
    (?P<core>(?a:\d+)(?:\.(?a:\d+)){0,2})
    (?:-(?P<prerelease>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?
    (?:\+[0-9A-Za-z.-]+)?\s*""",
    re.VERBOSE,
)
# Longer numbers are no version; Python refuses to convert them, too.
_LONGEST_TEXT = 256


@total_ordering
class SemanticVersion:
    """A version ordered by clause 11 of the specification; build metadata does not count.

    Go's pseudo-versions need nothing more: they are pre-releases whose time stamp sorts as text.
    """

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Read a version; a leading ``v`` or ``=`` and missing minor and patch numbers are allowed.

        Raises:
            ValueError: The text is not a semantic version.
        """
        match = _SEMVER.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
        if not match:
            message = f"{text[:80]!r} is not a semantic version"
            raise ValueError(message)
        numbers = [int(number) for number in match["core"].split(".")]
        core = tuple(numbers + [0] * (3 - len(numbers)))
        self._key = (core, _prerelease_key(match["prerelease"]))

    def __eq__(self, other: object) -> bool:
        """Tell whether the two have the same precedence."""
        return isinstance(other, SemanticVersion) and self._key == other._key

    def __lt__(self, other: "SemanticVersion") -> bool:
        """Tell whether this one precedes the other."""
        return self._key < other._key

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._key)


type _Identifier = tuple[int, int, str]


def _prerelease_key(prerelease: str | None) -> tuple[int, tuple[_Identifier, ...]]:
    if prerelease is None:
        return (1, ())
    return (0, tuple(_identifier_key(identifier) for identifier in prerelease.split(".")))


def _identifier_key(identifier: str) -> _Identifier:
    if identifier.isdecimal():
        return (0, int(identifier), "")
    return (1, 0, identifier)
