"""A time after which a scan is given up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from local.qscanner.exit_codes import ExitCode, ScanError


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Bound what runs within. Only for the main thread: the time is kept by a signal.

    Args:
        seconds: How long it may take.

    Raises:
        ScanError: With code 1 once it took longer.
    """

    def give_up(*_: object) -> None:
        raise ScanError(ExitCode.GENERIC_ERROR, f"the scan took longer than its limit of {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    previous_timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        # Whoever runs a scan inside their own process may have a timer of theirs.
        signal.setitimer(signal.ITIMER_REAL, *previous_timer)
