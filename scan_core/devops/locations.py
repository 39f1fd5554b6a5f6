"""Where each operation lives, so that the SDK needs no discovery call.

Ids as the SDK names them, routes as in the Azure DevOps REST API 7.1 specification (git, core, serviceHooks, policy,
security), and for ``ConnectionData`` as the service's own discovery answer gives it.
"""

from typing import NamedTuple

_REPOSITORY = "{project}/_apis/git/repositories/{repositoryId}"
_PULL_REQUEST = _REPOSITORY + "/pullRequests/{pullRequestId}"


class Location(NamedTuple):
    """One operation's place."""

    location_id: str
    area: str
    resource: str
    route: str
    released: bool = True
    """Whether API version 7.1 is released for it. Previews can be withdrawn, so they are asked for only where not."""


LOCATIONS = (
    Location(
        "9946fd70-0d40-406e-b686-b4744cbbcc37",
        "git",
        "pullRequests",
        _REPOSITORY + "/pullrequests/{pullRequestId}",
    ),
    Location("a5d28130-9cd2-40fa-9f08-902e7daa9efb", "git", "pullRequests", "{project}/_apis/git/pullrequests"),
    Location("d43911ee-6958-46b0-a42b-8445b8a0d004", "git", "pullRequestIterations", _PULL_REQUEST + "/iterations"),
    Location(
        "75cf11c5-979f-4038-a76e-058a06adf2bf",
        "git",
        "pullRequestIterationStatuses",
        _PULL_REQUEST + "/iterations/{iterationId}/statuses",
    ),
    Location("b5f6bb4f-8d1e-4d79-8d11-4c9172c99c35", "git", "pullRequestStatuses", _PULL_REQUEST + "/statuses"),
    Location("fb93c0db-47ed-4a31-8c20-47552878fb44", "git", "items", _REPOSITORY + "/items"),
    Location(
        "00d9565f-ed9c-4a06-9a50-00e7896ccab4",
        "Location",
        "ConnectionData",
        "_apis/ConnectionData",
        released=False,
    ),
    Location("603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects", "_apis/projects/{projectId}"),
    Location(
        "fc50d02a-849f-41fb-8af1-0a5216103269",
        "hooks",
        "subscriptions",
        "_apis/hooks/subscriptions/{subscriptionId}",
    ),
    Location(
        "dad91cbe-d183-45f8-9c6e-9c1164472121",
        "policy",
        "configurations",
        "{project}/_apis/policy/configurations/{configurationId}",
    ),
    Location(
        "cf1faa59-1b63-4448-bf04-13d981a46f5d",
        "Security",
        "PermissionEvaluationBatch",
        "_apis/security/permissionevaluationbatch",
    ),
)
