"""Rights in Azure DevOps, as its security namespaces know them.

Namespaces, bits and tokens follow "Security namespace and permission reference" and "Set view permissions for service
hooks" (learn.microsoft.com).
"""

from enum import Enum
from typing import Final, NamedTuple

from scan_core.model.ids import ProjectId

GIT_REPOSITORIES: Final = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
SERVICE_HOOKS: Final = "cb594ebe-87dd-4fc9-ac2c-6a10a4c92046"


class Place(NamedTuple):
    """Where a right is kept."""

    namespace_id: str
    bit: int
    prefix: str
    """What a project's security token begins with."""


class Right(Enum):
    """A right in one project. A repository of its own can still be denied what the project allows."""

    READ_CODE = Place(GIT_REPOSITORIES, 2, "repoV2/")
    EDIT_POLICIES = Place(GIT_REPOSITORIES, 2048, "repoV2/")
    CONTRIBUTE_TO_PULL_REQUESTS = Place(GIT_REPOSITORIES, 16384, "repoV2/")
    VIEW_SUBSCRIPTIONS = Place(SERVICE_HOOKS, 1, "PublisherSecurity/")
    EDIT_SUBSCRIPTIONS = Place(SERVICE_HOOKS, 2, "PublisherSecurity/")
    DELETE_SUBSCRIPTIONS = Place(SERVICE_HOOKS, 4, "PublisherSecurity/")

    def token(self, project_id: ProjectId) -> str:
        """Name the right's place in one project.

        Args:
            project_id: The project's id.

        Returns:
            The security token.
        """
        return f"{self.value.prefix}{project_id}"
