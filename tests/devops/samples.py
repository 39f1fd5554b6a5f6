"""Answers of Azure DevOps in the shape of its REST API 7.1, and one name for each of the adapter's operations."""

from collections.abc import Callable
from typing import Any

from scan_core.devops.client import DevOps
from scan_core.model.gate import Status, StatusState
from scan_core.model.ids import BranchRef, Iteration, OrganisationName, ProjectId, PullRequestId, RepositoryId
from scan_core.model.subject import PullRequestRef
from tests.devops.strict_server import Received, json_reply, reply

ORGANISATION = OrganisationName("contoso")
PROJECT = ProjectId("11111111-2222-3333-4444-555555555555")
REPOSITORY = RepositoryId("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
IDENTITY = "99999999-8888-7777-6666-555555555555"
SOURCE = "a" * 40
TARGET = "b" * 40
MERGE = "c" * 40
REF = PullRequestRef(
    organisation=ORGANISATION, project_id=PROJECT, repository_id=REPOSITORY, pull_request_id=PullRequestId(7)
)
PENDING = Status(state=StatusState.PENDING, description="Scan is running")
MAIN = BranchRef("refs/heads/main")
RULES = ".scangate.yml"


def pull_request(pull_request_id: int = 7, **changes: Any) -> dict[str, Any]:
    """Describe a pull request as GET does."""
    return {
        "repository": {
            "id": REPOSITORY,
            "name": "shop",
            "url": "https://dev.azure.com/contoso/_apis/git/repositories/shop",
            "project": {"id": PROJECT, "name": "Web", "state": "wellFormed", "visibility": "private"},
        },
        "pullRequestId": pull_request_id,
        "codeReviewId": pull_request_id,
        "status": "active",
        "createdBy": {"displayName": "Ada", "id": IDENTITY, "uniqueName": "ada@contoso.example"},
        "creationDate": "2026-11-23T08:00:00.1234567Z",
        "title": "Fix the basket",
        "sourceRefName": "refs/heads/fix/#1",
        "targetRefName": "refs/heads/main",
        "mergeStatus": "succeeded",
        "isDraft": False,
        "mergeId": IDENTITY,
        "lastMergeSourceCommit": {"commitId": SOURCE},
        "lastMergeTargetCommit": {"commitId": TARGET},
        "lastMergeCommit": {"commitId": MERGE, "author": {"name": "Ada", "date": "2026-11-23T08:00:00Z"}},
        "reviewers": [],
        "supportsIterations": True,
        **changes,
    }


def iteration(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Describe an iteration as the list does."""
    return {
        "id": number,
        "description": "Fix",
        "createdDate": "2026-11-23T08:00:00Z",
        "updatedDate": "0001-01-01T00:00:00",
        "sourceRefCommit": {"commitId": SOURCE},
        "targetRefCommit": {"commitId": TARGET},
        "reason": "push",
        **changes,
    }


def status(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Describe a status as the list does."""
    return {
        "iterationId": 1,
        "id": number,
        "state": "pending",
        "description": "Scan is running",
        "context": {"name": "source", "genre": "scangate"},
        "creationDate": "2026-11-23T08:00:00Z",
        "updatedDate": "2026-11-23T08:00:00Z",
        "createdBy": {"displayName": "scangate", "id": IDENTITY.upper()},
        "targetUrl": "https://gate.example/api/gates/1",
        **changes,
    }


def listed(*documents: Any) -> bytes:
    """Wrap documents as every list is."""
    return json_reply({"count": len(documents), "value": list(documents)})


def connection_data(identity: str = IDENTITY) -> dict[str, Any]:
    """Describe who is signed in."""
    user = {"id": identity, "descriptor": "Microsoft.IdentityModel.Claims.ClaimsIdentity;x", "isActive": True}
    return {"authenticatedUser": user, "authorizedUser": user, "instanceId": PROJECT, "deploymentType": "hosted"}


def well(request: Received) -> bytes:
    """Answer as Azure DevOps does when all is well."""
    path = request.target.partition("?")[0]
    if request.method == "POST":
        return json_reply(status())
    if path.endswith("/iterations"):
        return listed(iteration(1), iteration(2))
    if path.endswith("/statuses"):
        return listed(status())
    if path.endswith("/items"):
        return reply(200, b"enabled: true\n", {"Content-Type": "application/octet-stream"})
    if path.endswith("/ConnectionData"):
        return json_reply(connection_data())
    if path.endswith("/pullrequests"):
        return listed(pull_request()) if "$skip=0" in request.target else listed()
    return json_reply(pull_request())


OPERATIONS: dict[str, Callable[[DevOps], object]] = {
    "pull_request": lambda devops: devops.pull_request(REF),
    "latest_iteration": lambda devops: devops.latest_iteration(REF),
    "active_pull_requests": lambda devops: devops.active_pull_requests(PROJECT),
    "file_on_branch": lambda devops: devops.file_on_branch(PROJECT, REPOSITORY, MAIN, RULES, 1000),
    "post_status": lambda devops: devops.post_status(REF, Iteration(2), PENDING, target_url="https://gate.example/g"),
    "post_status_without_iteration": lambda devops: devops.post_status(
        REF, Iteration(0), PENDING, target_url="https://gate.example/g"
    ),
    "statuses": lambda devops: devops.statuses(REF),
    "authenticated_id": lambda devops: devops.authenticated_id(),
}
