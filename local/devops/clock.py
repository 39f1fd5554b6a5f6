"""Time as the simulator sees it: one clock, dates as Azure DevOps writes them."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

NEVER = "0001-01-01T00:00:00"
"""What Azure DevOps writes for a date that was never set (without a zone)."""


@dataclass
class Clock:
    """Tells the time; the waiting times of the service can be shortened for tests.

    Attributes:
        time_scale: what every waiting time is multiplied by; 1.0 is the real service's.
        ahead_seconds: how far it runs ahead of the machine's own clock, so that a test need not wait for a term.
    """

    time_scale: float = 1.0
    ahead_seconds: float = 0.0

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time() + self.ahead_seconds

    def after(self, seconds: float) -> float:
        """Return the moment that lies the given waiting time ahead, in seconds since 1970.

        Args:
            seconds: the waiting time of the real service, in seconds, before scaling.
        """
        return self.now() + seconds * self.time_scale

    def stamp(self) -> str:
        """Return the present moment as Azure DevOps writes it, for example ``2026-11-23T10:00:00.123456Z``."""
        return iso(self.now())


def iso(moment: float) -> str:
    """Write a moment as ISO 8601 in UTC with microseconds and a Z.

    Args:
        moment: seconds since 1970.
    """
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds_of(stamp: str) -> float:
    """Read a date as Azure DevOps writes it.

    Args:
        stamp: ISO 8601; without a zone it is taken as UTC.

    Returns:
        Seconds since 1970.

    Raises:
        ValueError: when it is not a date.
    """
    moment = datetime.fromisoformat(stamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
