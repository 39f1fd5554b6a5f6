"""The endpoint of checks: authenticate, parse, seal, queue. One durable write, answered in milliseconds.

Microsoft, "Invoke Azure Function / REST API checks": an answer within 3 seconds, the decision by a callback. What is
refused is refused in words, for the answer is shown in the pipeline. Nothing of a header is ever logged.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scan_core.intake import answers, check_headers
from scan_core.intake.answers import Answer
from scan_core.intake.check_body import Mode, Wishes, wishes_in
from scan_core.intake.check_headers import Headers
from scan_core.intake.check_refusal import CheckRefused, WhyNot
from scan_core.intake.credentials import authenticate_check
from scan_core.intake.hooks import LARGEST_BODY
from scan_core.intake.plan_url import is_same_organisation
from scan_core.intake.sealing import context_of, seal
from scan_core.model.ids import BuildId, OrganisationName, ProjectId
from scan_core.model.request import LookRequest, Request
from scan_core.model.subject import BuildRef, Check, StatusName

_log = logging.getLogger(__name__)

_TAKEN = "Scangate takes this check on. It finds or starts the scans and answers when the verdict is known."

_KNOWN = "Scangate answers with what is known now. Evaluate again while the status is unknown."


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came in: all of it untrusted."""

    organisation: str
    """The name in the route, in any case."""
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class CheckedOrganisation:
    """What is known of an organisation whose checks may come."""

    url: str
    secrets: Sequence[str]
    """Its checks' own live secrets, never its hooks'."""


@dataclass(frozen=True, slots=True)
class CheckDoor:
    """What the endpoint works with."""

    organisations: Mapping[str, CheckedOrganisation]
    """By their names in lower case."""
    sealing_keys: Sequence[str]
    send: Callable[[Request], None]
    """Queues a request durably; any exception means that it did not."""
    known: Callable[[Check], Mapping[str, object]]
    """Says what is known of a check's verdict: ``status``, ``description`` and ``page``."""
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    """Makes a request's id."""
    count: Callable[[str], None]
    """Counts how checks end, by a stable reason."""


def receive(incoming: Incoming, door: CheckDoor) -> Answer:
    """Answer a check.

    Args:
        incoming: What came in.
        door: What the endpoint works with.

    Returns:
        200, 400, 401, 413 or 503; see `scan_core.intake.answers`.
    """
    name = OrganisationName(incoming.organisation.lower())
    headers = {header.lower(): value for header, value in incoming.headers.items()}
    organisation = door.organisations.get(name)
    if not any(door.sealing_keys) or (organisation is not None and not any(organisation.secrets)):
        door.count("not_configured")
        return answers.unavailable("not_configured")
    secrets = () if organisation is None else organisation.secrets
    is_live = authenticate_check(headers.get("authorization"), incoming.query.get("code"), secrets)
    if organisation is None or not is_live:
        door.count("unauthenticated")
        return answers.unauthenticated()
    if len(incoming.body) > LARGEST_BODY:
        door.count("too_large")
        return answers.too_large()
    try:
        return _taken(name, organisation.url, headers, incoming.body, door)
    except CheckRefused as refused:
        door.count(refused.reason)
        return answers.refused(refused.reason, refused.field, refused.expected)


def _taken(name: OrganisationName, url: str, headers: Headers, body: bytes, door: CheckDoor) -> Answer:
    now = door.now()
    _require_our_plan(headers, url)
    wishes = wishes_in(body)
    check = _check(name, headers, wishes)
    if wishes.mode is Mode.ANSWER:
        return _answered(check, now, door)
    token = seal(check_headers.token(headers, now), door.sealing_keys, context_of(check))
    check = check.model_copy(update={"sealed_token": token})
    request = LookRequest(request_id=door.new_id(), of=check, accepted_at=now)
    if not _queued(request, door):
        return answers.unavailable("not_queued")
    door.count("accepted")
    return answers.taken(request.request_id, _TAKEN)


def _require_our_plan(headers: Headers, url: str) -> None:
    if not is_same_organisation(check_headers.required(headers, "PlanUrl"), url):
        expected = f"the URL of the organisation that this address belongs to, {url}"
        raise CheckRefused(WhyNot.PLAN_ELSEWHERE, "PlanUrl", expected)


def _check(name: OrganisationName, headers: Headers, wishes: Wishes) -> Check:
    return Check(
        organisation=name,
        project_id=ProjectId(check_headers.guid(headers, "ProjectId")),
        hub=check_headers.hub(headers),
        plan_id=check_headers.guid(headers, "PlanId"),
        job_id=check_headers.guid(headers, "JobId"),
        task_id=check_headers.guid(headers, "TaskInstanceId"),
        timeline_id=check_headers.timeline(headers),
        build_id=_build(headers, wishes),
        judges=wishes.judges,
        images=wishes.images,
    )


def _build(headers: Headers, wishes: Wishes) -> BuildId | None:
    """Read the build from header or body, which may not name two."""
    named = check_headers.build(headers)
    if named is not None and wishes.build_id not in {None, named}:
        raise CheckRefused(WhyNot.BAD_VALUE, "buildId", "the build that the header BuildId names, or nothing")
    return wishes.build_id if named is None else named


def _answered(check: Check, now: datetime, door: CheckDoor) -> Answer:
    """Answer with what is known, and have the build looked at so that the next evaluation knows more."""
    build = _build_to_look_at(check)
    request = LookRequest(request_id=door.new_id(), of=build, accepted_at=now)
    if not _queued(request, door):
        return answers.unavailable("not_queued")
    try:
        known = door.known(check)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the next evaluation asks again
        _log.error("What is known of a check could not be read: %s", type(error).__name__)
        door.count("not_answered")
        return answers.unavailable("not_answered")
    door.count("answered")
    return answers.taken(request.request_id, _KNOWN, known)


def _build_to_look_at(check: Check) -> BuildRef:
    if check.judges != (StatusName.IMAGE,):
        expected = 'image alone in mode "answer", which answers for the images of a build; or mode "callback"'
        raise CheckRefused(WhyNot.BAD_VALUE, "judge", expected)
    if check.images:
        expected = (
            'no images in mode "answer", which answers for what a build is known to have made; or mode "callback"'
        )
        raise CheckRefused(WhyNot.BAD_VALUE, "images", expected)
    if check.build is None:
        expected = 'the header BuildId, $(build.BuildId): mode "answer" answers for a build'
        raise CheckRefused(WhyNot.NO_BUILD, "BuildId", expected)
    return check.build


def _queued(request: Request, door: CheckDoor) -> bool:
    try:
        door.send(request)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing was accepted
        _log.error("A check could not be queued: %s", type(error).__name__)
        door.count("not_queued")
        return False
    return True
