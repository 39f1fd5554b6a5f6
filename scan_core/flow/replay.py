"""What was put aside: listed with what it is about, and sent again once its cause is gone."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from scan_core.model.attempt import ResultMessage
from scan_core.model.ids import GateId
from scan_core.model.request import LookRequest, ProjectRequest, PushRequest, Request, RequestMessage
from scan_core.model.subject import Branch, BuildRef, Check, PullRequestRef, Subject
from scan_core.store.audit import AuditTrail
from scan_core.store.gates import GateStore
from scan_core.store.poison import PoisonQueue, PoisonStore, PutAside, put_aside_at
from scan_core.store.scans import ScanStore

_SCAN_DIGITS = 12


class Unreadable(Exception):
    """A message says nothing that could be served; sending it again only poisons it again."""


@dataclass(frozen=True)
class Shelf:
    """Where messages are put aside, and where what they are about is looked up."""

    poison: PoisonStore
    gates: GateStore
    scans: ScanStore
    audit: AuditTrail


@dataclass(frozen=True)
class Item:
    """A message that was put aside, and what it is about."""

    message: PutAside
    is_readable: bool
    about: str
    """In words."""
    gates: tuple[GateId, ...]
    """The gates that it is about, as far as they are known."""


def items(shelf: Shelf) -> list[Item]:
    """List what was put aside, and what the poison queues still hold.

    Args:
        shelf: Where to look.

    Returns:
        The messages, the latest first; one that stands in both places is listed once, with its times.
    """
    kept = shelf.poison.kept()
    known = {message.message_id for message in kept}
    waiting = {message.message_id: message for message in shelf.poison.waiting()}
    messages = [*(each for name, each in waiting.items() if name not in known), *kept]
    return [_item(shelf, message) for message in messages]


def send_again(shelf: Shelf, item: Item, now: datetime, *, force: bool = False) -> None:
    """Put a message back into its queue, and only then let go of it. A request counts as accepted now.

    Args:
        shelf: Where it stands.
        item: The message.
        now: The time.
        force: Whether one that cannot be read is sent, too.

    Raises:
        Unreadable: It cannot be read, and is not forced; nothing was done.
    """
    if not (item.is_readable or force):
        raise Unreadable(item.message.message_id)
    shelf.poison.resend(_renewed(item.message, now))
    told = {"queue": item.message.queue, "message": item.message.message_id, "about": item.about}
    shelf.audit.append(now, "replayed", {**told, "gates": list(item.gates)})
    if item.message.is_handled:
        shelf.poison.forget(item.message)
    else:
        shelf.poison.take_out(item.message)


def _renewed(message: PutAside, now: datetime) -> PutAside:
    """Let a request be accepted anew: its deadline counts from here, and no later one has overtaken it."""
    request = _request(message)
    if request is None:
        return message
    content = RequestMessage.dump_json(request.model_copy(update={"accepted_at": now}))
    return put_aside_at(message.queue, content, now)


def _item(shelf: Shelf, message: PutAside) -> Item:
    request, result = _request(message), _result(message)
    if request is not None:
        gates = _gates_of(shelf, request.of) if isinstance(request, LookRequest) else ()
        return Item(message, is_readable=True, about=_about(request), gates=gates)
    if result is not None:
        row = shelf.scans.read(result.scan_id)
        about = f"attempt {result.attempt} of scan {result.scan_id[:_SCAN_DIGITS]}"
        return Item(message, is_readable=True, about=about, gates=() if row is None else row.value.waiters)
    about = f"{len(message.content)} bytes that cannot be read"
    return Item(message, is_readable=False, about=about, gates=())


def _request(message: PutAside) -> Request | None:
    if message.queue is not PoisonQueue.REQUESTS:
        return None
    try:
        return RequestMessage.validate_json(message.content)
    except ValidationError:
        return None


def _result(message: PutAside) -> ResultMessage | None:
    if message.queue is not PoisonQueue.RESULTS:
        return None
    try:
        return ResultMessage.model_validate_json(message.content)
    except ValidationError:
        return None


def _gates_of(shelf: Shelf, subject: Subject) -> tuple[GateId, ...]:
    rows = shelf.gates.gates_of(subject.subject)
    return tuple(row.value.gate_id for row in rows if row.value.state.is_current)


def _about(request: Request) -> str:
    match request:
        case LookRequest():
            return _named(request.of)
        case ProjectRequest():
            return f"project {request.project_id}"
        case PushRequest():
            return f"push to {len(request.refs)} branches of repository {request.repository_id}"


def _named(subject: Subject) -> str:
    match subject:
        case PullRequestRef():
            return f"pull request {subject.pull_request_id} of repository {subject.repository_id}"
        case Branch():
            return f"{subject.ref} of repository {subject.repository_id}"
        case BuildRef():
            return f"build {subject.build_id} of project {subject.project_id}"
        case Check():
            return f"check of plan {subject.plan_id}, job {subject.job_id}"
