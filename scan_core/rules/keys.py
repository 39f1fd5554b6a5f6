"""The keys of a rules file: what each may hold, as a reader and as JSON Schema."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from scan_core.model.finding import Severity
from scan_core.model.rules import Drafts, OnAudit, OnError
from scan_core.model.target import Mode, ScanType
from scan_core.rules.problems import quoted
from scan_core.rules.yaml_entries import Plain

NO_LIMIT = -1
NEVER = 0
LARGEST_LIMIT = 1_000_000
_LONGEST_PATTERN = 200
_LONGEST_TAG = 100
_MOST_PATTERNS = 100
_MOST_TAGS = 50

# Neither control characters nor what turns or hides writing, spelled so that Python and JSON Schema read it alike.
_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff"


class Unfit(Exception):
    """A value that its key may not hold."""

    def __init__(self, says: str, item: int | None = None) -> None:
        """Take what is wrong, completing "`key` …", and the number of the list's item that is, from 0."""
        super().__init__(says)
        self.says = says
        self.item = item


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
            raise Unfit(f"has to be true or false, and is {_shown(value)}")
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
            raise Unfit(f"has to be {_either(self.words)}, and is {_shown(value)}")
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
            raise Unfit(f"has to be a list of {_either(self.words)}, and is {_shown(value)}")
        return tuple(dict.fromkeys(self._item(item, number) for number, item in enumerate(value)))

    def _item(self, item: Plain, number: int) -> StrEnum:
        if not isinstance(item, str) or item not in list(self.words):
            raise Unfit(f"may hold {_either(self.words)}, and holds {_shown(item)}", number)
        return self.words(item)

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        return {"type": "array", "minItems": 1, "items": {"enum": [word.value for word in self.words]}}


class Limit(NamedTuple):
    """How many are allowed; -1 for any number, as in Qualys' own pipeline tasks."""

    def read(self, value: Plain) -> int | None:
        """Read it; None for no limit."""
        number = _whole(value)
        if number is None or not NO_LIMIT <= number <= LARGEST_LIMIT:
            raise Unfit(f"has to be a whole number from 0 up, or -1 for no limit, and is {_shown(value)}")
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
        number = _whole(value)
        if number is None or not NEVER <= number <= max(Severity):
            names = ", ".join(_SEVERITIES)
            raise Unfit(f"has to be a severity from 1 to 5, 0 for never, or one of {names}, and is {_shown(value)}")
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
            raise Unfit(f"has to be a list of texts, and is {_shown(value)}")
        if len(value) > self.most:
            raise Unfit(f"may hold {self.most} entries, and holds {len(value)}")
        return tuple(dict.fromkeys(self._item(item, number) for number, item in enumerate(value)))

    def _item(self, item: Plain, number: int) -> str:
        if not isinstance(item, str):
            raise Unfit(f"has to hold texts (in quotes where they look like numbers), and holds {_shown(item)}", number)
        if re.fullmatch(self.pattern, item):
            return item
        flaw = next((says for found, says in self.flaws.items() if re.search(found, item)), None)
        says = flaw or f"may not be empty or longer than {self.longest} characters"
        raise Unfit(f"holds {quoted(item)}, which {says}", number)

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        return {"type": "array", "maxItems": self.most, "items": {"type": "string", "pattern": f"^{self.pattern}$"}}


_SEVERITIES = {severity.name.lower(): severity for severity in sorted(Severity, reverse=True)}

_LISTED_FLAWS = {
    ",": "holds a comma: QScanner would read two entries",
    r"^-": "begins with a dash: QScanner would read a flag",
    f"[{_UNSEEN}]": "holds a character that cannot be seen",
    r"^\s|\s$": "begins or ends with a space",
}
_PATTERNS = Names(
    pattern=(r"(?![-/\s])(?![A-Za-z]:)(?!(?:.*/)?\.\.(?:/|$))(?!.*\s$)" + rf"[^,\\{_UNSEEN}]{{1,{_LONGEST_PATTERN}}}"),
    flaws={
        r"^/|^[A-Za-z]:": "is not relative to the repository",
        r"\\": "holds a backslash; separate folders with /",
        r"(?:^|/)\.\.(?:/|$)": "leads out of the repository with ..",
        **_LISTED_FLAWS,
    },
    longest=_LONGEST_PATTERN,
    most=_MOST_PATTERNS,
)
_TAGS = Names(
    pattern=rf"(?![-\s])(?!.*\s$)[^,{_UNSEEN}]{{1,{_LONGEST_TAG}}}",
    flaws=_LISTED_FLAWS,
    longest=_LONGEST_TAG,
    most=_MOST_TAGS,
)


class Key(NamedTuple):
    """One key of a rules file.

    Attributes:
        kind: What it may hold.
        description: What it is for, as an editor shows it.
    """

    kind: Kind
    description: str


FAIL_ON_SEVERITY = "fail_on_severity"
COUNT_LIMITS = ("max_critical", "max_high", "max_medium", "max_low")

KEYS: dict[str, Key] = {
    "enabled": Key(Flag(), "Whether pull requests into this branch are gated at all."),
    "scan_types": Key(Choices(ScanType), "What to look for; pkg is os and sca together."),
    "exclude_dirs": Key(_PATTERNS, "Folders that are not scanned, relative to the repository."),
    "exclude_files": Key(_PATTERNS, "Files that are not scanned, relative to the repository."),
    "mode": Key(
        Choice(Mode),
        "Who decides: get-report applies the limits of this file, evaluate-policy the policies of the Qualys account "
        "(then of the limits only max_secrets applies).",
    ),
    "policy_tags": Key(
        _TAGS, "Tags of the Qualys policies to evaluate; where none matches, the account's default does."
    ),
    FAIL_ON_SEVERITY: Key(
        Threshold(), "Fail on any finding of this severity or a worse one; 0 never fails. Not together with max_*."
    ),
    **{
        key: Key(Limit(), f"How many {key.removeprefix('max_')} findings are allowed; -1 is any number.")
        for key in COUNT_LIMITS
    },
    "max_secrets": Key(Limit(), "How many secrets in the source are allowed; -1 is any number."),
    "on_audit": Key(Choice(OnAudit), "What a gate does when no Qualys policy matched, so that nothing was evaluated."),
    "on_error": Key(Choice(OnError), "What a gate does without a result: block, or allow visibly."),
    "drafts": Key(Choice(Drafts), "Whether a draft pull request is scanned at once or waits for its publication."),
}


def _whole(value: Plain) -> int | None:
    """Take a whole number; 1.0 is one, as in JSON Schema."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 and abs(value) <= LARGEST_LIMIT else None


def _either(words: type[StrEnum]) -> str:
    *others, last = (word.value for word in words)
    return f"{', '.join(others)} or {last}"


def _shown(value: Plain) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return quoted(str(value).lower())
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a group of keys"
    return f"the number {quoted(value)}" if isinstance(value, int | float) else quoted(value)
