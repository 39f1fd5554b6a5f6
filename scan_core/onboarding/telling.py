"""Plans and outcomes of onboarding in words. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from scan_core.devops.naming import shown
from scan_core.model.ids import OrganisationName
from scan_core.model.onboarding import PlanTold, Row
from scan_core.onboarding.carry_out import Outcome
from scan_core.onboarding.plan import Change, HookStep, ProjectPlan, Step

DONE: Final = {Change.CREATE: "created", Change.REPLACE: "replaced", Change.REMOVE: "removed"}
"""What has happened to a thing."""


def told(plans: Sequence[ProjectPlan], organisation: OrganisationName) -> PlanTold:
    """Tell what would change and why.

    Args:
        plans: One for each project.
        organisation: The organisation's name.

    Returns:
        The plans in words.
    """
    busy = [plan for plan in plans if plan.steps]
    still = sum(not plan.steps and plan.problem is None for plan in plans)
    steps = sum(len(plan.steps) for plan in plans)
    changes = f"{counted(steps, 'change')} in {counted(len(busy), 'project')}"
    return PlanTold(
        organisation=organisation,
        rows=tuple((shown(plan.project.name), tuple(_rows(plan.steps))) for plan in busy),
        notes=tuple(f"{shown(plan.project.name)}: {note}." for plan in plans for note in plan.notes),
        problems=tuple(f"{shown(plan.project.name)}: {plan.problem}" for plan in plans if plan.problem is not None),
        summary=f"Plan for {organisation}: {changes}; {still} as wanted.",
    )


def counted(number: int, noun: str) -> str:
    """Say how many there are.

    Args:
        number: How many.
        noun: Of what, in the singular.

    Returns:
        Words such as ``3 changes``.
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def line_of(outcome: Outcome, number: int, total: int) -> str:
    """Tell how it went in one project.

    Args:
        outcome: How it went.
        number: Which one it is.
        total: Of how many.

    Returns:
        One line.
    """
    done = Counter(_happened(step) for step in outcome.done)
    words = ", ".join(f"{count} × {what}" for what, count in done.items())
    if outcome.problem is not None:
        words = f"{words or 'nothing done'}; then it failed. {outcome.problem}"
    return f"[{number:>{len(str(total))}}/{total}] {shown(outcome.project.name)}: {words}"


def conclusion(outcomes: Sequence[Outcome], unchanged: int, failed: int, untried: int) -> str:
    """Tell what came of all of it.

    Args:
        outcomes: How it went, for each project that was tried.
        unchanged: How many projects were as wanted before.
        failed: How many failed or could not be read.
        untried: How many were not tried.

    Returns:
        One line.
    """
    steps = Counter(_happened(step) for outcome in outcomes for step in outcome.done)
    done = ", ".join(f"{number} × {words}" for words, number in steps.items()) or "nothing to do"
    numbers = {"as wanted before": unchanged, "failed": failed, "not tried": untried}
    rest = "".join(f"; projects {words}: {number}" for words, number in numbers.items() if number)
    return f"Done: {done}{rest}."


def _rows(steps: Sequence[Step]) -> Iterator[Row]:
    """Put the hooks that share change and reason into one row."""
    shared = Counter((step.change, step.why) for step in steps if isinstance(step, HookStep))
    seen = set()
    for step in steps:
        alike = (step.change, step.why)
        if not isinstance(step, HookStep) or shared[alike] == 1:
            yield step.change.value, step.label, step.why
        elif alike not in seen:
            seen.add(alike)
            yield step.change.value, f"{shared[alike]} hooks", step.why


def _happened(step: Step) -> str:
    return f"{'hook' if isinstance(step, HookStep) else 'policy'} {DONE[step.change]}"
