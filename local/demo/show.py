"""Plays the demo: each step is done through Azure DevOps, and what Scangate answers is shown as it comes."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.demo.azure_devops import Team
from local.demo.image_act import ImageAct
from local.demo.pull_request_act import PullRequestAct
from local.demo.screen import DemoFailed, Screen
from local.stack import up
from local.stack.parts import LEASE_SECONDS
from local.stack.plan import plan_in


def run(data: Path, stay: threading.Event | None) -> int:
    """Play the demo.

    Args:
        data: Where its stack is kept; emptied first.
        stay: Set when to end after the demo; None = end at once.

    Returns:
        The exit status: 0 when everything came about as it should.
    """
    console = Console(width=100, soft_wrap=False)
    shutil.rmtree(data, ignore_errors=True)
    summary = data.parent / "summary.json"
    summary.unlink(missing_ok=True)
    screen = Screen(console)
    try:
        with _stack(data, console) as stack, _team(stack) as team:
            first = PullRequestAct(screen, team)
            first.play(data, stack)
            ImageAct(screen, team, stack.plan, first.project, first.repository).play()
            summary.write_text(json.dumps([asdict(step) for step in screen.steps], indent=2) + "\n")
            _conclude(screen, first.page(), data, summary, stay)
    except (DemoFailed, up.PartFailed) as failed:
        console.print(f"[red]The demo failed:[/] {failed}\nLogs: {data / 'logs'}")
        return 1
    return 0


def _conclude(screen: Screen, page: str, data: Path, summary: Path, stay: threading.Event | None) -> None:
    console = screen.console
    table = Table(title="What happened", width=100)
    for column in ("step", "gate", "state", "description", "seconds"):
        table.add_column(column, overflow="fold", justify="right" if column == "seconds" else "left")
    for step in screen.steps:
        table.add_row(step.step, _named(step.gate), step.state, step.description, f"{step.seconds:.1f}")
    console.print(table)
    console.print(f"Summary: {_short(summary)}")
    console.print("The pull request's page, with the links to its gates:")
    console.print(f"  {page}", soft_wrap=True)
    if stay is None:
        again = f".venv/bin/scangate local up --data {_short(data)}"
        console.print(f"It opens while the stack runs: {again}", soft_wrap=True)
        return
    console.print("Everything keeps running until Ctrl-C.")
    stay.wait()


@contextmanager
def _stack(data: Path, console: Console) -> Iterator[up.Stack]:
    with up.start(data, plan_in(data), LEASE_SECONDS, lambda what: console.print(f"[dim]starting {what}[/]")) as stack:
        yield stack


@contextmanager
def _team(stack: up.Stack) -> Iterator[Team]:
    team = Team(stack.plan)
    try:
        yield team
    finally:
        team.close()


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _named(gate: str) -> str:
    """Shorten a gate's id to what tells it from the others: the subject's first digits, and what stands behind."""
    subject, _, rest = gate.partition("-")
    return f"{subject[:5]}…-{rest}" if gate else ""
