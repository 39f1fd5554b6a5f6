"""Where each operation lives, so that the SDK needs no discovery call.

Ids as the SDK names them, routes as in the Azure DevOps REST API 7.1 specification (git, build, core, task,
serviceHooks, policy, security, graph, ims, memberEntitlementManagement), and for ``ConnectionData`` as the service's
own discovery answer gives it.
"""

from typing import NamedTuple

_REPOSITORY = "{project}/_apis/git/repositories/{repositoryId}"
_BUILDS = "{project}/_apis/build/builds"
_PLAN = "{scopeIdentifier}/_apis/distributedtask/hubs/{hubName}/plans/{planId}"
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
    Location("225f7195-f9c7-4d14-ab28-a83f7ff77e1f", "git", "repositories", _REPOSITORY),
    Location("2d874a60-a811-4f62-9c9f-963a6ea0a55b", "git", "refs", _REPOSITORY + "/refs"),
    Location("428dd4fb-fda5-4722-af02-9313b80305da", "git", "statuses", _REPOSITORY + "/commits/{commitId}/statuses"),
    Location("0cd358e1-9217-4d94-8269-1c1ee6f93dcf", "build", "Builds", _BUILDS + "/{buildId}"),
    Location("6e6114b2-8161-44c8-8f6c-c5505782427f", "build", "tags", _BUILDS + "/{buildId}/tags/{*tag}"),
    Location("0a6312e9-0627-49b7-8083-7d74a64849c9", "build", "properties", _BUILDS + "/{buildId}/properties"),
    Location("46f5667d-263a-4684-91b1-dff7fdcf64e2", "distributedtask", "logs", _PLAN + "/logs/{logId}"),
    Location(
        "8893bc5b-35b2-4be7-83cb-99e683551db4", "distributedtask", "records", _PLAN + "/timelines/{timelineId}/records"
    ),
    Location("557624af-b29e-4c20-8ab0-0399d2204f3f", "distributedtask", "events", _PLAN + "/events", released=False),
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
    Location("1a57562f-160a-4b5c-9185-905e95b39d36", "hooks", "notificationsQuery", "_apis/hooks/notificationsquery"),
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
    Location(
        "ac08c8ff-4323-4b08-af90-bcd018d380ce",
        "Security",
        "AccessControlEntries",
        "_apis/accesscontrolentries/{securityNamespaceId}",
    ),
    Location(
        "18a2ad18-7571-46ae-bec7-0c7da1495885",
        "Security",
        "AccessControlLists",
        "_apis/accesscontrollists/{securityNamespaceId}",
    ),
    Location("28010c54-d0c0-4c89-a5b0-1c9e188b9fb7", "IMS", "Identities", "_apis/identities/{identityId}"),
    Location(
        "ebbe6af8-0b91-4c13-8cf1-777c14858188",
        "Graph",
        "Groups",
        "_apis/graph/groups/{groupDescriptor}",
        released=False,
    ),
    Location(
        "3fd2e6ca-fb30-443a-b579-95b19ed0934c",
        "Graph",
        "Memberships",
        "_apis/graph/memberships/{subjectDescriptor}/{containerDescriptor}",
        released=False,
    ),
    Location(
        "e34b6394-6b30-4435-94a9-409a5eef3e31",
        "Graph",
        "MembershipsBatch",
        "_apis/graph/memberships/{subjectDescriptor}",
        released=False,
    ),
    Location(
        "e1dbb0ae-49cb-4532-95a1-86cd89cfcab4",
        "Graph",
        "ServicePrincipals",
        "_apis/graph/serviceprincipals/{servicePrincipalDescriptor}",
        released=False,
    ),
    Location(
        "f03dbf50-80f8-41b7-8ca2-65b6a178caba",
        "MemberEntitlementManagement",
        "ServicePrincipalEntitlements",
        "_apis/serviceprincipalentitlements",
        released=False,
    ),
    Location(
        "1d491a66-190b-43ae-86b8-9c2688c55186",
        "MemberEntitlementManagement",
        "ServicePrincipalEntitlements",
        "_apis/serviceprincipalentitlements/{servicePrincipalId}",
        released=False,
    ),
)
