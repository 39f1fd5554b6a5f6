"""What onboarding plans, from values alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.policies import Scope
from scan_core.onboarding.doctor import Health, address
from scan_core.onboarding.plan import Change, HookStep, PolicyStep, ProjectPlan, Standing, plan, plan_removal
from scan_core.onboarding.selection import NoSuchProject, choose
from scan_core.onboarding.survey import by_project
from scan_core.onboarding.wish import WANTED_EVENTS, Wish, scope_of, user_names
from scan_core.onboarding.words import in_words
from tests.onboarding.plans import FULL, ME, NOTHING, SHOP, STATES, WISH, after, standings


def strangers(standing: Standing) -> tuple[set[Any], set[int]]:
    """Name what is not ours."""
    hooks = {
        one.id
        for one in standing.subscriptions
        if one.created_by != ME or one.consumer_inputs["url"].partition("?")[0] != WISH.hook_url
    }
    return hooks, {one.id for one in standing.policies if (one.policy.settings.author_id or "").lower() != ME}


@given(standings)
def test_a_plan_that_was_carried_out_leaves_nothing_to_plan(standing: Standing) -> None:
    """Whatever stood there before."""
    assert plan(SHOP, after(plan(SHOP, standing, WISH), standing), WISH).steps == ()


@given(standings)
def test_a_removal_leaves_what_is_not_ours_and_nothing_else(standing: Standing) -> None:
    """Also after onboarding."""
    full = after(plan(SHOP, standing, WISH), standing)
    left = after(plan_removal(SHOP, full, WISH), full)
    assert ({one.id for one in left.subscriptions}, {one.id for one in left.policies}) == strangers(standing)


@given(standings, st.integers(0, 20))
def test_an_interruption_at_any_step_is_made_up_for(standing: Standing, steps: int) -> None:
    """The next plan leads to the same end."""
    first = plan(SHOP, standing, WISH)
    half = after(ProjectPlan(SHOP, first.steps[:steps]), standing)
    whole = after(plan(SHOP, half, WISH), half)
    assert plan(SHOP, whole, WISH).steps == ()
    assert len([one for one in whole.subscriptions if one.id not in strangers(standing)[0]]) == len(WANTED_EVENTS)


@given(standings)
def test_no_policy_comes_before_the_hooks_that_answer_for_it(standing: Standing) -> None:
    """And on removal none outlives them."""
    kinds = [isinstance(step, PolicyStep) for step in plan(SHOP, standing, WISH).steps]
    assert kinds == sorted(kinds)
    kinds = [isinstance(step, HookStep) for step in plan_removal(SHOP, standing, WISH).steps]
    assert kinds == sorted(kinds)


@pytest.mark.parametrize("state", STATES[1:])
def test_whatever_is_not_enabled_is_replaced(state: str) -> None:
    """Changing it would not revive it."""
    first, *rest = FULL.subscriptions
    broken = Standing((first.model_copy(update={"status": state}), *rest), FULL.policies)
    (step,) = plan(SHOP, broken, WISH).steps
    assert (step.change, step.old) == (Change.REPLACE, first.id)


def test_another_version_is_replaced_and_the_old_spelling_of_the_same_is_not() -> None:
    """The portal once wrote 1.0-preview.1."""
    first, *rest, built = FULL.subscriptions
    for version, steps in (("1.0-preview.1", 0), ("2.0", 1)):
        changed = first.model_copy(update={"resource_version": version})
        assert len(plan(SHOP, Standing((changed, *rest, built), FULL.policies), WISH).steps) == steps
    changed = built.model_copy(update={"resource_version": "1.0"})
    (step,) = plan(SHOP, Standing((first, *rest, changed), FULL.policies), WISH).steps
    assert step.old == built.id


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("source", 1, "does not count always"),
        ("source", 0, None),
        ("image", None, "blocks where no status was posted"),
        ("image", 0, "blocks where no status was posted"),
    ],
)
def test_each_policy_counts_from_its_own_moment(name: str, value: int | None, why: str | None) -> None:
    """That for images must not block pull requests whose builds make none."""
    (one,) = [each for each in FULL.policies if each.policy.settings.status_name == name]
    settings = one.policy.settings.model_copy(update={"policy_applicability": value})
    changed = one.model_copy(update={"policy": one.policy.model_copy(update={"settings": settings})})
    others = tuple(each for each in FULL.policies if each is not one)
    steps = plan(SHOP, Standing(FULL.subscriptions, (*others, changed)), WISH).steps
    assert [(step.why, step.old) for step in steps] == ([] if why is None else [(why, one.id)])


def test_scopes_are_compared_as_sets_and_without_case() -> None:
    """Each branch counts once, and the server may write kinds its own way."""
    assert scope_of(["main", "refs/heads/main"]) == (Scope(ref_name="refs/heads/main"),)
    wish = Wish(**{**vars(WISH), "scope": scope_of(["main", "release/*"])})
    standing = after(plan(SHOP, NOTHING, wish), NOTHING)
    one, image = standing.policies
    turned = tuple(
        scope.model_copy(update={"match_kind": scope.match_kind.lower()})
        for scope in reversed(one.policy.settings.scope)
    )
    settings = one.policy.settings.model_copy(update={"scope": turned})
    policy = one.model_copy(update={"policy": one.policy.model_copy(update={"settings": settings})})
    assert plan(SHOP, Standing(standing.subscriptions, (policy, image)), wish).steps == ()


def test_a_subscription_for_all_projects_belongs_to_none() -> None:
    """Onboarding makes none such."""
    first = FULL.subscriptions[0]
    everywhere = first.model_copy(update={"publisher_inputs": {}})
    assert by_project([first, everywhere]) == {SHOP.id: (first,)}


def test_user_names_tell_secrets_apart_and_hold_neither_secret_nor_key() -> None:
    """One for each signing key."""
    both = user_names("secret", ["one", "two"])
    assert len({*both, *user_names("other", ["one", "two"])}) == 4
    assert all(name.startswith("scangate-") and len(name) == 17 for name in both)


def test_a_name_without_anything_near_it_suggests_nothing() -> None:
    """But says what to do."""
    with pytest.raises(NoSuchProject, match=r"may not see it\. Correct the name"):
        choose([SHOP], ["zzz\n"])
    assert choose([SHOP], []) == (SHOP,)


@pytest.mark.parametrize("kind", DevOpsErrorKind)
def test_every_failure_ends_with_a_next_step(kind: DevOpsErrorKind) -> None:
    """In a sentence of its own."""
    words = in_words(DevOpsError(kind, "creating it: Azure DevOps refused it"))
    first, _, rest = words.partition(". ")
    assert first == "Creating it: Azure DevOps refused it"
    assert rest.endswith((".", "report it."))


@pytest.mark.parametrize(
    ("public", "organisation", "health"),
    [
        ("https://gate.example", "https://dev.azure.com/contoso", Health.GOOD),
        ("http://gate.example", "https://dev.azure.com/contoso", Health.BAD),
        ("http://127.0.0.1:7071", "https://dev.azure.com/contoso", Health.BAD),
        ("http://127.0.0.1:7071", "http://localhost:8080/contoso", Health.GOOD),
    ],
)
def test_the_public_address_has_to_be_safe_and_in_reach(public: str, organisation: str, health: Health) -> None:
    """A password must not travel in the open, and Azure DevOps cannot call this machine."""
    check = address(public, organisation)
    assert check.health is health
    assert ("SCANGATE_PUBLIC_URL" in check.sentence) is (health is Health.BAD)
