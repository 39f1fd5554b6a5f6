"""Throttling: Azure DevOps throughput units (TSTU) in a sliding window of five minutes.

"Rate limits" of the Azure DevOps documentation: 200 TSTU for each identity in five minutes; near the limit answers
carry Retry-After and the X-RateLimit headers, above it calls are answered 429.
"""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field

from local.devops.clock import Clock

WINDOW_SECONDS = 300.0
_NEAR = 0.8
"""From this share of the limit on, answers ask the caller to slow down."""

DEFAULT_COST_TSTU = 0.001
"""Low, so that only a test that sets a cost of its own meets the limit."""


@dataclass(frozen=True)
class Charge:
    """What one call did to its caller's budget. ``headers`` go on the answer."""

    blocked: bool
    headers: dict[str, str] = field(default_factory=dict)


class Limits:
    """Keeps the books of every identity."""

    def __init__(self, clock: Clock) -> None:
        """Start with empty books.

        Args:
            clock: the time.
        """
        self.limit_tstu = 200.0
        self.cost_tstu = DEFAULT_COST_TSTU
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: defaultdict[str, deque[tuple[float, float]]] = defaultdict(deque)

    def charge(self, identity: str) -> Charge:
        """Take one call into account.

        Args:
            identity: the caller's id.

        Returns:
            Whether it is blocked, and the headers to answer with. A blocked call costs nothing.
        """
        now = self._clock.now()
        with self._lock:
            spent = self._spent[identity]
            while spent and spent[0][0] <= now - WINDOW_SECONDS:
                spent.popleft()
            used = sum(cost for _, cost in spent)
            blocked = used + self.cost_tstu > self.limit_tstu
            if not blocked:
                spent.append((now, self.cost_tstu))
                used += self.cost_tstu
            oldest = spent[0][0] if spent else now
        if used < self.limit_tstu * _NEAR and not blocked:
            return Charge(blocked=False)
        wait = max(1, round(oldest + WINDOW_SECONDS - now))
        return Charge(blocked, self._headers(used, wait, blocked=blocked))

    def _headers(self, used: float, wait: int, *, blocked: bool) -> dict[str, str]:
        return {
            "Retry-After": str(wait if blocked else min(wait, 30)),
            "X-RateLimit-Resource": "AzureDevOps/Rest",
            "X-RateLimit-Delay": f"{0 if blocked else min(wait, 30)}",
            "X-RateLimit-Limit": f"{self.limit_tstu:g}",
            "X-RateLimit-Remaining": f"{max(0.0, self.limit_tstu - used):.0f}",
            "X-RateLimit-Reset": str(int(self._clock.now()) + wait),
        }
