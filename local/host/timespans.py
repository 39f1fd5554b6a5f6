"""Reads .NET TimeSpan texts, the form of every duration in host.json and of a timer's interval."""

import re

_TIMESPAN = re.compile(r"(?:(?P<days>\d+)\.)?(?P<parts>\d+(?::\d+){1,3})(?P<fraction>\.\d{1,7})?")
_SECONDS_A_DAY = 86_400
_HOURS_A_DAY = 24


class NotATimeSpan(ValueError):
    """A text is not a duration."""


def parse_timespan(text: str) -> float:
    """Read a duration.

    The forms are those of the page "Timer trigger for Azure Functions": `hh:mm:ss` while the first number is less than
    24, else `dd:hh:mm`; `d.hh:mm:ss`; `dd:hh:mm:ss`. Fractions of a second may follow.

    Args:
        text: the duration.

    Returns:
        Its length in seconds.

    Raises:
        NotATimeSpan: the text has none of these forms.
    """
    match = _TIMESPAN.fullmatch(text.strip())
    if match is None:
        raise NotATimeSpan(f"{text!r} is not a duration such as 00:00:30 (hh:mm:ss)")
    days, hours, minutes, seconds = _fields(match["days"], [int(part) for part in match["parts"].split(":")], text)
    if hours >= _HOURS_A_DAY or minutes >= 60 or seconds >= 60:
        raise NotATimeSpan(f"{text!r} is not a duration: an hour, minute or second is out of range")
    return days * _SECONDS_A_DAY + hours * 3600 + minutes * 60 + seconds + float(match["fraction"] or 0)


def _fields(days: str | None, parts: list[int], text: str) -> tuple[int, int, int, int]:
    match parts:
        case [first, second, third] if days is None and first >= _HOURS_A_DAY:
            return first, second, third, 0
        case [hours, minutes, seconds]:
            return int(days or 0), hours, minutes, seconds
        case [hours, minutes]:
            return int(days or 0), hours, minutes, 0
        case [number, hours, minutes, seconds] if days is None:
            return number, hours, minutes, seconds
    raise NotATimeSpan(f"{text!r} is not a duration such as 1.02:03:04 (d.hh:mm:ss)")
