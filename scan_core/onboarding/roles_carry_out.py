"""Gives and takes what was planned for the service's identities; each step may be the last before an interruption."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from scan_core.devops.directory import Directory
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.members import BASIC, AclDescriptor, Descriptor, Group, Member
from scan_core.onboarding.patience import Patience
from scan_core.onboarding.roles import Role
from scan_core.onboarding.roles_plan import (
    Act,
    AddMember,
    Allow,
    ChangeLicence,
    Forget,
    Join,
    MakeGroup,
    PlacePlan,
    RemoveGroup,
    RemoveMember,
    RoleStanding,
    RoleStep,
)


class RoleHands:
    """What the steps are carried out with. Later steps need what earlier ones made, so it remembers that."""

    def __init__(self, directory: Directory, patience: Patience, standing: Mapping[Role, RoleStanding]) -> None:
        """Take what there is.

        Args:
            directory: The organisation.
            patience: Makes the calls.
            standing: What each identity has already.
        """
        self._directory = directory
        self._patience = patience
        self._groups: dict[Role, Descriptor] = {}
        self._acls: dict[Role, AclDescriptor] = {}
        self._members: dict[Role, Descriptor] = {}
        for role, one in standing.items():
            self._remember(role, one.group, one.member)
            if one.acl is not None:
                self._acls[role] = one.acl

    def carry_out(self, plan: PlacePlan) -> Iterator[RoleStep]:
        """Carry out a plan.

        Args:
            plan: What to do.

        Yields:
            Each step, when it is done.

        Raises:
            DevOpsError: A step failed; those after it were not tried.
        """
        for step in plan.steps:
            self._do(step.act)
            yield step

    def _do(self, act: Act) -> None:
        directory, patience = self._directory, self._patience
        match act:
            case MakeGroup(role, description):
                self._remember(role, patience.once(lambda: directory.create_group(role.group, description)), None)
            case AddMember(role):
                self._remember(role, None, patience.once(lambda: directory.add_member(role.origin_id, BASIC)))
            case ChangeLicence(member_id, licence):
                patience.repeatedly(lambda: directory.change_licence(member_id, licence))
            case Join(role):
                patience.repeatedly(lambda: directory.join(self._members[role], self._groups[role]))
            case Allow(role, place, bits):
                acl = self._acl(role)
                patience.repeatedly(lambda: directory.allow(place, acl, bits))
            case Forget(place, acl):
                patience.repeatedly(lambda: directory.forget(place, [acl]))
            case RemoveMember(member_id):
                with _gone_is_fine():
                    patience.repeatedly(lambda: directory.remove_member(member_id))
            case RemoveGroup(group):
                with _gone_is_fine():
                    patience.repeatedly(lambda: directory.delete_group(group))

    def _acl(self, role: Role) -> AclDescriptor:
        if role not in self._acls:
            self._acls[role] = self._patience.repeatedly(lambda: self._directory.acl_descriptor(self._groups[role]))
        return self._acls[role]

    def _remember(self, role: Role, group: Group | None, member: Member | None) -> None:
        if group is not None:
            self._groups[role] = group.descriptor
        if member is not None:
            self._members[role] = member.descriptor


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except DevOpsError as error:
        if error.kind is not DevOpsErrorKind.NOT_FOUND:
            raise
