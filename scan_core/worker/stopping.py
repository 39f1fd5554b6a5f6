"""That a step has to stop, and why: asked for by a cancel, by a signal, or by a clock."""

import time
from collections.abc import Callable
from datetime import datetime

from scan_core.model.attempt import AttemptError, AttemptErrorKind

CANCELLED = AttemptError(kind=AttemptErrorKind.CANCELLED, sentence="The scan was stopped because nobody waits for it.")
TOLD_TO_END = AttemptError(
    kind=AttemptErrorKind.LOST, sentence="The worker was told to end before the scan was finished; it is tried again."
)


class StopSign:
    """Whether to stop. The first reason stays; a plain assignment, so that signal handlers and threads may set it."""

    def __init__(self) -> None:
        """Start with no reason to stop."""
        self.reason: AttemptError | None = None

    def ask(self, reason: AttemptError) -> None:
        """Ask the step to stop.

        Args:
            reason: Why.
        """
        if self.reason is None:
            self.reason = reason

    def or_after(self, seconds: float, late: AttemptError) -> Callable[[], AttemptError | None]:
        """Combine the sign with a wall clock that starts now.

        Args:
            seconds: After how long to stop.
            late: The reason then.

        Returns:
            Tells whether to stop, and why.
        """
        ends = time.monotonic() + seconds
        return lambda: self.reason or (late if time.monotonic() >= ends else None)


type Clock = Callable[[], datetime]
"""Tells the time, in UTC."""
