"""Answers about repositories, builds and checks in the shape of the REST API 7.1, and a name for each operation."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from scan_core.devops.client import DevOps
from scan_core.model.ids import BuildId, CommitSha, ProjectId
from scan_core.model.subject import BuildRef, Check
from tests.devops.samples import MAIN, ORGANISATION, PENDING, PROJECT, REPOSITORY, RULES, SOURCE, listed
from tests.devops.strict_server import Received, json_reply, reply

PLAN = "cccccccc-0000-0000-0000-000000000001"
OTHER = ProjectId("00000000-0000-0000-0000-000000000001")
COMMIT = CommitSha(SOURCE)
BUILD = BuildRef(organisation=ORGANISATION, project_id=PROJECT, build_id=BuildId(12))
CHECK = Check(
    organisation=ORGANISATION,
    project_id=PROJECT,
    hub="build",
    plan_id=PLAN,
    job_id="cccccccc-0000-0000-0000-000000000002",
    task_id="cccccccc-0000-0000-0000-000000000003",
    timeline_id="cccccccc-0000-0000-0000-000000000004",
    build_id=BUILD.build_id,
)
TOKEN = "token-of-the-check"
SINCE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LINES = ["Scangate: failed: 1 critical", "Scangate: see the page"]
PAGE = "https://gate.example/api/gates/1?sig=a%2Fb"
MARKS = {"scangate.status": "failed: 1 critical", "scangate.page": PAGE}


def repository(**changes: Any) -> dict[str, Any]:
    """Describe a repository as GET does."""
    project = {"id": PROJECT.upper(), "name": "Web", "state": "wellFormed"}
    return {"id": REPOSITORY.upper(), "name": "shop", "project": project, "defaultBranch": MAIN, "size": 7, **changes}


def branch(name: str = MAIN, commit: str = SOURCE) -> dict[str, Any]:
    """Describe a branch as the list does."""
    return {"name": name, "objectId": commit, "creator": {"displayName": "Ada"}, "url": "https://dev.azure.com/x"}


def build(build_id: int = 12, **changes: Any) -> dict[str, Any]:
    """Describe a build as GET does."""
    return {
        "id": build_id,
        "buildNumber": "20261123.1",
        "status": "completed",
        "result": "succeeded",
        "queueTime": "2026-11-23T08:00:00.1234567Z",
        "startTime": "2026-11-23T08:00:05Z",
        "finishTime": "2026-11-23T08:01:00Z",
        "definition": {"id": 3, "name": "ci", "project": {"id": PROJECT}},
        "project": {"id": PROJECT, "name": "Web"},
        "sourceBranch": MAIN,
        "sourceVersion": SOURCE,
        "reason": "individualCI",
        "repository": {"id": REPOSITORY, "type": "TfsGit", "name": "shop"},
        "orchestrationPlan": {"planId": PLAN.upper()},
        "plans": [{"planId": PLAN}, {"planId": "cccccccc-0000-0000-0000-000000000009"}],
        "tags": ["scangate-image.shop.azurecr.io~app=1"],
        "triggerInfo": {"ci.message": "Fix"},
        "properties": {},
        **changes,
    }


ANSWERS: dict[str, bytes] = {
    r"/events$": reply(204),
    r"/logs$": json_reply({"id": 5, "path": "logs\\x", "lineCount": 0}),
    r"/logs/\d+$": json_reply({"id": 5, "path": "logs\\x", "lineCount": 2}),
    r"/records$": listed({"id": CHECK.task_id, "name": "Scangate"}),
    r"/tags\b": listed("scangate-passed"),
    r"/properties$": json_reply({"count": 1, "value": {"scangate.page": {"$type": "System.String", "$value": PAGE}}}),
    r"/builds$": listed(build()),
    r"/builds/\d+$": json_reply(build()),
    r"/refs$": listed(branch()),
    r"/items$": reply(200, b"enabled: true\n", {"Content-Type": "application/octet-stream"}),
    r"/statuses$": json_reply({"id": 1, "state": "pending"}, 201),
    r"/repositories/[^/]+$": json_reply(repository()),
}
"""By the end of the path."""


def well(request: Received) -> bytes:
    """Answer as Azure DevOps does when all is well."""
    path = request.target.partition("?")[0]
    return next(answer for end, answer in ANSWERS.items() if re.search(end, path))


def mark(devops: DevOps) -> None:
    """Say on the build that it failed."""
    devops.builds.mark(BUILD, add_tags=("scangate-failed",), remove_tags=("scangate-passed",), properties=MARKS)


OPERATIONS: dict[str, Callable[[DevOps], object]] = {
    "default_branch": lambda devops: devops.repositories.default_branch(PROJECT, REPOSITORY),
    "branch_tip": lambda devops: devops.repositories.branch_tip(PROJECT, REPOSITORY, MAIN),
    "branches": lambda devops: devops.repositories.branches(PROJECT, REPOSITORY),
    "file_at_commit": lambda devops: devops.repositories.file_at_commit(PROJECT, REPOSITORY, COMMIT, RULES, 1000),
    "post_commit_status": lambda devops: devops.repositories.post_commit_status(
        PROJECT, REPOSITORY, COMMIT, PENDING, target_url=PAGE, name="image"
    ),
    "read_build": lambda devops: devops.builds.read(BUILD),
    "completed_builds": lambda devops: devops.builds.completed(PROJECT, SINCE),
    "mark_build": mark,
    "make_log": lambda devops: devops.checks.append_log(CHECK, TOKEN, None, LINES),
    "append_log": lambda devops: devops.checks.append_log(CHECK, TOKEN, 5, LINES),
    "answer": lambda devops: devops.checks.answer(CHECK, TOKEN, passed=True),
}
