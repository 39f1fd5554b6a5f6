"""Azure DevOps in trouble: one instance meets it, all of them know, and they do not come back all at once.

Each organisation has one row while it is in trouble (`scan_core.store.holds`). A refusal with a pause, or an answer
that asks for one, holds every call until then; so do failures in a row that are not about what was asked for. Those who
wait come back one after the other, in an order that the hash of their subject gives, and the first of them finds out
whether it is over. Deadlines are kept: where Azure DevOps does not refuse calls outright, a gate is asked for and shown
in the last moments before its deadline, whatever the others do.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.services import Services
from scan_core.model.ids import OrganisationName, digest
from scan_core.store.holds import Cause, Hold
from scan_core.telemetry import emit

_IN_A_ROW = 3
"""Failures in a row after which it is not about what was asked for."""
_LONGEST_GUESS_SECONDS = 60.0
_WIDEST_SPREAD_SECONDS = 60.0
_TRIES = 5
_TURNS = 1 << 32


class Urgent(NamedTuple):
    """The last moments before a deadline."""

    begins: datetime
    ends: datetime


def held_seconds(
    services: Services, organisation: OrganisationName, subject: str, urgent: Urgent | None = None
) -> float:
    """Say how long somebody has to wait before calling an organisation. Costs nothing while all is well.

    Args:
        services: The doors to the outside.
        organisation: The organisation.
        subject: What the call is about; its hash gives its place among those who wait.
        urgent: When it cannot wait any longer.

    Returns:
        Seconds; 0 where there is no need.
    """
    now = services.now()
    row = services.holds.read(organisation, now)
    return 0.0 if row is None else max(0.0, (free_at(row.value, subject, urgent, now) - now).total_seconds())


def free_at(hold: Hold, subject: str, urgent: Urgent | None, now: datetime) -> datetime:
    """Say when somebody may call an organisation in trouble.

    Args:
        hold: The trouble.
        subject: What the call is about.
        urgent: When it cannot wait any longer.
        now: The time.

    Returns:
        The moment; now or earlier where it may be called at once.
    """
    turn = int(digest(subject)[:8], 16) / _TURNS
    at = hold.until + timedelta(seconds=hold.spread_seconds * turn)
    if urgent is None or hold.cause is Cause.THROTTLED:
        return at
    if urgent.begins <= now <= urgent.ends:
        return now
    return min(at, urgent.begins) if now < urgent.begins else at


def note_failure(services: Services, organisation: OrganisationName, error: DevOpsError) -> None:
    """Let all instances know that a call failed, where it would probably have failed for each of them.

    Args:
        services: The doors to the outside.
        organisation: The organisation.
        error: How it failed. One that is about what was asked for is an answer like any other.
    """
    if not error.everywhere:
        _end(services, organisation)
        return
    for _ in range(_TRIES):
        now = services.now()
        row = services.holds.fresh(organisation, now)
        hold = failed(None if row is None else row.value, organisation, error, now, services.settings.retry_seconds)
        if hold is None or services.holds.write(row, hold, now):
            if hold is not None:
                _tell(hold, now)
            return


def note_answer(services: Services, organisation: OrganisationName) -> None:
    """Take notice that an organisation answers; let all instances know where it asked for a pause with that.

    Args:
        services: The doors to the outside.
        organisation: The organisation.
    """
    seconds = services.devops(organisation).slow_down_seconds()
    if seconds > 0:
        _slow_down(services, organisation, seconds)
    else:
        _end(services, organisation)


def failed(
    hold: Hold | None, organisation: OrganisationName, error: DevOpsError, now: datetime, first: float
) -> Hold | None:
    """Count a failure, and say what comes of it.

    Args:
        hold: The trouble as it stands; None where there was none.
        organisation: The organisation.
        error: How a call failed.
        now: The time.
        first: The first pause, in seconds.

    Returns:
        The trouble as it shall stand; None where a pause at least as long is under way, which the call did not know of.
    """
    failures = 1 if hold is None else hold.failures + 1
    throttled = error.kind is DevOpsErrorKind.THROTTLED
    if throttled and error.retry_after is not None:
        seconds = error.retry_after
    elif throttled or failures >= _IN_A_ROW:
        seconds = float(min(_LONGEST_GUESS_SECONDS, pause_seconds(max(1, failures - _IN_A_ROW + 1), first)))
    else:
        seconds = 0.0
    until = now + timedelta(seconds=seconds)
    if hold is not None and now < hold.until and not (throttled and until > hold.until):
        return None
    return Hold(
        organisation=organisation,
        cause=Cause.THROTTLED if throttled else Cause.FAILING,
        kind=error.kind,
        since=now if hold is None else hold.since,
        until=until,
        spread_seconds=min(seconds, _WIDEST_SPREAD_SECONDS),
        failures=failures,
        paused=seconds > 0 or (hold is not None and hold.paused),
    )


def answered(hold: Hold, now: datetime) -> Hold | None:
    """Say what comes of an answer.

    Args:
        hold: The trouble as it stands.
        now: The time.

    Returns:
        The trouble as it shall stand. The same where the answer changes nothing: it may belong to a call from before
        the pause, or others still come back one after the other. None where the trouble is over.
    """
    if now < hold.until and hold.cause is not Cause.FAILING:
        return hold
    until = min(hold.until, now)
    if now >= until + timedelta(seconds=hold.spread_seconds):
        return None
    return hold.model_copy(update={"failures": 0, "paused": False, "until": until})


def _end(services: Services, organisation: OrganisationName) -> None:
    now = services.now()
    row = services.holds.read(organisation, now)
    if row is None:
        return
    after = answered(row.value, now)
    if after == row.value:
        return
    stands = services.holds.clear(row) if after is None else services.holds.write(row, after, now)
    if stands and row.value.paused:
        emit("devops_resumed", organisation=organisation, seconds=round((now - row.value.since).total_seconds()))


def _slow_down(services: Services, organisation: OrganisationName, seconds: float) -> None:
    now = services.now()
    until = now + timedelta(seconds=seconds)
    known = services.holds.read(organisation, now)
    if known is not None and until <= known.value.until + timedelta(seconds=1):
        return
    hold = Hold(
        organisation=organisation,
        cause=Cause.SLOW_DOWN,
        kind=Cause.SLOW_DOWN,
        since=now if known is None else known.value.since,
        until=until,
        spread_seconds=min(seconds, _WIDEST_SPREAD_SECONDS),
        paused=True,
    )
    if services.holds.write(known, hold, now):  # who was quicker got the same answers
        _tell(hold, now)


def _tell(hold: Hold, now: datetime) -> None:
    if hold.until > now:
        emit(
            "devops_held",
            organisation=hold.organisation,
            cause=hold.cause,
            kind=hold.kind,
            failures=hold.failures,
            seconds=round((hold.until - now).total_seconds()),
        )
