"""Gate: a place that waits for an answer; and the look at a subject that comes before it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue

from scan_core.model.ids import AttemptNumber, BuildId, CommitSha, GateName, Positive, ScanName, Sha1, Sha256
from scan_core.model.place import Place
from scan_core.model.rules import RulesRead
from scan_core.model.subject import Subject
from scan_core.model.target import ImageTarget, Target
from scan_core.model.value import Moment, Value
from scan_core.model.verdict import Outcome, Reason, SeverityCounts


class Look(Value):
    """That a subject has to be looked at: the first thing written, from ids alone."""

    of: Subject = Field(discriminator="kind")
    accepted_at: Moment
    """When the oldest request that has not been served was accepted; deadlines count from here."""
    served: bool = False
    newest_accepted_at: Moment
    """When the newest request was accepted; older ones have nothing to add."""
    tries: int = 0
    not_found: int = 0
    """How many of the latest tries in a row found no such thing."""
    next_try_at: Moment
    problem: str | None = None
    """What kept the last try from succeeding, in words."""
    tip: Annotated[CommitSha, Sha1] | None = None
    """A branch's newest commit, where its pushes are judged."""
    current: GateName | None = None
    """That commit's gate, which has a partition of its own."""
    ending: tuple[GateName, ...] = ()
    """Gates of a branch's older commits that are still to be ended."""


class GateState(StrEnum):
    """Where a gate stands. Only OPEN and WAITING still expect an answer."""

    WAITING = "waiting"
    """A draft that is not to be scanned before its publication."""
    OPEN = "open"
    DECIDED = "decided"
    SUPERSEDED = "superseded"
    CLOSED = "closed"
    """What it stands in ended: a pull request was abandoned or completed, a branch deleted."""

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


class BuildImages(Value):
    """The images of one build, as far as they could be found."""

    build_id: Annotated[BuildId, Positive]
    definition_id: int
    """The pipeline. Of its builds of one commit, the newest counts."""
    references: tuple[str, ...]
    """The images as they were named; what each stood for when it was found out stays."""
    targets: tuple[ImageTarget, ...] = ()
    missing: tuple[str, ...] = ()
    """Why an image cannot be scanned, in a sentence for each."""
    asked: tuple[str, ...] = ()
    """What the registries were asked: each image with its platforms. Nothing is asked twice, since a tag may move."""
    unresolved: bool = False
    """Whether its images are still to be found out; nothing it is judged with can pass before."""
    plan_ids: tuple[str, ...] = ()
    """The orchestration plans that it runs, by which its checks name it."""


class Earlier(Value):
    """A verdict whose place another one takes."""

    number: int
    outcome: Outcome
    provisional: bool
    decided_at: Moment
    verdict_sha256: Sha256 | None
    why: str | None = None
    """Why it does not hold any more, in a word."""


class AuditLine(Value):
    """One line of the audit."""

    line_id: str
    """The same wherever the line stands more than once."""
    at: Moment
    what: str
    fields: dict[str, JsonValue]


class Gate(Value):
    """One place that waits for its verdict."""

    gate_id: GateName
    place: Place = Field(discriminator="kind")
    state: GateState
    accepted_at: Moment
    opened_at: Moment
    deadline: Moment
    rules: RulesRead | None = None
    targets: tuple[Target, ...] = ()
    """What it has scanned, each under the profile of its rules."""
    waits_for: tuple[ScanName, ...] = ()
    """The scans of its targets, in their order."""
    missing: tuple[str, ...] = ()
    """Why something it should have scanned cannot be, in a sentence for each."""
    builds: tuple[BuildImages, ...] = ()
    """Whose images are judged together on a commit or an iteration."""
    decision: Decision | None = None
    earlier: Earlier | None = None
    """The verdict that was, while the same question is answered again."""
    unaudited: tuple[AuditLine, ...] = ()
    """Lines of the audit that still have to be written."""
    posted: Status | None = None
    posted_at: Moment | None = None
    unposted_since: Moment | None = None
    """Since when it is tried to show what it should show; None while nothing is to be shown."""
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
