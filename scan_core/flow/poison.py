"""Poison: messages that failed again and again are put aside, and who waits for them is told. No defect throws here.

Only storage that is out of reach does: then the message comes back. A poison queue has no further poison queue, so it
does for as long as it lives. What was put aside can be listed and sent again (`scan_core.flow.replay`).
"""

import logging
from collections.abc import Callable

from azure.core.exceptions import AzureError
from pydantic import ValidationError

from scan_core.flow import gates, scans
from scan_core.flow.opening import opened
from scan_core.flow.services import Services
from scan_core.model.attempt import AttemptError, AttemptErrorKind, ResultMessage
from scan_core.model.gate import Look
from scan_core.model.ids import SubjectId
from scan_core.model.place import CheckPlace
from scan_core.model.request import LookRequest, RequestMessage
from scan_core.model.subject import Check
from scan_core.rules.unscanned import service_error
from scan_core.store.poison import PoisonQueue, PutAside
from scan_core.store.rows import Conflict
from scan_core.telemetry import emit

_GIVEN_UP = "Scangate failed on this again and again."
_SENTENCE = "Scangate failed on this again and again{cause}; its operators find the cause in the app's log."


def poisoned_request(services: Services, body: bytes) -> None:
    """Take a request that could not be served.

    Args:
        services: The doors to the outside.
        body: The message as it stood in ``scan-requests``.

    Raises:
        azure.core.exceptions.AzureError: Storage is out of reach; the message has to come back.
    """
    kept = _put_aside(services, PoisonQueue.REQUESTS, body)
    is_first = kept is not None and kept.times == 1
    _guarded(PoisonQueue.REQUESTS, "told", lambda: _end_gates(services, body, is_first=is_first))


def poisoned_result(services: Services, body: bytes) -> None:
    """Take a result that could not be taken.

    Args:
        services: The doors to the outside.
        body: The message as it stood in ``scan-results``.

    Raises:
        azure.core.exceptions.AzureError: Storage is out of reach; the message has to come back.
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


def _put_aside(services: Services, queue: PoisonQueue, body: bytes) -> PutAside | None:
    kept = _guarded(queue, "kept", lambda: services.poison.keep(queue, body, services.now()))
    message, times = (None, None) if kept is None else (kept.message_id, kept.times)
    emit("message_poisoned", level=logging.ERROR, queue=queue, message=message, times=times)
    return kept


def _guarded[T](queue: PoisonQueue, what: str, step: Callable[[], T]) -> T | None:
    try:
        return step()
    except AzureError:
        raise
    except Exception as error:  # noqa: BLE001 - a poison queue has no further poison queue: a defect only repeats
        emit("poison_not_handled", level=logging.ERROR, queue=queue, not_done=what, error=_named(error))
        return None


def _end_gates(services: Services, body: bytes, *, is_first: bool) -> None:
    try:
        request = RequestMessage.validate_json(body)
    except ValidationError:
        services.audit.append(services.now(), "poison", {"queue": PoisonQueue.REQUESTS, "why": "unreadable"})
        return
    services.audit.append(services.now(), "poison", {"queue": PoisonQueue.REQUESTS, "request": request.request_id})
    if isinstance(request, LookRequest):
        _error_on(services, request, is_first=is_first)


def _error_on(services: Services, request: LookRequest, *, is_first: bool) -> None:
    subject = request.of.subject
    look = services.gates.look(subject)
    cause = ""
    if look is not None and not look.value.served:
        cause = f" ({look.value.problem})" if look.value.problem else ""
        services.gates.write_look(subject, look, _given_up(look.value))
    sentence = _SENTENCE.format(cause=cause)
    if isinstance(request.of, Check) and services.gates.gate(CheckPlace(check=request.of).gate_id) is None:
        if is_first:  # what stood in the way may be gone, as wrong settings are once they are mended
            services.queues.send_request(request)
            return
        opened(services, CheckPlace(check=request.of), request.accepted_at)
    known = services.gates.gates_of(subject) if look is None else gates.under(services, look.value)
    for row in known:
        if row.value.state.is_current and not row.value.waits_for:
            gates.decide(services, row.value, service_error(row.value.rules, sentence, services.now()))
            gates.advance(services, row.value.gate_id)


def _given_up(look: Look) -> Look:
    """End a look that could not be taken. It keeps its problem, so that nobody takes it for one that was taken."""
    of = look.of.model_copy(update={"sealed_token": None}) if isinstance(look.of, Check) else look.of
    return look.model_copy(update={"of": of, "served": True, "problem": look.problem or _GIVEN_UP})


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
