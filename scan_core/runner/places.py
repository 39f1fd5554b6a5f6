"""The cap on workers where asking how many run costs a call: asked now and then, reckoned in between."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

_COUNT_SECONDS: Final = 5.0
"""For how long a count is reckoned on, so that a burst of starts asks once."""
_FULL_SECONDS: Final = 1.0
"""Likewise while every place is taken: who waits for one shall not wait for a count."""
_UNSEEN_SECONDS: Final = 60.0
"""For how long a worker counts that was started and does not show in a count yet."""


@dataclass(frozen=True, slots=True)
class Census:
    """One count.

    Attributes:
        running: The names of workers that run.
        known: The names of all that show, those that ended too.
    """

    running: frozenset[str]
    known: frozenset[str]


class Places:
    """Gives out places to workers. Safe to share between threads; several apps together may exceed the cap a little."""

    def __init__(self, most: int, count: Callable[[], Census], clock: Callable[[], float] = time.monotonic) -> None:
        """Know the cap; nothing is counted yet.

        Args:
            most: How many workers may run at once.
            count: Counts them; what it raises, `take` raises.
            clock: Tells the time in seconds.
        """
        self._most = most
        self._count = count
        self._clock = clock
        self._lock = Lock()
        self._counted_at: float | None = None
        self._census = Census(frozenset(), frozenset())
        self._starting = 0
        self._started: dict[str, float] = {}

    def take(self) -> bool:
        """Take a place; whoever gets one says with `settle` what became of it.

        Returns:
            Whether there was one.
        """
        # One counts, and the others of a burst wait for it instead of counting too.
        with self._lock:
            if self._is_stale():
                self._census = self._count()
                self._counted_at = self._clock()
            if self._taken() >= self._most:
                return False
            self._starting += 1
            return True

    def settle(self, name: str | None) -> None:
        """Say what became of a place.

        Args:
            name: The name of the worker that has it; None where there is none, or nobody knows whether there is.
        """
        with self._lock:
            self._starting -= 1
            if name is None:
                self._counted_at = None
            else:
                self._started[name] = self._clock()

    def _is_stale(self) -> bool:
        if self._counted_at is None:
            return True
        age = self._clock() - self._counted_at
        return age > (_COUNT_SECONDS if self._taken() < self._most else _FULL_SECONDS)

    def _taken(self) -> int:
        recently = self._clock() - _UNSEEN_SECONDS
        self._started = {name: since for name, since in self._started.items() if since > recently}
        unseen = self._started.keys() - self._census.known
        return len(self._census.running) + len(unseen) + self._starting
