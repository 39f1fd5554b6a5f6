"""``python -m local.devops``: run an organisation until a signal ends it."""

import argparse
import json
import os
import sys
from pathlib import Path

from local.devops.server import run
from local.devops.state import Config
from local.http.serving import as_program
from local.parent import end_with_parent

TOKEN_SETTING = "LOCAL_DEVOPS_TOKEN"  # noqa: S105 - the name of a variable


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator; print one line of JSON when it answers.

    Args:
        arguments: the command line without the program's name; the process's own without it.

    Returns:
        The exit code: 0 after an orderly end, 1 when the port is taken.
    """
    options = _options(arguments)
    if options.die_with_parent:
        end_with_parent()
    config = _config(options)
    return as_program(lambda: run(config, _announce), f"{config.host}:{config.port}")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.devops", description="An Azure DevOps organisation.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="state and repositories; kept")
    parser.add_argument("--org", required=True, metavar="NAME", help="the organisation's name")
    parser.add_argument(
        "--token",
        action="append",
        default=[token] if (token := os.environ.get(TOKEN_SETTING)) else None,
        required=not token,
        metavar="PAT",
        help=f"may do everything; repeatable; arguments can be read by every user, {TOKEN_SETTING} cannot",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--time-scale", type=float, default=1.0, help="what waiting times of hooks are multiplied by")
    parser.add_argument(
        "--die-with-parent", action="store_true", help="end when standard input, a pipe from the parent, closes"
    )
    return parser.parse_args(arguments)


def _config(given: argparse.Namespace) -> Config:
    return Config(
        data=given.data,
        organisation=given.org,
        tokens=tuple(given.token),
        host=given.host,
        port=given.port,
        time_scale=given.time_scale,
    )


def _announce(config: Config) -> None:
    print(json.dumps({"url": config.base_url, "org": config.organisation, "port": config.port}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
