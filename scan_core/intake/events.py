"""Triage: which events are wanted, and who reads them."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from scan_core.intake.build import build_request
from scan_core.intake.payload import Unwanted, Why, parse, text_at
from scan_core.intake.pull_request import pull_request_request
from scan_core.intake.push import push_request
from scan_core.intake.samples import is_sample_event
from scan_core.model.ids import OrganisationName
from scan_core.model.request import Request

_READERS: Final = {
    "git.pullrequest.created": pull_request_request,
    "git.pullrequest.updated": pull_request_request,
    "git.push": push_request,
    "build.complete": build_request,
}


def request_from(
    body: bytes,
    *,
    organisation: OrganisationName,
    now: datetime,
    new_id: Callable[[], str],
) -> Request:
    """Read an authenticated event.

    Args:
        body: The event as received.
        organisation: Whose hook it came in by.
        now: When it was received.
        new_id: Gives the request its id.

    Returns:
        What is to be queued.

    Raises:
        Unwanted: The event is not wanted, or not understood.
    """
    event = parse(body)
    if is_sample_event(event):
        raise Unwanted(Why.TEST)
    kind = text_at(event, "eventType")
    if kind not in _READERS:
        raise Unwanted(Why.UNWANTED_EVENT)
    return _READERS[kind](event, organisation=organisation, now=now, new_id=new_id)
