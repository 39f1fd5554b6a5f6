"""A request about a project: something happened to one of its pull requests, and the event did not say which."""

import uuid
from datetime import timedelta

from scan_core.devops.errors import DevOpsError
from scan_core.devops.pull_requests import PullRequest
from scan_core.flow import gate_steps
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, GateState, PullRequestRef
from scan_core.model.request import ProjectRequest, PullRequestRequest
from scan_core.telemetry import emit


def sweep(services: Services, request: ProjectRequest) -> None:
    """Ask for a look at every active pull request of a project that no gate answers for as it is now.

    Args:
        services: The doors to the outside.
        request: Which project, and since when.
    """
    try:
        active = services.devops(request.organisation).active_pull_requests(request.project_id)
    except DevOpsError as error:
        _try_later(services, request, error)
        return
    ungated = [pull_request.ref for pull_request in active if not _is_gated(services, pull_request)]
    for reference in [*ungated, *_ended(services, request, {pull_request.ref for pull_request in active})]:
        services.queues.send_request(
            PullRequestRequest(request_id=uuid.uuid4().hex, pull_request=reference, accepted_at=services.now())
        )


def _ended(services: Services, request: ProjectRequest, active: set[PullRequestRef]) -> list[PullRequestRef]:
    """Find the project's pull requests that still keep us busy and are not active any more."""
    looks = (services.gates.look(entry.subject) for entry in services.gates.agenda())
    busy = {look.value.pull_request for look in looks if look is not None}
    return [each for each in busy - active if _belongs(each, request)]


def _belongs(reference: PullRequestRef, request: ProjectRequest) -> bool:
    return (reference.organisation, reference.project_id) == (request.organisation, request.project_id)


def _try_later(services: Services, request: ProjectRequest, error: DevOpsError) -> None:
    waited = services.now() - request.accepted_at
    emit("sweep_failed", project=request.project_id, kind=error.kind, sentence=error.sentence)
    if error.transient and waited < timedelta(seconds=services.settings.deadline_seconds):
        first = services.settings.retry_seconds
        tries = 1 + int(waited.total_seconds() / first)
        services.queues.send_request(request, pause_seconds(tries, first, error.retry_after))


def _is_gated(services: Services, pull_request: PullRequest) -> bool:
    gates_of_it = (row.value for row in services.gates.gates_of(pull_request.ref.subject))
    return any(_answers(gate, pull_request) for gate in gates_of_it if gate.state.is_current)


def _answers(gate: Gate, pull_request: PullRequest) -> bool:
    is_published = gate.state is GateState.WAITING and not pull_request.is_draft
    return not is_published and not gate_steps.asks_anew(gate, pull_request)
