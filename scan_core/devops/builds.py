"""What is read of a build, as values (Azure DevOps REST API 7.1, build: Build)."""

from typing import Annotated

from pydantic import Field

from scan_core.model.ids import BranchRef, CommitSha, Guid, Positive, PullRequestId, RepositoryId, Sha1
from scan_core.model.subject import BuildRef
from scan_core.model.value import Moment, Value


class BuildRead(Value):
    """A build as Azure DevOps describes it at one moment."""

    ref: BuildRef
    number: str
    """``buildNumber``; anything that its author likes."""
    definition_id: int
    definition_name: str
    plan_ids: tuple[str, ...]
    """The orchestration plans that it runs, lower case."""
    status: str
    """A BuildStatus, such as ``inProgress`` or ``completed``."""
    result: str | None
    """A BuildResult, such as ``succeeded``; None while it runs."""
    reason: str
    repository_id: Annotated[RepositoryId, Guid] | None
    """None where it is not built from a Git repository of Azure DevOps."""
    repository_name: str
    source_branch: BranchRef
    source_version: Annotated[CommitSha, Sha1] | None
    """What was built; in a build of a pull request the merge commit."""
    pull_request_id: Annotated[PullRequestId, Positive] | None
    """Only for a build of a pull request (``triggerInfo["pr.number"]``, or ``refs/pull/{number}/merge``)."""
    pull_request_commit: Annotated[CommitSha, Sha1] | None
    """The source commit that was merged for it (``triggerInfo["pr.sourceSha"]``)."""
    tags: tuple[str, ...] = Field(max_length=1000)
    finished_at: Moment | None


class BranchTip(Value):
    """A branch and the commit it points to."""

    ref: BranchRef
    commit: Annotated[CommitSha, Sha1]
