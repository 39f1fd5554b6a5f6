"""Checks: a pipeline waits for one answer, reads why in its log, and gets it once."""

import pytest

from scan_core.model.gate import GateState
from scan_core.model.place import CheckPlace
from scan_core.model.rules import OnNothing, Rules
from scan_core.model.subject import Check, StatusName
from scan_core.registry.refusals import RefusalKind
from tests.builders import source_of
from tests.flow.builds import APP, BASE, of_pull_request, told
from tests.flow.fakes import Fuse, Killed
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.waiting_checks import gate_of, started, waiting
from tests.flow.world import World
from tests.local.devops.driver import Receiver

BAD = Ending(report=VULNERABLE)
TWO_DAYS = 2 * 86_400 + 60


class TestTheAnswer:
    def test_the_images_of_the_build_are_scanned_and_the_stage_goes_on(self, world: World, receiver: Receiver) -> None:
        """The build has not ended: its stage waits."""
        stage, check = waiting(started(world, APP), receiver)
        world.ask(check)
        world.serve()
        assert stage.json()["state"] not in {"succeeded", "failed"}
        world.scanned()
        assert stage.result() == "succeeded"

    def test_a_failed_verdict_fails_the_stage_and_its_log_says_why(self, world: World, receiver: Receiver) -> None:
        """With the link to the page."""
        build = started(world, APP)
        stage, check = waiting(build, receiver)
        world.ask(check)
        world.serve()
        world.scanned(BAD)
        assert stage.result() == "failed"
        log = "\n".join(stage.check()["log"])
        assert "critical" in log
        assert "https://gate.example/api/gates/" in log

    def test_a_known_verdict_is_the_answer_at_once(self, world: World, receiver: Receiver) -> None:
        """What the hook had scanned is not scanned again."""
        build = started(world, APP)
        told(world, build)
        world.scanned()
        stage, check = waiting(build, receiver)
        world.ask(check)
        world.serve()
        assert stage.result() == "succeeded"
        assert len(world.worker.claimed) == 1

    def test_images_that_the_check_names_are_judged_instead(self, world: World, receiver: Receiver) -> None:
        """Its author may know better than tags."""
        build = started(world, APP)
        world.registry.push(BASE)
        stage, check = waiting(build, receiver, images=(BASE,))
        world.ask(check)
        world.serve()
        world.scanned(BAD)
        assert stage.result() == "failed"
        assert APP not in world.registry.asked

    def test_the_source_is_judged_where_the_check_asks_for_it(self, world: World, receiver: Receiver) -> None:
        """As the pipeline task for sources did."""
        build = started(world)
        stage, check = waiting(build, receiver, judges=(StatusName.SOURCE,))
        world.ask(check)
        world.serve()
        assert source_of(world.claimed().spec.target).commit == build.json()["sourceVersion"]
        world.finish(world.worker.claimed[-1])
        assert stage.result() == "succeeded"

    def test_the_source_of_a_pull_request_is_the_commit_its_own_gate_scans(
        self, world: World, receiver: Receiver
    ) -> None:
        """So the work is shared."""
        pull = world.proposed()
        gate = world.gated(pull)
        build = of_pull_request(world, pull, ends=False)
        _, check = waiting(build, receiver, judges=(StatusName.SOURCE,))
        world.ask(check)
        world.serve()
        assert gate_of(world, check).waits_for == gate.waits_for

    def test_the_token_is_forgotten_once_it_is_answered(self, world: World, receiver: Receiver) -> None:
        """Nothing is left that could answer anything."""
        stage, check = waiting(started(world, APP), receiver)
        world.ask(check)
        world.serve()
        world.scanned()
        assert stage.result() == "succeeded"
        place = gate_of(world, check).place
        assert isinstance(place, CheckPlace)
        assert place.check.sealed_token is None
        look = world.services.gates.look(check.subject)
        assert look is not None
        assert isinstance(look.value.of, Check)
        assert look.value.of.sealed_token is None


class TestNothingToJudge:
    def test_a_build_without_images_fails_the_check(self, world: World, receiver: Receiver) -> None:
        """Else whoever forgets the tag would deploy unseen."""
        stage, check = waiting(started(world), receiver)
        world.ask(check)
        world.serve()
        assert stage.result() == "failed"
        assert "names an image" in "\n".join(stage.check()["log"])

    def test_unless_the_rules_let_it_pass(self, world: World, receiver: Receiver) -> None:
        """And it says so."""
        stage, check = waiting(started(world), receiver)
        lenient = world.having(default_rules=Rules(on_nothing=OnNothing.ALLOW))
        lenient.ask(check)
        lenient.serve()
        assert stage.result() == "succeeded"
        assert "on_nothing" in "\n".join(stage.check()["log"])


class TestWrongChecks:
    def test_without_a_build_id_the_log_says_what_to_add(self, world: World, receiver: Receiver) -> None:
        """Nothing else leads from a plan to its build."""
        stage, check = waiting(started(world, APP), receiver, build_id=None)
        world.ask(check)
        world.serve()
        assert stage.result() == "failed"
        assert "$(Build.BuildId)" in "\n".join(stage.check()["log"])

    def test_another_builds_id_is_refused(self, world: World, receiver: Receiver) -> None:
        """The good build of somebody else answers for nobody."""
        stage, check = waiting(started(world, APP), receiver, build_id=started(world, BASE).id)
        world.ask(check)
        world.serve()
        assert stage.result() == "failed"
        assert "another build" in "\n".join(stage.check()["log"])

    def test_a_build_that_is_not_there_is_refused(self, world: World, receiver: Receiver) -> None:
        """Nothing hangs."""
        stage, check = waiting(started(world, APP), receiver, build_id=999_999)
        world.ask(check)
        world.serve()
        assert stage.result() == "failed"

    def test_an_image_that_may_not_be_asked_for_fails_it(self, world: World, receiver: Receiver) -> None:
        """With the registry's reason."""
        world.registry.refuse(BASE, RefusalKind.NOT_LISTED, "That registry is not listed.")
        stage, check = waiting(started(world), receiver, images=(BASE,))
        world.ask(check)
        world.serve()
        assert stage.result() == "failed"
        assert "not listed" in "\n".join(stage.check()["log"])


class TestDeadlines:
    def test_it_is_answered_within_its_deadline(self, world: World, receiver: Receiver) -> None:
        """Azure Pipelines asks once."""
        stage, check = waiting(started(world, APP), receiver)
        world.ask(check)
        world.serve()
        world.clock.advance(world.services.settings.deadline_seconds)
        world.watch()
        assert stage.result() == "failed"

    def test_a_late_verdict_changes_nothing(self, world: World, receiver: Receiver) -> None:
        """It was answered; a second answer would be refused."""
        _, check = waiting(started(world, APP), receiver)
        world.ask(check)
        world.serve()
        message = world.claimed()
        world.clock.advance(world.services.settings.deadline_seconds)
        world.watch()
        world.finish(message)
        gate = gate_of(world, check)
        assert gate.decision is not None
        assert (gate.state, gate.decision.number) == (GateState.DECIDED, 1)
        world.run_until_quiet()

    def test_a_callback_is_repeated_until_it_is_accepted(self, world: World, receiver: Receiver) -> None:
        """Azure Pipelines does not ask again."""
        stage, check = waiting(started(world, APP), receiver)
        world.ask(check)
        world.serve()
        message = world.claimed()
        world.sim.fault("POST .*/events", "status", status=503, count=2)
        world.finish(message)
        assert stage.json()["state"] not in {"succeeded", "failed"}
        world.run_until_quiet()
        assert stage.result() == "succeeded"

    def test_one_that_can_never_be_answered_is_given_up_when_its_token_has_ended(
        self, world: World, receiver: Receiver
    ) -> None:
        """Told, forgotten, and off the agenda."""
        _, check = waiting(started(world, APP), receiver)
        world.ask(check)
        world.serve()
        message = world.claimed()
        world.sim.fault("POST .*/events", "status", status=403, count=10_000)
        world.finish(message)
        world.clock.advance(TWO_DAYS)
        world.watch()
        gate = gate_of(world, check)
        assert isinstance(gate.place, CheckPlace)
        assert (gate.state, gate.place.check.sealed_token) == (GateState.CLOSED, None)
        world.run_until_quiet()

    @pytest.mark.parametrize("calls", range(3, 60, 6))
    def test_it_is_answered_whenever_the_process_dies(self, world: World, receiver: Receiver, calls: int) -> None:
        """At-least-once all the way; a second answer changes nothing."""
        stage, check = waiting(started(world, APP), receiver)
        world.ask(check)
        doomed = world.mortal(Fuse(calls))
        try:
            doomed.serve()
            doomed.scanned()
        except Killed:
            pass
        world.run_until_quiet()
        assert stage.result() == "succeeded"
