"""Members, groups and access control lists: what of Azure DevOps' own directory a service identity meets.

Descriptors follow "Graph" and "Identities" of the 7.1 REST API reference. Object ids that begin with eight zeros are
those of another tenant: nobody can add them.
"""

import base64
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from local.devops.errors import ServiceError
from local.devops.store import Table

if TYPE_CHECKING:
    from local.devops.state import Organisation

GIT: Final = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
HOOKS: Final = "cb594ebe-87dd-4fc9-ac2c-6a10a4c92046"
PROJECTS: Final = "52d39943-cb85-4d7f-8fa8-c6baac873819"
BUILDS: Final = "33344d9c-fc72-4d6f-aba5-fa317101a7e9"
NAMESPACES: Final = frozenset({GIT, HOOKS, PROJECTS, BUILDS})
BUILT_IN: Final = ("Contributors", "Readers")
"""Groups that every project has."""
_FOREIGN: Final = "00000000-"
_MEMBERS: Final = "Microsoft.VisualStudio.Services.MemberEntitlementManagement.WebApi"


@dataclass(frozen=True)
class ServicePrincipal:
    """A service principal of the organisation's tenant. Without a licence it is known, and no member."""

    id: str
    origin_id: str
    licence: str | None

    @property
    def descriptor(self) -> str:
        """How Graph names it."""
        return f"aadsp.{_encoded(self.id)}"


@dataclass(frozen=True)
class Group:
    """A group of the organisation, with its members' descriptors."""

    id: str
    name: str
    description: str
    members: tuple[str, ...] = ()

    @property
    def sid(self) -> str:
        """Its security identifier."""
        digits = self.id.replace("-", "")
        numbers = (str(int(digits[start : start + 8], 16)) for start in (0, 8, 16, 24))
        return f"S-1-9-1551374245-{'-'.join(numbers)}"

    @property
    def descriptor(self) -> str:
        """How Graph names it."""
        return f"vssgp.{_encoded(self.sid)}"

    @property
    def legacy(self) -> str:
        """How access control lists name it."""
        return f"Microsoft.TeamFoundation.Identity;{self.sid}"


@dataclass(frozen=True)
class AccessControlList:
    """Allowed and denied bits, by the descriptor that they are for."""

    namespace: str
    token: str
    entries: dict[str, tuple[int, int]] = field(default_factory=dict)


class Directory:
    """What an organisation knows of its members."""

    def __init__(self, organisation: "Organisation") -> None:
        """Load what a former run left.

        Args:
            organisation: whose directory.
        """
        self._organisation = organisation
        self.principals = Table(organisation.store, ServicePrincipal)
        self.groups = Table(organisation.store, Group)
        self.lists = Table(organisation.store, AccessControlList)

    def admit(self, origin_id: str, licence: str) -> ServicePrincipal | None:
        """Make a service principal a member.

        Args:
            origin_id: its object id.
            licence: its licence.

        Returns:
            The member; nothing where the tenant has no such service principal.
        """
        if origin_id.startswith(_FOREIGN):
            return None
        with self._organisation.store.change():
            known = self.by_origin(origin_id)
            made = known or ServicePrincipal(self._organisation.derived_id("principal", origin_id), origin_id, None)
            return self.principals.put(made.id, replace(made, licence=licence))

    def dismiss(self, principal: ServicePrincipal) -> None:
        """End a membership, in groups too; the service principal stays known.

        Args:
            principal: whose.
        """
        with self._organisation.store.change():
            self.principals.put(principal.id, replace(principal, licence=None))
            for group in self.groups.all():
                if principal.descriptor in group.members:
                    left = tuple(one for one in group.members if one != principal.descriptor)
                    self.groups.put(group.id, replace(group, members=left))

    def by_origin(self, origin_id: str) -> ServicePrincipal | None:
        """Find a service principal by its object id."""
        return next((one for one in self.principals.all() if one.origin_id == origin_id), None)

    def member(self, member_id: str) -> ServicePrincipal:
        """Find a member by its id.

        Args:
            member_id: its id in the organisation.

        Raises:
            ServiceError: 404 when there is none with a licence.
        """
        found = self.principals.get(member_id.lower())
        if found is None or found.licence is None:
            message = f"VS403283: Could not find member with ID {member_id}."
            raise ServiceError(404, "MemberNotFoundException", message, _MEMBERS)
        return found

    def make_group(self, name: str, description: str) -> Group:
        """Make a group.

        Args:
            name: its name.
            description: what it is for.

        Raises:
            ServiceError: 409 when the name is taken.
        """
        with self._organisation.store.change():
            if any(group.name.casefold() == name.casefold() for group in self.groups.all()):
                message = f"VS403339: Group creation failed. A group with the name '{name}' already exists."
                raise ServiceError(409, "GroupCreationException", message, "Microsoft.VisualStudio.Services.Identity")
            made = Group(str(uuid.uuid4()), name, description)
            return self.groups.put(made.id, made)

    def group(self, descriptor: str) -> Group:
        """Find a group.

        Args:
            descriptor: as Graph names it.

        Raises:
            ServiceError: 404 when there is none.
        """
        for group in self.groups.all():
            if group.descriptor == descriptor:
                return group
        raise _no_subject(descriptor)

    def delete_group(self, group: Group) -> None:
        """Delete a group. What lists say of it stays there, as in the real service."""
        with self._organisation.store.change():
            self.groups.delete(group.id)

    def join(self, descriptor: str, group: Group) -> None:
        """Put a member into a group.

        Args:
            descriptor: the member's.
            group: which group.

        Raises:
            ServiceError: 404 when there is no such member.
        """
        if not any(one.descriptor == descriptor and one.licence for one in self.principals.all()):
            raise _no_subject(descriptor)
        with self._organisation.store.change():
            members = tuple(dict.fromkeys((*group.members, descriptor)))
            self.groups.put(group.id, replace(group, members=members))

    def leave(self, descriptor: str, group: Group) -> None:
        """Take a member out of a group; harmless where it is not in it."""
        with self._organisation.store.change():
            left = tuple(one for one in group.members if one != descriptor)
            self.groups.put(group.id, replace(group, members=left))

    def acl(self, namespace: str, token: str) -> AccessControlList:
        """Return a list; an empty one where nothing was said.

        Args:
            namespace: its security namespace.
            token: what it is about; compared without case and without a colon at the end.
        """
        plain = token.casefold().rstrip(":")
        return self.lists.get(f"{namespace}/{plain}") or AccessControlList(namespace, token.rstrip(":"))

    def say(self, acl: AccessControlList) -> None:
        """Keep a list as it is now."""
        with self._organisation.store.change():
            self.lists.put(f"{acl.namespace}/{acl.token.casefold()}", acl)

    def may(self, member_id: str, namespace: str, token: str, bits: int) -> bool | None:
        """Tell whether a member has rights by its groups.

        Args:
            member_id: the member's id.
            namespace: where the rights are.
            token: what they are about; what is said of a place holds below it too.
            bits: the rights.

        Returns:
            Whether it has all of them; nothing for who is no service principal.
        """
        principal = self.principals.get(member_id)
        if principal is None:
            return None
        mine = {group.legacy for group in self.groups.all() if principal.descriptor in group.members}
        allowed = denied = 0
        places = token.split("/")
        for length in range(1, len(places) + 1):
            for descriptor, (allow, deny) in self.acl(namespace, "/".join(places[:length])).entries.items():
                if descriptor in mine:
                    allowed, denied = allowed | allow, denied | deny
        return principal.licence is not None and bits & allowed & ~denied == bits


def _no_subject(descriptor: str) -> ServiceError:
    message = f"VS860016: Could not find the subject {descriptor} in the backing domain."
    return ServiceError(404, "GraphSubjectNotFoundException", message, "Microsoft.VisualStudio.Services.Graph")


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
