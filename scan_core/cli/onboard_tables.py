"""Plans and outcomes of onboarding, as text that fits 100 columns."""

from collections import Counter
from collections.abc import Iterator, Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scan_core.devops.naming import shown
from scan_core.onboarding.carry_out import Outcome
from scan_core.onboarding.plan import Change, HookStep, ProjectPlan, Step

WIDTH = 100
_DONE = {Change.CREATE: "created", Change.REPLACE: "replaced", Change.REMOVE: "removed"}


def show_plan(plans: Sequence[ProjectPlan], organisation: str) -> None:
    """Show what would change and why.

    Args:
        plans: One for each project.
        organisation: The organisation's name.
    """
    busy = [plan for plan in plans if plan.steps]
    if busy:
        _show_table(busy, organisation)
    for plan in plans:
        for note in plan.notes:
            typer.echo(f"note: {shown(plan.project.name)}: {note}.")
        if plan.problem is not None:
            typer.echo(f"{shown(plan.project.name)}: {plan.problem}", err=True)
    still = sum(not plan.steps and plan.problem is None for plan in plans)
    steps = sum(len(plan.steps) for plan in plans)
    changes = f"{_counted(steps, 'change')} in {_counted(len(busy), 'project')}"
    typer.echo(f"Plan for {organisation}: {changes}; {still} as wanted.")


def _show_table(plans: Sequence[ProjectPlan], organisation: str) -> None:
    table = Table(title=f"Plan for {organisation}", box=box.SIMPLE, pad_edge=False)
    table.add_column("project", overflow="fold", max_width=32)
    table.add_column("change", no_wrap=True)
    table.add_column("what", overflow="fold", max_width=38)
    table.add_column("why", overflow="fold")
    for plan in plans:
        name = shown(plan.project.name)
        for change, what, why in _rows(plan.steps):
            table.add_row(Text(name), change, what, Text(why))
            name = ""
    # A log has no width of its own.
    console = Console(emoji=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    console.print(table)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _rows(steps: Sequence[Step]) -> Iterator[tuple[str, str, str]]:
    """Put the hooks that share change and reason into one row."""
    shared = Counter((step.change, step.why) for step in steps if isinstance(step, HookStep))
    told = set()
    for step in steps:
        alike = (step.change, step.why)
        if not isinstance(step, HookStep) or shared[alike] == 1:
            yield step.change, step.label, step.why
        elif alike not in told:
            told.add(alike)
            yield step.change, f"{shared[alike]} hooks", step.why


def line_of(outcome: Outcome, number: int, total: int) -> str:
    """Tell how it went in one project.

    Args:
        outcome: How it went.
        number: Which one it is.
        total: Of how many.

    Returns:
        One line.
    """
    done = Counter(happened(step) for step in outcome.done)
    words = ", ".join(f"{count} × {what}" for what, count in done.items())
    if outcome.problem is not None:
        words = f"{words or 'nothing done'}; then it failed. {outcome.problem}"
    return f"[{number:>{len(str(total))}}/{total}] {shown(outcome.project.name)}: {words}"


def happened(step: Step) -> str:
    """Say what a step did.

    Args:
        step: A step that was done.

    Returns:
        Words such as ``hook created``.
    """
    return f"{'hook' if isinstance(step, HookStep) else 'policy'} {_DONE[step.change]}"
