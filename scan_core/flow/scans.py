"""Scans in motion: joined by gates, handed to workers, concluded, given up, stopped."""

from datetime import timedelta

from scan_core.flow import admission, attempts, scan_steps
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.change import change_scan
from scan_core.flow.gate_steps import profile_for
from scan_core.flow.results import NotConclusive, end_of, result_of
from scan_core.flow.services import Services
from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.model.gate import Gate
from scan_core.model.ids import AttemptNumber, GateId, ScanId
from scan_core.model.scan import Scan, ScanState
from scan_core.model.target import scan_id
from scan_core.model.verdict import ScanFailure, ScanResult
from scan_core.telemetry import emit

_DISPATCH_GRACE = timedelta(seconds=10)
"""For how long whoever opened an attempt is left alone with queueing it."""


def wanted_by(gate: Gate) -> list[scan_steps.Wanted]:
    """List the scans that a gate waits for.

    Args:
        gate: A gate that knows its rules.

    Returns:
        The scans; none where the gate does not know them yet.
    """
    if gate.rules is None:
        return []
    profiles = (profile_for(target, gate.rules) for target in gate.targets)
    return [
        scan_steps.Wanted(scan_id(target, profile), target, profile, gate.gate_id)
        for target, profile in zip(gate.targets, profiles, strict=True)
    ]


def join(services: Services, wanted: scan_steps.Wanted) -> Scan | None:
    """Let a gate wait for a scan, and start it where nobody did.

    Args:
        services: The doors to the outside.
        wanted: What the gate wants.

    Returns:
        The scan as it stands; None where it cannot be joined.
    """
    settings = services.settings
    freshness = scan_steps.Freshness(timedelta(seconds=settings.result_ttl_seconds), settings.scanner_version)
    opened = False

    def step(scan: Scan | None) -> Scan | None:
        nonlocal opened
        after = scan_steps.joined(scan, wanted, freshness, services.now())
        opened = after is not None and (scan is None or after.current.number != scan.current.number)
        return after

    scan = change_scan(services.scans, wanted.scan_id, step)
    if scan is not None and opened:
        admission.enlist(services, scan)
    return scan


def has_ended(scan: Scan) -> bool:
    """Tell whether a scan has an outcome.

    Args:
        scan: The scan as it stands.

    Returns:
        Whether it concluded, or failed.
    """
    return scan.state is ScanState.FAILED or (scan.state is ScanState.CONCLUDED and scan.conclusion is not None)


def outcome(services: Services, scan: Scan) -> ScanResult | ScanFailure:
    """Read how a scan ended. This reads all its findings, so whoever waits for others as well asks for it last.

    Args:
        services: The doors to the outside.
        scan: A scan that has ended.

    Returns:
        Its result, or why there is none that counts.
    """
    if scan.state is ScanState.FAILED or scan.conclusion is None:
        error = scan.current.error
        return ScanFailure(scan_id=scan.scan_id, sentence=error.sentence if error else "The scan failed.")
    try:
        return result_of(services, scan, scan.conclusion)
    except NotConclusive as gone:
        return ScanFailure(scan_id=scan.scan_id, sentence=gone.error.sentence)


def leave_all(services: Services, gate: Gate) -> None:
    """Let a gate stop waiting for all its scans.

    Args:
        services: The doors to the outside.
        gate: The gate.
    """
    for scan in gate.waits_for:
        leave(services, scan, gate.gate_id)


def leave(services: Services, scan: ScanId, gate_id: GateId) -> None:
    """Let a gate stop waiting for a scan; stop the attempt if nobody else waits.

    Args:
        services: The doors to the outside.
        scan: The scan.
        gate_id: The gate.
    """
    after = change_scan(services.scans, scan, lambda row: scan_steps.left(row, gate_id))
    if after is not None and after.state is ScanState.STOPPING:
        attempts.cancel(services, after, "Nobody waits for this scan any more.")
    admission.make_room(services, after)


def take_end(services: Services, scan: Scan, attempt: AttemptNumber) -> Scan | None:
    """Take the end of an attempt, whatever it is.

    Args:
        services: The doors to the outside.
        scan: The scan as it stands.
        attempt: The attempt that is said to have ended.

    Returns:
        The scan after it; None where the attempt has not ended, or its end does not count any more.
    """
    if scan.state is ScanState.CONCLUDED or not scan_steps.takes_result_of(scan, attempt):
        return None
    has_failed = scan.state is ScanState.FAILED
    try:
        conclusion = end_of(services, scan, attempt)
    except NotConclusive as ended:
        return None if has_failed else give_up(services, scan, attempt, ended.error)
    if conclusion is None:
        return None
    after = change_scan(services.scans, scan.scan_id, lambda row: scan_steps.concluded(row, conclusion))
    emit("scan_concluded", scan=scan.scan_id, attempt=attempt)
    if after is not None and after.current.number != attempt and not has_failed:
        attempts.cancel(services, after, "An earlier attempt gave the result.")
    admission.make_room(services, after)
    return after


def give_up(services: Services, scan: Scan, attempt: AttemptNumber, error: AttemptError) -> Scan | None:
    """Take that an attempt has no result: open the next one, or let the scan fail.

    Args:
        services: The doors to the outside.
        scan: The scan as it stands.
        attempt: The attempt.
        error: Why.

    Returns:
        The scan after it; None where there is none.
    """
    settings = services.settings
    pause = timedelta(seconds=pause_seconds(scan_steps.attempts_spent(scan), settings.retry_seconds))
    after = change_scan(
        services.scans,
        scan.scan_id,
        lambda row: scan_steps.failed(row, attempt, error, services.now(), cap=settings.max_attempts, pause=pause),
    )
    emit("attempt_failed", scan=scan.scan_id, attempt=attempt, kind=error.kind, sentence=error.sentence)
    admission.make_room(services, after)
    return after


def check(services: Services, scan_name: ScanId) -> None:
    """Look after a scan that is under way: what was lost on the way is done again, what is dead is given up.

    Args:
        services: The doors to the outside.
        scan_name: The scan.
    """
    row = services.scans.read(scan_name)
    if row is None or row.value.state is not ScanState.ACTIVE:
        return
    scan, record, now = row.value, row.value.current, services.now()
    if record.queued_at is None:
        if now - max(record.opened_at, record.due_at) > _DISPATCH_GRACE or record.due_at > record.opened_at:
            admission.resume(services, scan)
        return
    if take_end(services, scan, record.number) is not None:
        return
    claim = services.attempts.claim(scan.scan_id, record.number)
    if claim is None:
        if now - record.queued_at > timedelta(seconds=services.settings.queued_limit_seconds):
            attempts.dispatch(services, scan)
        return
    claimed_at = now - claim.age
    change_scan(
        services.scans,
        scan.scan_id,
        lambda found: scan_steps.claimed(found, record.number, claim.document.execution, claimed_at),
    )
    error = _dead(services, scan, record.number, claim.age)
    if error is not None:
        give_up(services, scan, record.number, error)
        attempts.cancel(services, scan, error.sentence)


def _dead(services: Services, scan: Scan, attempt: AttemptNumber, running: timedelta) -> AttemptError | None:
    """Tell what is wrong with an attempt that is claimed. Times are those of storage; a worker's clock may be off."""
    settings, longest = services.settings, attempts.longest_run(services)
    beat = services.attempts.heartbeat(scan.scan_id, attempt)
    silence = running if beat is None else min(running, beat.age)
    if silence > timedelta(seconds=settings.heartbeat_limit_seconds):
        words = f"its worker gave no sign of life for {int(silence.total_seconds())} seconds"
        advice = "If no other follows, push again or run the pipeline again."
        return AttemptError(kind=AttemptErrorKind.LOST, sentence=f"Attempt {attempt} was lost: {words}. {advice}")
    if running > longest:
        words = f"ran longer than {int(longest.total_seconds())} seconds and was stopped"
        advice = "Scan less of the repository (exclude_dirs in .scangate.yml), or have the limit raised."
        return AttemptError(kind=AttemptErrorKind.RAN_TOO_LONG, sentence=f"Attempt {attempt} {words}. {advice}")
    return None
