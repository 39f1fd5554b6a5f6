"""Reporting a gate: level-triggered, by one instance at a time, with a look after each post.

The status that a gate should show is a function of its row. Whoever changes a row reports it; whoever finds another
instance reporting leaves it to that one, which looks at the row again after its post and posts again if it moved on.
"""

import logging
import uuid
from datetime import timedelta

from scan_core.devops.errors import DevOpsError
from scan_core.flow import gate_steps, report_steps
from scan_core.flow.asking import ask_for_look
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.change import change_gate
from scan_core.flow.holds import Urgent, held_seconds, note_answer, note_failure
from scan_core.flow.pages import gate_link
from scan_core.flow.pull_request_steps import iteration_of
from scan_core.flow.services import Services
from scan_core.flow.showing import show, where
from scan_core.model.gate import Gate, Status, StatusState
from scan_core.model.ids import GateId
from scan_core.model.place import CheckPlace, CommitPlace, PullRequestPlace
from scan_core.report.texts import status_for
from scan_core.telemetry import emit

_TOKEN_LIFE = timedelta(hours=48)
"""Of the token that answers a check (Microsoft, "Invoke Azure Function / REST API checks"); nobody can after it."""
_PATIENCE = timedelta(days=7)
"""For how long a commit or a build is tried that refuses its status; a pull request ends by itself."""


def report(services: Services, gate_id: GateId) -> None:
    """Make Azure DevOps show what a gate's row says, or note when to try again.

    Args:
        services: The doors to the outside.
        gate_id: The gate.
    """
    reporter = uuid.uuid4().hex
    lease = timedelta(seconds=services.settings.report_lease_seconds)
    while True:
        row = services.gates.gate(gate_id)
        if row is None or unreported(row.value) is None or report_steps.rests(row.value, services.now()):
            return
        if _held_seconds(services, row.value) > 0:
            return  # the watch comes back to it
        gate = change_gate(
            services.gates, gate_id, lambda gate: report_steps.leased(gate, reporter, services.now(), lease)
        )
        if gate is None:
            return
        wanted = unreported(gate)
        if wanted is None:
            change_gate(services.gates, gate_id, lambda gate: report_steps.yielded(gate, reporter))
            return
        if not _post(services, gate, wanted, reporter):
            return


def unreported(gate: Gate) -> Status | None:
    """Tell what a gate should show and does not.

    Args:
        gate: The gate.

    Returns:
        The status to post; None where nothing is to be posted.
    """
    wanted = status_for(gate)
    return None if wanted == gate.posted else wanted


def _post(services: Services, gate: Gate, wanted: Status, reporter: str) -> bool:
    """Post one status. Returns whether to look at the row again."""
    try:
        if wanted.state is not StatusState.PENDING and moved_on(services, gate):
            change_gate(services.gates, gate.gate_id, lambda row: report_steps.yielded(row, reporter))
            _look_again(services, gate, _soon(services, gate))
            return False
        log_id = show(services, gate, wanted, gate_link(services, gate.gate_id))
    except DevOpsError as error:
        _try_later(services, gate, reporter, error)
        return False
    note_answer(services, gate.place.organisation)
    now = services.now()
    shown = change_gate(
        services.gates, gate.gate_id, lambda row: report_steps.posted(row, reporter, wanted, now, log_id)
    )
    if shown is None:
        change_gate(services.gates, gate.gate_id, report_steps.doubted)
    emit("status_posted", gate=gate.gate_id, state=wanted.state, description=wanted.description)
    audited = {"gate": gate.gate_id, **where(gate.place), "state": wanted.state, "description": wanted.description}
    services.audit.append(services.now(), "report", audited)
    _renew_others(services, gate)
    return True


def _renew_others(services: Services, gate: Gate) -> None:
    row = services.gates.gate(gate.gate_id)
    if row is not None and not row.value.state.is_current:
        renew_hidden(services, row.value)


def renew_hidden(services: Services, ended: Gate) -> None:
    """Report again what the status of a gate that has ended may hide: of one name, the last that was posted counts.

    Args:
        services: The doors to the outside.
        ended: The gate that ended: superseded, closed, or while it was posted.
    """
    for other in _beside(services, ended):
        if other.state.is_current:
            services.gates.touch(other.place.subject, services.now())
            change_gate(services.gates, other.gate_id, report_steps.doubted)
            report(services, other.gate_id)


def _beside(services: Services, gate: Gate) -> list[Gate]:
    """The gates whose status stands where a gate's does: on its pull request, or for another branch on its commit."""
    match gate.place:
        case PullRequestPlace(name=name) as place:
            known = [row.value for row in services.gates.gates_of(place.subject)]
            return [each for each in known if iteration_of(each).name is name]
        case CommitPlace(ref=ref) as place if ref is not None:
            followed = services.projects.followed_branches(place.organisation, place.project_id)
            branches = (row.value.branch for row in followed)
            refs = [each.ref for each in branches if each.repository_id == place.repository_id and each.ref != ref]
            rows = (services.gates.gate(place.model_copy(update={"ref": each}).gate_id) for each in refs)
            return [row.value for row in rows if row is not None]
        case _:
            return []


def moved_on(services: Services, gate: Gate) -> bool:
    """Tell whether a pull request has left the gate's commit behind, of which no hook told us yet.

    Args:
        services: The doors to the outside.
        gate: The gate.

    Returns:
        Whether its iteration is not the latest, or where there are none, its commit not the source's. Never for
        another place: what is said of a commit or a build stays true of it.

    Raises:
        DevOpsError: That could not be read.
    """
    place = gate.place
    if not isinstance(place, PullRequestPlace):
        return False
    devops = services.devops(place.organisation)
    if place.iteration == 0:
        return devops.pull_request(place.pull_request).source_commit != place.source_commit
    latest = devops.latest_iteration(place.pull_request)
    return latest is not None and latest.number != place.iteration


def _held_seconds(services: Services, gate: Gate) -> float:
    urgent = Urgent(gate_steps.time_out_at(gate), gate.deadline)
    return held_seconds(services, gate.place.organisation, gate.place.subject, urgent)


def _try_later(services: Services, gate: Gate, reporter: str, error: DevOpsError) -> None:
    if _is_over(services, gate, error):
        change_gate(services.gates, gate.gate_id, report_steps.given_up)
        if isinstance(gate.place, CheckPlace):
            emit("check_not_answered", level=logging.ERROR, gate=gate.gate_id, why=error.sentence)
        else:
            emit("status_given_up", level=logging.ERROR, gate=gate.gate_id, why=error.sentence)
        return
    note_failure(services, gate.place.organisation, error)
    least = max(_held_seconds(services, gate), error.retry_after or 0)
    now = services.now()
    usual = pause_seconds(gate.tries + 1, services.settings.retry_seconds, least)
    pause = report_steps.pause_in_time(gate, usual, least, now)
    next_try = now + timedelta(seconds=pause)
    change_gate(
        services.gates, gate.gate_id, lambda row: report_steps.unposted(row, reporter, error.sentence, next_try)
    )
    emit("status_not_posted", gate=gate.gate_id, kind=error.kind, status=error.status, seconds=pause)
    _look_again(services, gate, pause)


def _is_over(services: Services, gate: Gate, error: DevOpsError) -> bool:
    """Tell whether there is no use in trying any longer to show what a gate says."""
    match gate.place:
        case PullRequestPlace():
            return False
        case CheckPlace():
            return services.now() - gate.accepted_at > _TOKEN_LIFE
        case _:
            since = gate.unposted_since or gate.opened_at
            return not error.everywhere and services.now() - since > _PATIENCE


def _soon(services: Services, gate: Gate) -> int:
    """At once; a little later where a look is put off, or that look and this report would chase each other."""
    look = services.gates.look(gate.place.subject)
    is_put_off = look is not None and not look.value.served
    return pause_seconds(1, services.settings.retry_seconds) if is_put_off else 0


def _look_again(services: Services, gate: Gate, delay_seconds: int) -> None:
    """Have a pull request looked at sooner than the watch would; the other places are left to the watch."""
    if isinstance(gate.place, PullRequestPlace):
        ask_for_look(services, gate.place.pull_request, delay_seconds=delay_seconds)
