"""Onboarding ordered from the app itself, so that subscriptions belong to the service: who may, and how it is done.

An order is answered at once and stands in a document; a queue has it worked on, in turns, each of which may be killed:
carried out again, an order continues where it stopped.
"""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from pydantic import JsonValue, ValidationError

from scan_core.intake.answers import Answer
from scan_core.intake.bearer import (
    ROLE,
    KeysUnavailable,
    SigningKeys,
    Trust,
    Unauthenticated,
    Unauthorized,
    bearer,
)
from scan_core.model.ids import OrganisationName
from scan_core.model.onboarding import ENDED, Onboarding, OnboardingId, OnboardingState, Order, PlanTold, new_onboarding
from scan_core.onboarding.order import End, Organisation, Refused, carry_out
from scan_core.settings.deployment import Settings
from scan_core.store.onboardings import OnboardingStore
from scan_core.store.rows import Conflict, Versioned
from scan_core.telemetry import emit

PATH: Final = "/api/onboarding"
TURN: Final = timedelta(minutes=4)
"""For how long one turn begins new projects: within the time that Functions gives one invocation."""
WAITS_AT_MOST: Final = timedelta(minutes=8)
"""Until when in a turn it waits where Azure DevOps asks for a pause; the window of its limits is 5 minutes long."""
_TURN_AT_MOST: Final = timedelta(minutes=9)
"""After which a turn that has not ended was killed."""
_MOST_TURNS: Final = 200
_STALE: Final = timedelta(hours=1)
"""Unchanged for this long, it is not worked on any more: its message was lost to a defect or to storage."""
_MOST_BYTES: Final = 256 * 1024
_MOST_LINES: Final = 5000
_STATES: Final = {End.DONE: OnboardingState.DONE, End.FAILED: OnboardingState.FAILED}

type Audit = Callable[[datetime, str, Mapping[str, JsonValue]], None]


@dataclass(frozen=True)
class Desk:
    """What taking and carrying out orders needs."""

    settings: Settings
    store: OnboardingStore
    keys: SigningKeys | None
    """Entra's keys; None where no orders are taken."""
    reach: Callable[[OrganisationName], AbstractContextManager[Organisation]]
    """Prepares to call an organisation as the app."""
    audit: Audit
    now: Callable[[], datetime]


def trust_of(settings: Settings) -> Trust | None:
    """Say whose tokens orders are taken with.

    Args:
        settings: The settings.

    Returns:
        Whose; None where no orders are taken.
    """
    if settings.admin_tenant_id is None or settings.admin_client_id is None:
        return None
    return Trust(settings.admin_authority, settings.admin_tenant_id, settings.admin_client_id)


def receive(desk: Desk, authorization: str | None, body: bytes) -> Answer:
    """Take an order.

    Args:
        desk: The doors to the outside.
        authorization: The header ``Authorization``.
        body: The order as JSON: the fields of `Order`, and ``organisation`` where several are configured.

    Returns:
        202 with the onboarding and where to look for it; else why there is none.
    """
    caller = _caller(desk, authorization)
    if isinstance(caller, Answer):
        return caller
    if len(body) > _MOST_BYTES:
        return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"reason": "too_large"})
    try:
        document: Any = json.loads(body)
        order = Order.model_validate(document, strict=False, extra="ignore")
        name = _organisation(desk, document.get("organisation"))
    except (ValueError, AttributeError, RecursionError) as wrong:
        return Answer(HTTPStatus.BAD_REQUEST, {"reason": _words(wrong)})
    ordered = new_onboarding(name, order, caller, desk.now())
    desk.store.create(ordered)
    desk.store.send(ordered.id)
    said: dict[str, JsonValue] = {"id": ordered.id, "organisation": name, "by": caller}
    desk.audit(desk.now(), "onboarding_ordered", {**said, "order": order.model_dump(mode="json")})
    emit("onboarding_ordered", organisation=name, id=ordered.id, remove=order.remove, dry_run=order.dry_run)
    return Answer(HTTPStatus.ACCEPTED, _shown(ordered), {"Location": f"{PATH}/{ordered.id}"})


def show(desk: Desk, authorization: str | None, name: str) -> Answer:
    """Show how far an onboarding is.

    Args:
        desk: The doors to the outside.
        authorization: The header ``Authorization``.
        name: Its id, from the path.

    Returns:
        200 with the onboarding; else why there is none.
    """
    caller = _caller(desk, authorization)
    if isinstance(caller, Answer):
        return caller
    found = desk.store.read(OnboardingId(name))
    if found is None:
        return Answer(HTTPStatus.NOT_FOUND, {"reason": "no_such_onboarding"})
    stands = found.value
    if stands.state not in ENDED and desk.now() - stands.changed_at > _STALE:
        problems = (*stands.problems, "It is not worked on any more. Order it again: it continues where it stopped.")
        stands = stands.model_copy(update={"state": OnboardingState.FAILED, "problems": problems})
    return Answer(HTTPStatus.OK, _shown(stands), {"Cache-Control": "no-store"})


def work(desk: Desk, message: bytes) -> None:
    """Work on an onboarding for one turn, and have it continued where that was not enough.

    Args:
        desk: The doors to the outside.
        message: The id of the onboarding.

    Raises:
        azure.core.exceptions.AzureError: Storage cannot be reached; the message comes back.
    """
    name = OnboardingId(message.decode(errors="replace"))
    found = desk.store.read(name)
    if found is None or found.value.state in ENDED:
        return
    now = desk.now()
    if found.value.busy_until is not None and found.value.busy_until > now:
        # Another turn is under way, or was killed a short while ago.
        desk.store.send(name, int((found.value.busy_until - now).total_seconds()) + 1)
        return
    turns = found.value.turns + 1
    begun = {"state": OnboardingState.RUNNING, "busy_until": now + _TURN_AT_MOST, "turns": turns, "changed_at": now}
    try:
        document = _Document(desk, desk.store.write(found, found.value.model_copy(update=begun)))
        _take_turn(desk, document, now + TURN)
    except Conflict:
        return  # somebody else has this turn


def _take_turn(desk: Desk, document: "_Document", end: datetime) -> None:
    onboarding = document.value
    try:
        with desk.reach(onboarding.organisation) as organisation:
            ended = carry_out(organisation, onboarding.order, document, lambda: desk.now() >= end)
    except Refused as refused:
        document.problem(str(refused))
        # A later turn of something that was begun has failed; it was not refused.
        document.end(OnboardingState.REFUSED if onboarding.turns == 1 else OnboardingState.FAILED)
    except Conflict:
        raise
    except Exception as error:
        document.problem(f"There is a defect ({type(error).__name__}): please report it with the app's log.")
        document.end(OnboardingState.FAILED)
        logging.getLogger(__name__).exception("onboarding %s", onboarding.id)
    else:
        if ended is End.CUT_SHORT and onboarding.turns < _MOST_TURNS:
            document.rest()
            desk.store.send(onboarding.id)
            return
        document.end(_STATES.get(ended, OnboardingState.FAILED))
    _tell_the_end(desk, document.value)


def _tell_the_end(desk: Desk, onboarding: Onboarding) -> None:
    problems = [*onboarding.problems[:10]]
    said: dict[str, JsonValue] = {"id": onboarding.id, "state": onboarding.state.value, "problems": [*problems]}
    desk.audit(desk.now(), "onboarding_ended", said)
    emit(
        "onboarding_ended",
        level=logging.INFO if onboarding.state is OnboardingState.DONE else logging.WARNING,
        organisation=onboarding.organisation,
        id=onboarding.id,
        state=onboarding.state.value,
        turns=onboarding.turns,
        projects=len(onboarding.lines),
    )


class _Document:
    """Tells the document, so that whoever looks at it sees what was done."""

    def __init__(self, desk: Desk, stands: Versioned[Onboarding]) -> None:
        self._desk = desk
        self._stands = stands

    @property
    def value(self) -> Onboarding:
        return self._stands.value

    def plan(self, plan: PlanTold) -> None:
        # What a later turn plans is the rest of it.
        if self.value.plan is None:
            self._write(plan=plan)

    def line(self, text: str) -> None:
        self._write(lines=(*self.value.lines, text)[:_MOST_LINES])

    def problem(self, text: str) -> None:
        self._write(problems=(*self.value.problems, text)[:_MOST_LINES])

    def rest(self) -> None:
        self._write(busy_until=None)

    def end(self, state: OnboardingState) -> None:
        self._write(state=state, busy_until=None)

    def _write(self, **changes: object) -> None:
        changed = self.value.model_copy(update={**changes, "changed_at": self._desk.now()})
        self._stands = self._desk.store.write(self._stands, changed)


def _caller(desk: Desk, authorization: str | None) -> str | Answer:
    """Give the caller's object id, or the answer for who may not call."""
    trust = trust_of(desk.settings)
    if trust is None or desk.keys is None:
        return Answer(HTTPStatus.NOT_FOUND, {"reason": "not_enabled"})
    try:
        return bearer(authorization, trust, desk.keys.key)
    except Unauthenticated as error:
        emit("onboarding_refused", level=logging.WARNING, why=str(error))
        return Answer(HTTPStatus.UNAUTHORIZED, {"reason": "unauthenticated"}, {"WWW-Authenticate": "Bearer"})
    except Unauthorized:
        emit("onboarding_refused", level=logging.WARNING, why="no role")
        return Answer(HTTPStatus.FORBIDDEN, {"reason": f"the role {ROLE} is needed"})
    except KeysUnavailable:
        emit("onboarding_refused", level=logging.ERROR, why="no keys")
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"reason": "keys_unavailable"}, {"Retry-After": "60"})


def _organisation(desk: Desk, asked: object) -> OrganisationName:
    known = sorted(desk.settings.organisations)
    if asked is None and len(known) == 1:
        return OrganisationName(known[0])
    if isinstance(asked, str) and asked.lower() in known:
        return OrganisationName(asked.lower())
    raise ValueError(f"organisation: expected one of {', '.join(known)}")


def _words(wrong: Exception) -> str:
    """Say what is wrong with an order, without repeating it."""
    if isinstance(wrong, ValidationError):
        first = wrong.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'order'}: {first['msg']}"
    return str(wrong) if str(wrong).startswith("organisation: ") else "expected a JSON object"


def _shown(onboarding: Onboarding) -> dict[str, object]:
    return onboarding.model_dump(mode="json")
