"""The service's identities in Azure DevOps: what each is for, and the least rights that do. Pure."""

import re
from dataclasses import dataclass
from typing import Final, Self

from scan_core.devops.members import BASIC, HIGHER, Group, Member
from scan_core.devops.rights import Right

_GATING: Final = frozenset(
    {
        Right.VIEW_PROJECT,
        Right.READ_CODE,
        Right.CONTRIBUTE_TO_PULL_REQUESTS,
        Right.READ_BUILDS,
        Right.TAG_BUILDS,
    }
)
_ONBOARDING: Final = frozenset(
    {
        Right.EDIT_POLICIES,
        Right.VIEW_SUBSCRIPTIONS,
        Right.EDIT_SUBSCRIPTIONS,
        Right.DELETE_SUBSCRIPTIONS,
    }
)
_FETCHING: Final = frozenset({Right.VIEW_PROJECT, Right.READ_CODE})
_ORIGIN: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME_DIGITS: Final = 8


class NoObjectId(ValueError):
    """What was given is not an object id of Entra; the message says what is."""


@dataclass(frozen=True)
class Role:
    """An identity of the service, and what it is for."""

    label: str
    origin_id: str
    """The object id of its service principal in Entra."""
    rights: frozenset[Right]

    @property
    def group(self) -> str:
        """The group of the organisation that holds its rights; another deployment's identity has another."""
        return f"Scangate {self.label} {self.origin_id[:_NAME_DIGITS]}"


def app_role(origin_id: str, *, onboarding: bool) -> Role:
    """Describe the app's identity.

    Args:
        origin_id: The object id of its service principal.
        onboarding: Whether it is also to onboard projects and to repair their hooks.

    Returns:
        The role.

    Raises:
        NoObjectId: That is none.
    """
    return Role("app", _checked(origin_id), _GATING | (_ONBOARDING if onboarding else frozenset()))


def fetch_role(origin_id: str) -> Role:
    """Describe the fetch step's identity.

    Args:
        origin_id: The object id of its service principal.

    Returns:
        The role.

    Raises:
        NoObjectId: That is none.
    """
    return Role("fetch", _checked(origin_id), _FETCHING)


@dataclass(frozen=True)
class Mark:
    """What is remembered in a group's description, so that what was made can be taken out again, and nothing else."""

    origin_id: str
    before: str | None
    """The licence that the member had before; None where it was no member."""

    @classmethod
    def of(cls, role: Role, member: Member | None) -> Self:
        """Remember how things are before anything is done.

        Args:
            role: Whose group it will be.
            member: The member, if it is one.

        Returns:
            The mark.
        """
        return cls(role.origin_id, None if member is None else member.licence)

    @classmethod
    def read(cls, group: Group) -> Self | None:
        """Read a group's mark.

        Args:
            group: Any group.

        Returns:
            The mark; None where it has none, so that the group is somebody else's.
        """
        found = _MARK.fullmatch(group.description)
        return None if found is None else cls(found["origin"], found["licence"])

    def text(self) -> str:
        """Write the mark.

        Returns:
            A description for people that can be read back.
        """
        before = "was not a member" if self.before is None else f"was a member with the licence {self.before}"
        return f"Made by scangate for the service principal {self.origin_id}, which {before} before."


_MARK: Final = re.compile(
    rf"Made by scangate for the service principal (?P<origin>{_ORIGIN.pattern}), which "
    r"was (?:not a member|a member with the licence (?P<licence>[A-Za-z]+)) before\."
)


def licence_does(licence: str) -> bool:
    """Tell whether a licence is Basic or includes it.

    Args:
        licence: A member's.

    Returns:
        Whether it stays.
    """
    return licence == BASIC or licence in HIGHER


def _checked(origin_id: str) -> str:
    plain = origin_id.strip().lower()
    if not _ORIGIN.fullmatch(plain):
        raise NoObjectId(
            f"{origin_id[:50]!r} is not an object id: expected one such as 0f8fad5b-d9cb-469f-a165-70867728950e, the"
            " principal id of the managed identity (not its client id)."
        )
    return plain
