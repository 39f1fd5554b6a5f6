"""Plans as text that fits 100 columns."""

from collections.abc import Iterable
from typing import Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scan_core.devops.naming import shown
from scan_core.model.onboarding import PlanTold, Row

WIDTH: Final = 100


def show_plan(plan: PlanTold) -> None:
    """Show what would change and why.

    Args:
        plan: The plan in words.
    """
    if plan.rows:
        show_rows(f"Plan for {plan.organisation}", plan.rows)
    for note in plan.notes:
        typer.echo(f"note: {note}")
    for problem in plan.problems:
        typer.echo(problem, err=True)
    typer.echo(plan.summary)


def show_rows(title: str, rows: Iterable[tuple[str, Iterable[Row]]]) -> None:
    """Show a table of changes, 100 columns wide at most.

    Args:
        title: Stands above it.
        rows: What is to be changed and why, by the name of the place where.
    """
    table = Table(title=title, box=box.SIMPLE, pad_edge=False)
    table.add_column("project", overflow="fold", max_width=32)
    table.add_column("change", no_wrap=True)
    table.add_column("what", overflow="fold", max_width=38)
    table.add_column("why", overflow="fold")
    for place, changes in rows:
        name = shown(place)
        for change, what, why in changes:
            table.add_row(Text(name), Text(change), Text(what), Text(why))
            name = ""
    # A log has no width of its own.
    console = Console(emoji=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    console.print(table)
