"""Onboarding as it is ordered, planned and told, by the command line and by the app alike."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import Field

from scan_core.model.ids import Organisation, OrganisationName
from scan_core.model.value import Moment, Value

OnboardingId = NewType("OnboardingId", str)
"""32 hex digits; it names a document and permits nothing."""

type Row = tuple[str, str, str]
"""Change, what, why."""


class Order(Value):
    """What is asked for."""

    projects: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    """Names, ids or patterns; none for all."""
    branches: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """What the policy holds for; none for the default branches."""
    dry_run: bool = False
    optional: bool = False
    """The status is shown and does not block."""
    remove: bool = False


class PlanTold(Value):
    """A plan as people see it."""

    organisation: OrganisationName
    rows: tuple[tuple[str, tuple[Row, ...]], ...] = ()
    """What changes, by the name of the project; one that stays as it is is left out."""
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    summary: str


class OnboardingState(StrEnum):
    """How far an onboarding is that was ordered from the app."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Something was begun and not all of it came about."""
    REFUSED = "refused"
    """Nothing was begun, because what was asked for or configured cannot be."""


ENDED = frozenset({OnboardingState.DONE, OnboardingState.FAILED, OnboardingState.REFUSED})


class Onboarding(Value):
    """An onboarding that was ordered from the app."""

    what: str = "onboarding"
    """Its kind among the other documents of the audit."""
    id: Annotated[OnboardingId, Field(pattern=r"^[0-9a-f]{32}$")]
    organisation: Organisation
    order: Order
    ordered_by: str
    """The object id of the caller in Entra."""
    at: Moment
    changed_at: Moment
    state: OnboardingState = OnboardingState.QUEUED
    turns: int = Field(default=0, ge=0)
    """In how many turns it was worked on so far."""
    busy_until: Moment | None = None
    """Until when the present turn may last; nobody else works on it meanwhile."""
    plan: PlanTold | None = None
    lines: tuple[str, ...] = ()
    """What was done, a line for each project."""
    problems: tuple[str, ...] = ()


def new_onboarding(organisation: OrganisationName, order: Order, ordered_by: str, now: datetime) -> Onboarding:
    """Take an order.

    Args:
        organisation: Whose projects.
        order: What is asked for.
        ordered_by: The caller's object id in Entra.
        now: When.

    Returns:
        The onboarding, queued, with a new id.
    """
    name = OnboardingId(secrets.token_hex(16))
    return Onboarding(id=name, organisation=organisation, order=order, ordered_by=ordered_by, at=now, changed_at=now)
