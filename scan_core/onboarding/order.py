"""Carries out an order to onboard: plans, tells the plan, does it and tells how it went, wherever it runs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol

from scan_core.devops.administration import Administration
from scan_core.devops.errors import DevOpsError
from scan_core.model.ids import OrganisationName
from scan_core.model.onboarding import Order, PlanTold
from scan_core.onboarding.carry_out import Hands, Outcome
from scan_core.onboarding.patience import Patience
from scan_core.onboarding.plan import ProjectPlan, plan, plan_removal
from scan_core.onboarding.selection import NoSuchProject, choose
from scan_core.onboarding.survey import plans
from scan_core.onboarding.telling import conclusion, line_of, told
from scan_core.onboarding.wish import BranchUnusable, Wish, scope_of, wish_for
from scan_core.onboarding.words import in_words
from scan_core.settings.deployment import Settings
from scan_core.settings.organisation import OrganisationSettings


class Refused(Exception):
    """Nothing was begun; the message says why, and the next step."""


@dataclass(frozen=True)
class Organisation:
    """An organisation that can be called."""

    name: OrganisationName
    described: OrganisationSettings
    settings: Settings
    administration: Administration
    patience: Patience


class Teller(Protocol):
    """Whom it is told."""

    def plan(self, plan: PlanTold) -> None:
        """Take the plan, before anything is done."""
        ...

    def line(self, text: str) -> None:
        """Take how it went in one project, or in all."""
        ...

    def problem(self, text: str) -> None:
        """Take why not everything was tried."""
        ...


class End(Enum):
    """How it ended."""

    DONE = auto()
    FAILED = auto()
    CUT_SHORT = auto()
    """The time was up; carried out again, it continues where it stopped."""


def carry_out(
    organisation: Organisation, order: Order, teller: Teller, time_is_up: Callable[[], bool] = lambda: False
) -> End:
    """Carry out an order.

    Args:
        organisation: Whose projects.
        order: What is asked for.
        teller: Whom the plan and each outcome are told, as soon as they are known.
        time_is_up: Asked before each project.

    Returns:
        How it ended.

    Raises:
        Refused: Nothing was begun.
    """
    problem = secret_problem(organisation)
    if problem is not None:
        raise Refused(problem)
    try:
        made = _planned(organisation, order)
    except DevOpsError as error:
        raise Refused(in_words(error)) from None
    except (BranchUnusable, NoSuchProject) as wrong:
        raise Refused(str(wrong)) from None
    teller.plan(told(made, organisation.name))
    if order.dry_run:
        return End.FAILED if any(each.problem is not None for each in made) else End.DONE
    password = organisation.described.hook_secrets[0]
    return _carried_out(made, Hands(organisation.administration, organisation.patience, password), teller, time_is_up)


def secret_problem(organisation: Organisation) -> str | None:
    """Tell whether there is a password for the hooks.

    Args:
        organisation: Whose hooks.

    Returns:
        What is wrong and what to do; None where there is one.
    """
    secrets = organisation.described.hook_secrets
    if secrets and secrets[0].get_secret_value():
        return None
    return (
        f"{organisation.name} has no hook secret, so its hooks would be answered 503: put one into hook_secrets in"
        " SCANGATE_ORGANISATIONS."
    )


def _planned(organisation: Organisation, order: Order) -> list[ProjectPlan]:
    administration, patience = organisation.administration, organisation.patience
    scope = scope_of(order.branches)
    identity = patience.repeatedly(administration.authenticated_id)
    wish: Wish = replace(
        wish_for(organisation.settings, organisation.name, identity, scope), is_blocking=not order.optional
    )
    chosen = choose(patience.repeatedly(administration.projects), order.projects)
    planner = plan_removal if order.remove else plan
    return list(plans(administration, patience, chosen, lambda project, standing: planner(project, standing, wish)))


def _carried_out(made: Sequence[ProjectPlan], hands: Hands, teller: Teller, time_is_up: Callable[[], bool]) -> End:
    """Do it, a line for each project."""
    busy = [each for each in made if each.steps]
    outcomes: list[Outcome] = []
    try:
        for outcome in hands.carry_out(_until(time_is_up, busy)):
            outcomes.append(outcome)
            teller.line(line_of(outcome, len(outcomes), len(busy)))
    except DevOpsError as error:
        teller.problem(f"The other projects were not tried: {in_words(error)}")
    else:
        if len(outcomes) < len(busy):
            return End.CUT_SHORT
    unread = sum(each.problem is not None for each in made)
    failed = unread + sum(each.problem is not None for each in outcomes)
    untried = len(busy) - len(outcomes)
    teller.line(conclusion(outcomes, len(made) - len(busy) - unread, failed, untried))
    return End.FAILED if failed or untried else End.DONE


def _until(time_is_up: Callable[[], bool], made: Iterable[ProjectPlan]) -> Iterator[ProjectPlan]:
    for each in made:
        if time_is_up():
            return
        yield each
