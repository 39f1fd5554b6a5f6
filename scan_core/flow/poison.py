"""Poison: messages that failed again and again are put aside, and who waits for them is told. Nothing here throws.

What was put aside can be listed and sent again (`scan_core.flow.replay`).
"""

import logging
from collections.abc import Callable

from pydantic import ValidationError

from scan_core.flow import gates, scans
from scan_core.flow.services import Services
from scan_core.model.attempt import AttemptError, AttemptErrorKind, ResultMessage
from scan_core.model.ids import SubjectId
from scan_core.model.request import LookRequest, RequestMessage
from scan_core.rules.unscanned import service_error
from scan_core.store.poison import PoisonQueue
from scan_core.store.rows import Conflict
from scan_core.telemetry import emit

_SENTENCE = "Scangate failed on this again and again{cause}; its operators find the cause in the app's log."


def poisoned_request(services: Services, body: bytes) -> None:
    """Take a request that could not be served.

    Args:
        services: The doors to the outside.
        body: The message as it stood in ``scan-requests``.
    """
    _put_aside(services, PoisonQueue.REQUESTS, body)
    _guarded(PoisonQueue.REQUESTS, "told", lambda: _end_gates(services, body))


def poisoned_result(services: Services, body: bytes) -> None:
    """Take a result that could not be taken.

    Args:
        services: The doors to the outside.
        body: The message as it stood in ``scan-results``.
    """
    _put_aside(services, PoisonQueue.RESULTS, body)
    _guarded(PoisonQueue.RESULTS, "told", lambda: _end_attempt(services, body))


def note_defect(services: Services, request: object, defect: Exception) -> None:
    """Remember what a look failed of, for those who are told should it fail too often.

    Args:
        services: The doors to the outside.
        request: The request.
        defect: What went wrong.
    """
    emit("request_failed", level=logging.ERROR, request=getattr(request, "request_id", None), error=_named(defect))
    if isinstance(request, LookRequest):
        _guarded(PoisonQueue.REQUESTS, "noted", lambda: _note(services, request.of.subject, _named(defect)))


def _note(services: Services, subject: SubjectId, cause: str) -> None:
    look = services.gates.look(subject)
    if look is None or look.value.served:
        return
    try:
        services.gates.write_look(subject, look, look.value.model_copy(update={"problem": cause}))
    except Conflict:
        return  # somebody else is at it, and may fare better


def _named(defect: Exception) -> str:
    return type(defect).__name__


def _put_aside(services: Services, queue: PoisonQueue, body: bytes) -> None:
    def keep() -> None:
        kept = services.poison.keep(queue, body, services.now())
        emit("message_poisoned", level=logging.ERROR, queue=queue, message=kept.message_id, times=kept.times)

    if not _guarded(queue, "kept", keep):
        emit("message_poisoned", level=logging.ERROR, queue=queue, message=None, times=None)


def _guarded(queue: PoisonQueue, what: str, step: Callable[[], None]) -> bool:
    try:
        step()
    except Exception as error:  # noqa: BLE001 - a poison queue has no further poison queue: failing only repeats
        emit("poison_not_handled", level=logging.ERROR, queue=queue, not_done=what, error=_named(error))
        return False
    return True


def _end_gates(services: Services, body: bytes) -> None:
    try:
        request = RequestMessage.validate_json(body)
    except ValidationError:
        services.audit.append(services.now(), "poison", {"queue": PoisonQueue.REQUESTS, "why": "unreadable"})
        return
    services.audit.append(services.now(), "poison", {"queue": PoisonQueue.REQUESTS, "request": request.request_id})
    if isinstance(request, LookRequest):
        _error_on(services, request.of.subject)


def _error_on(services: Services, subject: SubjectId) -> None:
    look = services.gates.look(subject)
    cause = ""
    if look is not None and not look.value.served:
        cause = f" ({look.value.problem})" if look.value.problem else ""
        served = look.value.model_copy(update={"served": True})
        services.gates.write_look(subject, look, served)
    sentence = _SENTENCE.format(cause=cause)
    known = services.gates.gates_of(subject) if look is None else gates.under(services, look.value)
    for row in known:
        if row.value.state.is_current and not row.value.waits_for:
            gates.decide(services, row.value, service_error(row.value.rules, sentence, services.now()))
            gates.advance(services, row.value.gate_id)


def _end_attempt(services: Services, body: bytes) -> None:
    try:
        message = ResultMessage.model_validate_json(body)
    except ValidationError:
        services.audit.append(services.now(), "poison", {"queue": PoisonQueue.RESULTS, "why": "unreadable"})
        return
    services.audit.append(services.now(), "poison", {"queue": PoisonQueue.RESULTS, **message.model_dump(mode="json")})
    row = services.scans.read(message.scan_id)
    if row is None:
        return
    error = AttemptError(kind=AttemptErrorKind.LOST, sentence="Scangate could not take this attempt's result.")
    after = scans.take_end(services, row.value, message.attempt) or scans.give_up(
        services, row.value, message.attempt, error
    )
    for gate_id in after.waiters if after else ():
        gates.advance(services, gate_id)
