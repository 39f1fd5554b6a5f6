"""The watch: a timer that finds what was lost on the way, and what has waited too long."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from scan_core.flow import admission, attempts, gates, scans
from scan_core.flow.reporting import unreported
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, Look
from scan_core.model.request import PullRequestRequest
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
    with ThreadPoolExecutor(_AT_ONCE, "watch") as pool:
        attended = sum(pool.map(lambda entry: _attended(services, entry, until), agenda))
    admission.tidy(services)
    attempts.start_workers(services)
    emit("watched", subjects=len(agenda), attended=attended)


def _attended(services: Services, entry: OpenSubject, until: datetime) -> bool:
    if services.now() > until:
        return False
    try:
        _attend(services, entry)
    except Exception as error:  # noqa: BLE001 - a defect in one subject must not stop the watch over the others
        emit("watch_failed", subject=entry.subject, error=type(error).__name__, detail=str(error)[:300])
    return True


def _attend(services: Services, entry: OpenSubject) -> None:
    look = services.gates.look(entry.subject)
    if look is not None:
        _look_again(services, look)
    for row in services.gates.gates_of(entry.subject):
        if gates.needs_attention(row.value, unreported(row.value)):
            _drive(services, row.value)
    if _is_settled(services, entry):
        services.gates.settle(entry)


def _drive(services: Services, gate: Gate) -> None:
    try:
        if gate.state.is_current:
            for scan in gate.waits_for:
                scans.check(services, scan)
    finally:  # whatever became of its scans, the gate's own clock goes on
        gates.advance(services, gate.gate_id)


def _look_again(services: Services, look: Versioned[Look]) -> None:
    """Queue a request again whose message seems lost."""
    now = services.now()
    if look.value.served or now < look.value.next_try_at + _GRACE:
        return
    due_now = look.value.model_copy(update={"next_try_at": now})
    try:
        services.gates.write_look(look.value.pull_request.subject, look, due_now)
    except Conflict:
        return
    services.queues.send_request(
        PullRequestRequest(
            request_id=uuid.uuid4().hex,
            pull_request=look.value.pull_request,
            accepted_at=look.value.accepted_at,
        )
    )


def _is_settled(services: Services, entry: OpenSubject) -> bool:
    look = services.gates.look(entry.subject)
    if look is not None and not look.value.served:
        return False
    rows = services.gates.gates_of(entry.subject)
    return not any(gates.needs_attention(row.value, unreported(row.value)) for row in rows)
