"""Scan: one target under one profile, shared by every gate that needs it; and its attempts."""

from enum import StrEnum

from scan_core.model.attempt import AttemptError
from scan_core.model.ids import AttemptNumber, GateName, ScanName, Sha256
from scan_core.model.target import Profile, Target
from scan_core.model.value import Moment, Value


class ScanState(StrEnum):
    """Where a scan stands."""

    ACTIVE = "active"
    """An attempt is queued or running."""
    STOPPING = "stopping"
    """Nobody waits any more; the attempt was told to stop. Who comes now opens a new one."""
    CONCLUDED = "concluded"
    FAILED = "failed"
    """The last round ended without a conclusive result."""


class AttemptRecord(Value):
    """What is remembered of one attempt."""

    number: AttemptNumber
    opened_at: Moment
    due_at: Moment
    """When it may be queued: later than it was opened where an earlier attempt failed a moment ago."""
    queued_at: Moment | None = None
    """When its message stood in the queue and a worker had been asked for; None = still to be done."""
    claimed_at: Moment | None = None
    execution: str | None = None
    ended_at: Moment | None = None
    error: AttemptError | None = None


class Conclusion(Value):
    """The conclusive end of a round."""

    attempt: AttemptNumber
    manifest_sha256: Sha256
    scanner_version: str
    execution: str | None = None
    started_at: Moment | None = None
    finished_at: Moment


class Scan(Value):
    """The row of a scan. Joining and stopping are conditional writes on it."""

    scan_id: ScanName
    target: Target
    profile: Profile
    state: ScanState
    waiters: tuple[GateName, ...] = ()
    round_start: AttemptNumber
    """The first attempt since the last conclusive result; the cap on attempts counts from here."""
    attempts: tuple[AttemptRecord, ...]
    """The latest ones, oldest first; the last is the current one."""
    conclusion: Conclusion | None = None

    @property
    def current(self) -> AttemptRecord:
        """The newest attempt."""
        return self.attempts[-1]
