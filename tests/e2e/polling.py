"""Waiting for what happens in other processes."""

import threading
import time
from collections.abc import Callable

PATIENCE_SECONDS = 120.0
"""How long a test waits before it fails; nothing is decided by how long something took."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, _GROWTH = 0.05, 0.5, 1.4
"""Looking is work for the stack that is looked at: what takes longer is looked at less often."""


def until[T](look: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Look again and again until there is something to see.

    Args:
        look: Returns something true once it has happened.
        what: What is waited for, for the message.
        seconds: For how long.

    Returns:
        What was seen.

    Raises:
        AssertionError: It did not happen.
    """
    nothing, end, pause = threading.Event(), time.monotonic() + seconds, _FIRST_PAUSE_SECONDS
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        nothing.wait(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE_SECONDS)
