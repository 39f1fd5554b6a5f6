"""Rights in Azure DevOps, as its security namespaces know them.

Namespaces, bits and tokens follow "Security namespace and permission reference" and "Set view permissions for service
hooks" (learn.microsoft.com).
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from scan_core.model.ids import ProjectId

GIT_REPOSITORIES: Final = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
SERVICE_HOOKS: Final = "cb594ebe-87dd-4fc9-ac2c-6a10a4c92046"
PROJECTS: Final = "52d39943-cb85-4d7f-8fa8-c6baac873819"
BUILDS: Final = "33344d9c-fc72-4d6f-aba5-fa317101a7e9"


class Place(NamedTuple):
    """Where a right is kept."""

    namespace_id: str
    bit: int
    prefix: str
    """What a project's security token begins with."""


class AclPlace(NamedTuple):
    """An access control list: where one kind of rights in one project is kept."""

    namespace_id: str
    token: str


class Right(Enum):
    """A right in one project. A repository of its own can still be denied what the project allows."""

    VIEW_PROJECT = Place(PROJECTS, 1, "$PROJECT:vstfs:///Classification/TeamProject/")
    READ_CODE = Place(GIT_REPOSITORIES, 2, "repoV2/")
    EDIT_POLICIES = Place(GIT_REPOSITORIES, 2048, "repoV2/")
    CONTRIBUTE_TO_PULL_REQUESTS = Place(GIT_REPOSITORIES, 16384, "repoV2/")
    VIEW_SUBSCRIPTIONS = Place(SERVICE_HOOKS, 1, "PublisherSecurity/")
    EDIT_SUBSCRIPTIONS = Place(SERVICE_HOOKS, 2, "PublisherSecurity/")
    DELETE_SUBSCRIPTIONS = Place(SERVICE_HOOKS, 4, "PublisherSecurity/")
    READ_BUILDS = Place(BUILDS, 1, "")
    # "Edit build quality". No page says which right a tag needs; where it is another, Azure DevOps names it.
    TAG_BUILDS = Place(BUILDS, 2, "")

    def token(self, project_id: ProjectId) -> str:
        """Name the right's place in one project.

        Args:
            project_id: The project's id.

        Returns:
            The security token.
        """
        return f"{self.value.prefix}{project_id}"


def places(rights: Iterable[Right], project_id: ProjectId) -> dict[AclPlace, int]:
    """Sort rights by the access control lists they are kept in.

    Args:
        rights: Which rights.
        project_id: In which project.

    Returns:
        The bits to allow, by list.
    """
    found: dict[AclPlace, int] = {}
    for right in rights:
        place = AclPlace(right.value.namespace_id, right.token(project_id))
        found[place] = found.get(place, 0) | right.value.bit
    return found
