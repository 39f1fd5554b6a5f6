"""From what stands in a project and what is wanted to the steps between them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scan_core.devops.hooks import HookWanted, Subscription, SubscriptionId
from scan_core.devops.policies import PolicyRead, StatusPolicy
from scan_core.devops.projects import Project
from scan_core.onboarding.ours import (
    DISABLED_BY_USER,
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

    @property
    def slot(self) -> tuple[str, str | None] | None:
        """Event type and filter of what is made; None where nothing is."""
        return None if self.wanted is None else (self.wanted.event_type, self.wanted.notification_type)


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
        PolicyStep(Change.REMOVE, _policy_label(one.policy), "asked for", old=one.id)
        for one in _our_policies(standing, wish)
    )
    hooks = (
        HookStep(Change.REMOVE, label(*slot_of(one)), "asked for", old=one.id)
        for one in _our_subscriptions(standing, wish)
    )
    return ProjectPlan(project, (*policies, *hooks), _notes(standing, wish))


def plan_repair(project: Project, ours: Sequence[Subscription], wish: Wish) -> ProjectPlan:
    """Say what makes the subscriptions of an onboarded project as wanted, as far as nobody wanted it otherwise.

    What a person disabled stays as it is, and nothing is put beside it. Policies are left alone, and so is what is not
    needed any more: it does no harm, and another version of the app may need it.

    Args:
        project: Which.
        ours: Its subscriptions, as far as they are ours.
        wish: What it is to have.

    Returns:
        The steps; none where there is nothing to repair.
    """
    switched_off = {slot_of(one) for one in ours if one.status == DISABLED_BY_USER}
    standing = Standing(tuple(one for one in ours if one.status != DISABLED_BY_USER), ())
    steps = (
        step
        for step in _wanted_hook_steps(project, standing, wish)
        if step.change is not Change.CREATE or step.slot not in switched_off
    )
    return ProjectPlan(project, tuple(steps))


def _our_subscriptions(standing: Standing, wish: Wish) -> list[Subscription]:
    return sorted((one for one in standing.subscriptions if is_our_subscription(one, wish)), key=lambda one: one.id)


def _our_policies(standing: Standing, wish: Wish) -> list[PolicyRead]:
    return sorted((one for one in standing.policies if is_our_policy(one, wish)), key=lambda one: one.id)


def _hook_steps(project: Project, standing: Standing, wish: Wish) -> Iterable[HookStep]:
    yield from _wanted_hook_steps(project, standing, wish)
    wanted = {(one.event_type, one.notification_type) for one in wish.hooks(project)}
    for one in _our_subscriptions(standing, wish):
        if slot_of(one) not in wanted:
            yield HookStep(Change.REMOVE, label(*slot_of(one)), "not needed any more", old=one.id)


def _wanted_hook_steps(project: Project, standing: Standing, wish: Wish) -> Iterable[HookStep]:
    ours = _our_subscriptions(standing, wish)
    for wanted in wish.hooks(project):
        slot = (wanted.event_type, wanted.notification_type)
        yield from _slot_steps(wanted, [one for one in ours if slot_of(one) == slot], wish)


def _slot_steps(wanted: HookWanted, present: list[Subscription], wish: Wish) -> Iterable[HookStep]:
    place = label(wanted.event_type, wanted.notification_type)
    if not present:
        yield HookStep(Change.CREATE, place, "missing", wanted)
        return
    faults = {one.id: hook_fault(one, wanted, wish) for one in present}
    kept = next((one for one in present if faults[one.id] is None), present[0])
    fault = faults[kept.id]
    if fault is not None:
        yield HookStep(Change.REPLACE, place, fault, wanted, kept.id)
    for one in present:
        if one is not kept:
            yield HookStep(Change.REMOVE, place, "there twice", old=one.id)


def _policy_steps(standing: Standing, wish: Wish) -> Iterable[PolicyStep]:
    present = _our_policies(standing, wish)
    for wanted in wish.policies():
        name = wanted.settings.status_name
        yield from _status_steps(wanted, [one for one in present if one.policy.settings.status_name == name])


def _status_steps(wanted: StatusPolicy, ours: list[PolicyRead]) -> Iterable[PolicyStep]:
    words = f"{_policy_label(wanted)} ({'blocking' if wanted.is_blocking else 'optional'})"
    if not ours:
        yield PolicyStep(Change.CREATE, words, "missing", wanted)
        return
    faults = {one.id: policy_fault(one.policy, wanted) for one in ours}
    kept = next((one for one in ours if faults[one.id] is None), ours[0])
    fault = faults[kept.id]
    if fault is not None:
        yield PolicyStep(Change.REPLACE, words, fault, wanted, kept.id)
    for one in ours:
        if one is not kept:
            yield PolicyStep(Change.REMOVE, words, "there twice", old=one.id)


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


def _policy_label(policy: StatusPolicy) -> str:
    return f"status policy {policy.settings.status_name}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def label(event_type: str, notification_type: str | None) -> str:
    """Name a subscription's place in its project.

    Args:
        event_type: Its event.
        notification_type: Its filter.

    Returns:
        A few words, the same for whichever subscription stands there.
    """
    short = event_type.removeprefix("git.")
    return f"hook {short} {notification_type}" if notification_type else f"hook {short}"
