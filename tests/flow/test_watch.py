"""The watch finds what was lost on the way, and what has waited too long."""

from datetime import timedelta

import pytest

from scan_core.flow import watch
from scan_core.model.gate import GateState
from scan_core.model.scan import ScanState
from scan_core.model.verdict import Outcome
from tests.flow.fakes import Killed, Meddling
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import World


class TestLostMessages:
    def test_a_lost_request_is_asked_for_again(self, world: World) -> None:
        """Its row stands, so it is not forgotten; until then its own message is waited for."""
        pull = world.proposed()
        world.sim.fault("GET .*/pullrequests/[0-9]+$", "status", status=503)
        world.hook(pull)
        world.serve()
        world.queues.requests.clear()
        world.watch()
        assert world.serve() == 0
        world.clock.advance(world.delayed()[-1] + 20)
        world.watch()
        assert world.serve() == 1
        assert world.states(pull) == ["pending"]

    def test_a_lost_request_is_left_to_whoever_asks_first(self, world: World) -> None:
        """Two watches on one row queue one request."""
        pull = world.proposed()
        world.sim.fault("GET .*/pullrequests/[0-9]+$", "status", status=503)
        world.hook(pull)
        world.serve()
        world.queues.requests.clear()
        world.clock.advance(60)
        meddled = world.having(gates=Meddling(world.services.gates, "write_look", before=world.watch))
        meddled.watch()
        assert world.serve() == 1

    def test_an_attempt_that_was_never_queued_is_queued(self, world: World) -> None:
        """Whoever opened it died before it stood in the queue."""

        def die() -> None:
            raise Killed

        pull = world.proposed()
        with pytest.raises(Killed):
            world.having(queues=Meddling(world.queues, "send_attempt", before=die)).gated(pull)
        world.queues.requests.clear()
        world.watch()
        assert world.worker.claim() is None
        world.clock.advance(11)
        world.watch()
        world.scanned()
        assert world.states(pull)[-1] == "succeeded"

    def test_an_attempt_whose_message_was_lost_is_queued_once_more(self, world: World) -> None:
        """Unclaimed for too long; if both messages arrive, one claim stands."""
        pull = world.proposed()
        world.gated(pull)
        world.storage.queues.get_queue_client("scan-attempts").clear_messages()
        world.clock.advance(600)
        world.watch()
        assert world.worker.claim() is None
        world.clock.advance(1)
        world.watch()
        world.clock.advance(601)
        world.watch()
        message = world.claimed()
        assert world.worker.claim() is None
        world.finish(message)
        assert (message.spec.attempt, world.states(pull)) == (1, ["pending", "succeeded"])

    def test_a_result_whose_message_was_lost_is_found_by_its_manifest(self, world: World) -> None:
        """The message is a hint; the manifest is the proof."""
        pull = world.proposed()
        world.gated(pull)
        world.worker.leave(world.claimed(), Ending(VULNERABLE))
        world.watch()
        assert world.states(pull) == ["pending", "failed"]

    def test_a_verdict_that_was_not_reported_is_reported(self, world: World) -> None:
        """Whoever judged died before it could post."""

        def die() -> None:
            raise Killed

        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        dying = world.with_devops(lambda devops: Meddling(devops, "post_status", before=die))
        with pytest.raises(Killed):
            dying.finish(message)
        world.watch()
        assert world.states(pull) == ["pending"]
        world.clock.advance(world.services.settings.report_lease_seconds + 1)
        world.watch()
        assert world.states(pull) == ["pending", "succeeded"]


class TestDeadWorkers:
    def test_are_followed_by_another_attempt(self, world: World) -> None:
        """No heartbeat for two minutes: the next attempt is due after a pause, and the dead one is stopped."""
        pull = world.proposed()
        gate = world.gated(pull)
        first = world.claimed("worker-9")
        world.clock.advance(120)
        world.watch()
        assert world.scan(gate).current.claimed_at == world.clock() - timedelta(seconds=120)
        world.clock.advance(1)
        world.watch()
        scan = world.scan(gate)
        assert (scan.current.number, scan.attempts[0].error is not None) == (2, True)
        assert world.is_cancelled(first)
        assert world.runner.stopped == ["worker-9"]
        world.watch()
        assert world.worker.claim() is None
        world.clock.advance(4)
        world.watch()
        assert world.scanned().spec.attempt == 2
        assert world.states(pull) == ["pending", "succeeded"]

    def test_are_told_from_live_ones_by_their_heartbeat(self, world: World) -> None:
        """A long scan is no dead one, until it takes longer than any may."""
        pull = world.proposed()
        gate = world.gated(pull)
        message = world.claimed()
        for _ in range(10):
            world.clock.advance(100)
            world.worker.beat(message)
            world.watch()
        assert world.scan(gate).current.number == 1
        world.clock.advance(100)
        world.worker.beat(message)
        world.watch()
        error = world.scan(gate).attempts[0].error
        assert error is not None
        assert "longer than 1020 seconds" in error.sentence

    def test_are_an_error_after_three_attempts(self, world: World) -> None:
        """The cap; the sentence says what happened."""
        pull = world.proposed()
        gate = world.gated(pull)
        for _ in range(3):
            world.claimed()
            world.clock.advance(121)
            world.watch()
            world.clock.advance(20)
            world.watch()
        assert world.scan(gate).state is ScanState.FAILED
        assert world.worker.claim() is None
        last = world.shown(pull)[-1]
        assert last.state == "error"
        assert "no sign of life" in last.description
        assert "push again" in last.description

    def test_that_finished_without_a_word_give_their_result(self, world: World) -> None:
        """The manifest is looked for before an attempt is called dead."""
        pull = world.proposed()
        world.gated(pull)
        world.worker.leave(world.claimed(), Ending())
        world.clock.advance(200)
        world.watch()
        assert world.states(pull) == ["pending", "succeeded"]
        assert world.runner.stopped == []

    def test_that_were_not_dead_after_all_still_conclude_their_round(self, world: World) -> None:
        """The first result counts, and the attempt after it is told to stop."""
        pull = world.proposed()
        world.gated(pull)
        first = world.claimed()
        world.clock.advance(121)
        world.watch()
        world.clock.advance(10)
        world.watch()
        second = world.claimed()
        world.finish(first, Ending(VULNERABLE))
        world.finish(second, Ending())
        assert world.states(pull) == ["pending", "failed"]
        assert world.is_cancelled(second)


class TestDeadlines:
    def test_end_a_gate_before_they_have_passed(self, world: World) -> None:
        """No worker ever came; the error is provisional."""
        pull = world.proposed()
        gate = world.gated(pull)
        world.clock.moment = gate.deadline - timedelta(seconds=179)
        world.watch()
        decision = world.gate(pull).decision
        assert decision is not None
        assert (decision.outcome, decision.provisional) == (Outcome.ERROR, True)
        assert world.shown(pull)[-1].state == "error"
        assert [line["provisional"] for line in world.audit("verdict")] == [True]

    def test_do_not_keep_a_verdict_that_comes_later(self, world: World) -> None:
        """It replaces the time-out while the gate is current, and no time-out replaces it."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.clock.advance(3590)
        world.worker.beat(message)
        world.watch()
        world.finish(message)
        world.clock.advance(3600)
        world.watch()
        assert world.states(pull) == ["pending", "error", "succeeded"]

    def test_do_not_replace_a_known_verdict_because_reporting_was_late(self, world: World) -> None:
        """Azure DevOps was down until after the deadline."""
        pull = world.proposed()
        world.gated(pull)
        world.sim.fault("POST .*/statuses$", "status", status=503, count=-1)
        world.scanned()
        world.clock.advance(7200)
        world.watch()
        world.sim.sim("faults", method="DELETE")
        world.run_until_quiet()
        assert world.states(pull) == ["pending", "succeeded"]

    def test_do_not_reach_a_superseded_gate(self, world: World) -> None:
        """It never turns red."""
        pull = world.proposed()
        world.gated(pull)
        world.push_again(pull)
        world.gated(pull)
        world.scanned()
        world.clock.advance(7200)
        world.watch()
        assert {status.state for status in world.shown(pull) if status.iteration == 1} == {"pending"}

    def test_are_told_with_what_the_gate_waited_for(self, world: World) -> None:
        """A status that only said "timed out" would help nobody."""
        pull = world.proposed()
        world.gated(pull)
        world.clock.advance(3600)
        world.watch()
        assert "No worker finished the scan in time" in world.shown(pull)[-1].description


class TestRounds:
    def test_one_bad_row_does_not_keep_the_others_waiting(self, world: World) -> None:
        """It is logged, and the next one is looked at."""
        pulls = [world.proposed(), world.proposed()]
        for pull in pulls:
            world.gated(pull)
            world.worker.leave(world.claimed(), Ending())

        def fail() -> None:
            raise RuntimeError("a defect")

        world.having(gates=Meddling(world.services.gates, "look", before=fail)).watch()
        assert sorted(world.states(pull)[-1] for pull in pulls) == ["pending", "succeeded"]
        world.watch()
        assert [world.states(pull)[-1] for pull in pulls] == ["succeeded", "succeeded"]

    def test_what_a_round_has_no_time_for_is_left_to_the_next(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One invocation of the timer has an end."""
        monkeypatch.setattr(watch, "_AT_ONCE", 1)
        pulls = [world.proposed(), world.proposed()]
        for pull in pulls:
            world.gated(pull)
            world.worker.leave(world.claimed(), Ending())
        slow = Meddling(world.services.gates, "look", before=lambda: world.clock.advance(300))
        world.having(gates=slow).watch()
        assert sorted(world.states(pull)[-1] for pull in pulls) == ["pending", "succeeded"]
        world.watch()
        assert [world.states(pull)[-1] for pull in pulls] == ["succeeded", "succeeded"]

    def test_as_many_workers_are_asked_for_as_may_run(self, world: World) -> None:
        """What was refused for want of room is asked for again."""
        world.runner.refuses = True
        pulls = [world.proposed() for _ in range(3)]
        for pull in pulls:
            assert world.gated(pull).state is GateState.OPEN
        world.watch()
        assert world.runner.starts == 0
        world.runner.refuses = False
        world.watch()
        assert world.runner.starts == len(pulls)

    def test_no_more_are_asked_for_once_there_is_no_room(self, world: World) -> None:
        """The runner's own cap counts."""
        world.runner.most = 1
        for pull in [world.proposed() for _ in range(2)]:
            world.gated(pull)
        world.with_settings(max_workers=10).watch()
        assert world.runner.starts == 1

    def test_a_scan_that_is_not_there_is_nothing_to_look_after(self, world: World) -> None:
        """A gate may die between learning its scan and joining it."""

        def die() -> None:
            raise Killed

        pull = world.proposed()
        with pytest.raises(Killed):
            world.having(scans=Meddling(world.services.scans, "read", before=die)).gated(pull)
        world.queues.requests.clear()
        watch.watch(world.services)
        world.scanned()
        assert world.states(pull)[-1] == "succeeded"
