"""Waits for something to become true, as processes of their own need time."""

import time
from collections.abc import Callable


def eventually[T](look: Callable[[], T], seconds: float = 30.0) -> T:
    """Look again and again until there is something to see.

    Args:
        look: returns something true once it is there.
        seconds: when to give up.

    Returns:
        What was seen.
    """
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not seen within {seconds} seconds"
        time.sleep(0.02)
    return seen
