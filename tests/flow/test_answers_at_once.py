"""Checks that are answered at once (ApiResponse mode): nothing final before the build was looked at for them."""

from uuid import uuid4

import pytest

from scan_core.flow.check_answers import AnswerDoor, answer
from scan_core.flow.poison import poisoned_request
from scan_core.model.request import RequestMessage
from scan_core.model.subject import Check, StatusName
from scan_core.registry.refusals import RefusalKind
from tests.flow.builds import APP, BAD, BASE, ref, tag, told
from tests.flow.waiting_checks import started, waiting
from tests.flow.world import World
from tests.local.devops.driver import Receiver
from tests.local.devops.pipelines import BuildRun


def asked(world: World, build: BuildRun, check: Check) -> dict[str, str | None]:
    """Ask as the endpoint does: a look at the build is asked for, and what is known is told."""
    world.ask(ref(build))
    return answer(AnswerDoor(world.services.settings, world.services.gates), check, world.clock())


def evaluated(world: World, build: BuildRun, check: Check) -> dict[str, str | None]:
    """Ask some time after whatever was, let time pass for the look, and ask again."""
    world.clock.advance(1)
    assert asked(world, build, check)["status"] == "unknown"
    world.serve()
    world.clock.advance(300)
    return asked(world, build, check)


def test_a_known_verdict_is_told(world: World, receiver: Receiver) -> None:
    """For checks that do not wait."""
    build = started(world, APP)
    _, check = waiting(build, receiver)
    assert evaluated(world, build, check)["status"] == "unknown"
    world.serve()
    world.scanned(BAD)
    said = asked(world, build, check)
    assert said["status"] == "failed"
    assert "critical" in (said["description"] or "")
    assert (said["page"] or "").startswith("https://gate.example/api/gates/")


def test_what_cannot_be_known_says_so(world: World, receiver: Receiver) -> None:
    """A source, or images that only the check names."""
    build = started(world, APP)
    _, check = waiting(build, receiver, judges=(StatusName.SOURCE,))
    assert "callback" in (asked(world, build, check)["description"] or "")


def test_an_image_that_was_pushed_since_is_not_passed_unseen(world: World, receiver: Receiver) -> None:
    """A later stage asks: the verdict that is known is about what an earlier one pushed."""
    build = started(world, APP)
    _, check = waiting(build, receiver)
    assert evaluated(world, build, check)["status"] == "unknown"
    world.serve()
    world.scanned()
    assert asked(world, build, check)["status"] == "passed"
    world.serve()
    world.registry.push(BASE)
    build.tag(tag(BASE))
    world.clock.advance(1)
    later = check.model_copy(update={"job_id": str(uuid4())})
    assert asked(world, build, later)["status"] == "unknown"
    world.serve()
    assert asked(world, build, later)["status"] == "unknown"
    world.scanned(BAD)
    world.serve()
    assert asked(world, build, later)["status"] == "failed"


def test_a_look_that_began_before_the_question_does_not_count(world: World, receiver: Receiver) -> None:
    """It may have read the tags before the stage that asks was reached."""
    build = started(world, APP)
    told(world, build)
    world.scanned()
    _, check = waiting(build, receiver)
    world.clock.advance(1)
    assert asked(world, build, check)["status"] == "unknown"
    world.serve()
    assert asked(world, build, check)["status"] == "passed"


def test_a_stage_that_is_run_again_is_asked_for_anew(world: World, receiver: Receiver) -> None:
    """Should its check have the same ids: it went on once, and images may have been pushed since."""
    build = started(world, APP)
    told(world, build)
    world.scanned()
    _, check = waiting(build, receiver)
    assert evaluated(world, build, check)["status"] == "passed"
    world.serve()
    world.registry.push(BASE)
    build.tag(tag(BASE))
    world.clock.advance(1)
    assert asked(world, build, check)["status"] == "unknown"


def test_a_look_that_was_given_up_is_none(world: World, receiver: Receiver) -> None:
    """Poison ends a look that nobody took; the verdict that is known stays an old one."""
    build = started(world, APP)
    told(world, build)
    world.scanned()
    _, check = waiting(build, receiver)
    world.clock.advance(1)
    asked(world, build, check)
    (request,) = [sent.request for sent in world.queues.requests]
    row = world.services.gates.look(ref(build).subject)
    assert row is not None
    begun = {"served": False, "accepted_at": world.clock(), "newest_accepted_at": world.clock()}
    world.services.gates.write_look(ref(build).subject, row, row.value.model_copy(update=begun))
    poisoned_request(world.services, RequestMessage.dump_json(request))
    world.queues.requests.clear()
    assert asked(world, build, check)["status"] == "unknown"


def test_the_build_of_another_plan_answers_for_nobody(world: World, receiver: Receiver) -> None:
    """As in callback mode."""
    good = started(world, APP)
    told(world, good)
    world.scanned()
    _, check = waiting(good, receiver)
    assert evaluated(world, good, check)["status"] == "passed"
    _, other = waiting(started(world, BASE), receiver, build_id=good.id)
    said = evaluated(world, good, other)
    assert (said["status"], said["page"]) == ("unknown", None)
    assert "the plan that this check belongs to" in (said["description"] or "")


@pytest.mark.parametrize("images", [(), (APP,)])
def test_a_build_whose_images_are_not_known_yet_is_unknown(
    images: tuple[str, ...], world: World, receiver: Receiver
) -> None:
    """Neither passed nor failed."""
    build = started(world, *images)
    world.registry.refuse(APP, RefusalKind.UNREACHABLE, "The registry does not answer.")
    _, check = waiting(build, receiver)
    assert evaluated(world, build, check)["status"] == "unknown"
