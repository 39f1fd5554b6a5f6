"""How fast Azure DevOps wants to be called, as its answers say."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_SECONDS = 3600.0
"""A longer wait is cut to this: asking too early only brings the next Retry-After."""

_logger = logging.getLogger(__name__)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read how long to wait from an answer's headers.

    Args:
        headers: The answer's headers, found without regard to case.
        now: The present moment, for a Retry-After that gives a date.

    Returns:
        Seconds from 0 to LONGEST_WAIT_SECONDS; None where ``Retry-After`` is absent or senseless (RFC 9110, 10.2.3).
    """
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    seconds = _seconds(text, now)
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def delay_seconds(headers: Mapping[str, str]) -> float | None:
    """Read by how much Azure DevOps held an answer back, which it does before it refuses any call.

    Args:
        headers: The answer's headers, found without regard to case.

    Returns:
        Seconds above 0, at most LONGEST_WAIT_SECONDS; None where ``X-RateLimit-Delay`` is absent, 0 or senseless ("Rate
        and usage limits", learn.microsoft.com).
    """
    try:
        seconds = float(headers.get("X-RateLimit-Delay", ""))
    except ValueError:
        return None
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds > 0 else None


def _seconds(text: str, now: datetime) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()


class Pace:
    """Remembers until when Azure DevOps wants to be left alone. Shared by all threads.

    ``Retry-After`` also comes with a 200: that call was done, and the next should wait ("Rate and usage limits",
    learn.microsoft.com). An answer that was held back asks for as long a pause again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until = -math.inf
        self._lock = threading.Lock()

    def note(self, status: int, headers: Mapping[str, str]) -> float | None:
        """Take notice of what an answer says about pace.

        Args:
            status: The answer's HTTP status.
            headers: The answer's headers, found without regard to case.

        Returns:
            The seconds it asks to wait; None where it does not ask.
        """
        seconds = retry_after_seconds(headers, datetime.now(UTC))
        if seconds is None:
            seconds = delay_seconds(headers)
        if seconds is None:
            return None
        with self._lock:
            self._quiet_until = max(self._quiet_until, self._clock() + seconds)
        _logger.warning(
            "Azure DevOps answered %d and asks to wait %.0f s (limit %s, delayed %s s, remaining %s)",
            status,
            seconds,
            _shown(headers, "X-RateLimit-Resource"),
            _shown(headers, "X-RateLimit-Delay"),
            _shown(headers, "X-RateLimit-Remaining"),
        )
        return seconds

    def slow_down_seconds(self) -> float:
        """Say how long a call that can wait should wait.

        Returns:
            Seconds, 0 where there is no need.
        """
        with self._lock:
            return max(0.0, self._quiet_until - self._clock())


def _shown(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "-")
    return "".join(letter for letter in value if letter.isalnum() or letter in " ./-_")[:60]
