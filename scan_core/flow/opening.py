"""Opening gates from ids alone, and telling them what they wait for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from scan_core.flow import gate_steps, gates, images_steps
from scan_core.flow.change import change_gate
from scan_core.flow.gate_steps import Question
from scan_core.flow.scans import leave_all
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, GateState
from scan_core.model.place import CheckPlace, Place, PullRequestPlace
from scan_core.model.verdict import Verdict
from scan_core.store.rows import Conflict
from scan_core.telemetry import emit


def opened(services: Services, place: Place, accepted_at: datetime) -> Gate:
    """Open the gate of a place, or open it again where it ended.

    Args:
        services: The doors to the outside.
        place: The place.
        accepted_at: Since when its answer is waited for; its deadline counts from here.

    Returns:
        The gate as it stands.
    """
    services.gates.touch(place.subject, services.now())
    fresh = _fresh(services, place, accepted_at)
    if services.gates.gate(place.gate_id) is None:
        try:
            services.gates.insert_gate(fresh)
        except Conflict:
            return opened(services, place, accepted_at)
        emit("gate_opened", gate=place.gate_id, kind=place.kind, commit=place.commit)
        return fresh
    ended: list[Gate] = []

    def step(gate: Gate) -> Gate | None:
        ended[:] = [gate]
        return _again(gate, fresh)

    again = change_gate(services.gates, place.gate_id, step)
    if again is not None:
        emit("gate_reopened", gate=place.gate_id, kind=place.kind, commit=place.commit)
        if not ended[0].released:
            leave_all(services, ended[0])
        return again
    row = services.gates.gate(place.gate_id)
    return fresh if row is None else row.value


def _again(gate: Gate, fresh: Gate) -> Gate | None:
    """The gate as it opens again; what it showed, who shows it and the audit's due stay with it, and its builds."""
    is_check = isinstance(gate.place, CheckPlace)
    was_given_up = gate_steps.was_given_up(gate) and not is_check  # a check is answered once
    has_moved = _moved(gate, fresh)
    if gate.state.is_current and not (was_given_up or has_moved):
        return None
    if gate.builds and not (is_check or has_moved):
        return images_steps.anew(gate, fresh.accepted_at, fresh.deadline - fresh.accepted_at)
    kept = ("posted", "posted_at", "reporter", "reporting_until", "unaudited")
    return fresh.model_copy(update={name: getattr(gate, name) for name in kept})


def _moved(gate: Gate, fresh: Gate) -> bool:
    """Tell whether a gate stands for another commit by now, as where a pull request keeps no iterations."""
    places = [each.place for each in (gate, fresh)]
    commits = {place.source_commit for place in places if isinstance(place, PullRequestPlace)}
    return len(commits) > 1


def tell(services: Services, gate: Gate, asked: Question | Verdict) -> None:
    """Tell a gate what it waits for, or decide it where there is nothing to scan; and drive it on.

    Args:
        services: The doors to the outside.
        gate: The gate as it was when that was found out.
        asked: What was found out.
    """
    if isinstance(asked, Verdict):
        gates.decide(services, gate, asked)
    else:
        change_unless_moved(services, gate, lambda row: gate_steps.started(row, _as_it_stands(asked, row)))
    gates.advance(services, gate.gate_id)


def _as_it_stands(asked: Question, row: Gate) -> Question:
    """The question, without taking back what a check's place came to hold meanwhile: the log that was begun."""
    if not isinstance(row.place, CheckPlace):
        return asked
    return replace(asked, place=row.place.model_copy(update={"commit": asked.place.commit}))


def trouble(services: Services, gate: Gate, sentence: str) -> None:
    """Show what keeps a gate from its answer.

    Args:
        services: The doors to the outside.
        gate: The gate.
        sentence: In words.
    """
    change_gate(services.gates, gate.gate_id, lambda row: gate_steps.troubled(row, sentence))
    gates.advance(services, gate.gate_id)


def change_unless_moved(services: Services, gate: Gate, step: Callable[[Gate], Gate | None]) -> Gate | None:
    """Apply a step to a gate unless it has come to ask something else since it was read.

    Args:
        services: The doors to the outside.
        gate: The gate as it was read.
        step: Takes the gate as it stands and returns it as it shall stand; None = leave it.

    Returns:
        The gate as this step wrote it; None where it moved on, or the step left it.
    """
    return change_gate(
        services.gates, gate.gate_id, lambda row: step(row) if gate_steps.asks_the_same(row, gate) else None
    )


def is_undetermined(gate: Gate) -> bool:
    """Tell whether a gate's rules and scans still have to be found out.

    Args:
        gate: The gate.

    Returns:
        Whether it expects an answer and knows neither scans nor why there are none.
    """
    return gate_steps.expects_answer(gate) and not gate.waits_for and not gate.missing


def _fresh(services: Services, place: Place, accepted_at: datetime) -> Gate:
    return Gate(
        gate_id=place.gate_id,
        place=place,
        state=GateState.OPEN,
        accepted_at=accepted_at,
        opened_at=accepted_at,
        deadline=accepted_at + timedelta(seconds=services.settings.deadline_seconds),
    )
