"""Poison: messages that failed again and again. What waits for them is told; nothing here ever throws."""

from collections.abc import Callable

from pydantic import ValidationError

from scan_core.flow import gates, scans
from scan_core.flow.services import Services
from scan_core.model.attempt import AttemptError, AttemptErrorKind, ResultMessage
from scan_core.model.gate import PullRequestRef
from scan_core.model.request import PullRequestRequest, RequestMessage
from scan_core.rules.unscanned import service_error
from scan_core.telemetry import emit

_SENTENCE = "Scangate failed on this pull request again and again; its operators find the cause in the app's log."


def poisoned_request(services: Services, body: bytes) -> None:
    """Take a request that could not be served.

    Args:
        services: The doors to the outside.
        body: The message as it stood in ``scan-requests``.
    """
    _guarded("scan-requests", lambda: _end_gates(services, body))


def poisoned_result(services: Services, body: bytes) -> None:
    """Take a result that could not be taken.

    Args:
        services: The doors to the outside.
        body: The message as it stood in ``scan-results``.
    """
    _guarded("scan-results", lambda: _end_attempt(services, body))


def _guarded(queue: str, step: Callable[[], None]) -> None:
    emit("message_poisoned", queue=queue)
    try:
        step()
    except Exception as error:  # noqa: BLE001 - a poison queue has no further poison queue: failing only repeats
        emit("poison_not_handled", queue=queue, error=type(error).__name__)


def _end_gates(services: Services, body: bytes) -> None:
    try:
        request = RequestMessage.validate_json(body)
    except ValidationError:
        services.audit.append(services.now(), "poison", {"queue": "scan-requests", "why": "unreadable"})
        return
    services.audit.append(services.now(), "poison", {"queue": "scan-requests", "request": request.request_id})
    if isinstance(request, PullRequestRequest):
        _error_on(services, request.pull_request)


def _error_on(services: Services, reference: PullRequestRef) -> None:
    look = services.gates.look(reference.subject)
    if look is not None and not look.value.served:
        served = look.value.model_copy(update={"served": True, "problem": _SENTENCE})
        services.gates.write_look(reference.subject, look, served)
    for row in services.gates.gates_of(reference.subject):
        if row.value.state.is_current and not row.value.waits_for:
            gates.decide(services, row.value, service_error(row.value.rules, _SENTENCE, services.now()))
            gates.advance(services, row.value.gate_id)


def _end_attempt(services: Services, body: bytes) -> None:
    try:
        message = ResultMessage.model_validate_json(body)
    except ValidationError:
        services.audit.append(services.now(), "poison", {"queue": "scan-results", "why": "unreadable"})
        return
    services.audit.append(services.now(), "poison", {"queue": "scan-results", **message.model_dump(mode="json")})
    row = services.scans.read(message.scan_id)
    if row is None:
        return
    error = AttemptError(kind=AttemptErrorKind.LOST, sentence="Scangate could not take this attempt's result.")
    after = scans.take_end(services, row.value, message.attempt) or scans.give_up(
        services, row.value, message.attempt, error
    )
    for gate_id in after.waiters if after else ():
        gates.advance(services, gate_id)
