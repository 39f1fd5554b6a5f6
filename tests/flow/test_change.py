"""Rows are changed on their latest version, however many interfere."""

import pytest

from scan_core.flow import gate_steps
from scan_core.flow.change import change_gate, change_scan
from scan_core.flow.looks import look_at
from scan_core.model.gate import GateState
from scan_core.store.rows import Conflict
from tests.builders import a_gate
from tests.flow.fakes import Meddling
from tests.flow.world import World


def test_a_step_is_applied_to_the_latest_version(world: World) -> None:
    """Who was overtaken reads again and decides again."""
    gate = a_gate()
    world.services.gates.insert_gate(gate)
    interfering = Meddling(
        world.services.gates, "replace_gate", before=lambda: world.change(gate, problem="Somebody was quicker.")
    )
    after = change_gate(interfering, gate.gate_id, gate_steps.superseded)  # type: ignore[arg-type]  # wraps the real one
    assert after is not None
    assert (after.state, after.problem) == (GateState.SUPERSEDED, "Somebody was quicker.")


def test_whoever_is_overtaken_for_ever_gives_up(world: World) -> None:
    """The message comes back; a loop without an end would not."""
    gate = a_gate()
    world.services.gates.insert_gate(gate)
    pull_problems = iter(range(1000))
    interfering = Meddling(
        world.services.gates,
        "replace_gate",
        before=lambda: world.change(gate, problem=f"{next(pull_problems)}"),
        times=1000,
    )
    with pytest.raises(Conflict):
        change_gate(interfering, gate.gate_id, gate_steps.superseded)  # type: ignore[arg-type]  # wraps the real one


def test_a_scan_that_is_overtaken_for_ever_gives_up(world: World) -> None:
    """The same for scans."""
    pull = world.proposed()
    scan = world.scan(world.gated(pull))

    def touch() -> None:
        row = world.services.scans.read(scan.scan_id)
        world.services.scans.write(row, scan)

    interfering = Meddling(world.services.scans, "write", before=touch, times=1000)
    with pytest.raises(Conflict):
        change_scan(interfering, scan.scan_id, lambda row: row)  # type: ignore[arg-type]  # wraps the real one


def test_what_is_not_there_is_not_changed(world: World) -> None:
    """No row, no step."""
    assert change_gate(world.services.gates, a_gate().gate_id, gate_steps.superseded) is None


def test_two_that_insert_one_gate_at_once_agree_on_it(world: World) -> None:
    """Duplicate events served at the same moment: one row, one attempt."""
    pull = world.proposed()
    twice = Meddling(world.services.gates, "insert_gate", before=lambda: world.gated(pull))
    look_at(world.having(gates=twice).services, world.request(pull))
    assert len(world.gates(pull)) == 1
    assert world.scan(world.gate(pull)).current.number == 1


def test_two_that_open_one_look_at_once_agree_on_it(world: World) -> None:
    """Neither request is lost."""
    pull = world.proposed()
    twice = Meddling(world.services.gates, "write_look", before=lambda: world.gated(pull))
    look_at(world.having(gates=twice).services, world.request(pull))
    assert world.states(pull) == ["pending"]
