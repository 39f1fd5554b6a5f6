"""The answers of the web hook contract.

Azure DevOps retries after 503 and puts a subscription on probation after most other failures (Microsoft, "Service
hooks: troubleshoot"), so what is not wanted is answered 200 and there is no 500 here.
"""

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
