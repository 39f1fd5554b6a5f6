"""`python -m local.host`: runs a function app folder on this machine until it is told to stop."""

import argparse
import asyncio
import json
import os
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from local.host.config import BadConfiguration
from local.host.server import HostSettings, Ready, serve
from local.parent import end_with_parent

LEASE_SETTING = "LOCAL_HOST_LEASE"
# As in Azure: the Storage queues extension hides a message for 10 minutes while its function runs.
AZURE_LEASE_S = 600
_STDOUT = 1
_STDERR = 2


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description="A local host for Azure Functions.")
    parser.add_argument("--app", type=Path, required=True, metavar="DIR", help="the folder with host.json")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 (default) chooses a free one")
    parser.add_argument(
        "--lease",
        type=_whole_seconds,
        default=os.environ.get(LEASE_SETTING) or AZURE_LEASE_S,
        metavar="SECONDS",
        help=f"how long a queue message stays hidden (default: {LEASE_SETTING}, else {AZURE_LEASE_S})",
    )
    parser.add_argument(
        "--instance", default=str(uuid.uuid4()), metavar="NAME", help="a name that survives a restart of this host"
    )
    parser.add_argument(
        "--die-with-parent", action="store_true", help="end when standard input, a pipe from the parent, closes"
    )
    return parser.parse_args(arguments)


def _whole_seconds(text: str) -> int:
    seconds = int(text)
    if seconds < 1:
        raise argparse.ArgumentTypeError("must be at least 1 second")
    return seconds


def _keep_stdout_for_the_ready_line() -> Callable[[Ready], None]:
    """Send what the app prints to standard error, and return what writes the one line to the real standard output."""
    kept = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)

    def tell(ready: Ready) -> None:
        line = {"url": ready.url, "functions": list(ready.functions), "port": ready.port}
        with os.fdopen(kept, "w", encoding="utf-8") as stdout:
            stdout.write(json.dumps(line) + "\n")

    return tell


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a function app; SIGTERM or SIGINT stops it within 30 seconds.

    Prints one line of JSON when ready: url, functions, port. The log goes to standard error.

    Args:
        arguments: the command line without the program's name; that of this process by default.

    Returns:
        The exit status: 0 when it was told to stop, 1 when it could not start.
    """
    options = _arguments(arguments)
    if options.die_with_parent:
        end_with_parent()
    tell_ready = _keep_stdout_for_the_ready_line()
    host = HostSettings(
        app_dir=options.app.resolve(),
        port=options.port,
        lease_s=options.lease,
        instance=options.instance,
        settings=os.environ,
    )
    try:
        unfinished = asyncio.run(serve(host, tell_ready))
    except (BadConfiguration, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if unfinished:
        print(f"{unfinished} invocations did not end in time", file=sys.stderr, flush=True)
        # Their threads would keep the interpreter alive.
        os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
