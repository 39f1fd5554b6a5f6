"""One instance reports a gate at a time, and looks again after each post."""

from datetime import timedelta

import pytest

from scan_core.flow.gates import advance, decide
from scan_core.flow.reporting import report
from scan_core.flow.result import take
from scan_core.model.gate import GateState
from scan_core.model.ids import GateId
from scan_core.rules.unscanned import service_error
from tests.flow.fakes import Meddling
from tests.flow.scripted_worker import Ending
from tests.flow.world import World


def test_nobody_else_posts_while_another_instance_reports(world: World) -> None:
    """That one looks at the row after its post."""
    pull = world.proposed()
    meddled = world.with_devops(lambda devops: Meddling(devops, "post_status", before=world.watch, times=1))
    meddled.gated(pull)
    assert world.states(pull) == ["pending"]


def test_a_row_that_moves_while_it_is_posted_is_posted_again(world: World) -> None:
    """The last status is the true one, though its verdict came while pending was on its way."""
    pull = world.proposed()

    def scan_meanwhile() -> None:
        world.scanned()
        assert world.states(pull) == []

    meddled = world.with_devops(lambda devops: Meddling(devops, "post_status", before=scan_meanwhile))
    meddled.gated(pull)
    assert world.states(pull) == ["pending", "succeeded"]


def test_a_row_that_moves_after_the_post_is_posted_again(world: World) -> None:
    """The same, a moment later."""
    pull = world.proposed()
    meddled = world.with_devops(lambda devops: Meddling(devops, "post_status", after=world.scanned))
    meddled.gated(pull)
    assert world.states(pull) == ["pending", "succeeded"]


def test_the_lease_of_a_reporter_that_died_runs_out(world: World) -> None:
    """Then whoever looks posts."""
    pull = world.proposed()
    world.gated(pull)
    until = world.clock() + timedelta(seconds=90)
    world.change(world.gate(pull), reporter="somebody", reporting_until=until, posted=None)
    world.scanned()
    assert world.states(pull) == ["pending"]
    world.clock.advance(89)
    world.watch()
    assert world.states(pull) == ["pending"]
    world.clock.advance(2)
    world.watch()
    assert world.states(pull) == ["pending", "succeeded"]


def test_what_a_reporter_that_died_left_is_posted_again(world: World) -> None:
    """It may have posted or not; the row cannot tell."""
    pull = world.proposed()
    gate = world.gated(pull)
    world.change(gate, reporter="somebody", reporting_until=world.clock(), posted=None)
    world.watch()
    assert world.states(pull) == ["pending", "pending"]
    assert world.gate(pull).reporter is None


def test_a_post_that_comes_after_its_lease_is_made_good(world: World) -> None:
    """It may have replaced a newer one, so the newer one is posted again."""
    pull = world.proposed()

    def overtaken() -> None:
        world.clock.advance(100)
        world.scanned()

    meddled = world.with_devops(lambda devops: Meddling(devops, "post_status", before=overtaken))
    meddled.gated(pull)
    assert world.states(pull) == ["succeeded", "pending", "succeeded"]


def test_a_gate_that_ends_between_look_and_lease_posts_nothing(world: World) -> None:
    """A superseded gate never posts."""
    pull = world.proposed()
    gate = world.gated(pull)
    world.change(gate, problem="Something.")
    ending = Meddling(
        world.services.gates, "replace_gate", before=lambda: world.change(world.gate(pull), state=GateState.SUPERSEDED)
    )
    report(world.having(gates=ending).services, gate.gate_id)
    assert world.states(pull) == ["pending"]
    assert world.gate(pull).reporter is None


def test_a_superseded_gate_posts_nothing(world: World) -> None:
    """Whoever still drives it."""
    pull = world.proposed()
    gate = world.gated(pull)
    world.change(gate, state=GateState.SUPERSEDED, posted=None)
    advance(world.services, gate.gate_id)
    report(world.services, gate.gate_id)
    assert world.states(pull) == ["pending"]


def test_a_released_gate_is_left_alone(world: World) -> None:
    """Whoever still drives it."""
    pull = world.proposed()
    gate = world.gated(pull)
    world.change(gate, state=GateState.SUPERSEDED, released=True)
    advance(world.services, gate.gate_id)
    assert world.scan(gate).waiters == (gate.gate_id,)


def test_a_gate_that_is_not_there_is_left_alone(world: World) -> None:
    """Waiters of a scan may be long gone."""
    unknown = GateId("0" * 24 + "-1")
    advance(world.services, unknown)
    report(world.services, unknown)


def test_a_second_verdict_is_not_taken(world: World) -> None:
    """And leaves no line in the audit."""
    pull = world.proposed()
    world.gated(pull)
    world.scanned()
    gate = world.gate(pull)
    decide(world.services, gate, service_error(gate.rules, "Too late.", world.clock()))
    assert world.gate(pull).decision == gate.decision
    assert len(world.audit("verdict")) == 1


def test_the_status_links_to_the_gates_page(world: World) -> None:
    """Signed, and from the public address."""
    pull = world.proposed()
    gate = world.gated(pull)
    (status,) = world.sim.get(f"{pull.path}/statuses")["value"]
    assert status["targetUrl"].startswith(f"https://gate.example/api/gates/{gate.gate_id}?")
    assert "signature=" in status["targetUrl"]


def test_two_at_once_post_one_verdict(world: World) -> None:
    """Both took the result; one holds the lease."""
    pull = world.proposed()
    world.gated(pull)
    said = world.worker.leave(world.claimed(), Ending())
    meddled = world.with_devops(
        lambda devops: Meddling(devops, "latest_iteration", before=lambda: take(world.services, said))
    )
    take(meddled.services, said)
    assert world.states(pull) == ["pending", "succeeded"]


@pytest.mark.parametrize("accepts_again_after", [3435, 3555])
def test_the_pauses_after_refusals_do_not_outlast_the_deadline(
    world: World, monkeypatch: pytest.MonkeyPatch, accepts_again_after: int
) -> None:
    """They have grown to minutes by then, and are as long as they can be; the error stands in time all the same."""
    monkeypatch.setattr("scan_core.flow.backoff.random.uniform", lambda _, widest: widest)
    pull = world.proposed()
    world.sim.fault("POST .*/statuses", "status", status=403, count=10_000)
    world.change(world.gated(pull), tries=20)
    world.clock.advance(3120)  # tried here, and by its own count at 3420 and at 3720
    for passed in range(3120, world.services.settings.deadline_seconds, 15):
        if passed == accepts_again_after:
            world.sim.sim("faults", method="DELETE")
        world.serve()
        world.watch()
        world.clock.advance(15)
    assert world.states(pull)[-1:] == ["error"]
