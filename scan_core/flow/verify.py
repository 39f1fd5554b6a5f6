"""Comparing a gate with what Azure DevOps shows: its status may be lost, hidden by somebody else's, or its link old."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakKeyDictionary

from pydantic import JsonValue

from scan_core.devops.api import DevOpsApi
from scan_core.devops.pull_requests import StatusRead
from scan_core.flow import report_steps
from scan_core.flow.asking import ask_for_look
from scan_core.flow.auditing import line
from scan_core.flow.change import change_gate
from scan_core.flow.pull_request_steps import iteration_of
from scan_core.flow.reporting import moved_on, report, unreported
from scan_core.flow.services import Services
from scan_core.model.gate import Gate
from scan_core.model.ids import GateId
from scan_core.telemetry import emit

GENRE = "scangate"
_MOST_ACCUSED = 20
"""Foreign statuses of one pull request that are told at once; whoever posts thousands shall not fill the audit."""
_FRESH = 0.8
"""Share of a link's life after which it is renewed."""
_SHOWN_CHARACTERS = 200

_identities: WeakKeyDictionary[DevOpsApi, str] = WeakKeyDictionary()


@dataclass(frozen=True)
class Verified:
    """What a comparison found."""

    seen_status: int
    """The highest id among the pull request's statuses."""
    is_latest: bool
    """Whether the gate's iteration is the latest; if not, a look was asked for."""


def verify(services: Services, gate_id: GateId, seen_status: int) -> Verified:
    """Compare a gate with what Azure DevOps shows, and post its status again where it is not what is shown.

    Args:
        services: The doors to the outside.
        gate_id: A current gate.
        seen_status: The highest id among the statuses that were looked at before.

    Returns:
        What was found.

    Raises:
        DevOpsError: Azure DevOps could not be asked.
    """
    row = services.gates.gate(gate_id)
    if row is None or not row.value.state.is_current:
        return Verified(seen_status, is_latest=False)
    gate = row.value
    place = iteration_of(gate)
    devops = services.devops(place.organisation)
    statuses = [status for status in devops.statuses(place.pull_request) if status.genre.casefold() == GENRE]
    latest = next((status for status in reversed(statuses) if status.name.casefold() == place.name), None)
    foreign = _foreign(devops, [status for status in statuses if status.id > seen_status or status is latest])
    is_latest = not moved_on(services, gate)
    accused = [status for status in foreign if status.id > seen_status][-_MOST_ACCUSED:]
    audited = [_tell(services, gate, status) for status in accused]
    if not is_latest:
        ask_for_look(services, place.pull_request)
    elif gate.posted is not None and unreported(gate) is None:  # else it is about to be posted anyway
        why = _unsettled(services, gate, latest, is_foreign=latest in foreign)
        if why is not None:
            _post_again(services, gate, why)
    if all(audited):  # else they are told again
        seen_status = max([seen_status, *(status.id for status in statuses)])
    return Verified(seen_status, is_latest)


def _unsettled(services: Services, gate: Gate, latest: StatusRead | None, *, is_foreign: bool) -> str | None:
    """Tell why a status has to be posted again, in a word; None where it need not."""
    if latest is None:
        return "missing"
    if is_foreign:
        return "foreign"
    if not _shows(latest, gate):
        return "different"
    return "link" if _is_link_old(services, gate) else None


def _shows(latest: StatusRead, gate: Gate) -> bool:
    shown = (latest.iteration or 0, latest.state, latest.description)
    return gate.posted is not None and shown == (
        iteration_of(gate).iteration,
        gate.posted.state,
        gate.posted.description,
    )


def _is_link_old(services: Services, gate: Gate) -> bool:
    life = timedelta(days=services.settings.link_days)
    return gate.posted_at is not None and services.now() >= gate.posted_at + life * _FRESH


def _post_again(services: Services, gate: Gate, why: str) -> None:
    services.gates.touch(gate.place.subject, services.now())
    doubted = change_gate(services.gates, gate.gate_id, lambda row: report_steps.doubted(row) if row == gate else None)
    if doubted is None:
        return  # whoever changed it since it was read reports it
    emit("status_restored", gate=gate.gate_id, why=why)
    report(services, gate.gate_id)


def _foreign(devops: DevOpsApi, statuses: Sequence[StatusRead]) -> list[StatusRead]:
    """Find the statuses that somebody else wrote."""
    if not statuses:
        return []
    found = [status for status in statuses if status.author_id != _own_id(devops)]
    if found:
        # Before anybody is accused: an identity that was taken out of the organisation and put back has another id.
        _identities.pop(devops, None)
        found = [status for status in found if status.author_id != _own_id(devops)]
    return found


def _own_id(devops: DevOpsApi) -> str:
    known = _identities.get(devops)
    if known is None:
        known = _identities[devops] = devops.authenticated_id()
    return known


def _tell(services: Services, gate: Gate, status: StatusRead) -> bool:
    """Tell of a forged status. Returns whether the audit has it."""
    what, reference = _described(status), iteration_of(gate).pull_request
    emit("status_forged", level=logging.WARNING, gate=gate.gate_id, pull_request=reference.pull_request_id, **what)
    at = status.created_at or gate.opened_at  # not the present: the line is the same however often it is written
    return services.audit.keep(line(gate, "forged", at, what))


def _described(status: StatusRead) -> dict[str, JsonValue]:
    """Say who posted what; the texts are a stranger's, so they are cut."""
    return {
        "author": status.author_id,
        "status": status.id,
        "iteration": status.iteration,
        "name": status.name[:_SHOWN_CHARACTERS],
        "state": status.state[:_SHOWN_CHARACTERS],
        "description": status.description[:_SHOWN_CHARACTERS],
        "posted_at": status.created_at.isoformat() if status.created_at else None,
    }
