"""``python -m local.registry``: run a container registry until a signal ends it."""

import argparse
import json
import os
import sys
from pathlib import Path

from local.http.serving import HOST, as_program
from local.parent import end_with_parent
from local.registry.access import parse_access
from local.registry.server import Place, run

ACCESS_SETTING = "LOCAL_REGISTRY_ACCESS"


def main(arguments: list[str] | None = None) -> int:
    """Run the registry; print one line of JSON when it answers.

    Args:
        arguments: the command line without the program's name; the process's own without it.

    Returns:
        The exit code: 0 after an orderly end, 1 when the port is taken, 2 when the variable that says who may do what
        is missing or wrong.
    """
    options = _options(arguments)
    try:
        access = parse_access(os.environ.get(ACCESS_SETTING, ""))
    except ValueError as problem:
        print(f"{ACCESS_SETTING} is not JSON as local/registry/access.py describes it: {problem}", file=sys.stderr)
        return 2
    if options.die_with_parent:
        end_with_parent()
    return as_program(lambda: run(options.data, access, options.port, _announce), f"{HOST}:{options.port}")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.registry", description="A container registry.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="images and signing key; kept")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--die-with-parent", action="store_true", help="end when standard input, a pipe from the parent, closes"
    )
    return parser.parse_args(arguments)


def _announce(place: Place) -> None:
    line = {"url": place.url, "port": place.port, "host": place.host, "data_url": place.data_url}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
