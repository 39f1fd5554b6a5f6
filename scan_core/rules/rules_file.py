"""Reading rules: ``.scangate.yml``, or the organisation's defaults as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import JsonValue

from scan_core.model.rules import Rules, Thresholds
from scan_core.rules.keys import COUNT_LIMITS, FAIL_ON_SEVERITY, KEYS
from scan_core.rules.kinds import Unfit
from scan_core.rules.problems import Problem, RulesUnreadable, hint, printable, quoted
from scan_core.rules.yaml_entries import Entry, read_entries

__all__ = ["RulesUnreadable", "read_rules", "rules_from_mapping"]

FILE_NAME = ".scangate.yml"
DEFAULTS_SETTING = "SCANGATE_DEFAULT_RULES"
MOST_PROBLEMS = 20
"""More are not looked for: whoever sees twenty reads the documentation first."""

# The defaults of Qualys' own container task: no critical, no high, any number of the rest.
_QUALYS_COUNT_LIMITS = Thresholds(max_critical=0, max_high=0)


def read_rules(text: bytes, defaults: Rules, file: str = FILE_NAME) -> Rules:
    """Read a rules file over the organisation's defaults.

    A key that is not in the file keeps the organisation's value. The limits on findings come in two vocabularies,
    ``fail_on_severity`` and ``max_*``; a file that speaks one of them does not keep a limit of the other. A ``max_*``
    that it leaves out keeps the organisation's number, or where the organisation speaks ``fail_on_severity``, that of
    Qualys' own task (0 critical, 0 high, any number of medium and low).

    Args:
        text: The file.
        defaults: What holds where the file says nothing; an empty file says nothing.
        file: What to call the file in an error.

    Returns:
        The rules.

    Raises:
        RulesUnreadable: Anything in the file cannot be understood; nothing is guessed.
    """
    return _rules(read_entries(text, file), defaults, file)


def rules_from_mapping(values: Mapping[str, JsonValue], source: str = DEFAULTS_SETTING) -> Rules:
    """Read the organisation's default rules from a JSON setting, with the same keys as the file.

    Args:
        values: The setting's keys and values.
        source: What to call it in an error.

    Returns:
        The rules; what the setting leaves out is as `Rules` has it.

    Raises:
        RulesUnreadable: Anything in the setting cannot be understood.
    """
    return _rules([Entry(key, None, value) for key, value in values.items()], Rules(), source)


def _rules(entries: Sequence[Entry], defaults: Rules, file: str) -> Rules:
    values: dict[str, Any] = {}  # as varied as the fields of Rules
    problems = tuple(islice(_problems(entries, values), MOST_PROBLEMS))
    if problems:
        raise RulesUnreadable(file, problems)
    thresholds = _thresholds(values, defaults.thresholds)
    return Rules.model_validate({**dict(defaults), **values, "thresholds": thresholds})


def _problems(entries: Sequence[Entry], values: dict[str, Any]) -> Iterator[Problem]:
    """Walk what is wrong, and put what is right into `values`."""
    by_key = {entry.key: entry for entry in entries}
    for entry in entries:
        if entry.key not in KEYS:
            yield _unknown(entry)
            continue
        if entry.key in COUNT_LIMITS and FAIL_ON_SEVERITY in by_key:
            yield _mixed(entry, by_key[FAIL_ON_SEVERITY])
        try:
            values[entry.key] = KEYS[entry.key].kind.read(entry.value)
        except Unfit as unfit:
            for flaw in (unfit, *unfit.further):
                yield Problem(entry.line_of(flaw.at), entry.key, f"`{entry.key}` {flaw.says}")


def _unknown(entry: Entry) -> Problem:
    return Problem(entry.line, printable(entry.key), f"unknown key {quoted(entry.key)}{hint(entry.key, KEYS)}")


def _mixed(entry: Entry, other: Entry) -> Problem:
    """Two ways of saying the limit in one file: nobody could tell which was meant to hold."""
    later = max(entry, other, key=lambda candidate: candidate.line or 0)
    says = f"`{entry.key}` and `{other.key}` cannot stand together; use either `{other.key}` or `max_*`"
    return Problem(later.line, later.key, says)


def _thresholds(values: dict[str, Any], defaults: Thresholds) -> Thresholds:
    """Take the limits on findings out of `values`."""
    if FAIL_ON_SEVERITY in values:
        return Thresholds(fail_on_severity=values.pop(FAIL_ON_SEVERITY))
    counts = {key: values.pop(key) for key in COUNT_LIMITS if key in values}
    if not counts:
        return defaults
    unnamed = defaults if defaults.fail_on_severity is None else _QUALYS_COUNT_LIMITS
    return unnamed.model_copy(update=counts)
