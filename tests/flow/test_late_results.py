"""A result that comes after its scan was given up: gates that had an error for it are judged anew, and lose nothing."""

import pytest

from scan_core.model.attempt import AttemptMessage, ResultMessage
from scan_core.model.ids import AttemptNumber
from scan_core.model.verdict import Outcome
from tests.flow.builds import APP, BAD, BASE, GOOD, built, gate_of, images_on_main, names, on_commit, told
from tests.flow.fakes import Killed, Meddling
from tests.flow.pushes import tip
from tests.flow.waiting_checks import gate_of as gate_of_check
from tests.flow.waiting_checks import started, waiting
from tests.flow.world import World
from tests.local.devops.driver import Receiver

SILENCE = 200


@pytest.fixture
def impatient(world: World) -> World:
    """Where one lost attempt is the end of a scan."""
    return world.with_settings(max_attempts=1)


def lost(world: World) -> AttemptMessage:
    """Let a worker claim the next attempt and fall silent."""
    message = world.claimed()
    world.clock.advance(SILENCE)
    world.watch()
    return message


def die() -> None:
    """Take the process away."""
    raise Killed


class TestImages:
    def test_the_other_builds_of_the_commit_are_still_judged(self, impatient: World) -> None:
        """A bad image stays one, whatever comes late and whoever builds next."""
        third = "shop.azurecr.io/third:1"
        for image in (APP, BASE, third):
            impatient.registry.push(image)
        repo = impatient.repository()
        told(impatient, built(impatient, repo, BASE, definition={"id": 9, "name": "base"}))
        impatient.scanned(BAD)
        told(impatient, built(impatient, repo, APP))
        message = lost(impatient)
        impatient.finish(message, GOOD)
        told(impatient, built(impatient, repo, third, definition={"id": 11, "name": "third"}))
        impatient.run_until_quiet(GOOD)
        assert names(images_on_main(impatient, repo)) == {"app", "base", "third"}
        assert on_commit(repo, tip(repo))[-1] == "failed"

    def test_a_process_that_dies_before_it_asked_again_is_made_up_for(self, impatient: World) -> None:
        """The message comes again, and finds the scan concluded."""
        impatient.registry.push(APP)
        repo = impatient.repository()
        build = built(impatient, repo, APP)
        told(impatient, build)
        message = lost(impatient)
        assert "scangate-error" in build.tags()
        dying = impatient.having(gates=Meddling(impatient.services.gates, "touch", before=die))
        with pytest.raises(Killed):
            dying.finish(message, GOOD)
        impatient.take_results()
        assert "scangate-passed" in build.tags()
        assert on_commit(repo, tip(repo))[-1] == "succeeded"

    def test_a_message_that_comes_twice_asks_nothing_again(self, impatient: World) -> None:
        """The verdict knows that result already."""
        impatient.registry.push(APP)
        build = built(impatient, impatient.repository(), APP)
        told(impatient, build)
        message = lost(impatient)
        impatient.finish(message, GOOD)
        before = gate_of(impatient, build)
        again = ResultMessage(scan_id=message.spec.scan_id, attempt=AttemptNumber(message.spec.attempt))
        impatient.results.append(again)
        impatient.take_results()
        assert gate_of(impatient, build) == before


def test_the_watch_knows_of_a_gate_that_is_asked_again(impatient: World) -> None:
    """Whoever opened it died, and its message with it."""
    pull = impatient.proposed()
    impatient.gated(pull)
    message = lost(impatient)
    impatient.run_until_quiet()
    assert impatient.states(pull)[-1] == "error"
    dying = impatient.having(gates=Meddling(impatient.services.gates, "replace_gate", after=die))
    with pytest.raises(Killed):
        dying.finish(message)
    dying.results.clear()
    impatient.watch()
    assert impatient.states(pull)[-1] == "succeeded"


def test_a_check_that_was_answered_stays_as_it_was_answered(impatient: World, receiver: Receiver) -> None:
    """Azure Pipelines was told once; page and audit must not say anything else."""
    stage, check = waiting(started(impatient, APP), receiver)
    impatient.ask(check)
    impatient.serve()
    message = lost(impatient)
    assert stage.result() == "failed"
    before = gate_of_check(impatient, check)
    impatient.finish(message)
    gate = gate_of_check(impatient, check)
    assert gate == before
    assert gate.decision is not None
    assert gate.decision.outcome is Outcome.ERROR
    told_of = [line["state"] for line in impatient.audit("report") if line["gate"] == gate.gate_id]
    assert told_of[-1] == "error"
