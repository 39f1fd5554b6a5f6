"""Plays the demo: each step is done through Azure DevOps, and what Scangate answers is shown as it comes."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from local.demo.azure_devops import Clone, Team
from local.demo.files import README, RULES, package_files
from local.stack import parts, up
from local.stack.parts import LEASE_SECONDS
from local.stack.plan import plan_in

_PROJECT, _REPOSITORY, _BRANCH = "Web shop", "shop", "feature/checkout"
_PATIENCE_SECONDS = 90
_FINAL = {"succeeded", "failed", "error", "notApplicable"}
_STYLES = {"succeeded": "green", "failed": "red", "error": "red", "completed": "green", "refused": "yellow"}


class DemoFailed(RuntimeError):
    """Something did not come about; the message says what was expected."""


@dataclass(frozen=True)
class Step:
    """A row of the summary."""

    step: str
    gate: str
    state: str
    description: str
    seconds: float


@dataclass
class Show:
    """The demo under way."""

    console: Console
    team: Team
    steps: list[Step] = field(default_factory=list)
    project: str = ""
    repository: str = ""
    pull_request: int = 0

    def note(self, step: str, gate: str, state: str, description: str, seconds: float) -> None:
        """Show a step that is done, and keep it for the summary."""
        self.steps.append(Step(step, gate, state, description, round(seconds, 1)))
        style = _STYLES.get(state, "cyan")
        self.console.print(f"  [{style}]{state}[/] {description} [dim]({seconds:.1f} s)[/]", highlight=False)

    def await_verdict(self, step: str, expected: str) -> dict[str, Any]:
        """Wait for the latest iteration's final status."""
        started = time.monotonic()
        shown = ""
        with self.console.status(f"{step}…"):
            while time.monotonic() - started < _PATIENCE_SECONDS:
                status = self.team.latest_status(self.project, self.repository, self.pull_request)
                if status and status["state"] in _FINAL:
                    self.note(step, _gate(status), status["state"], status["description"], time.monotonic() - started)
                    return _expect(status, expected)
                if status and status["description"] != shown:
                    shown = status["description"]
                    self.note(step, _gate(status), status["state"], shown, time.monotonic() - started)
                time.sleep(0.2)
        raise DemoFailed(f"{step}: no final status within {_PATIENCE_SECONDS} seconds")

    def try_to_complete(self, step: str, *, expected: bool) -> None:
        """Try to complete the pull request, and see whether Azure DevOps lets it."""
        started = time.monotonic()
        completed, words = self.team.complete(self.project, self.repository, self.pull_request)
        state = "completed" if completed else "refused"
        self.note(step, "", state, words or "The pull request is in main.", time.monotonic() - started)
        if completed != expected:
            raise DemoFailed(f"{step}: expected {'completed' if expected else 'refused'}, got {state}")


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
    try:
        with _stack(data, console) as stack:
            show = Show(console, Team(stack.plan))
            _play(show, data, stack)
            summary.write_text(json.dumps([asdict(step) for step in show.steps], indent=2) + "\n")
            _conclude(show, data, summary, stay)
    except (DemoFailed, up.PartFailed) as failed:
        console.print(f"[red]The demo failed:[/] {failed}\nLogs: {data / 'logs'}")
        return 1
    return 0


def _play(show: Show, data: Path, stack: up.Stack) -> None:
    console, team = show.console, show.team
    console.print("[bold]1 · A team has a repository[/], and its project is onboarded")
    show.project = team.make_project(_PROJECT)
    show.repository = team.make_repository(show.project, _REPOSITORY)
    url = f"{stack.plan.organisation_url}/{show.project}/_git/{show.repository}"
    clone = Clone(data / "clone", url, stack.plan.devops_token)
    first = {"README.md": README, ".scangate.yml": RULES, **package_files(minimist="1.2.8")}
    clone.commit_and_push("main", "A web shop", first)
    console.print(f"    [cyan]scangate onboard '{_PROJECT}'[/] connects it: service hooks and a blocking status policy")
    console.print(f"    [dim]{_onboard(data, stack)}[/]", highlight=False)

    console.print("[bold]2 · A pull request adds a dependency[/] with a known vulnerability: lodash 4.17.11")
    clone.commit_and_push(_BRANCH, "Add lodash", package_files(minimist="1.2.8", lodash="4.17.11"))
    show.pull_request = team.open_pull_request(show.project, show.repository, _BRANCH, "Faster checkout")
    refused = show.await_verdict("vulnerable", "failed")

    console.print("[bold]3 · Azure DevOps does not let it through[/]")
    show.try_to_complete("complete too early", expected=False)

    console.print("[bold]4 · The fix is pushed[/]: lodash 4.17.21; the old gate is superseded")
    pushed = time.monotonic()
    clone.commit_and_push(_BRANCH, "Update lodash", package_files(minimist="1.2.8", lodash="4.17.21"))
    passed = show.await_verdict("fixed", "succeeded")
    if _gate(passed) == _gate(refused):
        raise DemoFailed("the fix was judged by the old gate")
    _see_superseded(show, refused, time.monotonic() - pushed)

    console.print("[bold]5 · Now it completes[/]")
    show.try_to_complete("complete", expected=True)


def _onboard(data: Path, stack: up.Stack) -> str:
    """Run the command as an administrator would, with the app's own settings; give its last line."""
    command = [str(Path(sys.executable).with_name("scangate")), "onboard", _PROJECT]
    environment = {**os.environ, **parts.app(data, stack.plan).environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoFailed(f"scangate onboard ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()[-1]


def _see_superseded(show: Show, refused: dict[str, Any], seconds: float) -> None:
    import httpx2  # noqa: PLC0415 - only here

    page = httpx2.get(refused["targetUrl"], trust_env=False)
    if page.status_code != 200 or "superseded" not in page.text.lower():
        raise DemoFailed("the old gate's page does not say that it was superseded")
    show.note("old gate", _gate(refused), "superseded", "A newer iteration took its place.", seconds)


def _conclude(show: Show, data: Path, summary: Path, stay: threading.Event | None) -> None:
    table = Table(title="What happened", width=100)
    for column in ("step", "gate", "state", "description", "seconds"):
        table.add_column(column, overflow="fold", justify="right" if column == "seconds" else "left")
    for step in show.steps:
        table.add_row(step.step, _named(step.gate), step.state, step.description, f"{step.seconds:.1f}")
    show.console.print(table)
    show.console.print(f"Summary: {_short(summary)}")
    show.console.print("The pull request's page, with the links to its gates:")
    show.console.print(f"  {show.team.page(_PROJECT, _REPOSITORY, show.pull_request)}", soft_wrap=True)
    if stay is None:
        again = f".venv/bin/scangate local up --data {_short(data)}"
        show.console.print(f"It opens while the stack runs: {again}", soft_wrap=True)
        return
    show.console.print("Everything keeps running until Ctrl-C.")
    stay.wait()


@contextmanager
def _stack(data: Path, console: Console) -> Iterator[up.Stack]:
    with up.start(data, plan_in(data), LEASE_SECONDS, lambda what: console.print(f"[dim]starting {what}[/]")) as stack:
        yield stack


def _expect(status: dict[str, Any], expected: str) -> dict[str, Any]:
    if status["state"] != expected:
        raise DemoFailed(f"expected {expected}, got {status['state']}: {status['description']}")
    return status


def _gate(status: dict[str, Any]) -> str:
    return urlsplit(status.get("targetUrl") or "").path.rpartition("/")[2]


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _named(gate: str) -> str:
    """Shorten a gate's id to what tells it from the others: its iteration."""
    subject, _, iteration = gate.partition("-")
    return f"{subject[:5]}…-{iteration}" if gate else ""
