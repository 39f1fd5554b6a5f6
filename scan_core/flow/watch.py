"""The watch: a timer that finds what was lost on the way, and what has waited too long."""

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from scan_core.flow import admission, attempts, gates, scans
from scan_core.flow.asking import ask_for_look
from scan_core.flow.reporting import unreported
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, GateState, Look
from scan_core.store.gates import OpenSubject
from scan_core.store.rows import Conflict, Versioned
from scan_core.telemetry import emit

_GRACE = timedelta(seconds=20)
"""For how long a look that is due is left to its own message."""

_AT_ONCE = 8
_LONGEST_ROUND = timedelta(minutes=4)
"""Within the time that Functions gives one invocation."""


def watch(services: Services) -> None:
    """Go once through everything that still needs attention. One bad row does not keep the others waiting.

    Args:
        services: The doors to the outside.
    """
    agenda = services.gates.agenda()
    random.shuffle(agenda)  # what one round has no time for must not be the same every time
    until = services.now() + _LONGEST_ROUND
    overdue: list[Gate] = []
    line = admission.Line(services)
    with ThreadPoolExecutor(_AT_ONCE, "watch") as pool:
        attended = sum(pool.map(lambda entry: _attended(services, entry, until, overdue, line), agenda))
    admission.tidy(services)
    attempts.start_workers(services)
    _tell_of(services, overdue)
    emit("watched", subjects=len(agenda), attended=attended)


def _tell_of(services: Services, overdue: list[Gate]) -> None:
    """Tell of verdicts that Azure DevOps has not shown for too long: once a round, however many they are."""
    if not overdue:
        return
    longest = min(overdue, key=_unshown_since)
    emit(
        "verdict_not_reported",
        level=logging.ERROR,
        gates=len(overdue),
        gate=longest.gate_id,
        seconds=round((services.now() - _unshown_since(longest)).total_seconds()),
        problem=longest.report_problem,
    )


def _unshown_since(gate: Gate) -> datetime:
    decided_at = gate.decision.decided_at if gate.decision else gate.opened_at
    return max(decided_at, gate.unposted_since or decided_at)


def _is_overdue(services: Services, gate: Gate) -> bool:
    limit = timedelta(seconds=services.settings.unreported_limit_seconds)
    is_unshown = gate.state is GateState.DECIDED and unreported(gate) is not None
    return is_unshown and services.now() - _unshown_since(gate) > limit


def _attended(
    services: Services, entry: OpenSubject, until: datetime, overdue: list[Gate], line: admission.Line
) -> bool:
    if services.now() > until:
        return False
    try:
        overdue += _attend(services, entry, line)
    except Exception as error:  # noqa: BLE001 - a defect in one subject must not stop the watch over the others
        emit("watch_failed", subject=entry.subject, error=type(error).__name__, detail=str(error)[:300])
    return True


def _attend(services: Services, entry: OpenSubject, line: admission.Line) -> list[Gate]:
    """Drive a subject's gates on. Returns those whose verdict is still not shown, though it is overdue."""
    look = services.gates.look(entry.subject)
    if look is not None:
        _look_again(services, look)
    for row in services.gates.gates_of(entry.subject):
        if gates.needs_attention(row.value, unreported(row.value)):
            _drive(services, row.value, line)
    # In this order: a look that is served has left its gates behind, so they are among those that are read after it.
    look = services.gates.look(entry.subject)
    known = [row.value for row in services.gates.gates_of(entry.subject)]
    is_busy = any(gates.needs_attention(gate, unreported(gate)) for gate in known)
    if not is_busy and (look is None or look.value.served):
        services.gates.settle(entry)
    return [gate for gate in known if _is_overdue(services, gate)]


def _drive(services: Services, gate: Gate, line: admission.Line) -> None:
    try:
        if gate.state.is_current:
            for scan in gate.waits_for:
                scans.check(services, scan)
    finally:  # whatever became of its scans, the gate's own clock goes on
        gates.advance(services, gate.gate_id, line)


def _look_again(services: Services, look: Versioned[Look]) -> None:
    """Queue a request again whose message seems lost."""
    now = services.now()
    if look.value.served or now < look.value.next_try_at + _GRACE:
        return
    due_now = look.value.model_copy(update={"next_try_at": now})
    try:
        services.gates.write_look(look.value.of.subject, look, due_now)
    except Conflict:
        return
    ask_for_look(services, look.value.of, look.value.accepted_at)
