"""What is told from one listing, and what a repair may do, from values alone."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.hooks import Subscription
from scan_core.onboarding.diagnosis import diagnose, disabled_by, secrets, states
from scan_core.onboarding.ours import DISABLED_BY_USER, slot_of
from scan_core.onboarding.plan import ProjectPlan, Standing, plan_repair
from scan_core.onboarding.wish import WANTED_EVENTS, user_names
from tests.onboarding.plans import FULL, ME, NOTHING, OTHER, SHOP, WISH, after, guid, subscriptions

OLD = user_names("old secret", ["key"])
ROTATING = replace(WISH, old_user_names=OLD)
listings = st.lists(subscriptions, max_size=8, unique_by=lambda one: one.id).map(tuple)


def with_inputs(one: Subscription, **inputs: str) -> Subscription:
    """Change how a subscription delivers."""
    return one.model_copy(update={"consumer_inputs": one.consumer_inputs | inputs})


def repaired(listed: tuple[Subscription, ...]) -> tuple[Subscription, ...]:
    """Carry out every repair."""
    standing = Standing(listed, ())
    for project in diagnose(listed, WISH):
        standing = after(project.plan, standing)
    return standing.subscriptions


@given(listings)
def test_a_repair_ends_with_every_place_taken_unless_a_person_switched_it_off(listed: tuple[Subscription, ...]) -> None:
    """And then there is nothing left to repair."""
    end = repaired(listed)
    assert [project.steps for project in diagnose(end, WISH) if project.steps] == []
    for project in diagnose(end, WISH):
        taken = {slot_of(one): one.status for one in project.ours}
        wanted = {(event.event_type, event.notification_type) for event in WANTED_EVENTS}
        assert wanted <= taken.keys()
        assert {taken[slot] for slot in wanted} <= {"enabled", DISABLED_BY_USER}


@given(listings)
def test_a_repair_touches_nothing_that_a_person_made_or_switched_off(listed: tuple[Subscription, ...]) -> None:
    """Nor what sends elsewhere, nor a project that was not onboarded."""
    ours = [one for project in diagnose(listed, WISH) for one in project.ours]
    left = repaired(listed)
    assert [one for one in listed if one not in ours and one not in left] == []
    assert [one for one in ours if one.status == DISABLED_BY_USER and one not in left] == []
    assert all(one.created_by == ME for one in ours)


@given(listings)
def test_a_repair_leaves_what_is_not_needed_any_more(listed: tuple[Subscription, ...]) -> None:
    """Another version of the app may need it; onboarding takes it out."""
    unneeded = [one for one in listed if one.event_type == "git.repo.created"]
    assert [one for one in unneeded if one not in repaired(listed)] == []


def test_subscriptions_are_counted_by_state_and_secret() -> None:
    """A name of one's own tells nothing about the password."""
    first, second, third, fourth, *_ = FULL.subscriptions
    listed = (
        first,
        with_inputs(second, basicAuthUsername=OLD[0]).model_copy(update={"status": "onProbation"}),
        with_inputs(third, basicAuthUsername="by hand"),
        fourth.model_copy(update={"created_by": OTHER}),
        with_inputs(fourth, url="https://elsewhere.example", basicAuthUsername="x").model_copy(update={"id": guid(7)}),
    )
    assert states(diagnose(listed, ROTATING)) == {"enabled": 1, "onProbation": 1}
    assert secrets(listed, ROTATING) == (1, 1)
    switched_off = [one.model_copy(update={"status": DISABLED_BY_USER}) for one in listed]
    assert secrets(switched_off, ROTATING) == (0, 0)


def test_a_project_that_is_none_is_passed_over() -> None:
    """A filter is text that whoever edits a subscription may write."""
    odd = [one.model_copy(update={"publisher_inputs": {"projectId": "../x"}}) for one in FULL.subscriptions]
    assert diagnose(odd, WISH) == ()


def test_who_disabled_it_is_told_as_far_as_it_is_known() -> None:
    """A state that is new to us is told without a culprit."""
    told: dict[str, Any] = {state: disabled_by(state) for state in ("disabledByUser", "disabledBySystem", "brandNew")}
    assert told == {"disabledByUser": "user", "disabledBySystem": "system", "brandNew": None}


def test_nothing_is_planned_where_all_is_well() -> None:
    """Nor anything but hooks, ever."""
    assert plan_repair(SHOP, FULL.subscriptions, WISH) == ProjectPlan(SHOP)
    assert len(plan_repair(SHOP, NOTHING.subscriptions, WISH).steps) == len(WANTED_EVENTS)
