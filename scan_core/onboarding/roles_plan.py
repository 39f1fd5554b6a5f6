"""From what the service's identities have in Azure DevOps and what they need to the steps between them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scan_core.devops.members import BASIC, AclDescriptor, Descriptor, Entry, Group, Member
from scan_core.devops.projects import Project
from scan_core.devops.rights import AclPlace, Right, places
from scan_core.onboarding.plan import Change
from scan_core.onboarding.roles import Mark, Role, licence_does

_LABELS: Final = {"express": "Basic"}
ORGANISATION: Final = "(organisation)"
"""Stands where a project's name does, for what belongs to none; no project can have that name."""


@dataclass(frozen=True)
class RoleStanding:
    """What one identity has in the organisation."""

    member: Member | None
    group: Group | None
    acl: AclDescriptor | None
    """How access control lists name the group; None where there is no group."""
    inside: frozenset[Descriptor]
    """Who is in the group."""


type Entries = Mapping[tuple[AclPlace, AclDescriptor], Entry]
"""What the access control lists of a project say of the groups."""


@dataclass(frozen=True)
class MakeGroup:
    """Make the group that holds an identity's rights."""

    role: Role
    description: str


@dataclass(frozen=True)
class AddMember:
    """Add a service principal with a licence."""

    role: Role


@dataclass(frozen=True)
class ChangeLicence:
    """Give a member another licence."""

    member_id: str
    licence: str


@dataclass(frozen=True)
class Join:
    """Put the member into its group."""

    role: Role


@dataclass(frozen=True)
class Allow:
    """Say in an access control list what a group may do."""

    role: Role
    place: AclPlace
    bits: int


@dataclass(frozen=True)
class Forget:
    """Take a group out of an access control list."""

    place: AclPlace
    acl: AclDescriptor


@dataclass(frozen=True)
class RemoveMember:
    """Take a member out of the organisation."""

    member_id: str


@dataclass(frozen=True)
class RemoveGroup:
    """Delete a group."""

    group: Descriptor


type Act = MakeGroup | AddMember | ChangeLicence | Join | Allow | Forget | RemoveMember | RemoveGroup


@dataclass(frozen=True)
class RoleStep:
    """Something to do."""

    change: Change
    label: str
    why: str
    act: Act


@dataclass(frozen=True)
class PlacePlan:
    """What is to be done in one project, or in the organisation as a whole."""

    name: str
    steps: tuple[RoleStep, ...] = ()
    problem: str | None = None
    """Why nothing can be done."""


def plan_members(standing: Mapping[Role, RoleStanding]) -> PlacePlan:
    """Say what makes the identities members, each in a group of its own.

    The group comes first: its description remembers what there was before, for an interruption too.

    Args:
        standing: What each identity has.

    Returns:
        The steps; none where all is as wanted.
    """
    problems = [problem for role, one in standing.items() for problem in _foreign(role, one)]
    if problems:
        return PlacePlan(ORGANISATION, problem=" ".join(problems))
    steps = [step for role, one in standing.items() for step in _member_steps(role, one)]
    return PlacePlan(ORGANISATION, tuple(steps))


def plan_rights(project: Project, roles: Mapping[Role, RoleStanding], entries: Entries) -> PlacePlan:
    """Say what gives the identities' groups the rights they need in a project, and takes what they do not need.

    Args:
        project: Which.
        roles: What each identity has.
        entries: What the project's access control lists say.

    Returns:
        The steps; none where it is as wanted.
    """
    return PlacePlan(
        project.name, tuple(step for role, one in roles.items() for step in _right_steps(project, role, one, entries))
    )


def plan_rights_removal(project: Project, roles: Mapping[Role, RoleStanding], entries: Entries) -> PlacePlan:
    """Say what takes the groups out of a project.

    Args:
        project: Which.
        roles: What each identity has.
        entries: What the project's access control lists say.

    Returns:
        The steps; none where nothing is left.
    """
    steps = [
        RoleStep(Change.REMOVE, f"{role.label}: {_words(place, entry.allow)}", "asked for", Forget(place, one.acl))
        for role, one in roles.items()
        for (place, acl), entry in entries.items()
        if one.acl is not None and acl == one.acl and not any(_foreign(role, one))
    ]
    return PlacePlan(project.name, tuple(steps))


def plan_members_removal(standing: Mapping[Role, RoleStanding]) -> PlacePlan:
    """Say what takes out what made the identities members. The group goes last, for it remembers what was there before.

    Args:
        standing: What each identity has.

    Returns:
        The steps; none where nothing of ours is left.
    """
    return PlacePlan(ORGANISATION, tuple(step for role, one in standing.items() for step in _removal(role, one)))


def lists_of(project: Project) -> tuple[AclPlace, ...]:
    """Name the access control lists of a project that matter here.

    Args:
        project: Which.

    Returns:
        The lists.
    """
    return tuple(places(Right, project.id))


def _foreign(role: Role, one: RoleStanding) -> Iterable[str]:
    """Say why a group of that name cannot be used."""
    if one.group is None:
        return
    mark = Mark.read(one.group)
    if mark is None or mark.origin_id != role.origin_id:
        yield f"There is a group {role.group!r} that scangate did not make for this identity: rename it."


def _member_steps(role: Role, one: RoleStanding) -> Iterable[RoleStep]:
    if one.group is None:
        made = MakeGroup(role, Mark.of(role, one.member).text())
        yield RoleStep(Change.CREATE, f"group {role.group}", "missing", made)
    if one.member is None:
        yield RoleStep(Change.CREATE, f"{role.label} as a member, licence Basic", "no member yet", AddMember(role))
    elif not licence_does(one.member.licence):
        why = f"has {_licence(one.member.licence)}"
        yield RoleStep(Change.REPLACE, f"{role.label}: licence Basic", why, ChangeLicence(one.member.id, BASIC))
    if one.member is None or one.member.descriptor not in one.inside:
        yield RoleStep(Change.CREATE, f"{role.label} in its group", "not in it", Join(role))


def _right_steps(project: Project, role: Role, one: RoleStanding, entries: Entries) -> Iterable[RoleStep]:
    wanted = places(role.rights, project.id)
    for place in lists_of(project):
        bits = wanted.get(place, 0)
        entry = None if one.acl is None else entries.get((place, one.acl))
        label = f"{role.label}: {_words(place, bits)}"
        if entry is None and bits:
            yield RoleStep(Change.CREATE, label, "missing", Allow(role, place, bits))
        elif entry is not None and one.acl is not None and not bits:
            unneeded = f"{role.label}: {_words(place, entry.allow)}"
            yield RoleStep(Change.REMOVE, unneeded, "not needed any more", Forget(place, one.acl))
        elif entry is not None and (entry.allow, entry.deny) != (bits, 0):
            yield RoleStep(Change.REPLACE, label, _difference(entry, bits), Allow(role, place, bits))


def _removal(role: Role, one: RoleStanding) -> Iterable[RoleStep]:
    mark = None if one.group is None else Mark.read(one.group)
    if one.group is None or mark is None or mark.origin_id != role.origin_id:
        return
    if one.member is not None and mark.before is None:
        yield RoleStep(Change.REMOVE, f"{role.label} as a member", "asked for", RemoveMember(one.member.id))
    elif one.member is not None and mark.before is not None and _is_raised(one.member.licence, mark.before):
        back = ChangeLicence(one.member.id, mark.before)
        yield RoleStep(Change.REPLACE, f"{role.label}: licence {_licence(mark.before)}", "as it was before", back)
    yield RoleStep(Change.REMOVE, f"group {role.group}", "asked for", RemoveGroup(one.group.descriptor))


def _is_raised(now: str, before: str) -> bool:
    """Whether a licence is the one that we gave in place of another."""
    return now == BASIC and not licence_does(before)


def _difference(entry: Entry, bits: int) -> str:
    if entry.deny:
        return "something is denied"
    return "allows too little" if bits & ~entry.allow else "allows more than is needed"


def _words(place: AclPlace, bits: int) -> str:
    """Name rights by what they are called in Azure DevOps."""
    named = [
        _NAMES[right] for right in Right if right.value.namespace_id == place.namespace_id and right.value.bit & bits
    ]
    return ", ".join(named) or "other rights"


_NAMES: Final[Mapping[Right, str]] = {
    Right.VIEW_PROJECT: "View project",
    Right.READ_CODE: "Read",
    Right.EDIT_POLICIES: "Edit policies",
    Right.CONTRIBUTE_TO_PULL_REQUESTS: "Contribute to pull requests",
    Right.VIEW_SUBSCRIPTIONS: "View subscriptions",
    Right.EDIT_SUBSCRIPTIONS: "Edit subscriptions",
    Right.DELETE_SUBSCRIPTIONS: "Delete subscriptions",
    Right.READ_BUILDS: "View builds",
    Right.TAG_BUILDS: "Edit build quality",
}


def _licence(licence: str) -> str:
    return _LABELS.get(licence, licence)


def groups_of(standing: Mapping[Role, RoleStanding]) -> Sequence[AclDescriptor]:
    """List how access control lists name the groups there are.

    Args:
        standing: What each identity has.

    Returns:
        The names.
    """
    return [one.acl for one in standing.values() if one.acl is not None]
