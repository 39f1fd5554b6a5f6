"""Waiting for what happens in other processes."""

import threading
import time
from collections.abc import Callable

PATIENCE_SECONDS = 120.0
"""How long a test waits before it fails; nothing is decided by how long something took."""
_PAUSE_SECONDS = 0.1


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
    pause, end = threading.Event(), time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        pause.wait(_PAUSE_SECONDS)
