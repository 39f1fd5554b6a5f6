"""Checks under trouble: what their build does meanwhile, whose pull request it is, and what must not be kept."""

from typing import Any

import pytest

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow import gates
from scan_core.model.gate import GateState
from scan_core.model.place import CheckPlace
from scan_core.model.subject import Check, StatusName
from scan_core.registry.refusals import RefusalKind
from tests.flow.builds import APP, BASE, of_pull_request, tag
from tests.flow.fakes import Having, Meddling
from tests.flow.outages import with_builds
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.waiting_checks import at_a_later_stage, gate_of, started, waiting
from tests.flow.world import World
from tests.local.devops.driver import Receiver

BAD = Ending(report=VULNERABLE)


def served(world: World, check: Check) -> None:
    """Accept a check, and serve it."""
    world.ask(check)
    world.serve()


class TestItsBuild:
    def test_what_is_tagged_after_the_check_was_asked_is_not_judged_by_it(
        self, world: World, receiver: Receiver
    ) -> None:
        """A stage is reached after those it depends on: what a job beside it makes is not what it deploys."""
        build = started(world, APP)
        stage, check = waiting(build, receiver)
        served(world, check)
        world.registry.push(BASE)
        build.tag(tag(BASE))
        world.scanned()
        assert stage.result() == "succeeded"
        assert gate_of(world, check).builds[0].references == (APP,)

    def test_a_later_check_of_the_same_build_judges_what_there_is_by_then(
        self, world: World, receiver: Receiver
    ) -> None:
        """Each asks anew."""
        build = started(world, APP)
        first, check = waiting(build, receiver)
        served(world, check)
        world.scanned()
        assert first.result() == "succeeded"
        world.registry.push(BASE)
        build.tag(tag(BASE))
        from_later, later = at_a_later_stage(build, receiver)
        served(world, later)
        world.scanned(BAD)
        assert from_later.result() == "failed"

    def test_a_registry_that_comes_back_is_in_time(self, world: World, receiver: Receiver) -> None:
        """The check waits, and its log says for what."""
        build = started(world, APP)
        world.registry.refuse(APP, RefusalKind.THROTTLED, "The registry asks to wait.")
        stage, check = waiting(build, receiver)
        served(world, check)
        assert gate_of(world, check).problem == "The registry asks to wait."
        world.registry.push(APP)
        world.run_until_quiet()
        assert stage.result() == "succeeded"
        assert "asks to wait" in "\n".join(stage.check()["log"])

    def test_an_image_that_moves_while_another_is_waited_for_stays_what_it_was(
        self, world: World, receiver: Receiver
    ) -> None:
        """The check is about what its build had made when it asked."""
        build = started(world, APP, BASE)
        world.registry.refuse(BASE, RefusalKind.UNREACHABLE, "The registry does not answer.")
        stage, check = waiting(build, receiver)
        served(world, check)
        first = gate_of(world, check)
        assert (first.builds[0].references, first.builds[0].unresolved, first.rules) == ((APP,), True, None)
        for image in (APP, BASE):
            world.registry.push(image)
        world.run_until_quiet()
        assert stage.result() == "succeeded"
        gate = gate_of(world, check)
        assert world.registry.asked.count(APP) == 1
        assert set(first.builds[0].targets) < set(gate.targets)
        assert not gate.builds[0].unresolved

    def test_the_log_that_was_begun_while_it_was_read_is_gone_on_with(self, world: World, receiver: Receiver) -> None:
        """Not a second one."""
        build = started(world, APP)
        stage, check = waiting(build, receiver)

        begun: list[CheckPlace] = []

        def noted() -> None:
            place = gate_of(world, check).place
            assert isinstance(place, CheckPlace)
            begun.append(place)

        def watched() -> None:
            gates.advance(world.services, gate_of(world, check).gate_id)
            noted()

        slow = Meddling(world.registry, "resolve", before=watched)
        served(world.having(registries=lambda _: slow), check)
        world.scanned()
        noted()
        assert stage.result() == "succeeded"
        assert begun[0].log_id is not None
        assert (begun[1].log_id, begun[1].commit) == (begun[0].log_id, build.json()["sourceVersion"])

    @pytest.mark.parametrize("kind", [DevOpsErrorKind.FORBIDDEN, DevOpsErrorKind.MALFORMED, DevOpsErrorKind.REJECTED])
    def test_one_that_cannot_be_read_fails_the_check_by_its_deadline(
        self, world: World, receiver: Receiver, kind: DevOpsErrorKind
    ) -> None:
        """Nothing hangs, and the token is kept nowhere."""
        stage, check = waiting(started(world, APP), receiver)
        unseen = with_builds(world, "read", kind, times=10_000)
        served(unseen, check)
        for _ in range(4):
            world.clock.advance(world.services.settings.deadline_seconds / 3)
            unseen.serve()
            unseen.watch()
        assert stage.result() == "failed"
        assert f"says {kind}" in "\n".join(stage.check()["log"])
        unseen.run_until_quiet()
        look = world.services.gates.look(check.subject)
        place = gate_of(world, check).place
        assert look is not None
        assert isinstance(look.value.of, Check)
        assert isinstance(place, CheckPlace)
        assert (look.value.of.sealed_token, place.check.sealed_token) == (None, None)

    def test_a_look_that_is_given_up_forgets_the_token(self, world: World, receiver: Receiver) -> None:
        """Its gate has it as long as it needs it."""
        _, check = waiting(started(world, APP), receiver)
        unseen = with_builds(world, "read", DevOpsErrorKind.FORBIDDEN, times=10_000)
        request = unseen.ask(check)
        unseen.serve()
        world.clock.advance(2 * world.services.settings.deadline_seconds)  # and no watch went round meanwhile
        unseen.serve()
        look = world.services.gates.look(request.of.subject)
        assert look is not None
        assert isinstance(look.value.of, Check)
        assert (look.value.served, look.value.of.sealed_token) == (True, None)


class TestItsPullRequest:
    @pytest.mark.parametrize("change", [{"isDraft": True}, {"status": "abandoned"}])
    def test_that_is_a_draft_or_abandoned_is_judged_all_the_same(
        self, world: World, receiver: Receiver, change: dict[str, Any]
    ) -> None:
        """A stage waits for the answer, by the rules on the target branch."""
        world.registry.push(APP)
        pull = world.proposed(rules="fail_on_severity: 0\n")
        build = of_pull_request(world, pull, APP, ends=False)
        pull.change(**change)
        stage, check = waiting(build, receiver, judges=(StatusName.SOURCE, StatusName.IMAGE))
        served(world, check)
        world.run_until_quiet(BAD)
        assert stage.result() == "succeeded"
        assert len(gate_of(world, check).targets) == 2

    def test_that_is_gone_fails_the_check_by_its_deadline(self, world: World, receiver: Receiver) -> None:
        """Nobody can say by which rules."""
        world.registry.push(APP)
        pull = world.proposed()
        build = of_pull_request(world, pull, APP, ends=False)
        stage, check = waiting(build, receiver)

        def gone(*_: Any) -> None:
            raise DevOpsError(DevOpsErrorKind.NOT_FOUND, "There is no such pull request.")

        alone = world.with_devops(lambda devops: Having(devops, pull_request=gone))
        served(alone, check)
        for _ in range(4):
            world.clock.advance(world.services.settings.deadline_seconds / 3)
            alone.serve()
            alone.watch()
        assert stage.result() == "failed"


def test_a_message_that_comes_again_does_not_bring_the_token_back(world: World, receiver: Receiver) -> None:
    """It was answered; nothing is left that could answer anything."""
    stage, check = waiting(started(world, APP), receiver)
    served(world, check)
    world.scanned()
    assert stage.result() == "succeeded"
    served(world, check)
    look = world.services.gates.look(check.subject)
    gate = gate_of(world, check)
    assert look is not None
    assert isinstance(look.value.of, Check)
    assert isinstance(gate.place, CheckPlace)
    assert (look.value.of.sealed_token, gate.place.check.sealed_token) == (None, None)
    assert gate.state is GateState.DECIDED
    assert len(world.worker.claimed) == 1
