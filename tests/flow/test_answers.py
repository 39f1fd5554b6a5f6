"""Answering a check once: what is believed of those in between, and what keeps an answer back."""

import pytest

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.model.place import CheckPlace
from scan_core.model.subject import Check
from scan_core.model.target import ImageTarget
from tests.flow.builds import APP, BASE, tag
from tests.flow.fakes import Having, Meddling
from tests.flow.waiting_checks import gate_of, started, waiting
from tests.flow.world import ORG, World
from tests.local.devops.driver import Receiver

EVENTS = "POST .*/events"


def is_forgotten(world: World, check: Check) -> bool:
    """Tell whether a check's gate has let go of its token."""
    place = gate_of(world, check).place
    assert isinstance(place, CheckPlace)
    return place.check.sealed_token is None


@pytest.mark.parametrize(("times", "result"), [(1, "succeeded"), (10, "failed")])
def test_a_build_is_not_there_when_that_is_said_repeatedly(
    world: World, receiver: Receiver, times: int, result: str
) -> None:
    """Somebody on the way may say 404 once, and a check is answered once."""
    stage, check = waiting(started(world, APP), receiver)
    world.sim.fault("GET .*/builds/[0-9]+", "status", status=404, count=times)
    world.ask(check)
    world.run_until_quiet()
    assert stage.result() == result


def test_one_that_is_asked_again_is_about_the_same_image(world: World, receiver: Receiver) -> None:
    """A message comes twice, and in between a tag has moved, and the build has made one more."""
    build = started(world, APP)
    stage, check = waiting(build, receiver)
    world.ask(check)
    world.serve()
    for image in (APP, BASE):
        world.registry.push(image)
    build.tag(tag(BASE))
    world.ask(check)
    world.serve()
    (target,) = gate_of(world, check).targets
    assert isinstance(target, ImageTarget)
    assert world.scanned().spec.target == target
    assert stage.result() == "succeeded"


def test_one_404_of_somebody_on_the_way_is_not_believed(world: World, receiver: Receiver) -> None:
    """Only who knows plans can say that nobody waits for an answer."""
    stage, check = waiting(started(world, APP), receiver)
    world.ask(check)
    world.serve()
    message = world.claimed()
    world.sim.fault(EVENTS, "status", status=404)
    world.finish(message)
    world.run_until_quiet()
    assert stage.result() == "succeeded"


def test_a_404_that_is_said_again_and_again_is(world: World, receiver: Receiver) -> None:
    """What Azure Pipelines says to a second answer is not documented."""
    _, check = waiting(started(world, APP), receiver)
    world.ask(check)
    world.serve()
    message = world.claimed()
    world.sim.fault(EVENTS, "status", status=404, count=10_000)
    world.finish(message)
    world.run_until_quiet()
    assert is_forgotten(world, check)


def test_an_answer_whose_end_was_lost_is_not_repeated_for_ever(world: World, receiver: Receiver) -> None:
    """It was accepted; the second one is refused, and that is the end of it."""
    stage, check = waiting(started(world, APP), receiver)
    world.ask(check)
    world.serve()
    message = world.claimed()
    world.sim.fault(EVENTS, "reset", after=True)
    world.finish(message)
    world.run_until_quiet()
    assert stage.result() == "succeeded"
    assert is_forgotten(world, check)


def test_a_log_that_cannot_be_written_does_not_keep_the_answer_back(world: World, receiver: Receiver) -> None:
    """The answer counts, not the words."""
    stage, check = waiting(started(world, APP), receiver)
    world.ask(check)
    world.serve()
    message = world.claimed()
    world.sim.fault("POST .*/logs", "status", status=403, count=10_000)
    world.finish(message)
    assert stage.result() == "succeeded"


def test_a_token_that_is_not_accepted_holds_nothing_but_its_own_check(world: World, receiver: Receiver) -> None:
    """It is the check's, not ours: everything else of the organisation goes on."""

    def refuse() -> None:
        raise DevOpsError(DevOpsErrorKind.SIGNED_OUT, "Azure DevOps does not accept the token.")

    stage, check = waiting(started(world, APP), receiver)
    refusing = Meddling(world.services.devops(ORG).checks, "append_log", before=refuse, times=20)
    refused = world.with_devops(lambda devops: Having(devops, checks=refusing))
    refused.ask(check)
    refused.serve()
    for _ in range(20):
        refused.watch()
        assert world.services.holds.fresh(ORG, world.clock()) is None
        world.clock.advance(15)
    assert gate_of(world, check).tries >= 3
    world.run_until_quiet()
    assert stage.result() == "succeeded"
