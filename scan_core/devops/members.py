"""Members of an organisation, groups, and the rights of groups: what is read of them.

REST API 7.1: graph, ims, memberEntitlementManagement, security.
"""

from typing import Annotated, Final, NewType

from pydantic import Field

from scan_core.model.ids import Guid
from scan_core.model.value import Value

Descriptor = NewType("Descriptor", str)
"""How Graph names a group or a service principal: ``vssgp.…``, ``aadsp.…``."""
AclDescriptor = NewType("AclDescriptor", str)
"""How access control lists name the same: ``Microsoft.TeamFoundation.Identity;S-1-9-…``."""

BASIC: Final = "express"
"""The licence that is called Basic ("AccountLicenseType", REST API 7.1, memberEntitlementManagement)."""
HIGHER: Final = frozenset({"advanced", "professional", "earlyAdopter"})
"""Licences that include what Basic does."""


class Member(Value):
    """A service principal that has a licence in the organisation."""

    id: Annotated[str, Guid]
    """Its identity's id, as it stands in a status' author and in a policy's ``authorId``."""
    descriptor: Annotated[Descriptor, Field(min_length=1)]
    licence: str


class Group(Value):
    """A group of the organisation, not of one project."""

    descriptor: Annotated[Descriptor, Field(min_length=1)]
    name: str
    description: str


class Entry(Value):
    """What an access control list says of one group."""

    allow: int
    deny: int
