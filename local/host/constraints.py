"""Constraints on the parameters of a route: `int`, `guid`, `length(2,4)`, `regex(^a)` and the rest.

Source: the table of route constraints on the page "Routing in ASP.NET Core".
"""

import contextlib
import re
import sys
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation

_CALL = re.compile(r"(?P<name>[a-z]+)(?:\((?P<arguments>.*)\))?", re.DOTALL)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_ALPHA = re.compile(r"[a-z]+", re.ASCII | re.IGNORECASE)
# A file's name has a dot that is followed by something.
_FILE = re.compile(r"(?:.*/)?[^/]*\.[^/.]+", re.DOTALL)

type Check = Callable[[str], bool]


class BadConstraint(ValueError):
    """A constraint is unknown or has the wrong arguments."""


def parse_constraint(text: str) -> Check:
    """Read one constraint.

    Args:
        text: its name, with arguments in round brackets where it takes some.

    Returns:
        A function that tells whether a value satisfies it.

    Raises:
        BadConstraint: there is no such constraint, or its arguments are wrong.
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise BadConstraint(f"the constraint {text!r} cannot be read")
    name, arguments = match["name"], match["arguments"]
    if arguments is None and name in _PLAIN:
        return _PLAIN[name]
    if arguments is not None and name == "regex":
        return _matching(arguments)
    if arguments is not None and name in _NUMERIC:
        with contextlib.suppress(ValueError, TypeError):
            return _NUMERIC[name](*(int(argument) for argument in arguments.split(",")))
    raise BadConstraint(f"the constraint {text!r} is unknown, or has the wrong arguments")


def _whole(bits: int) -> Check:
    limit = 1 << (bits - 1)
    return lambda value: _WHOLE.fullmatch(value) is not None and -limit <= int(value) < limit


def _is_decimal(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_datetime(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_guid(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def _length(low: int, high: int | None = None) -> Check:
    return lambda value: low <= len(value) <= (low if high is None else high)


def _between(low: int | None, high: int | None) -> Check:
    return lambda value: (
        _WHOLE.fullmatch(value) is not None
        and (low is None or int(value) >= low)
        and (high is None or int(value) <= high)
    )


def _matching(pattern: str) -> Check:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise BadConstraint(f"the expression {pattern!r} cannot be read: {error}") from None
    return lambda value: compiled.search(value) is not None


_PLAIN: dict[str, Check] = {
    "alpha": lambda value: _ALPHA.fullmatch(value) is not None,
    "bool": lambda value: value.lower() in {"true", "false"},
    "datetime": _is_datetime,
    "decimal": _is_decimal,
    "double": _is_decimal,
    "file": lambda value: _FILE.fullmatch(value) is not None,
    "float": _is_decimal,
    "guid": _is_guid,
    "int": _whole(32),
    "long": _whole(64),
    "nonfile": lambda value: _FILE.fullmatch(value) is None,
    "required": bool,
}

_NUMERIC: dict[str, Callable[..., Check]] = {
    "length": _length,
    "max": lambda high: _between(None, high),
    "maxlength": lambda high: _length(0, high),
    "min": lambda low: _between(low, None),
    "minlength": lambda low: _length(low, sys.maxsize),
    "range": _between,
}
