"""Moments as the report formats want them."""

import time


def utc(seconds: float) -> str:
    """Write a moment in RFC 3339 form.

    Args:
        seconds: Since 1970-01-01 UTC.

    Returns:
        The moment in UTC, to the second, ending in ``Z``.
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
