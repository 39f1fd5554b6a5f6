"""The one retry policy: exponential, capped, with jitter."""

import math
import random

LONGEST_SECONDS = 300.0
_DOUBLINGS = 12


def pause_seconds(tries: int, first: float, asked_for: float | None = None) -> int:
    """Choose how long to wait before the next try.

    Jitter over half of it keeps instances that failed together from coming back together, and the other half keeps
    them from coming back at once (AWS Architecture Blog, "Exponential Backoff And Jitter": "Equal Jitter").

    Args:
        tries: How many tries failed so far, from 1.
        first: The pause after the first failure, in seconds.
        asked_for: What the other side asked for (``Retry-After``), in seconds; never undercut.

    Returns:
        Whole seconds, rounded up.
    """
    widest = min(LONGEST_SECONDS, first * 2 ** min(tries - 1, _DOUBLINGS))
    jittered = random.uniform(widest / 2, widest)  # noqa: S311 - spreads load, protects nothing
    return math.ceil(max(jittered, asked_for or 0))
