"""An event that names a project only: whatever may have happened in it is found."""

from typing import Any

import pytest

from scan_core.flow.pull_request_steps import iteration_of
from scan_core.model.gate import GateState
from tests.flow.fakes import Meddling
from tests.flow.world import World


@pytest.fixture
def own(world: World) -> dict[str, Any]:
    """A project without anything in it."""
    return world.sim.project(f"Own {id(world)}-{world.audit_name[-8:]}")


def swept(world: World, project: dict[str, Any]) -> int:
    """Accept such an event, serve it and what comes of it; count what came of it."""
    world.project_hook(project)
    return world.serve() - 1


def test_every_active_pull_request_without_a_gate_is_gated(world: World, own: dict[str, Any]) -> None:
    """And the abandoned ones are not."""
    repos = [world.repository(project=own) for _ in range(2)]
    pulls = [repo.pull_request(branch) for repo in repos for branch in ("topic", "other")]
    pulls[0].change(status="abandoned")
    assert swept(world, own) == 3
    assert [world.states(pull) for pull in pulls] == [[], ["pending"], ["pending"], ["pending"]]


def test_what_is_gated_is_left_alone(world: World, own: dict[str, Any]) -> None:
    """Until it moves."""
    pull = world.repository(project=own).pull_request("topic")
    world.gated(pull)
    assert swept(world, own) == 0
    world.push_again(pull)
    assert swept(world, own) == 1
    assert world.gate(pull, 2).state is GateState.OPEN


def test_a_published_draft_is_found(world: World, own: dict[str, Any]) -> None:
    """Its gate is current and has the right commit, and yet it waits for exactly this."""
    pull = world.repository(project=own, rules="drafts: wait\n").pull_request("topic", isDraft=True)
    world.gated(pull)
    assert swept(world, own) == 0
    pull.change(isDraft=False)
    assert swept(world, own) == 1
    assert world.gate(pull).state is GateState.OPEN


def test_a_reactivated_pull_request_is_found(world: World, own: dict[str, Any]) -> None:
    """A closed gate answers nothing."""
    pull = world.repository(project=own).pull_request("topic")
    world.gated(pull)
    pull.change(status="abandoned")
    world.gated(pull)
    pull.change(status="active")
    assert swept(world, own) == 1
    assert world.gate(pull).state is GateState.OPEN


def test_a_pull_request_that_ended_is_found_while_its_gate_is_busy(world: World, own: dict[str, Any]) -> None:
    """It is not among the active ones any more; its attempt stops."""
    pull = world.repository(project=own).pull_request("topic")
    world.gated(pull)
    world.gated(world.proposed())
    pull.change(status="abandoned")
    assert swept(world, own) == 1
    assert world.gate(pull).state is GateState.CLOSED


def test_a_retry_is_queued_where_azure_devops_fails(world: World, own: dict[str, Any]) -> None:
    """Until the deadline; the next event, or reconcile, finds what is missed then."""
    pull = world.repository(project=own).pull_request("topic")
    world.sim.fault("GET .*/_apis/git/pullrequests", "status", status=503, count=2)
    assert swept(world, own) == 0
    for _ in range(2):
        world.clock.advance(world.delayed()[-1])
        world.serve()
    assert world.states(pull) == ["pending"]


@pytest.mark.parametrize(("status", "later"), [(404, 0), (503, 3601)])
def test_no_retry_is_queued_for_what_will_not_be_or_is_late(
    status: int, later: int, world: World, own: dict[str, Any]
) -> None:
    """Never a loop."""
    world.sim.fault("GET .*/_apis/git/pullrequests", "status", status=status, count=-1)
    world.project_hook(own)
    world.clock.advance(later)
    world.serve()
    assert world.queues.requests == []


def test_a_pull_request_that_moves_between_list_and_gate_is_gated_as_it_is_then(
    world: World, own: dict[str, Any]
) -> None:
    """The list only says whom to look at."""
    pull = world.repository(project=own).pull_request("topic")
    meddled = world.with_devops(
        lambda devops: Meddling(devops, "active_pull_requests", after=lambda: world.push_again(pull))
    )
    swept(meddled, own)
    assert [iteration_of(gate).iteration for gate in world.gates(pull)] == [2]
