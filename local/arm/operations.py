"""Orders that were taken and are not carried out yet: 202, and a place to ask for the outcome."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any


class Operations:
    """The orders of this run; those of an earlier one are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none.

        Args:
            clock: tells the time in seconds.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._outcomes: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def add(self, seconds: float, outcome: Mapping[str, Any]) -> str:
        """Take an order.

        Args:
            seconds: when its outcome may be known.
            outcome: its outcome.

        Returns:
            The order's number.
        """
        number = str(uuid.uuid4())
        with self._lock:
            self._outcomes[number] = (self._clock() + seconds, outcome)
        return number

    def outcome(self, number: str) -> Mapping[str, Any] | None:
        """Ask for the outcome of an order.

        Args:
            number: the order's number.

        Returns:
            The outcome; None where it is not known yet.

        Raises:
            KeyError: there is no such order.
        """
        with self._lock:
            ready_at, outcome = self._outcomes[number]
        return outcome if ready_at <= self._clock() else None
