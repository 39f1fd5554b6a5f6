"""Python's version order, as PEP 440 and the packaging specifications define it."""

import re
from functools import total_ordering

# The permissive form, from the appendix "Parsing version strings with regular expressions" of the specification.
_VERSION = re.compile(
    r"""\s*v?
    (?:(?P<epoch>[0-9]+)!)?
    (?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]+)?)?
    (?P<post>(?:-(?P<post_implicit>[0-9]+))|(?:[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]+)?))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]+)?)?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_PRE_LETTERS = {"alpha": "a", "a": "a", "beta": "b", "b": "b", "preview": "rc", "pre": "rc", "c": "rc", "rc": "rc"}
_LONGEST_TEXT = 256
# Stand where a part is absent: before every number, or after every pre-release letter.
_BEFORE, _AFTER = -1, 1 << 62


@total_ordering
class PythonVersion:
    """A version ordered as ``packaging`` orders it."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Read a version in any spelling that PEP 440 normalises.

        Raises:
            ValueError: The text is not a PEP 440 version.
        """
        match = _VERSION.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
        if not match:
            message = f"{text[:80]!r} is not a PEP 440 version"
            raise ValueError(message)
        self._key = (
            int(match["epoch"] or 0),
            _release_key(match["release"]),
            *_suffix_key(match),
            _local_key(match["local"]),
        )

    def __eq__(self, other: object) -> bool:
        """Tell whether the two are the same version."""
        return isinstance(other, PythonVersion) and self._key == other._key

    def __lt__(self, other: "PythonVersion") -> bool:
        """Tell whether this one precedes the other."""
        return self._key < other._key

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._key)


def _release_key(release: str) -> tuple[int, ...]:
    numbers = [int(number) for number in release.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _suffix_key(match: re.Match[str]) -> tuple[tuple[int, str, int], int, int]:
    """Give the keys of the pre-, post- and development-release parts."""
    has_post, has_dev = match["post"] is not None, match["dev"] is not None
    post = int(match["post_implicit"] or match["post_number"] or 0) if has_post else _BEFORE
    dev = int(match["dev_number"] or 0) if has_dev else _AFTER
    if match["pre"]:
        return (0, _PRE_LETTERS[match["pre"].lower()], int(match["pre_number"] or 0)), post, dev
    # A development release of a final version comes before that version's pre-releases.
    only_dev = has_dev and not has_post
    return (_BEFORE if only_dev else 1, "", 0), post, dev


def _local_key(local: str | None) -> tuple[tuple[int, int, str], ...]:
    """Order local parts: none first, text before numbers, a longer one after its own prefix."""
    if local is None:
        return ()
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part.lower()) for part in re.split(r"[-_.]", local))
