"""Kinds of values that a key of a rules file may hold, each as a reader and as JSON Schema."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from scan_core.model.finding import Severity
from scan_core.rules.problems import quoted
from scan_core.rules.yaml_entries import Plain

NO_LIMIT = -1
NEVER = 0
LARGEST_LIMIT = 1_000_000
_LARGEST_NUMBER = 2**31 - 1

# Neither control characters nor what turns or hides writing, spelled so that Python and JSON Schema read it alike.
UNSEEN = r"\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff"
"""Characters that no text of a rules file may hold, to stand in the brackets of a pattern."""


class Unfit(Exception):
    """A value that its key may not hold."""

    def __init__(self, says: str, *at: int | str, further: tuple["Unfit", ...] = ()) -> None:
        """Take what is wrong, completing "`key` …".

        Args:
            says: What is wrong.
            at: Where within the value: numbers of items, from 0, and names of keys. Nothing for the value itself.
            further: What else is wrong with the value.
        """
        super().__init__(says)
        self.says = says
        self.at = at
        self.further = further


class Kind(Protocol):
    """What a key may hold."""

    def read(self, value: Plain) -> object:
        """Give the value as the model holds it, or raise `Unfit`."""
        ...

    def schema(self) -> dict[str, JsonValue]:
        """Give the JSON Schema of the values that can be read."""
        ...


class Flag(NamedTuple):
    """True or false."""

    def read(self, value: Plain) -> bool:
        """Read it."""
        if not isinstance(value, bool):
            raise Unfit(f"has to be true or false, and is {shown(value)}")
        return value

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        return {"type": "boolean"}


class Choice(NamedTuple):
    """One of a few words."""

    words: type[StrEnum]

    def read(self, value: Plain) -> StrEnum:
        """Read it."""
        if not isinstance(value, str) or value not in list(self.words):
            raise Unfit(f"has to be {_either(self.words)}, and is {shown(value)}")
        return self.words(value)

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        return {"enum": [word.value for word in self.words]}


class Choices(NamedTuple):
    """A list of some of a few words."""

    words: type[StrEnum]

    def read(self, value: Plain) -> tuple[StrEnum, ...]:
        """Read it; a word given twice counts once."""
        if not isinstance(value, list) or not value:
            raise Unfit(f"has to be a list of {_either(self.words)}, and is {shown(value)}")
        return tuple(dict.fromkeys(self._item(item, number) for number, item in enumerate(value)))

    def _item(self, item: Plain, number: int) -> StrEnum:
        if not isinstance(item, str) or item not in list(self.words):
            raise Unfit(f"may hold {_either(self.words)}, and holds {shown(item)}", number)
        return self.words(item)

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        return {"type": "array", "minItems": 1, "items": {"enum": [word.value for word in self.words]}}


class Limit(NamedTuple):
    """How many are allowed; -1 for any number, as in Qualys' own pipeline tasks."""

    def read(self, value: Plain) -> int | None:
        """Read it; None for no limit."""
        number = whole(value)
        if number is None or not NO_LIMIT <= number <= LARGEST_LIMIT:
            raise Unfit(f"has to be a whole number from 0 up, or -1 for no limit, and is {shown(value)}")
        return None if number == NO_LIMIT else number

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        return {"type": "integer", "minimum": NO_LIMIT, "maximum": LARGEST_LIMIT}


class Threshold(NamedTuple):
    """A severity from 1 to 5 or its name; 0 for never, as in Qualys' own pipeline tasks."""

    def read(self, value: Plain) -> Severity | None:
        """Read it; None for never."""
        if isinstance(value, str) and value in _SEVERITIES:
            return _SEVERITIES[value]
        number = whole(value)
        if number is None or not NEVER <= number <= max(Severity):
            names = ", ".join(_SEVERITIES)
            raise Unfit(f"has to be a severity from 1 to 5, 0 for never, or one of {names}, and is {shown(value)}")
        return None if number == NEVER else Severity(number)

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        numbers: dict[str, JsonValue] = {"type": "integer", "minimum": NEVER, "maximum": int(max(Severity))}
        return {"anyOf": [numbers, {"enum": list(_SEVERITIES)}]}


class Names(NamedTuple):
    """A list of texts that QScanner takes separated by commas.

    Attributes:
        pattern: What each has to match as a whole.
        flaws: What can be wrong with one, in words, by the pattern that finds it; the first that fits is told.
        longest: Characters in one.
        most: How many there may be.
    """

    pattern: str
    flaws: Mapping[str, str]
    longest: int
    most: int

    def read(self, value: Plain) -> tuple[str, ...]:
        """Read it; a text given twice counts once."""
        if not isinstance(value, list):
            raise Unfit(f"has to be a list of texts, and is {shown(value)}")
        if len(value) > self.most:
            raise Unfit(f"may hold {self.most} entries, and holds {len(value)}")
        return tuple(dict.fromkeys(self._item(item, number) for number, item in enumerate(value)))

    def _item(self, item: Plain, number: int) -> str:
        if not isinstance(item, str):
            raise Unfit(f"has to hold texts (in quotes where they look like numbers), and holds {shown(item)}", number)
        if re.fullmatch(self.pattern, item):
            return item
        flaw = next((says for found, says in self.flaws.items() if re.search(found, item)), None)
        says = flaw or f"may not be empty or longer than {self.longest} characters"
        raise Unfit(f"holds {quoted(item)}, which {says}", number)

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        return {"type": "array", "maxItems": self.most, "items": {"type": "string", "pattern": f"^{self.pattern}$"}}


_SEVERITIES = {severity.name.lower(): severity for severity in sorted(Severity, reverse=True)}


def whole(value: Plain) -> int | None:
    """Take a whole number; 1.0 is one, as in JSON Schema.

    Args:
        value: Any value.

    Returns:
        The number; None where it is none, or too large to be meant.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 and abs(value) <= _LARGEST_NUMBER else None


def _either(words: type[StrEnum]) -> str:
    *others, last = (word.value for word in words)
    return f"{', '.join(others)} or {last}"


def shown(value: Plain) -> str:
    """Say what a value is.

    Args:
        value: Any value.

    Returns:
        Such as "a list" or a quotation.
    """
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return quoted(str(value).lower())
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a group of keys"
    return f"the number {quoted(value)}" if isinstance(value, int | float) else quoted(value)
