"""A rules file, read or refused."""

import pytest

from scan_core.model.rules import Rules
from scan_core.rules.rules_file import RulesUnreadable, read_rules

DEFAULTS = Rules()


def read(text: str | bytes, defaults: Rules = DEFAULTS) -> Rules:
    """Read a file."""
    return read_rules(text.encode() if isinstance(text, str) else text, defaults)


def refused(text: str | bytes) -> RulesUnreadable:
    """Read a file that cannot be followed."""
    with pytest.raises(RulesUnreadable) as error:
        read(text)
    return error.value


def refusal(content: bytes) -> RulesUnreadable | None:
    """Read a file that may be refused, and give the refusal."""
    try:
        read(content)
    except RulesUnreadable as error:
        return error
    return None
