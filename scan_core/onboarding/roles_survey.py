"""Reads what the service's identities have in an organisation."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from scan_core.devops.directory import Directory
from scan_core.devops.members import AclDescriptor, Entry
from scan_core.devops.projects import Project
from scan_core.devops.rights import AclPlace
from scan_core.onboarding.patience import Patience
from scan_core.onboarding.roles import Role
from scan_core.onboarding.roles_plan import Entries, RoleStanding, groups_of, lists_of


def standing_of(directory: Directory, patience: Patience, roles: Sequence[Role]) -> dict[Role, RoleStanding]:
    """Read what each identity has in the organisation as a whole.

    Args:
        directory: The organisation.
        patience: Makes the calls.
        roles: Which identities.

    Returns:
        What each has.

    Raises:
        DevOpsError: A call failed.
    """
    groups = {group.name: group for group in patience.repeatedly(directory.groups)}
    known = patience.repeatedly(directory.service_principals)
    found = {}
    for role in roles:
        group, descriptor = groups.get(role.group), known.get(role.origin_id)
        member = None if descriptor is None else patience.repeatedly(partial(directory.member, descriptor))
        if group is None:
            found[role] = RoleStanding(member, None, None, frozenset())
        else:
            acl = patience.repeatedly(partial(directory.acl_descriptor, group.descriptor))
            inside = patience.repeatedly(partial(directory.members_of, group.descriptor))
            found[role] = RoleStanding(member, group, acl, inside)
    return found


def entries_in(
    directory: Directory, patience: Patience, project: Project, standing: Mapping[Role, RoleStanding]
) -> Entries:
    """Read what a project's access control lists say of the identities' groups, in one call for each list.

    Args:
        directory: The organisation.
        patience: Makes the calls.
        project: Which project.
        standing: What each identity has; where none has a group, nothing is asked.

    Returns:
        The entries.

    Raises:
        DevOpsError: A call failed.
    """
    groups = groups_of(standing)
    return dict(_entries(directory, patience, lists_of(project), groups)) if groups else {}


def _entries(
    directory: Directory, patience: Patience, lists: Sequence[AclPlace], groups: Sequence[AclDescriptor]
) -> Iterator[tuple[tuple[AclPlace, AclDescriptor], Entry]]:
    for place in lists:
        for group, entry in patience.repeatedly(partial(directory.entries, place, groups)).items():
            yield (place, group), entry
