"""Throttling: a bucket of tokens for reading and one for writing, refilled every second.

"Understand how Azure Resource Manager throttles requests": for each subscription and caller 250 reads, refilled by 25
a second, and 200 writes, refilled by 10 a second. Starting and stopping are writes.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from local.arm.errors import Refused


@dataclass
class Bucket:
    """What is left of one kind of call.

    Attributes:
        most: how many tokens it holds.
        per_second: how many are added in a second.
    """

    most: float
    per_second: float
    left: float
    filled_at: float


class Limits:
    """The buckets of everybody together: the stand-in has one subscription."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with full buckets.

        Args:
            clock: tells the time in seconds.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}
        self.set("reads", most=250, per_second=25)
        self.set("writes", most=200, per_second=10)

    def set(self, kind: str, *, most: float, per_second: float) -> None:
        """Change a limit and fill its bucket.

        Args:
            kind: ``reads`` or ``writes``.
            most: how many tokens it holds.
            per_second: how many are added in a second; more than 0.
        """
        with self._lock:
            self._buckets[kind] = Bucket(most, per_second, most, self._clock())

    def charge(self, method: str) -> dict[str, str]:
        """Take one call into account.

        Args:
            method: HTTP method.

        Returns:
            The header that tells what is left.

        Raises:
            Refused: 429 with Retry-After in whole seconds.
        """
        kind = "reads" if method in {"GET", "HEAD"} else "writes"
        with self._lock:
            bucket, now = self._buckets[kind], self._clock()
            bucket.left = min(bucket.most, bucket.left + (now - bucket.filled_at) * bucket.per_second)
            bucket.filled_at = now
            if bucket.left < 1:
                wait = math.ceil((1 - bucket.left) / bucket.per_second)
                message = f"The request is being throttled as the limit has been reached for operation type '{kind}'."
                raise Refused(429, "OperationThrottled", message, {"Retry-After": str(max(1, wait))})
            bucket.left -= 1
            return {f"x-ms-ratelimit-remaining-subscription-{kind}": str(int(bucket.left))}
