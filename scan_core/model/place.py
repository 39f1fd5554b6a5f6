"""Place: where a gate stands, and so where its answer is shown."""

from typing import Annotated, Literal

from scan_core.model.ids import (
    BranchName,
    BranchRef,
    CommitSha,
    GateId,
    Guid,
    Iteration,
    Organisation,
    ProjectId,
    RepositoryId,
    Sha1,
    SubjectId,
)
from scan_core.model.subject import BuildRef, Check, PullRequestRef, StatusName, subject_id
from scan_core.model.value import Value


class PullRequestPlace(Value):
    """One iteration of a pull request: a status on it, which a policy can ask for."""

    kind: Literal["pull_request"] = "pull_request"
    name: StatusName = StatusName.SOURCE
    pull_request: PullRequestRef
    iteration: Iteration
    source_commit: Annotated[CommitSha, Sha1]
    commit: Annotated[CommitSha, Sha1]
    """What is scanned: the source commit; for a fork, the merge commit in the target repository."""
    target_ref: BranchRef

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.pull_request.organisation

    @property
    def subject(self) -> SubjectId:
        """The partition of its gates."""
        return self.pull_request.subject

    @property
    def gate_id(self) -> GateId:
        """The gate's id."""
        return _gate_id(self.subject, self.iteration, self.name)


class CommitPlace(Value):
    """One commit: a status on it. Never satisfies a pull request's policy."""

    kind: Literal["commit"] = "commit"
    name: StatusName = StatusName.SOURCE
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    repository_id: Annotated[RepositoryId, Guid]
    commit: Annotated[CommitSha, Sha1]
    ref: BranchName | None = None
    """The branch it was pushed to, whose own rules hold; None for what was built from it."""

    @property
    def subject(self) -> SubjectId:
        """The partition of its gate."""
        return subject_id(self.kind, self.organisation, self.project_id, self.repository_id, self.commit, self.ref)

    @property
    def gate_id(self) -> GateId:
        """The gate's id."""
        return _gate_id(self.subject, 0, self.name)


class BuildPlace(Value):
    """One build: tags and a property."""

    kind: Literal["build"] = "build"
    build: BuildRef
    commit: Annotated[CommitSha, Sha1] | None
    """What was built; None where that is no Git commit."""

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.build.organisation

    @property
    def subject(self) -> SubjectId:
        """The partition of its gate."""
        return self.build.subject

    @property
    def gate_id(self) -> GateId:
        """The gate's id."""
        return _gate_id(self.subject, 0, StatusName.IMAGE)


class CheckPlace(Value):
    """One check of a pipeline: lines in its log, and one answer."""

    kind: Literal["check"] = "check"
    check: Check
    commit: Annotated[CommitSha, Sha1] | None = None
    """What is built; None until the build is read, and where that is no Git commit."""
    log_id: int | None = None
    """The log that its lines go to; None until there is one."""

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.check.organisation

    @property
    def subject(self) -> SubjectId:
        """The partition of its gate."""
        return self.check.subject

    @property
    def gate_id(self) -> GateId:
        """The gate's id."""
        return _gate_id(self.subject, 0, StatusName.SOURCE)


type Place = PullRequestPlace | CommitPlace | BuildPlace | CheckPlace


def _gate_id(subject: SubjectId, number: int, name: StatusName) -> GateId:
    return GateId(f"{subject}-{number}" if name is StatusName.SOURCE else f"{subject}-{number}-{name}")
