"""The attempts of a scan, as a page tells them: what happened when, and what is happening now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from scan_core.model.scan import AttemptRecord, Scan, ScanState
from scan_core.report.moments import clock, lasted


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt."""

    number: int
    state: str
    opened_at: datetime
    claimed_at: datetime | None
    ended_at: datetime | None
    waited: str
    ran: str
    error: str | None


def attempt_lines(scan: Scan, now: datetime) -> tuple[AttemptLine, ...]:
    """Tell the attempts of a scan.

    Args:
        scan: The scan.
        now: The time; an attempt under way has lasted until now.

    Returns:
        A line for each remembered attempt, the newest first.
    """
    return tuple(_line(scan, record, now) for record in reversed(scan.attempts))


def progress(scan: Scan, attempts_allowed: int, now: datetime) -> str:
    """Say what a scan is doing.

    Args:
        scan: The scan.
        attempts_allowed: How many attempts a round may take.
        now: The time.

    Returns:
        A sentence.
    """
    current = scan.current
    number = current.number - scan.round_start + 1
    which = f"Attempt {number} of {max(number, attempts_allowed)}"
    if scan.state is ScanState.CONCLUDED:
        return "The scan has finished."
    if scan.state is ScanState.STOPPING:
        return "The scan is being stopped: nothing waits for it any more."
    if scan.state is ScanState.FAILED:
        return f"{which} has ended without a conclusive result; there is no further one."
    if current.ended_at:
        return f"{which} has ended without a conclusive result; the next one is about to start."
    if current.claimed_at:
        return f"{which} is running since {_since(current.claimed_at, now)}."
    if current.queued_at:
        return f"{which} waits for a worker since {_since(current.queued_at, now)}."
    if current.due_at > now:
        return f"{which} starts at {clock(current.due_at)}, in {lasted(current.due_at - now)}."
    return f"{which} is about to start."


def _since(moment: datetime, now: datetime) -> str:
    return f"{clock(moment)} ({lasted(now - moment)})"


def _line(scan: Scan, record: AttemptRecord, now: datetime) -> AttemptLine:
    end = record.ended_at
    return AttemptLine(
        number=record.number,
        state=_state(scan, record),
        opened_at=record.opened_at,
        claimed_at=record.claimed_at,
        ended_at=end,
        waited=lasted((record.claimed_at or end or now) - record.opened_at),
        ran=lasted((end or now) - record.claimed_at if record.claimed_at else timedelta()),
        error=record.error.sentence if record.error else None,
    )


def _state(scan: Scan, record: AttemptRecord) -> str:
    if scan.conclusion and scan.conclusion.attempt == record.number:
        return "Finished"
    if record.error or record.ended_at:
        return "No result"
    if record is scan.current and scan.state is ScanState.STOPPING:
        return "Stopping"
    if record.claimed_at:
        return "Running"
    return "Waiting" if record.queued_at else "Starting"
