"""Azure DevOps fails: nothing is lost, nothing is a loop, and what can be served later is."""

from datetime import timedelta
from typing import Any

import pytest

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow.looks import look_at
from scan_core.model.gate import GateState, Look
from tests.flow.fakes import Meddling
from tests.flow.scripted_worker import Ending
from tests.flow.world import World
from tests.local.devops.driver import Pull

THROTTLED_SECONDS = 700
FAULTS: list[dict[str, Any]] = [
    {"kind": "html203"},
    {"kind": "redirect302"},
    {"kind": "status", "status": 403},
    {"kind": "status", "status": 409},
    {"kind": "status", "status": 429, "seconds": THROTTLED_SECONDS},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "seconds": 3},
    {"kind": "reset"},
    {"kind": "malformed"},
    {"kind": "hang"},  # until the adapter gives up
]
SITES = {
    "pull request": "GET .*/pullrequests/[0-9]+$",
    "iterations": "GET .*/iterations$",
    "rules": "GET .*/items$",
    "status": "POST .*/statuses$",
}
LEFT_OUT = {
    # A rules file may hold anything; JSON that breaks off is for the rules to refuse.
    "rules": {"malformed", "hang"},
    # It has to be waited for, so it is tried at one site alone.
    "iterations": {"hang"},
    "pending": {"hang"},
    "verdict": {"hang"},
}


@pytest.fixture
def patient(world: World) -> World:
    """The world with a deadline that no fault reaches."""
    return world.with_settings(deadline_seconds=86400)


def look(world: World, pull: Pull) -> Look:
    """Read the look at a pull request."""
    row = world.services.gates.look(world.ref(pull).subject)
    assert row is not None
    return row.value


def faults_at(site: str) -> list[dict[str, Any]]:
    """List the faults that can strike there."""
    return [fault for fault in FAULTS if fault["kind"] not in LEFT_OUT.get(site, set())]


@pytest.mark.parametrize("site", [site for site in SITES if site != "status"])
def test_a_look_is_postponed_at_every_fault_and_served_in_the_end(site: str, patient: World) -> None:
    """The next try stands in the row and in the queue, later each time, never sooner than was asked for."""
    world = patient
    pull = world.proposed()
    world.hook(pull)
    for number, fault in enumerate(faults_at(site), 1):
        world.sim.fault(SITES[site], **{"count": 1, **fault})
        world.serve()
        found, delay = look(world, pull), world.delayed()[-1]
        assert (found.served, found.tries, len(world.delayed())) == (False, number, number)
        assert found.problem
        assert delay >= (THROTTLED_SECONDS if fault.get("status") == 429 else 1)
        assert world.serve() == 0
        world.clock.advance(delay)
    world.serve()
    assert (look(world, pull).served, look(world, pull).problem) == (True, None)
    assert world.states(pull)[-1] == "pending"
    world.run_until_quiet()
    assert world.states(pull)[-1] == "succeeded"


@pytest.mark.parametrize("ends", [False, True], ids=["pending", "verdict"])
def test_a_status_is_posted_again_after_every_fault(ends: bool, patient: World) -> None:
    """The row remembers why not and when again; nobody posts before."""
    world = patient
    pull = world.proposed()
    if ends:
        world.gated(pull)
        world.results.append(world.worker.leave(world.claimed(), Ending()))
    else:
        world.hook(pull)
    posted = len(world.shown(pull))
    for number, fault in enumerate(faults_at("verdict" if ends else "pending"), 1):
        world.sim.fault(SITES["status"], **{"count": 1, **fault})
        world.take_results()
        world.serve()
        gate = world.gate(pull)
        assert gate.report_problem
        assert (gate.tries, gate.reporter) == (number, None)
        assert gate.next_try_at is not None
        assert (gate.next_try_at - world.clock()).total_seconds() == world.delayed()[-1]
        world.watch()
        assert len(world.delayed()) == number
        world.clock.advance(world.delayed()[-1])
    world.serve()
    assert world.states(pull)[posted:] == ["succeeded" if ends else "pending"]
    assert (world.gate(pull).tries, world.gate(pull).next_try_at, world.gate(pull).report_problem) == (0, None, None)


def test_a_verdict_whose_last_look_fails_is_posted_later(world: World) -> None:
    """Whether the pull request has moved on is asked right before; not knowing is no reason to post."""
    pull = world.proposed()
    world.gated(pull)
    message = world.claimed()
    world.sim.fault(SITES["iterations"], "status", status=503)
    world.finish(message)
    assert world.states(pull) == ["pending"]
    world.clock.advance(world.delayed()[-1])
    world.serve()
    assert world.states(pull) == ["pending", "succeeded"]


def test_a_post_whose_answer_was_lost_is_made_again(world: World) -> None:
    """Twice is harmless; not at all is not."""
    pull = world.proposed()
    world.sim.fault(SITES["status"], "reset", after=True)
    world.gated(pull)
    world.clock.advance(world.delayed()[-1])
    world.serve()
    assert world.states(pull) == ["pending", "pending"]


def test_a_row_that_went_back_while_a_post_was_lost_is_posted_again(world: World) -> None:
    """What a lost post left behind is not known, so what stood before cannot be taken to stand still."""
    pull = world.proposed()
    gate = world.gated(pull)
    world.change(gate, problem="Something else.")
    world.sim.fault(SITES["status"], "reset", after=True)
    world.watch()
    world.change(world.gate(pull), problem=None)
    world.clock.advance(world.delayed()[-1])
    world.watch()
    shown = [status.description for status in world.shown(pull)]
    assert "Something else" in shown[1]
    assert shown[2] == shown[0]


def test_many_requests_do_not_post_while_a_post_rests(world: World) -> None:
    """Neither further events nor the watch undercut the pause, and each failure leaves one retry."""
    pull = world.proposed()
    world.sim.fault(SITES["status"], "status", status=429, seconds=THROTTLED_SECONDS)
    world.gated(pull)
    for _ in range(3):
        world.hook(pull)
    world.serve()
    world.watch()
    assert all(delay >= THROTTLED_SECONDS for delay in world.delayed())
    assert len(world.delayed()) == 2, "one for the post, one for all the events"
    assert world.shown(pull) == []


class TestNotFound:
    def test_is_dropped_and_audited_after_three_tries(self, world: World) -> None:
        """A pull request that does not exist is not asked for for ever."""
        pull = world.proposed()
        gone = Pull(pull.sim, pull.repo, 999_999)
        world.hook(gone)
        for _ in range(3):
            world.serve()
            world.clock.advance(60)
        assert world.serve() == 0
        (line,) = world.audit("dropped")
        assert (line["pull_request_id"], "999999" in line["why"]) == (999_999, True)
        assert len(world.delayed()) == 2
        world.watch()
        assert world.services.gates.agenda() == []

    def test_ends_the_gates_of_what_was_there_after_the_deadline(self, world: World) -> None:
        """A right may have been withdrawn by mistake; then what was running for them is stopped."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.sim.fault(SITES["pull request"], "status", status=404, count=-1)
        world.hook(pull)
        for _ in range(10):
            world.serve()
            world.clock.advance(300)
        assert (world.gate(pull).state, world.audit("dropped")) == (GateState.OPEN, [])
        world.clock.advance(3600)
        world.serve()
        assert world.gate(pull).state is GateState.CLOSED
        assert world.is_cancelled(message)

    def test_at_a_post_is_found_out_by_the_next_look(self, world: World) -> None:
        """A status cannot be posted on what is gone; the looks that follow end the gate."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.sim.fault(SITES["status"], "status", status=404, count=-1)
        world.sim.fault(SITES["pull request"], "status", status=404, count=-1)
        world.finish(message)
        for _ in range(20):
            world.clock.advance(300)
            world.serve()
        assert world.gate(pull).state is GateState.CLOSED
        world.watch()
        assert world.services.gates.agenda() == []

    def test_organisation_is_dropped_too(self, world: World) -> None:
        """A request may outlive the settings it was accepted under."""

        def unknown(organisation: str) -> object:
            raise DevOpsError(DevOpsErrorKind.NOT_FOUND, f"The organisation {organisation} is not configured here.")

        stranger = world.having(devops=unknown)
        stranger.hook(world.proposed())
        for _ in range(3):
            stranger.serve()
            stranger.clock.advance(60)
        assert "is not configured here" in world.audit("dropped")[0]["why"]


class TestRefusals:
    def test_are_tried_until_the_deadline_and_then_dropped(self, world: World) -> None:
        """Rights are often granted late; after the deadline nobody waits for them."""
        pull = world.proposed()
        world.sim.fault(SITES["pull request"], "status", status=403, count=-1)
        world.hook(pull)
        world.serve()
        world.clock.advance(3600)
        world.serve()
        assert world.audit("dropped") == []
        world.clock.advance(300)
        world.serve()
        (line,) = world.audit("dropped")
        assert "403" in line["why"]
        assert world.queues.requests == []

    def test_of_the_rules_end_the_gate_at_its_deadline(self, world: World) -> None:
        """Fail closed, in words that name what was refused."""
        pull = world.proposed()
        world.sim.fault(SITES["rules"], "status", status=403, count=-1)
        world.gated(pull)
        world.clock.advance(3500)
        world.watch()
        assert world.states(pull) == ["error"]
        assert ".scangate.yml" in world.shown(pull)[0].description
        world.clock.advance(300)
        world.serve()
        assert len(world.audit("dropped")) == 2, "the look's own retry, and that of the watch"
        assert world.queues.requests == []
        assert world.gate(pull).state is GateState.DECIDED


def test_an_outage_is_waited_out_for_a_week_and_no_longer(world: World) -> None:
    """Gates are kept: nothing says that the pull request is gone."""
    pull = world.proposed()
    world.gated(pull)
    world.sim.fault(SITES["pull request"], "status", status=500, count=-1)
    world.hook(pull)
    world.serve()
    world.clock.advance(6 * 24 * 3600)
    world.serve()
    assert world.audit("dropped") == []
    world.clock.advance(2 * 24 * 3600)
    world.serve()
    assert len(world.audit("dropped")) == 1
    assert world.gate(pull).state is GateState.OPEN


def test_a_newer_request_has_the_say_over_one_that_fails(world: World) -> None:
    """It was served meanwhile, so nothing is left to be tried again."""
    pull = world.proposed()
    world.sim.fault(SITES["pull request"], "status", status=503, skip=1)
    meddled = world.with_devops(lambda devops: Meddling(devops, "pull_request", before=lambda: world.gated(pull)))
    look_at(meddled.services, world.request(pull))
    assert world.delayed() == []
    assert look(world, pull).served


def test_a_newer_request_has_the_say_over_one_that_gives_up(world: World) -> None:
    """What it found is not dropped."""
    pull = world.proposed()
    world.sim.fault(SITES["pull request"], "status", status=403, skip=1)
    meddled = world.with_devops(lambda devops: Meddling(devops, "pull_request", before=lambda: world.gated(pull)))
    request = world.request(pull)
    look_at(meddled.services, request.model_copy(update={"accepted_at": request.accepted_at - timedelta(days=1)}))
    assert world.audit("dropped") == []
    assert look(world, pull).served


def test_a_request_that_a_later_retry_stands_for_asks_for_nothing(world: World) -> None:
    """So an outage leaves one retry, however many events came before it."""
    pull = world.proposed()
    for _ in range(3):
        world.hook(pull)
    world.sim.fault(SITES["pull request"], "status", status=503, count=-1)
    world.serve()
    assert len(world.delayed()) == 1
    assert len(world.queues.requests) == 1


def test_a_request_that_a_newer_one_overtook_asks_for_nothing(world: World) -> None:
    """It was accepted minutes before one that was served."""
    pull = world.proposed()
    late = world.request(pull)
    world.clock.advance(121)
    world.gated(pull)
    world.sim.fault(SITES["pull request"], "status", status=503, count=-1)
    look_at(world.services, late)
    assert world.delayed() == []
    assert look(world, pull).served


def test_a_deadline_counts_from_the_oldest_request_that_was_not_served(world: World) -> None:
    """However often it is asked for meanwhile."""
    pull = world.proposed()
    accepted_at = world.clock()
    world.sim.fault(SITES["pull request"], "status", status=503)
    world.hook(pull)
    world.serve()
    world.clock.advance(600)
    world.gated(pull)
    assert world.gate(pull).accepted_at == accepted_at
