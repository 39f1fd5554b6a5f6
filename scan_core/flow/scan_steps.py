"""The states of a scan, as pure steps from one version of its row to the next.

| from      | when                                   | to                                   |
|-----------|----------------------------------------|--------------------------------------|
| none      | a gate joins                           | ACTIVE, attempt 1                    |
| ACTIVE    | a gate joins                           | ACTIVE                               |
| ACTIVE    | the last gate leaves                   | STOPPING                             |
| ACTIVE    | an attempt ends conclusively           | CONCLUDED                            |
| ACTIVE    | the current attempt ends otherwise     | ACTIVE, next attempt; at the cap FAILED |
| STOPPING  | a gate joins                           | ACTIVE, next attempt                 |
| STOPPING  | an attempt ends conclusively           | CONCLUDED                            |
| STOPPING  | the current attempt ends otherwise     | FAILED                               |
| CONCLUDED | a gate joins and the result is stale   | ACTIVE, next attempt, a new round    |
| FAILED    | another gate joins                     | ACTIVE, next attempt, a new round    |
| FAILED    | an attempt of the round had ended well | CONCLUDED                            |
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.model.ids import AttemptNumber, GateId, ScanId
from scan_core.model.scan import AttemptRecord, Conclusion, Scan, ScanState
from scan_core.model.target import Profile, Target

_REMEMBERED = 10
"""Attempts whose records a row keeps."""
_TOLD_TO_STOP = AttemptError(kind=AttemptErrorKind.CANCELLED, sentence="The attempt was stopped: nobody waited for it.")


@dataclass(frozen=True)
class Wanted:
    """A scan that a gate waits for."""

    scan_id: ScanId
    target: Target
    profile: Profile
    gate_id: GateId


@dataclass(frozen=True)
class Freshness:
    """For how long, and of which scanner, a result counts."""

    ttl: timedelta
    scanner_version: str | None

    def holds(self, conclusion: Conclusion, now: datetime) -> bool:
        """Tell whether a result may be judged without a new scan.

        Args:
            conclusion: The result.
            now: The time.

        Returns:
            Whether it is young enough and by the right scanner.
        """
        young = now - conclusion.finished_at <= self.ttl
        return young and self.scanner_version in {None, conclusion.scanner_version}


def joined(scan: Scan | None, wanted: Wanted, freshness: Freshness, now: datetime) -> Scan | None:
    """Let a gate wait for a scan, opening an attempt where none is under way.

    Args:
        scan: The scan as it stands; None where there is none.
        wanted: What the gate wants.
        freshness: Which results count.
        now: The time.

    Returns:
        The scan as it shall stand; None where the gate already waits, or need not.
    """
    if scan is None:
        return _new(wanted, now)
    waits = wanted.gate_id in scan.waiters
    match scan.state:
        case ScanState.CONCLUDED if scan.conclusion is not None:
            # Who waits joined this round, so its result is new to that gate, whatever the worker's clock says.
            settled = waits or freshness.holds(scan.conclusion, now)
            return None if settled else _next_round(scan, wanted.gate_id, now)
        case ScanState.ACTIVE:
            return None if waits else scan.model_copy(update={"waiters": (*scan.waiters, wanted.gate_id)})
        case ScanState.STOPPING:
            told = scan.current.model_copy(update={"ended_at": now, "error": _TOLD_TO_STOP})
            return _with_attempt(_with_record(scan, told), now, now).model_copy(
                update={"state": ScanState.ACTIVE, "waiters": (wanted.gate_id,)}
            )
        case _:
            return None if waits else _next_round(scan, wanted.gate_id, now)


def left(scan: Scan | None, gate_id: GateId) -> Scan | None:
    """Let a gate stop waiting; without any left, an attempt under way stops.

    Args:
        scan: The scan as it stands.
        gate_id: The gate that leaves.

    Returns:
        The scan as it shall stand; None where the gate did not wait.
    """
    if scan is None or gate_id not in scan.waiters:
        return None
    waiters = tuple(waiter for waiter in scan.waiters if waiter != gate_id)
    stops = scan.state is ScanState.ACTIVE and not waiters
    return scan.model_copy(update={"waiters": waiters, "state": ScanState.STOPPING if stops else scan.state})


def queued(scan: Scan | None, attempt: AttemptNumber, now: datetime) -> Scan | None:
    """Note that an attempt's message stands in the queue.

    Args:
        scan: The scan as it stands.
        attempt: Which attempt.
        now: The time.

    Returns:
        The scan as it shall stand; None where that attempt is not the current one.
    """
    if scan is None or scan.current.number != attempt:
        return None
    return _with_record(scan, scan.current.model_copy(update={"queued_at": now}))


def claimed(scan: Scan | None, attempt: AttemptNumber, execution: str, claimed_at: datetime) -> Scan | None:
    """Note who took an attempt.

    Args:
        scan: The scan as it stands.
        attempt: Which attempt.
        execution: Who took it.
        claimed_at: When, not by the taker's own clock.

    Returns:
        The scan as it shall stand; None where that is known, or the attempt is not the current one.
    """
    if scan is None or scan.current.number != attempt or scan.current.claimed_at is not None:
        return None
    return _with_record(scan, scan.current.model_copy(update={"claimed_at": claimed_at, "execution": execution}))


def concluded(scan: Scan | None, conclusion: Conclusion) -> Scan | None:
    """Take the first conclusive result of a round; late ones change nothing.

    Args:
        scan: The scan as it stands.
        conclusion: The result.

    Returns:
        The scan as it shall stand; None where the result comes too late or belongs to no attempt of this round.
    """
    if scan is None or scan.state is ScanState.CONCLUDED or not takes_result_of(scan, conclusion.attempt):
        return None
    records = tuple(
        _finished(record, conclusion) if record.number == conclusion.attempt else record for record in scan.attempts
    )
    return scan.model_copy(update={"state": ScanState.CONCLUDED, "conclusion": conclusion, "attempts": records})


def failed(
    scan: Scan | None,
    attempt: AttemptNumber,
    error: AttemptError,
    now: datetime,
    *,
    cap: int,
    pause: timedelta,
) -> Scan | None:
    """Take an attempt's end without a conclusive result: try again, or give up.

    Args:
        scan: The scan as it stands.
        attempt: The attempt that ended.
        error: Why it has no result.
        now: The time.
        cap: Attempts of one round.
        pause: How long the next attempt waits.

    Returns:
        The scan as it shall stand; None where the attempt is not the current one, or nobody expects its end.
    """
    expected = {ScanState.ACTIVE, ScanState.STOPPING}
    if scan is None or scan.state not in expected or scan.current.number != attempt:
        return None
    if error.kind is AttemptErrorKind.CANCELLED and scan.state is ScanState.ACTIVE:
        # Told to stop because it was thought dead, by whoever then was not there to say so.
        error = AttemptError(kind=AttemptErrorKind.LOST, sentence=f"Attempt {attempt} was stopped before its end.")
    ended = _with_record(scan, scan.current.model_copy(update={"ended_at": now, "error": error}))
    again = error.kind.retryable and attempts_spent(ended) < cap
    if scan.state is ScanState.ACTIVE and again:
        return _with_attempt(ended, now, now + pause)
    return ended.model_copy(update={"state": ScanState.FAILED})


def takes_result_of(scan: Scan, attempt: AttemptNumber) -> bool:
    """Tell whether an attempt belongs to the present round.

    Args:
        scan: The scan.
        attempt: An attempt's number.

    Returns:
        Whether its result may count.
    """
    return scan.round_start <= attempt <= scan.current.number


def attempts_spent(scan: Scan) -> int:
    """Count what the cap counts: attempts of this round that were not merely told to stop.

    Args:
        scan: The scan.

    Returns:
        Their number.
    """
    return sum(
        1
        for record in scan.attempts
        if record.number >= scan.round_start
        and (record.error is None or record.error.kind is not AttemptErrorKind.CANCELLED)
    )


def _finished(record: AttemptRecord, conclusion: Conclusion) -> AttemptRecord:
    """The claim is read by the watch only; an attempt that ended sooner tells itself who ran it since when."""
    return record.model_copy(
        update={
            "claimed_at": record.claimed_at or conclusion.started_at,
            "execution": record.execution or conclusion.execution,
            "ended_at": conclusion.finished_at,
            "error": None,
        }
    )


def _new(wanted: Wanted, now: datetime) -> Scan:
    first = AttemptNumber(1)
    return Scan(
        scan_id=wanted.scan_id,
        target=wanted.target,
        profile=wanted.profile,
        state=ScanState.ACTIVE,
        waiters=(wanted.gate_id,),
        round_start=first,
        attempts=(AttemptRecord(number=first, opened_at=now, due_at=now),),
    )


def _next_round(scan: Scan, gate_id: GateId, now: datetime) -> Scan:
    opened = _with_attempt(scan, now, now)
    return opened.model_copy(
        update={
            "state": ScanState.ACTIVE,
            "waiters": (gate_id,),
            "round_start": opened.current.number,
        }
    )


def _with_attempt(scan: Scan, now: datetime, due_at: datetime) -> Scan:
    record = AttemptRecord(number=AttemptNumber(scan.current.number + 1), opened_at=now, due_at=due_at)
    return scan.model_copy(update={"attempts": (*scan.attempts, record)[-_REMEMBERED:]})


def _with_record(scan: Scan, record: AttemptRecord) -> Scan:
    return scan.model_copy(update={"attempts": (*scan.attempts[:-1], record)})
