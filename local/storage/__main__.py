"""`python -m local.storage`: serves Azure Storage on this machine until it is told to stop."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local.parent import end_with_parent
from local.storage import azurite
from local.storage.account import Account, AccountUnreadable, Ports


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.storage", description="Azure Storage on this machine.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, metavar="DIR", help="keep everything in this folder")
    where.add_argument("--memory", action="store_true", help="keep everything in memory")
    for service in ("blob", "queue", "table"):
        parser.add_argument(
            f"--{service}-port", type=int, default=0, metavar="N", help="default: the last one used, else a free one"
        )
    parser.add_argument(
        "--die-with-parent", action="store_true", help="end when standard input, a pipe from the parent, closes"
    )
    return parser.parse_args(arguments)


def _ready_line(account: Account) -> str:
    return json.dumps(
        {
            "connection_string": account.connection_string,
            "blob_endpoint": account.blob_endpoint,
            "queue_endpoint": account.queue_endpoint,
            "table_endpoint": account.table_endpoint,
            "account": account.name,
            "key": account.key,
        }
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or until Azurite ends by itself.

    Prints one line of JSON when ready: connection_string, blob_endpoint, queue_endpoint, table_endpoint, account, key.

    Args:
        arguments: the command line without the program's name; that of this process by default.

    Returns:
        The exit status: 0 when it was told to stop, 1 when Azurite could not start or ended.
    """
    options = _arguments(arguments)
    if options.die_with_parent:
        end_with_parent()
    done = threading.Event()
    told_to_stop = threading.Event()

    def stop(*_: object) -> None:
        told_to_stop.set()
        done.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        running = azurite.start(options.data, Ports(options.blob_port, options.queue_port, options.table_port))
    except (azurite.AzuriteMissing, azurite.AzuriteFailed, AccountUnreadable) as error:
        print(error, file=sys.stderr)
        return 1
    print(_ready_line(running.account), flush=True)

    def notice_its_end() -> None:
        running.process.wait()
        done.set()

    threading.Thread(target=notice_its_end, name="azurite-end", daemon=True).start()
    done.wait()
    if not told_to_stop.is_set():
        print(f"Azurite ended by itself with status {running.process.returncode}", file=sys.stderr)
        running.kill()
        return 1
    running.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
