"""Times and durations in words, always in UTC."""

from datetime import UTC, datetime, timedelta

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def clock(moment: datetime) -> str:
    """Write a time.

    Args:
        moment: A time with its zone.

    Returns:
        Such as "2026-01-31 12:00:05 UTC".
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def lasted(span: timedelta) -> str:
    """Write a duration in its two largest units.

    Args:
        span: How long; less than nothing counts as nothing.

    Returns:
        Such as "45 s", "3 min 5 s", "2 h 10 min" and "1 d 4 h".
    """
    seconds = max(0, int(span.total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return _two(seconds, _MINUTE, "min", 1, "s")
    if seconds < _DAY:
        return _two(seconds, _HOUR, "h", _MINUTE, "min")
    return _two(seconds, _DAY, "d", _HOUR, "h")


def _two(seconds: int, unit: int, name: str, lesser: int, lesser_name: str) -> str:
    rest = seconds % unit // lesser
    return f"{seconds // unit} {name} {rest} {lesser_name}" if rest else f"{seconds // unit} {name}"
