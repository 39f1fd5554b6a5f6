"""Maven's version order, as its "Version Order Specification" and its ``ComparableVersion`` (3.9) define it."""

import re
from functools import total_ordering
from itertools import zip_longest

_LONGEST_TEXT = 256
_DIGITS = frozenset("0123456789")
_SEPARATORS = frozenset(".-")
_PART = re.compile(r"[0-9]+|[^0-9.\-]+|[.\-]")
# Known qualifiers from oldest to newest; the empty one is the release itself. Unknown ones come after all of them.
_QUALIFIERS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RELEASE = str(_QUALIFIERS.index(""))
_OTHER_NAMES = {"cr": "rc", "ga": "", "final": "", "release": ""}
_LETTERS_BEFORE_DIGITS = {"a": "alpha", "b": "beta", "m": "milestone"}

type _Item = int | str | list[_Item]


@total_ordering
class MavenVersion:
    """A version ordered as Maven resolves it."""

    __slots__ = ("_items",)

    def __init__(self, text: str) -> None:
        """Read a version; Maven gives every text a place in its order.

        Raises:
            ValueError: The text is empty, or far longer than any version.
        """
        if not text.strip() or len(text) > _LONGEST_TEXT:
            message = f"{text[:80]!r} is not a Maven version"
            raise ValueError(message)
        self._items = _parse(text.strip().lower())

    def __eq__(self, other: object) -> bool:
        """Tell whether the two compare as equal, as 1.0 and 1.0.0 do."""
        return isinstance(other, MavenVersion) and _compare(self._items, other._items) == 0

    def __lt__(self, other: "MavenVersion") -> bool:
        """Tell whether this one precedes the other."""
        return _compare(self._items, other._items) < 0

    def __hash__(self) -> int:
        """Agree with equality: equal versions may keep different items, so all share one hash."""
        return hash(MavenVersion)


def _parse(text: str) -> list[_Item]:
    """Split a lower-case version into nested lists: a new one after ``-`` and between letters and digits."""
    lists: list[list[_Item]] = [[]]
    parts = _PART.findall(text)
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        is_run, run_follows = part not in _SEPARATORS, bool(after) and after not in _SEPARATORS
        if is_run:
            if part[0] not in _DIGITS and after not in _SEPARATORS and lists[-1]:
                _open_list(lists)
            lists[-1].append(_item(part, before_digits=run_follows))
        elif not before or before in _SEPARATORS:
            lists[-1].append(0)
        if part == "-" or (is_run and run_follows):
            _open_list(lists)
    for items in reversed(lists):
        _normalise(items)
    return lists[0]


def _open_list(lists: list[list[_Item]]) -> None:
    lists.append([])
    lists[-2].append(lists[-1])


def _item(part: str, *, before_digits: bool) -> _Item:
    if part[0] in _DIGITS:
        return int(part)
    name = _LETTERS_BEFORE_DIGITS.get(part, part) if before_digits else part
    return _OTHER_NAMES.get(name, name)


def _normalise(items: list[_Item]) -> None:
    """Take out zeros, release names and empty lists from the end, up to the first other number or qualifier."""
    for index in range(len(items) - 1, -1, -1):
        if items[index] in (0, "", []):
            del items[index]
        elif not isinstance(items[index], list):
            return


def _compare(left: _Item, right: _Item) -> int:
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip_longest(left, right)
        return next((order for one, other in pairs if (order := _compare_or_absent(one, other))), 0)
    if isinstance(left, int) and isinstance(right, int):
        return (left > right) - (left < right)
    if isinstance(left, str) and isinstance(right, str):
        return _compare_text(_rank(left), _rank(right))
    return _kind(left) - _kind(right)


def _compare_or_absent(left: _Item | None, right: _Item | None) -> int:
    if left is None:
        return 0 if right is None else -_compare_with_nothing(right)
    return _compare_with_nothing(left) if right is None else _compare(left, right)


def _compare_with_nothing(item: _Item) -> int:
    if isinstance(item, int):
        return int(item != 0)
    if isinstance(item, str):
        return _compare_text(_rank(item), _RELEASE)
    return next((order for each in item if (order := _compare_with_nothing(each))), 0)


def _compare_text(left: str, right: str) -> int:
    return (left > right) - (left < right)


def _rank(qualifier: str) -> str:
    """Give a text that sorts qualifiers: known ones by age, unknown ones after them by name."""
    return str(_QUALIFIERS.index(qualifier)) if qualifier in _QUALIFIERS else f"{len(_QUALIFIERS)}-{qualifier}"


def _kind(item: _Item) -> int:
    """Order kinds at one place: a qualifier, then a list, then a number."""
    if isinstance(item, str):
        return 0
    return 1 if isinstance(item, list) else 2
