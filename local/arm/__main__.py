"""``python -m local.arm``: stand in for Azure Resource Manager until a signal ends it."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from local.arm.server import HOST, Config, run
from local.parent import end_with_parent

HEADER_SETTING = "LOCAL_ARM_IDENTITY_HEADER"


def main(arguments: list[str] | None = None) -> int:
    """Run the stand-in; print one line of JSON when it answers.

    Args:
        arguments: the command line without the program's name; the process's own without it.

    Returns:
        The exit code: 0 after an orderly end, 1 when the port is taken, 2 when a variable is missing.
    """
    options = _options(arguments)
    header = os.environ.get(HEADER_SETTING)
    if not header:
        print(f"{HEADER_SETTING} is missing: the secret that the app sends as X-IDENTITY-HEADER", file=sys.stderr)
        return 2
    if options.die_with_parent:
        end_with_parent()
    # The server ends in order and then raises the signal again; that must not look like a crash.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = Config(options.data, options.executions or options.data / "executions", header, options.port)
    try:
        run(config, _announce)
    except OSError as problem:
        print(f"cannot listen on {HOST}:{config.port}: {problem.strerror}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.arm", description="Container Apps jobs on this machine.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="jobs; kept")
    parser.add_argument("--executions", type=Path, metavar="DIR", help="executions; by default below the data")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--die-with-parent", action="store_true", help="end when standard input, a pipe from the parent, closes"
    )
    return parser.parse_args(arguments)


def _announce(config: Config) -> None:
    line = {"url": config.url, "port": config.port, "identity_endpoint": config.identity_endpoint}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
