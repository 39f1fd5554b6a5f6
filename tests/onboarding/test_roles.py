"""What the service's identities are to have, and the way there: pure, and true for whatever stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.members import AclDescriptor, Descriptor, Entry, Group, Member
from scan_core.devops.projects import Project
from scan_core.devops.rights import AclPlace, Right, places
from scan_core.model.ids import ProjectId
from scan_core.onboarding.roles import Mark, NoObjectId, Role, app_role, fetch_role, licence_does
from scan_core.onboarding.roles_plan import (
    Allow,
    Forget,
    RoleStanding,
    lists_of,
    plan_members,
    plan_members_removal,
    plan_rights,
    plan_rights_removal,
)

SHOP = Project(id=ProjectId("11111111-2222-4333-8444-555566667777"), name="Shop")
ORIGIN = "1a2b3c4d-1111-4222-8333-444455556666"
APP = app_role(ORIGIN, onboarding=False)
ACL = AclDescriptor("Microsoft.TeamFoundation.Identity;S-1-9-1")
MEMBER = Member(id="99999999-2222-4333-8444-555566667777", descriptor=Descriptor("aadsp.x"), licence="express")
bits = st.integers(0, 0xFFFF)
stood = st.dictionaries(st.sampled_from(lists_of(SHOP)), st.builds(Entry, allow=bits, deny=bits))


def with_group(role: Role = APP, before: str | None = None) -> RoleStanding:
    """Make the standing of an identity that has all."""
    group = Group(descriptor=Descriptor("vssgp.x"), name=role.group, description=Mark(role.origin_id, before).text())
    return RoleStanding(MEMBER, group, ACL, frozenset({MEMBER.descriptor}))


@given(stood)
def test_after_the_steps_the_rights_are_exactly_those_that_are_wanted(entries: dict[AclPlace, Entry]) -> None:
    """Whatever stood before; and then nothing is left to do."""
    standing = {APP: with_group()}
    plan = plan_rights(SHOP, standing, {(place, ACL): entry for place, entry in entries.items()})
    after = dict(entries)
    for step in plan.steps:
        if isinstance(step.act, Forget):
            del after[step.act.place]
        elif isinstance(step.act, Allow):
            after[step.act.place] = Entry(allow=step.act.bits, deny=0)
    wanted = places(APP.rights, SHOP.id)
    assert {place: (one.allow, one.deny) for place, one in after.items()} == {
        place: (allow, 0) for place, allow in wanted.items()
    }
    assert plan_rights(SHOP, standing, {(place, ACL): entry for place, entry in after.items()}).steps == ()


@given(stood)
def test_removal_leaves_nothing_of_ours_and_all_of_others(entries: dict[AclPlace, Entry]) -> None:
    """One step for each entry of our group."""
    other = AclDescriptor("somebody")
    all_entries = {(place, acl): entry for place, entry in entries.items() for acl in (ACL, other)}
    steps = plan_rights_removal(SHOP, {APP: with_group()}, all_entries).steps
    assert {step.act for step in steps} == {Forget(place, ACL) for place in entries}


@given(st.sampled_from([None, "express", "stakeholder", "advanced"]))
def test_a_mark_can_be_read_back(before: str | None) -> None:
    """It is all that is remembered of how things were."""
    mark = Mark(ORIGIN, before)
    assert Mark.read(Group(descriptor=Descriptor("x"), name="x", description=mark.text())) == mark


@pytest.mark.parametrize("text", ["", "Ours", "Made by scangate for the service principal x, which was there."])
def test_any_other_description_is_no_mark(text: str) -> None:
    """A group without one is somebody else's."""
    assert Mark.read(Group(descriptor=Descriptor("x"), name="x", description=text)) is None


def test_a_mark_of_another_identity_is_foreign() -> None:
    """Two ids can begin alike."""
    other = app_role(ORIGIN.replace("1111", "2222"), onboarding=False)
    standing = {APP: with_group(other)}
    assert "rename it" in str(plan_members(standing).problem)
    assert plan_members_removal(standing).steps == ()


@pytest.mark.parametrize(("licence", "stays"), [("express", True), ("advanced", True), ("stakeholder", False)])
def test_a_licence_that_includes_basic_stays(licence: str, stays: bool) -> None:
    """No licence is ever lowered."""
    standing = {APP: RoleStanding(MEMBER.model_copy(update={"licence": licence}), None, None, frozenset())}
    labels = [step.label for step in plan_members(standing).steps]
    assert licence_does(licence) is stays
    assert ("app: licence Basic" not in labels) is stays


def test_a_licence_that_somebody_changed_since_is_left_as_it_is() -> None:
    """Only the one that we gave is changed back."""
    raised = with_group(before="stakeholder")
    steps = plan_members_removal({APP: raised}).steps
    assert [step.why for step in steps] == ["as it was before", "asked for"]
    moved_on = RoleStanding(MEMBER.model_copy(update={"licence": "advanced"}), raised.group, ACL, raised.inside)
    assert [step.label for step in plan_members_removal({APP: moved_on}).steps] == [f"group {APP.group}"]


def test_the_fetch_step_may_only_read() -> None:
    """Projects and code; and no identity may do what the other one does not need."""
    assert fetch_role(ORIGIN).rights == {Right.VIEW_PROJECT, Right.READ_CODE}
    assert not {Right.EDIT_POLICIES, Right.EDIT_SUBSCRIPTIONS} & APP.rights
    assert {Right.EDIT_POLICIES, Right.EDIT_SUBSCRIPTIONS} <= app_role(ORIGIN, onboarding=True).rights


def test_an_id_is_checked() -> None:
    """Without case, and a client id that was mistyped is told."""
    assert app_role(f" {ORIGIN.upper()} ", onboarding=False).origin_id == ORIGIN
    with pytest.raises(NoObjectId, match="principal id of the managed identity"):
        app_role("fabrikam", onboarding=False)
