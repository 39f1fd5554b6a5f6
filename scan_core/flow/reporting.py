"""Reporting a gate: level-triggered, by one instance at a time, with a look after each post.

The status that a gate should show is a function of its row. Whoever changes a row reports it; whoever finds another
instance reporting leaves it to that one, which looks at the row again after its post and posts again if it moved on.
"""

import uuid
from datetime import timedelta

from scan_core.devops.errors import DevOpsError
from scan_core.flow import gate_steps
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.change import change_gate
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, Status, StatusState
from scan_core.model.ids import GateId
from scan_core.model.request import PullRequestRequest
from scan_core.report.links import signed_path
from scan_core.report.texts import status_for
from scan_core.telemetry import emit


def report(services: Services, gate_id: GateId) -> None:
    """Make Azure DevOps show what a gate's row says, or note when to try again.

    Args:
        services: The doors to the outside.
        gate_id: The gate.
    """
    reporter = uuid.uuid4().hex
    lease = timedelta(seconds=services.settings.report_lease_seconds)
    while True:
        row = services.gates.gate(gate_id)
        if row is None or unreported(row.value) is None or gate_steps.rests(row.value, services.now()):
            return
        gate = change_gate(
            services.gates, gate_id, lambda gate: gate_steps.leased(gate, reporter, services.now(), lease)
        )
        if gate is None:
            return
        wanted = unreported(gate)
        if wanted is None:
            change_gate(services.gates, gate_id, lambda gate: gate_steps.yielded(gate, reporter))
            return
        if not _post(services, gate, wanted, reporter):
            return


def unreported(gate: Gate) -> Status | None:
    """Tell what a gate should show and does not.

    Args:
        gate: The gate.

    Returns:
        The status to post; None where nothing is to be posted.
    """
    wanted = status_for(gate)
    return None if wanted == gate.posted else wanted


def _post(services: Services, gate: Gate, wanted: Status, reporter: str) -> bool:
    """Post one status. Returns whether to look at the row again."""
    reference = gate.pull_request
    try:
        devops = services.devops(reference.organisation)
        if wanted.state is not StatusState.PENDING and moved_on(services, gate):
            change_gate(services.gates, gate.gate_id, lambda row: gate_steps.yielded(row, reporter))
            look_again(services, gate, 0)
            return False
        devops.post_status(reference, gate.iteration, wanted, target_url=_page(services, gate))
    except DevOpsError as error:
        _try_later(services, gate, reporter, error)
        return False
    now = services.now()
    if change_gate(services.gates, gate.gate_id, lambda row: gate_steps.posted(row, reporter, wanted, now)) is None:
        change_gate(services.gates, gate.gate_id, gate_steps.doubted)
    emit("status_posted", gate=gate.gate_id, state=wanted.state, description=wanted.description)
    audited = {"gate": gate.gate_id, **_where(gate), "state": wanted.state, "description": wanted.description}
    services.audit.append(services.now(), "report", audited)
    _renew_newer(services, gate)
    return True


def _renew_newer(services: Services, gate: Gate) -> None:
    """Report a newer gate again where this one ended while it was posted: what came last may hide what counts."""
    known = [row.value for row in services.gates.gates_of(gate.pull_request.subject)]
    ended = any(each.gate_id == gate.gate_id and not each.state.is_current for each in known)
    for newer in known:
        if ended and newer.state.is_current:
            services.gates.touch(gate.pull_request.subject, services.now())
            change_gate(services.gates, newer.gate_id, gate_steps.doubted)
            report(services, newer.gate_id)


def moved_on(services: Services, gate: Gate) -> bool:
    """Tell whether the pull request has left the gate's commit behind, of which no hook told us yet.

    Args:
        services: The doors to the outside.
        gate: The gate.

    Returns:
        Whether its iteration is not the latest, or where there are none, its commit not the source's.

    Raises:
        DevOpsError: That could not be read.
    """
    devops = services.devops(gate.pull_request.organisation)
    if gate.iteration == 0:
        return devops.pull_request(gate.pull_request).source_commit != gate.source_commit
    latest = devops.latest_iteration(gate.pull_request)
    return latest is not None and latest.number != gate.iteration


def _try_later(services: Services, gate: Gate, reporter: str, error: DevOpsError) -> None:
    pause = pause_seconds(gate.tries + 1, services.settings.retry_seconds, error.retry_after)
    next_try = services.now() + timedelta(seconds=pause)
    change_gate(services.gates, gate.gate_id, lambda row: gate_steps.unposted(row, reporter, error.sentence, next_try))
    emit("status_not_posted", gate=gate.gate_id, kind=error.kind, status=error.status, seconds=pause)
    look_again(services, gate, pause)


def look_again(services: Services, gate: Gate, delay_seconds: int) -> None:
    """Ask for another look at a gate's pull request.

    Args:
        services: The doors to the outside.
        gate: The gate.
        delay_seconds: How long to wait.
    """
    request = PullRequestRequest(
        request_id=uuid.uuid4().hex, pull_request=gate.pull_request, accepted_at=services.now()
    )
    services.queues.send_request(request, delay_seconds)


def _page(services: Services, gate: Gate) -> str:
    settings = services.settings
    expires = services.now() + timedelta(days=settings.link_days)
    key = settings.signing_keys[0].get_secret_value().encode()
    return settings.public_url + signed_path(f"/api/gates/{gate.gate_id}", key, expires)


def _where(gate: Gate) -> dict[str, str | int]:
    reference = gate.pull_request
    return {
        "organisation": reference.organisation,
        "project": reference.project_id,
        "repository": reference.repository_id,
        "pull_request": reference.pull_request_id,
        "iteration": gate.iteration,
        "commit": gate.scanned_commit,
    }
