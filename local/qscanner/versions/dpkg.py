"""Debian's version order, as deb-version(7) and Debian Policy, section 5.6.12, define it."""

import re
from functools import total_ordering

_LONGEST_TEXT = 256
_VERSION = re.compile(
    r"(?:(?P<epoch>[0-9]{1,9}):)?(?P<upstream>[0-9A-Za-z][0-9A-Za-z.+~:-]*?)(?:-(?P<revision>[0-9A-Za-z.+~]+))?"
)
_RUNS = re.compile(r"([^0-9]*)([0-9]*)")
# The order of what is no digit: a tilde before the end, the end before letters, letters before everything else.
_TILDE, _END, _AFTER_LETTERS = -1, 0, 256


@total_ordering
class DebianVersion:
    """A version ordered as dpkg orders it: epoch, upstream version, Debian revision."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Read a version.

        Raises:
            ValueError: The text is not a Debian version.
        """
        match = _VERSION.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
        # A colon may stand in an upstream version only after an epoch, a dash only before a revision.
        if (
            not match
            or (":" in match["upstream"] and not match["epoch"])
            or ("-" in match["upstream"] and not match["revision"])
        ):
            message = f"{text[:80]!r} is not a Debian version"
            raise ValueError(message)
        self._key = (int(match["epoch"] or 0), _runs(match["upstream"]), _runs(match["revision"] or "0"))

    def __eq__(self, other: object) -> bool:
        """Tell whether the two compare as equal, as 1.0 and 1.0-0 do."""
        return isinstance(other, DebianVersion) and self._key == other._key

    def __lt__(self, other: "DebianVersion") -> bool:
        """Tell whether this one precedes the other."""
        return self._key < other._key

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._key)


type _Text = tuple[int, ...]


def _runs(text: str) -> tuple[tuple[_Text, int], ...]:
    """Give what is compared: texts and numbers by turns, and the end, which is an empty text.

    A version that goes on where another ends begins with text there, so the end is compared with that text.
    """
    pairs = [(_weights(letters), int(digits or 0)) for letters, digits in _RUNS.findall(text) if letters or digits]
    return (*pairs, ((_END,), _END))


def _weights(letters: str) -> _Text:
    return (*map(_weight, letters), _END)


def _weight(character: str) -> int:
    if character == "~":
        return _TILDE
    return ord(character) if character.isalpha() else ord(character) + _AFTER_LETTERS
