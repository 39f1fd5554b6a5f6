"""What is read of a pull request, as values (Azure DevOps REST API 7.1, git: GitPullRequest and its parts)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from scan_core.model.ids import BranchRef, CommitSha, Guid, Iteration, Positive, Sha1
from scan_core.model.subject import PullRequestRef
from scan_core.model.value import Moment, Value


class PullRequestStatus(StrEnum):
    """Where a pull request stands (PullRequestStatus; ``all`` is for searches only)."""

    NOT_SET = "notSet"
    ACTIVE = "active"
    ABANDONED = "abandoned"
    COMPLETED = "completed"


class MergeStatus(StrEnum):
    """How the trial merge into the target went (PullRequestAsyncStatus)."""

    NOT_SET = "notSet"
    QUEUED = "queued"
    CONFLICTS = "conflicts"
    SUCCEEDED = "succeeded"
    REJECTED_BY_POLICY = "rejectedByPolicy"
    FAILURE = "failure"


class PullRequest(Value):
    """A pull request as Azure DevOps describes it at one moment."""

    ref: PullRequestRef
    status: PullRequestStatus
    is_draft: bool
    source_ref: Annotated[BranchRef, Field(min_length=1)]
    target_ref: Annotated[BranchRef, Field(min_length=1)]
    source_commit: Annotated[CommitSha, Sha1]
    """Head of the source branch when Azure DevOps last looked (``lastMergeSourceCommit``)."""
    merge_commit: Annotated[CommitSha, Sha1] | None
    """The trial merge, in the target repository; None while it is being computed and on conflicts."""
    merge_status: MergeStatus
    is_fork: bool
    """Whether the source branch is in another repository."""
    supports_iterations: bool
    title: str


class IterationRead(Value):
    """One iteration of a pull request: a push, or a new target."""

    number: Annotated[Iteration, Field(ge=0)]
    """0 stands for the pull request as a whole, where Azure DevOps keeps no iterations; no iteration has it."""
    source_commit: Annotated[CommitSha, Sha1]
    target_commit: Annotated[CommitSha, Sha1] | None
    """Tip of the target branch as the iteration knew it; None where Azure DevOps did not say."""


class StatusRead(Value):
    """One status of a pull request, anyone's."""

    id: Annotated[int, Positive]
    state: str
    """A GitStatusState. Text, because others may post states that this service never does."""
    description: str
    genre: str
    name: str
    iteration: Iteration | None
    """None for a status of the pull request as a whole."""
    author_id: Annotated[str, Guid] | None
    created_at: Moment | None
