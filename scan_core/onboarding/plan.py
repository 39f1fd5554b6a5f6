"""From what stands in a project and what is wanted to the steps between them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from scan_core.devops.hooks import HookWanted, Subscription, SubscriptionId
from scan_core.devops.policies import PolicyRead, StatusPolicy
from scan_core.devops.projects import Project
from scan_core.onboarding.ours import (
    hook_fault,
    is_our_policy,
    is_our_subscription,
    is_strange_policy,
    is_strange_subscription,
    policy_fault,
    slot_of,
)
from scan_core.onboarding.wish import Wish


class Change(StrEnum):
    """What is done to a thing."""

    CREATE = "create"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True)
class HookStep:
    """Something to do to a subscription."""

    change: Change
    label: str
    why: str
    wanted: HookWanted | None = None
    old: SubscriptionId | None = None


@dataclass(frozen=True)
class PolicyStep:
    """Something to do to a policy."""

    change: Change
    label: str
    why: str
    wanted: StatusPolicy | None = None
    old: int | None = None


type Step = HookStep | PolicyStep


@dataclass(frozen=True)
class Standing:
    """What a project has, of ours and of anybody's."""

    subscriptions: tuple[Subscription, ...]
    policies: tuple[PolicyRead, ...]


@dataclass(frozen=True)
class ProjectPlan:
    """What is to be done in one project."""

    project: Project
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    """What looks like ours and is not, so it stays."""
    problem: str | None = None
    """Why nothing can be planned: the project could not be read."""


def plan(project: Project, standing: Standing, wish: Wish) -> ProjectPlan:
    """Say what makes a project as wanted.

    Subscriptions come before the policy: interrupted in between, nothing blocks that nobody would answer.

    Args:
        project: Which.
        standing: What it has.
        wish: What it is to have.

    Returns:
        The steps; none where it is as wanted.
    """
    steps: tuple[Step, ...] = (*_hook_steps(project, standing, wish), *_policy_steps(standing, wish))
    return ProjectPlan(project, steps, _notes(standing, wish))


def plan_removal(project: Project, standing: Standing, wish: Wish) -> ProjectPlan:
    """Say what takes out of a project all that onboarding made.

    The policy goes first, for the reason it comes last.

    Args:
        project: Which.
        standing: What it has.
        wish: Says what is ours.

    Returns:
        The steps; none where nothing of ours is left.
    """
    policies = (
        PolicyStep(Change.REMOVE, "status policy", "asked for", old=one.id) for one in _our_policies(standing, wish)
    )
    hooks = (
        HookStep(Change.REMOVE, _label(*slot_of(one)), "asked for", old=one.id)
        for one in _our_subscriptions(standing, wish)
    )
    return ProjectPlan(project, (*policies, *hooks), _notes(standing, wish))


def _our_subscriptions(standing: Standing, wish: Wish) -> list[Subscription]:
    return sorted((one for one in standing.subscriptions if is_our_subscription(one, wish)), key=lambda one: one.id)


def _our_policies(standing: Standing, wish: Wish) -> list[PolicyRead]:
    return sorted((one for one in standing.policies if is_our_policy(one, wish)), key=lambda one: one.id)


def _hook_steps(project: Project, standing: Standing, wish: Wish) -> Iterable[HookStep]:
    ours = _our_subscriptions(standing, wish)
    slots = []
    for wanted in wish.hooks(project):
        slot = (wanted.event_type, wanted.notification_type)
        slots.append(slot)
        yield from _slot_steps(wanted, [one for one in ours if slot_of(one) == slot], wish)
    for one in ours:
        if slot_of(one) not in slots:
            yield HookStep(Change.REMOVE, _label(*slot_of(one)), "not needed any more", old=one.id)


def _slot_steps(wanted: HookWanted, present: list[Subscription], wish: Wish) -> Iterable[HookStep]:
    label = _label(wanted.event_type, wanted.notification_type)
    if not present:
        yield HookStep(Change.CREATE, label, "missing", wanted)
        return
    faults = {one.id: hook_fault(one, wanted, wish) for one in present}
    kept = next((one for one in present if faults[one.id] is None), present[0])
    fault = faults[kept.id]
    if fault is not None:
        yield HookStep(Change.REPLACE, label, fault, wanted, kept.id)
    for one in present:
        if one is not kept:
            yield HookStep(Change.REMOVE, label, "there twice", old=one.id)


def _policy_steps(standing: Standing, wish: Wish) -> Iterable[PolicyStep]:
    wanted, ours = wish.policy(), _our_policies(standing, wish)
    label = f"status policy ({'blocking' if wish.is_blocking else 'optional'})"
    if not ours:
        yield PolicyStep(Change.CREATE, label, "missing", wanted)
        return
    faults = {one.id: policy_fault(one.policy, wanted) for one in ours}
    kept = next((one for one in ours if faults[one.id] is None), ours[0])
    fault = faults[kept.id]
    if fault is not None:
        yield PolicyStep(Change.REPLACE, label, fault, wanted, kept.id)
    for one in ours:
        if one is not kept:
            yield PolicyStep(Change.REMOVE, label, "there twice", old=one.id)


def _notes(standing: Standing, wish: Wish) -> tuple[str, ...]:
    hooks = sum(is_strange_subscription(one, wish) for one in standing.subscriptions)
    policies = [one.id for one in standing.policies if is_strange_policy(one, wish)]
    notes = []
    if hooks:
        notes.append(f"{_counted(hooks, 'subscription')} of another identity send to this app and stay")
    if policies:
        numbers = ", ".join(str(number) for number in policies)
        notes.append(f"a policy for the same status and another author stays (policy {numbers})")
    return tuple(notes)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _label(event_type: str, notification_type: str | None) -> str:
    short = event_type.removeprefix("git.")
    return f"hook {short} {notification_type}" if notification_type else f"hook {short}"
