"""``scangate poison``: the messages that were put aside, and sending them again."""

import json
import os
import socket
from datetime import UTC, datetime
from typing import Annotated

import typer
from azure.core.exceptions import AzureError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scan_core.cli.onboard_tables import WIDTH
from scan_core.cli.organisation import FAILED, read_settings, refuse, storage_of
from scan_core.flow.replay import Item, Shelf, Unreadable, items, send_again
from scan_core.store.audit import AuditTrail
from scan_core.store.gates import GateStore
from scan_core.store.poison import PoisonStore
from scan_core.store.scans import ScanStore

app = typer.Typer(help="List messages that failed again and again, and send them again.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """List messages that failed again and again, and send them again."""


@app.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List what was put aside: what it is, when it came and how often, and which gate it is about. Changes nothing."""
    found = _found(_shelf())
    if as_json:
        typer.echo(json.dumps([_described(item) for item in found], indent=2))
    elif not found:
        typer.echo("Nothing was put aside.")
    else:
        _show_table(found)


@app.command()
def replay(
    names: Annotated[list[str] | None, typer.Option("--id", help="Which message; may be given again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every message that can be read.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what cannot be read.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put messages back into their queues, where their gates are decided anew.

    Ends with 0 when all were sent, 1 when some were not, 2 when nothing was begun.
    """
    if bool(names) == everything:
        refuse("Say which messages: --id, as often as needed, or --all.")
    shelf = _shelf()
    found = _found(shelf)
    unknown = sorted(set(names or ()) - {item.message.message_id for item in found})
    if unknown:
        refuse(f"Not put aside: {', '.join(unknown)}. `scangate poison list` shows what is.")
    chosen = [item for item in found if everything or item.message.message_id in (names or ())]
    outcomes = [(item, _sent(shelf, item, force=force)) for item in chosen]
    if as_json:
        typer.echo(json.dumps([{**_described(item), "problem": problem} for item, problem in outcomes], indent=2))
    else:
        for item, problem in outcomes:
            typer.echo(f"{item.message.message_id}: {problem or 'sent again'}: {item.about}")
    if any(problem is not None for _, problem in outcomes):
        raise typer.Exit(FAILED)


def _sent(shelf: Shelf, item: Item, *, force: bool) -> str | None:
    """Send one message again. Returns what kept it from being sent."""
    try:
        send_again(shelf, item, datetime.now(UTC), force=force)
    except Unreadable:
        return "not sent, since it cannot be read (--force sends it all the same)"
    except AzureError as error:
        return f"not sent, or not taken off the shelf: storage refused ({type(error).__name__})"
    return None


def _shelf() -> Shelf:
    settings = read_settings()
    try:
        storage = storage_of(settings)
    except ValueError as wrong:
        refuse(f"SCANGATE_STORAGE_CONNECTION: {wrong}.")
    instance = f"{socket.gethostname()}-{os.getpid()}-command"
    return Shelf(
        poison=PoisonStore(storage),
        gates=GateStore(storage.tables),
        scans=ScanStore(storage.tables),
        audit=AuditTrail(storage.blobs, instance),
    )


def _found(shelf: Shelf) -> list[Item]:
    try:
        return items(shelf)
    except AzureError as error:
        refuse(f"Storage cannot be read ({type(error).__name__}): is this identity a reader of its blobs and tables?")


def _described(item: Item) -> dict[str, object]:
    message = item.message
    return {
        "id": message.message_id,
        "queue": message.queue,
        "about": item.about,
        "readable": item.is_readable,
        "handled": message.is_handled,
        "times": message.times,
        "first_at": message.first_at.isoformat(),
        "last_at": message.last_at.isoformat(),
        "gates": list(item.gates),
    }


def _show_table(found: list[Item]) -> None:
    table = Table(title="Put aside", box=box.SIMPLE, pad_edge=False)
    table.add_column("id", no_wrap=True)
    table.add_column("queue", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("last", no_wrap=True)
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("gate", overflow="fold", max_width=27)
    for item in found:
        message = item.message
        last = f"{message.last_at:%m-%d %H:%M}"
        row = (message.message_id, message.queue.removeprefix("scan-"), Text(item.about), last, str(message.times))
        table.add_row(*row, "\n".join(item.gates))
    console = Console(emoji=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    console.print(table)
