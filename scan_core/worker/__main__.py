"""`python -m scan_core.worker fetch` and `… scan`: the two steps of a worker, each a process of its own."""

import logging
import os
import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scan_core.worker.stopping import StopSign

USAGE: Final = "usage: python -m scan_core.worker fetch|scan"
USAGE_CODE: Final = 2


def main(argv: list[str]) -> int:
    """Run one step.

    Args:
        argv: The arguments after the program's name.

    Returns:
        The exit code: 2 where arguments or environment are wrong, else as the step says.
    """
    match argv:
        case ["fetch" | "scan" as step]:
            return run(step)
    print(USAGE, file=sys.stderr)  # noqa: T201 - a command line
    return USAGE_CODE


def run(step: str) -> int:
    """Run one step in this process, which is told to stop by SIGTERM.

    Args:
        step: ``fetch`` or ``scan``.

    Returns:
        The exit code.
    """
    # Each step loads only what it needs.
    from scan_core.worker.environment import EnvironmentWrong  # noqa: PLC0415
    from scan_core.worker.stopping import TOLD_TO_END, StopSign  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    # At this level the Azure libraries log requests, with addresses and headers.
    logging.getLogger("azure").setLevel(logging.WARNING)
    os.umask(0o077)
    stop = StopSign()
    signal.signal(signal.SIGTERM, lambda *_: stop.ask(TOLD_TO_END))
    try:
        return _fetch(stop) if step == "fetch" else _scan(stop)
    except EnvironmentWrong as error:
        print(f"scangate worker {step}: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return USAGE_CODE


def _fetch(stop: "StopSign") -> int:
    from scan_core.worker.environment import fetch_environment  # noqa: PLC0415
    from scan_core.worker.fetch import FetchStep  # noqa: PLC0415

    FetchStep(fetch_environment(), _now, stop).run()
    return 0


def _scan(stop: "StopSign") -> int:
    from scan_core.worker.environment import scan_environment  # noqa: PLC0415
    from scan_core.worker.scan import ScanStep  # noqa: PLC0415

    return ScanStep(scan_environment(), _now, stop).run()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
