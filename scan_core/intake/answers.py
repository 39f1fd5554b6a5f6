"""The answers of the contracts of web hooks and checks.

Azure DevOps retries a hook after 503 and puts its subscription on probation after most other failures (Microsoft,
"Service hooks: troubleshoot"), so what is not wanted is answered 200 and there is no 500 here. A check has no
probation, and its answer is shown in the pipeline: so it is refused with 400, in words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

_RETRY_AFTER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with a JSON body."""

    status: int
    body: dict[str, object]
    headers: dict[str, str] = field(default_factory=dict)


def accepted(request_id: str) -> Answer:
    """Say that the request stands in the queue.

    Args:
        request_id: The queued request's id.

    Returns:
        202.
    """
    return Answer(HTTPStatus.ACCEPTED, {"accepted": True, "request": request_id})


def unwanted(reason: str) -> Answer:
    """Say that an authenticated event is not wanted or not understood.

    Args:
        reason: One of the stable reasons; never text of the payload.

    Returns:
        200, which Azure DevOps takes as delivered.
    """
    return Answer(HTTPStatus.OK, {"accepted": False, "reason": reason})


def taken(request_id: str, message: str, known: Mapping[str, object] | None = None) -> Answer:
    """Say that a check's request stands in the queue.

    Args:
        request_id: The queued request's id.
        message: What comes next, in words for whoever reads the pipeline.
        known: What is known already, for a check that asks for no more.

    Returns:
        200, which Azure Pipelines takes as delivered.
    """
    return Answer(HTTPStatus.OK, {**(known or {}), "accepted": True, "request": request_id, "message": message})


def refused(reason: str, field: str, expected: str) -> Answer:
    """Say what is wrong with an authenticated check.

    Args:
        reason: A stable reason.
        field: The header or field that is wrong.
        expected: What belongs there, in words; nothing of what stood there.

    Returns:
        400, which ends the check; its body is shown in the pipeline.
    """
    body = {"accepted": False, "reason": reason, "field": field, "expected": expected}
    return Answer(HTTPStatus.BAD_REQUEST, body)


def unauthenticated() -> Answer:
    """Refuse wrong or missing credentials and unknown organisations, all alike.

    Returns:
        401.
    """
    challenge = {"WWW-Authenticate": 'Basic realm="scangate"'}
    return Answer(HTTPStatus.UNAUTHORIZED, {"accepted": False, "reason": "unauthenticated"}, challenge)


def too_large() -> Answer:
    """Refuse a body over the limit.

    Returns:
        413.
    """
    return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"accepted": False, "reason": "too_large"})


def unavailable(reason: str) -> Answer:
    """Say that the event could not be accepted now and shall be sent again.

    Args:
        reason: A stable reason.

    Returns:
        503 with ``Retry-After``.
    """
    retry = {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"accepted": False, "reason": reason}, retry)
