"""Taking fields out of objects that may spell them either way, leave them out, or write numbers as text."""

import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from scan_core.qscanner.json_stream import Json

_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,12})(?:\.0{1,12})?\s*")
_LARGEST = 10**12
_LONGEST_KEPT_KEY = 64
_NOT_SAID = frozenset({"", "-", "none", "null", "nil", "n/a", "na", "unknown", "<nil>"})
_PUNCTUATION = str.maketrans("", "", "-_ .")


def plain(key: str) -> str:
    """Bring a key into the one spelling that fields are compared in.

    Args:
        key: A key such as ``cve-ids``, ``cveIds`` or ``CVE_IDs``.

    Returns:
        The key in lower case without dashes, underscores, dots and spaces.
    """
    return _spelled(key) if len(key) <= _LONGEST_KEPT_KEY else _spelled.__wrapped__(key)


@lru_cache(maxsize=4096)  # a report repeats its few keys in every result
def _spelled(key: str) -> str:
    return key.translate(_PUNCTUATION).lower()


def field(record: Json, *names: str) -> Json:
    """Look a field up in any of its spellings.

    Args:
        record: An object; anything else has no fields.
        names: The field's names in their `plain` spelling, the preferred one first.

    Returns:
        The first value that is there and not null, or None.
    """
    if not isinstance(record, dict):
        return None
    spelled = {plain(key): value for key, value in record.items() if value is not None}
    return next((spelled[name] for name in names if name in spelled), None)


def path_to(record: Json, *steps: str) -> Json:
    """Follow fields into nested objects.

    Args:
        record: Where to start.
        steps: The `plain` names of the fields, outermost first.

    Returns:
        What stands there, or None.
    """
    for step in steps:
        record = field(record, step)
    return record


def each(value: Json) -> Iterator[Json]:
    """Walk what should be a list and may be one bare item.

    Args:
        value: A list, one item, or None.

    Yields:
        The items.
    """
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def whole_number(value: Json) -> int | None:
    """Read a whole number, also one written as text.

    Args:
        value: Anything.

    Returns:
        The number, or None where there is none below a million million.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        found = _WHOLE.fullmatch(value)
        return int(found[1]) if found else None
    if isinstance(value, int | Decimal) and -_LARGEST < value < _LARGEST and value == int(value):
        return int(value)
    return None


def text(value: Json, longest: int) -> str:
    """Read text to be shown: one line, printable, not too long.

    Args:
        value: Text or a number; anything else has no text.
        longest: How many characters may stand; what is longer ends in an ellipsis.

    Returns:
        The text, or an empty one.
    """
    cleaned = _one_line(value, longest * 4)
    return cleaned if len(cleaned) <= longest else cleaned[: longest - 1] + "…"


def name(value: Json, longest: int) -> str:
    """Read text that tells one thing from another: two long ones that start alike must stay two.

    Args:
        value: Text or a number; anything else has no text.
        longest: How many characters may stand; a longer one is cut and ends in a hash of the whole.

    Returns:
        The text, or an empty one, also for words that only say that there is none.
    """
    cleaned = _one_line(value, None)
    if cleaned.lower() in _NOT_SAID:
        return ""
    if len(cleaned) <= longest:
        return cleaned
    mark = hashlib.sha256(cleaned.encode()).hexdigest()[:12]
    return f"{cleaned[: longest - len(mark) - 1]}…{mark}"


def _one_line(value: Json, most: int | None) -> str:
    """Leave out control and format characters, among them those that turn the direction of writing."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    raw = str(value)[:most]
    if not raw.isprintable():
        raw = "".join(character if character.isprintable() else " " for character in raw)
    return " ".join(raw.split())
