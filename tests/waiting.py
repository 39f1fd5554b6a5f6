"""Waits for what processes of their own do in their own time."""

import threading
import time
from collections.abc import Callable
from pathlib import Path


def until[T](look: Callable[[], T], seconds: float = 60) -> T:
    """Look until there is something to see."""
    pause, ends = threading.Event(), time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < ends, "it never came to hold"
        pause.wait(0.01)
    return seen


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
