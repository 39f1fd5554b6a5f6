"""Waiting for what must happen."""

import threading
from collections.abc import Callable
from typing import Any

HOLD_SECONDS = 30.0
"""How long a test waits for what must happen."""


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """Poll until a condition holds and return its value."""
    pause = threading.Event()
    for _ in range(int(HOLD_SECONDS / 0.02)):
        found = condition()
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError(f"waited {HOLD_SECONDS} s for {what}")
