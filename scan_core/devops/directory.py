"""What an administrator asks of an organisation's members, groups and their rights."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from scan_core.devops.administration_sdk import Security
from scan_core.devops.asking import ask, ask_list, ask_pages, tell
from scan_core.devops.caller import Caller
from scan_core.devops.directory_sdk import Graph, Identities, Members
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.hosts import service_url
from scan_core.devops.identity import Authorization
from scan_core.devops.members import AclDescriptor, Descriptor, Entry, Group, Member
from scan_core.devops.members_reading import done, entry_from, group_from, member_from, text_at
from scan_core.devops.rights import AclPlace
from scan_core.devops.transport import Errand

_ORGANISATION_SCOPE: Final = "vstfs:///Framework/"
"""What the domain of a group begins with that belongs to no project ("Groups - List")."""


class Directory(Caller):
    """What is asked as one of an organisation's administrators to make identities its members."""

    def __init__(self, url: str, authorization: Authorization, *, total_seconds: float = 30.0) -> None:
        """Prepare to call, as `Caller` says; nothing is sent yet."""
        super().__init__(url, authorization, total_seconds=total_seconds)
        self._security = Security(self._url, self._transport)
        self._graph = Graph(service_url(self._url, "vssps"), self._transport)
        self._identities = Identities(service_url(self._url, "vssps"), self._transport)
        self._members = Members(service_url(self._url, "vsaex"), self._transport)

    def service_principals(self) -> Mapping[str, Descriptor]:
        """List the service principals that the organisation knows, members or not.

        Returns:
            Descriptors by the object id in Entra, in lower case.

        Raises:
            DevOpsError: A call failed, or the list does not end (MALFORMED).
        """
        found = ask_pages(
            Errand("listing the service principals"),
            lambda token: self._graph.list_service_principals(continuation_token=token).graph_service_principals,
        )
        listed = ((text_at(one, "origin_id").lower(), text_at(one, "descriptor")) for one in found)
        return {origin: Descriptor(descriptor) for origin, descriptor in listed if origin and descriptor}

    def member(self, descriptor: Descriptor) -> Member | None:
        """Read which licence a service principal has.

        Args:
            descriptor: Of the service principal.

        Returns:
            The member; None where it has none, and so is no member.

        Raises:
            DevOpsError: A call failed.
        """
        doing = "reading a service principal's licence"
        known = self._identity(descriptor, doing)
        if known is None:
            return None
        member_id = text_at(known, "id")
        try:
            read = ask(Errand(doing), lambda: self._members.get_service_principal_entitlement(member_id))
        except DevOpsError as error:
            if error.kind is DevOpsErrorKind.NOT_FOUND:
                return None
            raise
        level = getattr(read, "access_level", None)
        return member_from(member_id, descriptor, str(getattr(level, "account_license_type", None) or "none"), doing)

    def add_member(self, origin_id: str, licence: str) -> Member:
        """Add a service principal to the organisation ("Service Principal Entitlements - Add").

        Args:
            origin_id: Its object id in Entra: the service principal's, not the app registration's.
            licence: Such as ``express``.

        Returns:
            The member.

        Raises:
            DevOpsError: The call failed, or Azure DevOps says that it was not done (REJECTED).
        """
        doing = "adding a service principal to the organisation"
        principal = {"origin": "aad", "originId": origin_id, "subjectKind": "servicePrincipal"}
        answer = ask(
            Errand(doing),
            lambda: self._members.add_service_principal(
                {"accessLevel": _level(licence), "servicePrincipal": principal}
            ),
        )
        made = done(answer, doing).get("servicePrincipalEntitlement")
        member = made if isinstance(made, dict) else {}
        named = member.get("servicePrincipal")
        descriptor = named.get("descriptor") if isinstance(named, dict) else None
        return member_from(member.get("id"), descriptor, licence, doing)

    def change_licence(self, member_id: str, licence: str) -> None:
        """Give a member another licence.

        Args:
            member_id: Its id in the organisation.
            licence: Such as ``express``.

        Raises:
            DevOpsError: The call failed, or Azure DevOps says that it was not done (REJECTED).
        """
        doing = "changing a service principal's licence"
        patch = [{"from": "", "op": "replace", "path": "/accessLevel", "value": _level(licence)}]
        done(ask(Errand(doing), lambda: self._members.change_service_principal(member_id, patch)), doing)

    def remove_member(self, member_id: str) -> None:
        """Take a service principal out of the organisation, with its licence.

        Args:
            member_id: Its id in the organisation.

        Raises:
            DevOpsError: The call failed; NOT_FOUND where it is no member any more.
        """
        tell(
            Errand("removing a service principal from the organisation"),
            lambda: self._members.delete_service_principal_entitlement(member_id),
        )

    def groups(self) -> tuple[Group, ...]:
        """List the groups of the organisation, without those of its projects.

        Returns:
            The groups.

        Raises:
            DevOpsError: A call failed, or the list does not end (MALFORMED).
        """
        doing = "listing the groups"
        found = ask_pages(Errand(doing), lambda token: self._graph.list_groups(continuation_token=token).graph_groups)
        return tuple(group_from(one, doing) for one in found if text_at(one, "domain").startswith(_ORGANISATION_SCOPE))

    def create_group(self, name: str, description: str) -> Group:
        """Make a group of the organisation.

        Args:
            name: Its name.
            description: What it is for.

        Returns:
            The group.

        Raises:
            DevOpsError: The call failed; after a time-out only a listing tells whether the group was made.
        """
        doing = "creating a group"
        return group_from(ask(Errand(doing), lambda: self._graph.create_named_group(name, description)), doing)

    def delete_group(self, group: Descriptor) -> None:
        """Delete a group.

        Args:
            group: Which.

        Raises:
            DevOpsError: The call failed; NOT_FOUND where there is none any more.
        """
        tell(Errand("deleting a group"), lambda: self._graph.delete_group(group))

    def members_of(self, group: Descriptor) -> frozenset[Descriptor]:
        """List who is in a group.

        Args:
            group: Which.

        Returns:
            The descriptors of its own members.

        Raises:
            DevOpsError: The call failed.
        """
        found = ask_list(
            Errand("listing the members of a group"),
            lambda: self._graph.list_memberships(group, direction="down"),
        )
        return frozenset(Descriptor(text_at(one, "member_descriptor")) for one in found)

    def join(self, member: Descriptor, group: Descriptor) -> None:
        """Put a member into a group. Doing so twice is harmless.

        Args:
            member: Who.
            group: Which group.

        Raises:
            DevOpsError: The call failed.
        """
        tell(Errand("adding a member to a group"), lambda: self._graph.add_membership(member, group))

    def acl_descriptor(self, group: Descriptor) -> AclDescriptor:
        """Say how access control lists name a group ("Identities - Read Identities").

        Args:
            group: Which.

        Returns:
            The name.

        Raises:
            DevOpsError: The call failed; UNAVAILABLE where Azure DevOps does not know the group yet.
        """
        doing = "reading how access control lists name a group"
        known = self._identity(group, doing)
        named = "" if known is None else text_at(known, "descriptor")
        if not named:
            raise DevOpsError(DevOpsErrorKind.UNAVAILABLE, f"{doing}: Azure DevOps does not know it yet")
        return AclDescriptor(named)

    def entries(self, place: AclPlace, groups: Sequence[AclDescriptor]) -> Mapping[AclDescriptor, Entry]:
        """Read what an access control list says of groups.

        Args:
            place: The list.
            groups: Which groups.

        Returns:
            Their entries; none for a group that the list does not mention.

        Raises:
            DevOpsError: The call failed, or gave something else than a list (MALFORMED).
        """
        doing = "reading an access control list"
        found = ask_list(
            Errand(doing),
            lambda: self._security.query_access_control_lists(
                place.namespace_id, token=place.token, descriptors=",".join(groups), recurse=False
            ),
        )
        entries: dict[AclDescriptor, Entry] = {}
        for one in found:
            listed = getattr(one, "aces_dictionary", None)
            for name, entry in (listed if isinstance(listed, dict) else {}).items():
                if name in groups:
                    entries[AclDescriptor(name)] = entry_from(entry, doing)
        return entries

    def allow(self, place: AclPlace, group: AclDescriptor, bits: int) -> None:
        """Say what a group may do; what the list said of it before is displaced.

        Args:
            place: The access control list.
            group: Whose entry.
            bits: What is allowed; nothing is denied.

        Raises:
            DevOpsError: The call failed.
        """
        entry = {"descriptor": group, "allow": bits, "deny": 0, "extendedinfo": {}}
        wanted = {"token": place.token, "merge": False, "accessControlEntries": [entry]}
        # Its answer is a list, which the SDK insists on unwrapping.
        ask_list(
            Errand("granting rights to a group"),
            lambda: self._security.set_access_control_entries(wanted, place.namespace_id),
        )

    def forget(self, place: AclPlace, groups: Iterable[AclDescriptor]) -> None:
        """Take what an access control list says of groups out of it. Doing so twice is harmless.

        Args:
            place: The list.
            groups: Whose entries.

        Raises:
            DevOpsError: The call failed.
        """
        tell(
            Errand("taking rights from a group"),
            lambda: self._security.remove_access_control_entries(
                place.namespace_id, token=place.token, descriptors=",".join(groups)
            ),
        )

    def _identity(self, descriptor: Descriptor, doing: str) -> Any | None:  # noqa: ANN401 (SDK model)
        found = ask_list(Errand(doing), lambda: self._identities.read_identities(subject_descriptors=descriptor))
        # The list holds a null for what it does not know.
        return next((one for one in found if one is not None), None)


def _level(licence: str) -> dict[str, str]:
    return {"accountLicenseType": licence, "licensingSource": "account"}
