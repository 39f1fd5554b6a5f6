"""How the subscriptions of an organisation stand, told from one listing. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from scan_core.devops.hooks import ENABLED, Subscription
from scan_core.devops.projects import Project
from scan_core.model.ids import ProjectId
from scan_core.onboarding.ours import (
    DISABLED_BY_USER,
    OTHER_PASSWORD,
    slot_of,
    uses_no_known_secret,
    uses_old_secret,
    was_onboarded,
)
from scan_core.onboarding.plan import Change, HookStep, ProjectPlan, label, plan_repair
from scan_core.onboarding.survey import by_project
from scan_core.onboarding.wish import Wish

_DISABLED_BY: Final = {
    "disabledByUser": "user",
    "disabledBySystem": "system",
    "disabledByInactiveIdentity": "inactive_identity",
}


@dataclass(frozen=True)
class ProjectHooks:
    """The subscriptions of an onboarded project: one that has some that onboarding made."""

    project: Project
    ours: tuple[Subscription, ...]
    plan: ProjectPlan
    """What makes them as wanted, as far as it may be done without asking."""

    @property
    def steps(self) -> tuple[HookStep, ...]:
        """The steps of the plan."""
        return tuple(step for step in self.plan.steps if isinstance(step, HookStep))

    @property
    def missing(self) -> list[str]:
        """The places where nothing stands."""
        return [step.label for step in self.steps if step.change is Change.CREATE]

    @property
    def broken(self) -> tuple[Subscription, ...]:
        """Those that deliver nothing, or not everything."""
        return tuple(one for one in self.ours if one.status != ENABLED)

    def in_state(self, status: str) -> tuple[Subscription, ...]:
        """List the subscriptions in one state.

        Args:
            status: A SubscriptionStatus.

        Returns:
            The subscriptions.
        """
        return tuple(one for one in self.ours if one.status == status)


def diagnose(listed: Iterable[Subscription], wish: Wish) -> tuple[ProjectHooks, ...]:
    """Tell the onboarded projects and how their subscriptions stand.

    Args:
        listed: All subscriptions of an organisation, anyone's.
        wish: What a project is to have, and what is ours.

    Returns:
        Each project that has some that onboarding made, by its id.
    """
    found = []
    for project_id, subscriptions in sorted(by_project(listed).items()):
        ours = tuple(one for one in subscriptions if was_onboarded(one, wish))
        project = _project(project_id)
        if ours and project is not None:
            found.append(ProjectHooks(project, ours, plan_repair(project, ours, wish)))
    return tuple(found)


def states(found: Iterable[ProjectHooks]) -> dict[str, int]:
    """Count the subscriptions by state.

    Args:
        found: The onboarded projects.

    Returns:
        How many there are in each state that occurs.
    """
    return dict(Counter(one.status for project in found for one in project.ours))


def secrets(listed: Sequence[Subscription], wish: Wish) -> tuple[int, int]:
    """Count who would be refused if the secret that is being replaced were removed.

    What a person disabled does not count: enabled again it would be refused, put on probation and so be made anew.

    Args:
        listed: All subscriptions of an organisation, anyone's.
        wish: Says which user names stand for which secret.

    Returns:
        How many use the old secret, and of how many that send to us it cannot be told.
    """
    live = [one for one in listed if one.status != DISABLED_BY_USER]
    return sum(uses_old_secret(one, wish) for one in live), sum(uses_no_known_secret(one, wish) for one in live)


def disabled_by(status: str) -> str | None:
    """Say who disabled a subscription.

    Args:
        status: A SubscriptionStatus.

    Returns:
        ``user``, ``system`` or ``inactive_identity``; None where it is not disabled.
    """
    return _DISABLED_BY.get(status)


def places(subscriptions: Iterable[Subscription]) -> list[str]:
    """Name subscriptions by the places where they stand.

    Args:
        subscriptions: Some of ours.

    Returns:
        A few words for each.
    """
    return [label(*slot_of(one)) for one in subscriptions]


def is_rotation(step: HookStep) -> bool:
    """Tell whether a step only gives a subscription the new secret; it has delivered all the time.

    Args:
        step: A step of a plan.

    Returns:
        Whether it does.
    """
    return step.why == OTHER_PASSWORD


def _project(project_id: str) -> Project | None:
    """Make a project of an id. Its name is not asked for: logs name projects by their ids."""
    try:
        return Project(id=ProjectId(project_id), name=project_id)
    except ValidationError:
        return None
