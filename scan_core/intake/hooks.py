"""The web hook: authenticate, parse, triage, queue. One durable write, answered in milliseconds."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from scan_core.intake import answers
from scan_core.intake.answers import Answer
from scan_core.intake.credentials import authenticate
from scan_core.intake.events import request_from
from scan_core.intake.payload import Unwanted
from scan_core.model.ids import OrganisationName
from scan_core.model.request import Request

_log = logging.getLogger(__name__)

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes. Events reach 2 MB."""


def receive(  # noqa: PLR0913 - what came in, then each collaborator by its name
    organisation: str,
    authorization: str | None,
    body: bytes,
    *,
    organisations: Mapping[str, Sequence[str]],
    send: Callable[[Request], None],
    now: datetime,
    new_id: Callable[[], str],
    count: Callable[[str], None],
) -> Answer:
    """Answer one delivery of a web hook.

    Args:
        organisation: The name in the route, in any case.
        authorization: The header ``Authorization``; None where there was none.
        body: The event.
        organisations: Live secrets by the organisation's name in lower case.
        send: Queues a request durably; any exception means that it did not.
        now: The time, with its zone.
        new_id: Makes a request's id.
        count: Counts how deliveries end, by a stable reason.

    Returns:
        202, 200, 401, 413 or 503; see `scan_core.intake.answers`.
    """
    name = OrganisationName(organisation.lower())
    secrets = organisations.get(name)
    if secrets is not None and not any(secrets):
        count("not_configured")
        return answers.unavailable("not_configured")
    if not authenticate(authorization, secrets or ()):
        count("unauthenticated")
        return answers.unauthenticated()
    if len(body) > LARGEST_BODY:
        count("too_large")
        return answers.too_large()
    try:
        request = request_from(body, organisation=name, now=now, new_id=new_id)
    except Unwanted as unwanted:
        count(unwanted.reason)
        return answers.unwanted(unwanted.reason)
    return _queue(request, send, count)


def _queue(request: Request, send: Callable[[Request], None], count: Callable[[str], None]) -> Answer:
    try:
        send(request)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, Azure DevOps shall send it again
        _log.error("A request could not be queued: %s", type(error).__name__)
        count("not_queued")
        return answers.unavailable("not_queued")
    count("accepted")
    return answers.accepted(request.request_id)
