"""Feeding many cases: each failure is told with its number, and memory has to stay flat."""

import ctypes
import gc
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.faults.seeds import Choice

MEMORY_GROWTH = 16 * 1024 * 1024
"""Bytes by which the process may grow over all cases but the first ones, which fill caches and pools."""
TRACED_GROWTH = 256 * 1024
"""Bytes that Python may hold more after the traced cases than before them."""
_WARM_UP = 500
_TRACED = 300
_PAGE = 4096


def feed(choice: Choice, family: str, numbers: range, take: Callable[[int], str]) -> Counter[str]:
    """Feed cases one after the other.

    Args:
        choice: What this run was told to try.
        family: What the cases have in common, for their names.
        numbers: Which cases.
        take: Takes a case; gives what became of it, raises what must not happen.

    Returns:
        How often each thing became of one.

    Raises:
        AssertionError: A case went wrong, or memory grew.
    """
    became: Counter[str] = Counter()
    resident = None
    for count, number in enumerate(numbers):
        if count == _WARM_UP:
            resident = _resident()
        try:
            became[take(number)] += 1
        except Exception as error:
            error.add_note(f"again: make faults SEED={choice.seed} ONLY={family}/{number}")
            raise
    if resident is not None:
        grown = _resident() - resident
        assert grown < MEMORY_GROWTH, f"memory grew by {grown} bytes over {len(numbers)} cases of {family}"
    _check_held(numbers, take)
    return became


def _check_held(numbers: range, take: Callable[[int], str]) -> None:
    """Take the last cases twice, and look whether anything of the second time is still held."""
    again = numbers[-_TRACED:]
    tracemalloc.start()
    try:
        for number in again:
            take(number)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for number in again:
            take(number)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < TRACED_GROWTH, f"{held} bytes are held after {len(again)} cases"


def _resident() -> int:
    """Measure what the process holds; what C keeps of one large case is given back first, where it can be."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
