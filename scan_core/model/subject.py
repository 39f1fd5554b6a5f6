"""Subject: what Azure DevOps tells us of and a look is taken at. Ids alone: names may change and may hold anything."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from scan_core.model.ids import (
    BranchName,
    BuildId,
    Guid,
    Organisation,
    Positive,
    ProjectId,
    PullRequestId,
    RepositoryId,
    SubjectId,
    digest,
)
from scan_core.model.value import Value

_SUBJECT_DIGITS = 24


class StatusName(StrEnum):
    """The names of our statuses, under the genre ``scangate``: what was scanned."""

    SOURCE = "source"
    IMAGE = "image"


def subject_id(*ids: JsonValue) -> SubjectId:
    """Name a partition after what it is about.

    Args:
        ids: What it is about, the kind first.

    Returns:
        24 hex digits.
    """
    return SubjectId(digest(list(ids))[:_SUBJECT_DIGITS])


class PullRequestRef(Value):
    """One pull request."""

    kind: Literal["pull_request"] = "pull_request"
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    repository_id: Annotated[RepositoryId, Guid]
    pull_request_id: Annotated[PullRequestId, Positive]

    @property
    def subject(self) -> SubjectId:
        """The partition that holds everything about this pull request."""
        return subject_id(self.kind, self.organisation, self.project_id, self.repository_id, self.pull_request_id)


class Branch(Value):
    """One branch that commits are pushed to."""

    kind: Literal["branch"] = "branch"
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    repository_id: Annotated[RepositoryId, Guid]
    ref: BranchName

    @property
    def subject(self) -> SubjectId:
        """The partition that holds the look at this branch."""
        return subject_id(self.kind, self.organisation, self.project_id, self.repository_id, self.ref)


class BuildRef(Value):
    """One build of a pipeline."""

    kind: Literal["build"] = "build"
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    build_id: Annotated[BuildId, Positive]

    @property
    def subject(self) -> SubjectId:
        """The partition that holds everything about this build."""
        return subject_id(self.kind, self.organisation, self.project_id, self.build_id)


class Check(Value):
    """One evaluation of a pipeline's check, or one run of an agentless task, that waits for its callback."""

    kind: Literal["check"] = "check"
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    """As its header says; also the scope of the plan."""
    hub: str = Field(pattern=r"^[A-Za-z]{1,40}$")
    plan_id: Annotated[str, Guid]
    job_id: Annotated[str, Guid]
    task_id: Annotated[str, Guid]
    timeline_id: Annotated[str, Guid] | None = None
    build_id: Annotated[BuildId, Positive] | None = None
    """Only where the check's author sends it; nothing else leads from a plan to its build."""
    judges: tuple[StatusName, ...] = Field(default=(StatusName.IMAGE,), min_length=1, max_length=2)
    images: tuple[str, ...] = Field(default=(), max_length=20)
    """References that the check's body names, in place of those that the build is known to have made."""
    sealed_token: str | None = Field(default=None, max_length=16_000)
    """The token that answers it, sealed; None once it is answered."""

    @property
    def subject(self) -> SubjectId:
        """The partition that holds everything about this check."""
        return subject_id(self.kind, self.organisation, self.plan_id, self.job_id, self.task_id)

    @property
    def build(self) -> BuildRef | None:
        """The build it stands in, as far as it says."""
        if self.build_id is None:
            return None
        return BuildRef(organisation=self.organisation, project_id=self.project_id, build_id=self.build_id)


type Subject = PullRequestRef | Branch | BuildRef | Check
