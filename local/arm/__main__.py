"""``python -m local.arm``: stand in for Azure Resource Manager until a signal ends it."""

import argparse
import json
import os
import sys
from pathlib import Path

from local.arm.server import Config, run
from local.http.serving import HOST, as_program
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
    config = Config(options.data, options.executions or options.data / "executions", header, options.port)
    return as_program(lambda: run(config, _announce), f"{HOST}:{config.port}")


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
