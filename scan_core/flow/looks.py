"""Requests: a subject is looked at and what is to be gated is gated; what cannot be done now is done later."""

import math
from datetime import timedelta
from typing import Any

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow import branch, build, check, gate_steps, gates, pull_request
from scan_core.flow.asking import ask_later
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.enrolment import enrol, follow_builds
from scan_core.flow.holds import Urgent, held_seconds, note_answer, note_failure
from scan_core.flow.rules_reading import NotYet
from scan_core.flow.services import Services
from scan_core.flow.sweep import sweep
from scan_core.model.gate import Look
from scan_core.model.request import LookRequest, ProjectRequest, PushRequest, Request
from scan_core.model.subject import Branch, BuildRef, Check, PullRequestRef, Subject
from scan_core.store.rows import Conflict, Versioned
from scan_core.telemetry import emit

_NOT_FOUND_TRIES = 3
_SKEW = timedelta(minutes=2)
"""How far the clocks of two instances may be apart."""
_PATIENCE = timedelta(days=7)
"""For how long something is asked for that Azure DevOps does not answer for, or leaves in the air."""


def handle(services: Services, request: Request) -> None:
    """Serve a request.

    Args:
        services: The doors to the outside.
        request: A subject to look at, or a project or repository in which something happened.
    """
    match request:
        case LookRequest():
            enrol(services, request.of.organisation, request.of.project_id)
            if isinstance(request.of, BuildRef):
                follow_builds(services, request.of)
            look_at(services, request)
        case ProjectRequest():
            enrol(services, request.organisation, request.project_id)
            sweep(services, request)
        case PushRequest():
            enrol(services, request.organisation, request.project_id)
            _take_push(services, request)


def _take_push(services: Services, request: PushRequest) -> None:
    try:
        branch.take_push(services, request)
    except DevOpsError as error:
        note_failure(services, request.organisation, error)
        ask_later(services, request, error)


def look_at(services: Services, request: LookRequest) -> None:
    """Look at a subject and gate what is to be gated; what cannot be done now is done later.

    Args:
        services: The doors to the outside.
        request: Which subject, and since when.
    """
    subject = request.of.subject
    services.gates.touch(subject, services.now())
    if _is_overtaken(services, request):
        for row in services.gates.gates_of(subject):
            gates.advance(services, row.value.gate_id)
        return
    look = _opened_look(services, request)
    seconds = _held_seconds(services, look.value)
    if seconds > 0:
        _wait(services, look, request, seconds)
        return
    try:
        if isinstance(request.of, Branch):
            look = branch.turn(services, look, request.of)
        look = _examine(services, look)
    except Conflict:
        return  # a newer request has the look, and does all that this one would
    except NotYet as not_yet:
        if services.now() - look.value.accepted_at > _PATIENCE:
            _drop(services, look, str(not_yet))
        else:
            _postpone(services, look, request, str(not_yet), not_yet.retry_after)
        return
    except DevOpsError as error:
        note_failure(services, request.of.organisation, error)
        if _is_hopeless(services, look.value, error):
            _drop(services, look, error.sentence, is_gone=error.kind is DevOpsErrorKind.NOT_FOUND)
        else:
            _postpone(services, _counted(look, error), request, error.sentence, error.retry_after)
        return
    note_answer(services, request.of.organisation)
    served = {"served": True, "problem": None, "tries": 0, "not_found": 0}
    _write_look(services, look, look.value.model_copy(update=served))


def _examine(services: Services, look: Versioned[Look]) -> Versioned[Look]:
    match look.value.of:
        case PullRequestRef() as of:
            pull_request.examine(services, look.value, of)
        case Branch() as of:
            return branch.examine(services, look, of)
        case BuildRef() as of:
            build.examine(services, look.value, of)
        case Check() as of:
            check.examine(services, look.value, of)
            return Versioned(look.value.model_copy(update={"of": _spent(of)}), look.etag)
    return look


def _spent(subject: Subject) -> Subject:
    """Forget the token of a check: its gate has it."""
    return subject.model_copy(update={"sealed_token": None}) if isinstance(subject, Check) else subject


def _is_overtaken(services: Services, request: LookRequest) -> bool:
    """Tell whether a message asks for nothing more: a newer one was served, or a retry that is due later stands for it.

    So the messages of one pull request become one again, however many an outage has left.
    """
    row = services.gates.look(request.of.subject)
    if row is None:
        return False
    newest = row.value.newest_accepted_at
    if row.value.served:
        return request.accepted_at < newest - _SKEW
    return request.accepted_at <= newest and services.now() < row.value.next_try_at


def _opened_look(services: Services, request: LookRequest) -> Versioned[Look]:
    subject, now = request.of.subject, services.now()
    while True:
        old = services.gates.look(subject)
        newest = request.accepted_at if old is None else max(request.accepted_at, old.value.newest_accepted_at)
        fresh = Look(
            of=request.of,
            accepted_at=request.accepted_at,
            newest_accepted_at=newest,
            next_try_at=now,
            current=None if old is None else old.value.current,
            ending=() if old is None else old.value.ending,
        )
        if old is not None and not old.value.served:
            earlier = min(old.value.accepted_at, request.accepted_at)
            update = {"accepted_at": earlier, "newest_accepted_at": newest, "next_try_at": now}
            fresh = old.value.model_copy(update=update)
        try:
            return services.gates.write_look(subject, old, fresh)
        except Conflict:
            continue


def _is_hopeless(services: Services, look: Look, error: DevOpsError) -> bool:
    waited = services.now() - look.accepted_at
    match error.kind:
        case DevOpsErrorKind.NOT_FOUND if not gates.under(services, look):
            return look.not_found + 1 >= _NOT_FOUND_TRIES
        case DevOpsErrorKind.NOT_FOUND:  # it was there: a right may have been withdrawn by mistake
            return waited > timedelta(seconds=services.settings.deadline_seconds)
        case DevOpsErrorKind.FORBIDDEN | DevOpsErrorKind.REJECTED | DevOpsErrorKind.CONFLICT:
            return waited > timedelta(seconds=services.settings.deadline_seconds)
        case _:
            return waited > _PATIENCE


def _counted(look: Versioned[Look], error: DevOpsError) -> Versioned[Look]:
    not_found = look.value.not_found + 1 if error.kind is DevOpsErrorKind.NOT_FOUND else 0
    return Versioned(look.value.model_copy(update={"not_found": not_found}), look.etag)


def _postpone(
    services: Services,
    look: Versioned[Look],
    request: LookRequest,
    problem: str,
    retry_after: float | None = None,
) -> None:
    tries = look.value.tries + 1
    least = max(_held_seconds(services, look.value), retry_after or 0)
    pause = pause_seconds(tries, services.settings.retry_seconds, least)
    next_try = services.now() + timedelta(seconds=pause)
    update = {"tries": tries, "problem": problem, "next_try_at": next_try}
    if _write_look(services, look, look.value.model_copy(update=update)):
        emit("look_postponed", **_named(request.of), problem=problem, seconds=pause)
        services.queues.send_request(request, pause)


def _held_seconds(services: Services, look: Look) -> float:
    deadline = look.accepted_at + timedelta(seconds=services.settings.deadline_seconds)
    urgent = Urgent(gate_steps.time_out_of(look.accepted_at, deadline), deadline)
    return held_seconds(services, look.of.organisation, look.of.subject, urgent)


def _wait(services: Services, look: Versioned[Look], request: LookRequest, seconds: float) -> None:
    """Put a look off without having tried, since its organisation is left alone for a while."""
    whole = math.ceil(seconds)
    next_try_at = services.now() + timedelta(seconds=whole)
    problem = "Azure DevOps has trouble, and is left alone for a while."
    if _write_look(services, look, look.value.model_copy(update={"problem": problem, "next_try_at": next_try_at})):
        services.queues.send_request(request, whole)


def _drop(services: Services, look: Versioned[Look], why: str, *, is_gone: bool = False) -> None:
    """End a look at what is not there, or not for us; the gates of what is gone end with it."""
    reference = look.value.of
    if not _write_look(
        services, look, look.value.model_copy(update={"of": _spent(reference), "served": True, "problem": why})
    ):
        return
    emit("look_dropped", **_named(reference), sentence=why)
    services.audit.append(services.now(), "dropped", {**_named(reference), "why": why})
    if is_gone and not isinstance(reference, Check):  # a check waits for its answer, whatever is gone
        for row in gates.under(services, look.value):
            gates.close(services, row.value, "gone")


def _write_look(services: Services, old: Versioned[Look], look: Look) -> bool:
    """Write a look unless a newer request came meanwhile, which then has the say."""
    try:
        services.gates.write_look(look.of.subject, old, look)
    except Conflict:
        return False
    return True


def _named(subject: Subject) -> dict[str, Any]:
    """Name a subject for logs and the audit: its ids, and no token."""
    return subject.model_dump(mode="json", exclude={"sealed_token"}, exclude_none=True)
