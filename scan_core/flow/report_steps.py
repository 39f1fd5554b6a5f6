"""The steps of reporting a gate: who may post, what was posted, and what failed."""

import math
from datetime import datetime, timedelta

from scan_core.flow import gate_steps
from scan_core.model.gate import Gate, GateState, Status, StatusState
from scan_core.model.place import CheckPlace

_NOBODY: dict[str, None] = {"reporter": None, "reporting_until": None}
_LAST_TRIES_SECONDS = 15
"""How far apart tries are in the last moments before a deadline: as often as the watch goes round."""


def leased(gate: Gate, reporter: str, now: datetime, lease: timedelta) -> Gate | None:
    """Let one instance report a gate alone for a while. What Azure DevOps shows meanwhile is not known.

    Args:
        gate: The gate as it stands.
        reporter: Who wants to.
        now: The time.
        lease: For how long.

    Returns:
        The gate as it shall stand; None where somebody else is at it.
    """
    taken = gate.reporter not in {None, reporter} and gate.reporting_until is not None and gate.reporting_until > now
    if taken:
        return None
    since = gate.unposted_since or now
    lent = {"reporter": reporter, "reporting_until": now + lease, "posted": None, "unposted_since": since}
    return gate.model_copy(update=lent)


def posted(gate: Gate, reporter: str, status: Status, now: datetime, log_id: int | None = None) -> Gate | None:
    """Note what was posted, and end the lease. A check that was answered is over, and its token forgotten.

    Args:
        gate: The gate as it stands.
        reporter: Who posted.
        status: What.
        now: The time.
        log_id: The log that a check's lines went to.

    Returns:
        The gate as it shall stand; None where somebody else took over meanwhile.
    """
    if gate.reporter != reporter:
        return None
    after = gate.model_copy(
        update={
            "posted": status,
            "posted_at": now,
            "unposted_since": None,
            "tries": 0,
            "next_try_at": None,
            **_NOBODY,
            "report_problem": None,
        }
    )
    if not isinstance(after.place, CheckPlace):
        return after
    logged = after.model_copy(update={"place": after.place.model_copy(update={"log_id": log_id})})
    return logged if status.state is StatusState.PENDING else forgotten(logged)


def forgotten(gate: Gate) -> Gate:
    """Forget the token of a check.

    Args:
        gate: The gate as it stands.

    Returns:
        The gate without it; any other place's gate as it is.
    """
    if not isinstance(gate.place, CheckPlace):
        return gate
    check = gate.place.check.model_copy(update={"sealed_token": None})
    return gate.model_copy(update={"place": gate.place.model_copy(update={"check": check})})


def given_up(gate: Gate) -> Gate:
    """End a gate that can never be shown: the check cannot be answered any more, or the place takes no status.

    Args:
        gate: The gate as it stands.

    Returns:
        The gate, closed; that of a check without its token.
    """
    return forgotten(gate.model_copy(update={"state": GateState.CLOSED, **_NOBODY}))


def doubted(gate: Gate) -> Gate:
    """Note that a post came so late that it may have replaced a newer one.

    Args:
        gate: The gate as it stands.

    Returns:
        The gate, of which it is not known what Azure DevOps shows; whoever posts right now has to post again.
    """
    return gate.model_copy(update={"posted": None, **_NOBODY})


def yielded(gate: Gate, reporter: str) -> Gate | None:
    """End a lease without a post.

    Args:
        gate: The gate as it stands.
        reporter: Who held it.

    Returns:
        The gate as it shall stand; None where somebody else took over meanwhile.
    """
    return gate.model_copy(update=_NOBODY) if gate.reporter == reporter else None


def unposted(gate: Gate, reporter: str, problem: str, next_try_at: datetime) -> Gate | None:
    """Note that posting failed, as far as can be told, and when to try again.

    Args:
        gate: The gate as it stands.
        reporter: Who tried.
        problem: Why it failed, in words.
        next_try_at: When to try again.

    Returns:
        The gate as it shall stand; None where somebody else took over meanwhile.
    """
    if gate.reporter != reporter:
        return None
    update = {"report_problem": problem, "tries": gate.tries + 1, "next_try_at": next_try_at, **_NOBODY}
    return gate.model_copy(update=update)


def pause_in_time(gate: Gate, pause: int, least: float, now: datetime) -> int:
    """Keep the pause after a failed post from outlasting the gate's deadline, by which something has to be shown.

    Args:
        gate: The gate.
        pause: The pause that the failures so far come to, in seconds.
        least: What Azure DevOps asked for, in seconds; never undercut.
        now: The time.

    Returns:
        Whole seconds: until the gate times out at most, and close together from there to its deadline. The same after
        the deadline.
    """
    if now >= gate.deadline:
        return pause
    left = math.ceil((gate_steps.time_out_at(gate) - now).total_seconds())
    return max(math.ceil(least), min(pause, max(left, _LAST_TRIES_SECONDS)))


def rests(gate: Gate, now: datetime) -> bool:
    """Tell whether the last post failed so recently that the next one has to wait.

    Args:
        gate: The gate.
        now: The time.

    Returns:
        Whether the pause still lasts.
    """
    return gate.next_try_at is not None and now < gate.next_try_at
