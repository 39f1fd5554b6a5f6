"""Durations as Go writes them, such as ``300s`` or ``1h15m``."""

import re

# Units of Go's time.ParseDuration, in seconds.
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(?a:(\d+\.?\d*|\.\d+))(ns|us|µs|μs|ms|s|m|h)")
# Go keeps a duration in 64 bits of nanoseconds, about 292 years.
_LARGEST_SECONDS = (2**63 - 1) / 1e9


def parse_duration(text: str) -> float:
    """Read a Go duration.

    Args:
        text: A sequence of decimal numbers with units and an optional sign, as Go's ``time.ParseDuration`` documents.

    Returns:
        The duration in seconds; negative where the text says so.

    Raises:
        ValueError: The text is not a Go duration (a bare number other than 0 is not one) or is too long for one.
    """
    negative = text.startswith("-")
    unsigned = text[1:] if text[:1] in {"+", "-"} else text
    if unsigned == "0":
        return 0.0
    position, seconds = 0, 0.0
    while part := _PART.match(unsigned, position):
        seconds += float(part[1]) * _UNIT_SECONDS[part[2]]
        position = part.end()
    if not unsigned or position != len(unsigned):
        message = f"{text!r} is not a duration such as 300s or 5m"
        raise ValueError(message)
    if seconds > _LARGEST_SECONDS:
        message = f"{text!r} is longer than a duration can be"
        raise ValueError(message)
    return -seconds if negative else seconds
