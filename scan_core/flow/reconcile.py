"""Reconcile: a timer that needs no hook. What hooks did not tell is found, and what Azure DevOps shows is compared.

Every enrolled project has its own turn, about once a cycle. Whoever moves its next turn on has this one; a turn that is
cut short, by a kill or by Azure DevOps, is made up for by the next.
"""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from scan_core.devops.errors import DevOpsError
from scan_core.devops.pull_requests import PullRequest
from scan_core.flow.asking import ask_for_look
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.enrolment import follow, spread
from scan_core.flow.holds import held_seconds, note_answer, note_failure
from scan_core.flow.pull_request_steps import iteration_of
from scan_core.flow.review import BranchRules, judge_again, results_hold, rules_hold
from scan_core.flow.services import Services
from scan_core.flow.sweep import Swept, find_missed
from scan_core.flow.unheard import find_builds, find_pushes
from scan_core.flow.verify import verify
from scan_core.model.gate import Gate, GateState
from scan_core.model.subject import StatusName
from scan_core.store.projects import Followed, Project
from scan_core.store.rows import Conflict, Versioned
from scan_core.telemetry import emit

_AT_ONCE = 4
_LONGEST_ROUND = timedelta(minutes=4)
"""Within the time that Functions gives one invocation."""
_RARELY_SECONDS = 3600.0
"""How often a project is asked for at least, though it is not there or may not be read."""


@dataclass
class _Turn:
    """One project's turn."""

    services: Services
    project: Project
    rules: BranchRules
    until: datetime
    verified: int = 0
    judged_again: int = 0
    unheard: int = 0
    builds_until: datetime | None = None


def reconcile(services: Services) -> None:
    """Give each project whose turn has come its turn. One that fails does not keep the others waiting.

    Args:
        services: The doors to the outside.
    """
    now = services.now()
    due = [row for row in services.projects.enrolled() if row.value.next_at <= now and _is_ours(services, row.value)]
    random.shuffle(due)  # several instances begin with different ones
    with ThreadPoolExecutor(_AT_ONCE, "reconcile") as pool:
        list(pool.map(lambda row: _guarded(services, row, now + _LONGEST_ROUND), due))


def _is_ours(services: Services, project: Project) -> bool:
    return services.settings.organisation(project.organisation) is not None


def _guarded(services: Services, row: Versioned[Project], until: datetime) -> None:
    try:
        _take_turn(services, row, until)
    except Exception as error:  # noqa: BLE001 - a defect in one project must not stop the others
        _failed(row.value.project_id, error)


def _take_turn(services: Services, row: Versioned[Project], until: datetime) -> None:
    project = row.value
    if services.now() > until:
        return
    wait = _held_seconds(services, project)
    if wait > 0:
        _come_back(services, row, wait)
        return
    next_at = services.now() + spread(services.settings.reconcile_seconds)
    claimed = _write(services, row, next_at, project.failures)
    if claimed is None:
        return  # another instance has this turn
    turn = _Turn(services, project, BranchRules(services), until, builds_until=project.builds_until)
    try:
        rest = _reconciled(turn)
    except DevOpsError as error:
        note_failure(services, project.organisation, error)
        _postpone(services, claimed, error)
        return
    note_answer(services, project.organisation)
    if rest is not None:
        _come_back(services, claimed, rest)
    elif project.failures or turn.builds_until != project.builds_until:
        _write(services, claimed, next_at, 0, builds_until=turn.builds_until)


def _reconciled(turn: _Turn) -> float | None:
    """Go through a project. Returns after how many seconds the rest has to be done; None where there is no rest."""
    services, project = turn.services, turn.project
    devops = services.devops(project.organisation)
    before = devops.requests_sent()
    swept = find_missed(services, project.organisation, project.project_id)
    try:
        wait = _look_after_all(turn, swept)
        if wait is None:
            turn.unheard += find_pushes(services, project)
            found, turn.builds_until = find_builds(services, project)
            turn.unheard += found
    finally:
        emit(
            "reconciled",
            organisation=project.organisation,
            project=project.project_id,
            calls=devops.requests_sent() - before,
            pull_requests=swept.active,
            looks=swept.looks + turn.unheard,
            verified=turn.verified,
            judged_again=turn.judged_again,
        )
    return wait


def _look_after_all(turn: _Turn, swept: Swept) -> float | None:
    in_order = sorted(swept.answered, key=lambda answered: _next_at(turn, swept, answered[0]))
    for pull_request, gate in in_order:
        wait = _held_seconds(turn.services, turn.project)
        if wait > 0 or turn.services.now() > turn.until:
            return wait
        followed = swept.followed.get(pull_request.ref)
        if followed is None:
            follow(turn.services, pull_request.ref)
        else:
            _look_after(turn, pull_request, gate, followed)
    return None


def _held_seconds(services: Services, project: Project) -> float:
    asked = services.devops(project.organisation).slow_down_seconds()
    return max(asked, held_seconds(services, project.organisation, project.project_id))


def _next_at(turn: _Turn, swept: Swept, pull_request: PullRequest) -> datetime:
    followed = swept.followed.get(pull_request.ref)
    return turn.services.now() if followed is None else followed.value.next_at


def _look_after(turn: _Turn, pull_request: PullRequest, gate: Gate, followed: Versioned[Followed]) -> None:
    """Compare and review one pull request. What fails for it alone is told, and tried again when its time comes."""
    is_due = followed.value.next_at <= turn.services.now()
    try:
        if is_due and not _is_latest(turn, gate, followed):
            return
        for each in (gate, *_images_of(turn, gate, is_due=is_due)):
            _review(turn, pull_request, each, with_results=is_due)
    except DevOpsError as error:
        _note(turn, followed, followed.value.seen_status)
        if error.everywhere:
            raise
        emit("pull_request_not_compared", gate=gate.gate_id, kind=error.kind, sentence=error.sentence)
    except Exception as error:  # noqa: BLE001 - a defect in one pull request must not stop the others
        _note(turn, followed, followed.value.seen_status)
        _failed(gate.gate_id, error)


def _images_of(turn: _Turn, gate: Gate, *, is_due: bool) -> tuple[Gate, ...]:
    """The gate of the same iteration's images, compared with what Azure DevOps shows where its time has come."""
    place = iteration_of(gate).model_copy(update={"name": StatusName.IMAGE})
    row = turn.services.gates.gate(place.gate_id)
    if row is None or not row.value.state.is_current:
        return ()
    if is_due:  # its statuses were looked through for strangers' with those of the source
        verify(turn.services, place.gate_id, sys.maxsize)
    return (row.value,)


def _is_latest(turn: _Turn, gate: Gate, followed: Versioned[Followed]) -> bool:
    verified = verify(turn.services, gate.gate_id, followed.value.seen_status)
    turn.verified += 1
    _note(turn, followed, verified.seen_status)
    return verified.is_latest


def _note(turn: _Turn, followed: Versioned[Followed], seen_status: int) -> None:
    """Move a comparison on; also after a failure, so that what fails every time is not tried first every time."""
    next_at = turn.services.now() + spread(turn.services.settings.verify_seconds)
    update = {"next_at": next_at, "seen_status": seen_status}
    turn.services.projects.note(followed, followed.value.model_copy(update=update))


def _review(turn: _Turn, pull_request: PullRequest, gate: Gate, *, with_results: bool) -> None:
    services = turn.services
    if gate.state is GateState.OPEN:
        return
    found = turn.rules.of(pull_request)
    if found is None:
        return
    if not rules_hold(gate, found):
        why = "rules"
    elif with_results and not results_hold(services, gate):
        why = "results"
    else:
        return
    if gate.state is GateState.WAITING:
        # It has not been judged yet: a look reads the rules and says what it waits for.
        ask_for_look(services, pull_request.ref)
    else:
        turn.judged_again += judge_again(services, gate, pull_request, found, why)


def _postpone(services: Services, claimed: Versioned[Project], error: DevOpsError) -> None:
    settings, failures = services.settings, claimed.value.failures + 1
    least = max(_held_seconds(services, claimed.value), error.retry_after or 0)
    seconds = float(pause_seconds(failures, settings.retry_seconds, least))
    if not error.transient:  # a project that is not there is asked for less and less
        cycle = float(settings.reconcile_seconds)
        seconds = max(cycle, min(_RARELY_SECONDS, cycle * failures))
    emit(
        "reconcile_postponed",
        project=claimed.value.project_id,
        kind=error.kind,
        sentence=error.sentence,
        seconds=round(seconds),
    )
    _write(services, claimed, _after(services, seconds), failures)


def _come_back(services: Services, row: Versioned[Project], seconds: float) -> None:
    emit("reconcile_cut_short", project=row.value.project_id, seconds=round(seconds))
    _write(services, row, _after(services, seconds), row.value.failures)


def _write(
    services: Services,
    row: Versioned[Project],
    next_at: datetime,
    failures: int,
    builds_until: datetime | None = None,
) -> Versioned[Project] | None:
    """Say when a project's next turn comes; None where somebody else did meanwhile."""
    update = {"next_at": next_at, "failures": failures, "builds_until": builds_until or row.value.builds_until}
    try:
        return services.projects.write(row, row.value.model_copy(update=update))
    except Conflict:
        return None


def _after(services: Services, seconds: float) -> datetime:
    """Later than asked for by up to a fifth, so that not all come back at once."""
    return services.now() + timedelta(seconds=seconds * random.uniform(1.0, 1.2))  # noqa: S311 - spreads load


def _failed(subject: str, error: Exception) -> None:
    emit("reconcile_failed", subject=subject, error=type(error).__name__, detail=str(error)[:300])
