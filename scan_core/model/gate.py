"""Gate: a place that waits for an answer; and the look at a pull request that comes before it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from scan_core.model.ids import (
    AttemptNumber,
    BranchRef,
    CommitSha,
    GateName,
    Guid,
    Iteration,
    Organisation,
    Positive,
    ProjectId,
    PullRequestId,
    RepositoryId,
    ScanName,
    Sha1,
    Sha256,
    SubjectId,
    digest,
)
from scan_core.model.rules import RulesRead
from scan_core.model.value import Moment, Value
from scan_core.model.verdict import Outcome, Reason, SeverityCounts


class PullRequestRef(Value):
    """Which pull request, by ids alone: names may change and may hold anything."""

    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    repository_id: Annotated[RepositoryId, Guid]
    pull_request_id: Annotated[PullRequestId, Positive]

    @property
    def subject(self) -> SubjectId:
        """The partition that holds everything about this pull request."""
        return SubjectId(digest(self.model_dump(mode="json"))[:24])


class Look(Value):
    """That a pull request has to be looked at: the first thing written, from ids alone."""

    pull_request: PullRequestRef
    accepted_at: Moment
    """When the oldest request that has not been served was accepted; deadlines count from here."""
    served: bool = False
    newest_accepted_at: Moment
    """When the newest request was accepted; older ones have nothing to add."""
    tries: int = 0
    not_found: int = 0
    """How many of the latest tries in a row found no such pull request."""
    next_try_at: Moment
    problem: str | None = None
    """What kept the last try from succeeding, in words."""


class GateState(StrEnum):
    """Where a gate stands. Only OPEN and WAITING still expect an answer."""

    WAITING = "waiting"
    """A draft that is not to be scanned before its publication."""
    OPEN = "open"
    DECIDED = "decided"
    SUPERSEDED = "superseded"
    CLOSED = "closed"
    """The pull request was abandoned or completed."""

    @property
    def is_current(self) -> bool:
        """Whether a status may still be posted for a gate in this state."""
        return self in {GateState.WAITING, GateState.OPEN, GateState.DECIDED}


class StatusState(StrEnum):
    """States of a pull-request status (Azure DevOps REST 7.1, GitStatusState)."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERROR = "error"
    NOT_APPLICABLE = "notApplicable"


class Status(Value):
    """What a gate shows in Azure DevOps. Two statuses are compared by this, never by their links."""

    state: StatusState
    description: str = Field(max_length=199)


class Decision(Value):
    """The part of a verdict that a gate's row holds; the whole stands in the blob named here."""

    number: int
    outcome: Outcome
    reasons: tuple[Reason, ...]
    counts: SeverityCounts
    decided_at: Moment
    provisional: bool = False
    """A time-out error: a verdict that arrives later replaces it."""
    verdict_sha256: Sha256 | None = None
    judged: tuple[tuple[ScanName, AttemptNumber], ...] = ()
    """Which attempts' results the verdict was made from."""


class Gate(Value):
    """One pull-request iteration that waits for its verdict."""

    gate_id: GateName
    pull_request: PullRequestRef
    iteration: Iteration
    source_commit: Annotated[CommitSha, Sha1]
    scanned_commit: Annotated[CommitSha, Sha1]
    """The source commit; for a fork, the merge commit in the target repository."""
    target_ref: BranchRef
    state: GateState
    accepted_at: Moment
    opened_at: Moment
    deadline: Moment
    rules: RulesRead | None = None
    waits_for: tuple[ScanName, ...] = ()
    decision: Decision | None = None
    posted: Status | None = None
    posted_at: Moment | None = None
    reporter: str | None = None
    """Who is posting now; nobody else posts until `reporting_until`."""
    reporting_until: Moment | None = None
    released: bool = False
    """Whether a superseded or closed gate has let go of its scans."""
    problem: str | None = None
    """What keeps this gate from its answer, in words; None while nothing does."""
    ahead: int | None = None
    """About how many scans start before this gate's, while it waits for its turn; None once it has it."""
    report_problem: str | None = None
    """Why the last try to post its status failed, in words."""
    tries: int = 0
    next_try_at: Moment | None = None
