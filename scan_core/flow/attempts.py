"""Attempts in motion: handed to whichever worker comes first, and told to stop."""

from datetime import timedelta
from typing import Any

from scan_core.flow import scan_steps
from scan_core.flow.change import change_scan
from scan_core.flow.services import Services
from scan_core.model.attempt import AttemptMessage, AttemptSpec, Cancel, Limits, RegistryLogin
from scan_core.model.scan import AttemptRecord, Scan
from scan_core.model.signing import attempt_secret
from scan_core.model.target import SourceTarget, Target
from scan_core.runner.api import RunnerError
from scan_core.telemetry import emit


def dispatch(services: Services, scan: Scan) -> None:
    """Queue the current attempt of a scan and ask for a worker. Repeating it is harmless: an attempt is claimed once.

    Args:
        services: The doors to the outside.
        scan: The scan.
    """
    record = scan.current
    if record.due_at > services.now():
        return  # the watch comes back to it
    message = _message(services, scan, record)
    services.attempts.write_spec(message.spec)
    services.queues.send_attempt(message)
    change_scan(services.scans, scan.scan_id, lambda row: scan_steps.queued(row, record.number, services.now()))
    emit("attempt_queued", scan=scan.scan_id, attempt=record.number)
    start_worker(services)


def start_worker(services: Services) -> bool:
    """Ask for a worker where one would find something to do; being refused only means later.

    Args:
        services: The doors to the outside.

    Returns:
        Whether one was started.
    """
    if not services.queues.attempts_waiting():
        return False
    try:
        return services.runner.start() is not None
    except RunnerError as error:
        emit("worker_not_started", reason=str(error))
        return False


def start_workers(services: Services) -> None:
    """Ask for as many workers as would find something to do, within the cap.

    Args:
        services: The doors to the outside.
    """
    for _ in range(min(services.queues.attempts_waiting(), services.settings.max_workers)):
        if not start_worker(services):
            return


def cancel(services: Services, scan: Scan, reason: str) -> None:
    """Tell the current attempt of a scan to stop, and stop its worker.

    Args:
        services: The doors to the outside.
        scan: The scan.
        reason: Why, in a sentence.
    """
    attempt = scan.current.number
    services.attempts.write_cancel(scan.scan_id, attempt, Cancel(reason=reason, cancelled_at=services.now()))
    claim = services.attempts.claim(scan.scan_id, attempt)
    emit("attempt_cancelled", scan=scan.scan_id, attempt=attempt, reason=reason)
    if claim is None:
        return
    try:
        services.runner.stop(claim.document.execution)
    except RunnerError as error:
        emit("worker_not_stopped", execution=claim.document.execution, reason=str(error))


def longest_run(services: Services) -> timedelta:
    """Say how long an attempt may run, from its claim.

    Args:
        services: The doors to the outside.

    Returns:
        The longest fetch and scan, and what else it may take: starting, uploading.
    """
    settings = services.settings
    seconds = settings.fetch_limit_seconds + settings.scan_limit_seconds + settings.attempt_margin_seconds
    return timedelta(seconds=seconds)


def _message(services: Services, scan: Scan, record: AttemptRecord) -> AttemptMessage:
    settings = services.settings
    expires = services.now() + 2 * max(timedelta(seconds=settings.deadline_seconds), longest_run(services))
    target = scan.target
    spec = AttemptSpec(
        scan_id=scan.scan_id,
        attempt=record.number,
        target=target,
        **_source_of(services, target),
        profile=scan.profile,
        pod=settings.qualys_pod,
        limits=_limits(services),
        opened_at=record.opened_at,
    )
    key = settings.signing_keys[0].get_secret_value().encode()
    return AttemptMessage(
        spec=spec,
        links=services.attempts.links(scan.scan_id, record.number, services.queues.results_link(expires), expires),
        secret=attempt_secret(key, scan.scan_id, record.number),
        expires_at=expires,
    )


def _source_of(services: Services, target: Target) -> dict[str, Any]:
    if isinstance(target, SourceTarget):
        return {"clone_url": services.devops(target.organisation).clone_url(target.project_id, target.repository_id)}
    registry = services.settings.registry(target.organisation, target.registry)
    if registry is None:
        return {}  # taken off the list meanwhile: the worker says so
    told = {name: getattr(registry, name) for name in RegistryLogin.model_fields}
    return {"registry": RegistryLogin(**told)}


def _limits(services: Services) -> Limits:
    settings = services.settings
    return Limits(
        fetch_seconds=settings.fetch_limit_seconds,
        scan_seconds=settings.scan_limit_seconds,
        repository_bytes=settings.repository_limit_bytes,
        repository_files=settings.repository_limit_files,
        artifact_bytes=settings.artifact_limit_bytes,
        log_bytes=settings.log_limit_bytes,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
