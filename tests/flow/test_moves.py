"""What a pull request can do while it is gated: move, change its target, end, come back, be a draft."""

import pytest

from scan_core.devops.pull_requests import PullRequest
from scan_core.flow.pull_request_steps import iteration_of
from scan_core.model.gate import GateState
from scan_core.model.scan import ScanState
from scan_core.model.subject import PullRequestRef
from tests.builders import source_of
from tests.flow.fakes import Killed, Meddling
from tests.flow.scripted_worker import MEDIUM, VULNERABLE, Ending
from tests.flow.world import ORG, Shown, World
from tests.local.devops.driver import Pull

WAITING_DRAFT = "Draft: waits for publication"


def too_large(world: World) -> Pull:
    """A pull request of which Azure DevOps keeps no iterations."""
    pull = world.proposed()
    world.sim.sim("pullRequests", {"pullRequestId": pull.id, "supportsIterations": False})
    return pull


class TestNewerIterations:
    def test_supersede_the_gate_and_stop_its_attempt(self, world: World) -> None:
        """What nobody waits for any more is not paid for."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed("worker-7")
        world.push_again(pull)
        world.gated(pull)
        old, new = world.gates(pull)
        assert (old.state, old.released, new.state) == (GateState.SUPERSEDED, True, GateState.OPEN)
        assert world.is_cancelled(message)
        assert world.runner.stopped == ["worker-7"]
        assert world.scan(old).state is ScanState.STOPPING
        assert [line["gate"] for line in world.audit("superseded")] == [old.gate_id]

    def test_do_not_stop_an_attempt_that_somebody_else_waits_for(self, world: World) -> None:
        """Shared work goes on for who is left."""
        repo = world.repository()
        moving, staying = repo.pull_request("topic"), repo.pull_request("topic", "release")
        world.push(repo, "topic:same")
        third = repo.pull_request("same")
        for pull in (moving, staying, third):
            world.gated(pull)
        message = world.claimed()
        world.push_again(moving)
        world.gated(moving)
        world.gated(staying)
        assert not world.is_cancelled(message)
        assert world.runner.stopped == []
        world.finish(message)
        assert world.states(third) == ["pending", "succeeded"]

    def test_never_turn_the_old_gate_red(self, world: World) -> None:
        """A result that comes too late for its gate is kept and not posted."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.push_again(pull)
        world.gated(pull)
        world.finish(message, Ending(VULNERABLE))
        assert [status for status in world.shown(pull) if status.iteration == 1 and status.state != "pending"] == []
        world.scanned()
        assert world.shown(pull)[-1][:2] == (2, "succeeded")

    def test_win_whatever_the_order_of_their_events(self, world: World) -> None:
        """An event says that something happened, never what is."""
        pull = world.proposed()
        first = world.hook(pull)
        world.push_again(pull)
        world.hook(pull)
        world.serve()
        world.queues.send_request(first)
        world.serve()
        (gate,) = world.gates(pull)
        assert (iteration_of(gate).iteration, iteration_of(gate).source_commit) == (
            2,
            world.origin.commits["topic-next"],
        )
        world.run_until_quiet()
        assert world.shown(pull)[-1][:2] == (2, "succeeded")

    def test_are_shown_again_where_an_older_ones_status_came_after_theirs(self, world: World) -> None:
        """What came last may hide what counts."""
        pull = world.proposed()

        def move() -> None:
            world.push_again(pull)
            world.gated(pull)

        world.with_devops(lambda devops: Meddling(devops, "post_status", before=move)).gated(pull)
        assert [status[:2] for status in world.shown(pull)] == [(2, "pending"), (1, "pending"), (2, "pending")]

    def test_of_which_no_event_came_are_found_before_a_verdict_is_posted(self, world: World) -> None:
        """Nothing is posted on what is not the latest; a new look is asked for and finds it."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.push_again(pull)
        world.finish(message, Ending(VULNERABLE))
        assert world.states(pull) == ["pending"]
        assert world.serve() == 1
        assert [gate.state for gate in world.gates(pull)] == [GateState.SUPERSEDED, GateState.OPEN]
        world.run_until_quiet()
        assert [status[:2] for status in world.shown(pull)] == [(1, "pending"), (2, "pending"), (2, "succeeded")]

    def test_end_a_gate_that_joins_its_scan_at_that_moment(self, world: World) -> None:
        """Its release came before its join; it leaves again, and the attempt stops."""
        pull = world.proposed()
        joining = Meddling(
            world.services.scans, "write", before=lambda: world.change(world.gate(pull), state=GateState.SUPERSEDED)
        )
        world.having(scans=joining).gated(pull)
        assert world.scan(world.gate(pull)).state is ScanState.STOPPING

    def test_leave_a_gate_that_died_while_ending_to_the_watch(self, world: World) -> None:
        """A superseded gate that still holds its scan stays on the agenda."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()

        def die() -> None:
            raise Killed

        world.push_again(pull)
        with pytest.raises(Killed):
            world.having(scans=Meddling(world.services.scans, "read", before=die)).gated(pull)
        assert world.gate(pull).state is GateState.SUPERSEDED
        assert not world.gate(pull).released
        world.watch()
        assert world.gate(pull).released
        assert world.is_cancelled(message)


class TestLags:
    """Azure DevOps answers from several places, and one may be behind another."""

    def test_the_first_iteration_is_waited_for(self, world: World) -> None:
        """It is made a moment after the pull request."""

        class NoneYet(Meddling):
            def latest_iteration(self, _: PullRequestRef) -> None:
                """Have none."""

        pull = world.proposed()
        world.with_devops(lambda devops: NoneYet(devops, "latest_iteration")).hook(pull)
        world.with_devops(lambda devops: NoneYet(devops, "latest_iteration")).serve()
        assert world.gates(pull) == []
        world.clock.advance(world.delayed()[-1])
        world.serve()
        assert world.states(pull) == ["pending"]

    def test_a_pull_request_that_is_behind_its_iterations_is_waited_for_and_then_taken_as_they_say(
        self, world: World
    ) -> None:
        """The iteration is what the status goes on."""
        pull = world.proposed()
        before = world.services.devops(ORG).pull_request(world.ref(pull))
        world.push_again(pull)

        class Behind(Meddling):
            def pull_request(self, _: PullRequestRef) -> PullRequest:
                """Know nothing of the push."""
                return before

        behind = world.with_devops(lambda devops: Behind(devops, "pull_request"))
        behind.hook(pull)
        behind.serve()
        assert behind.worker.claim() is None
        for _ in range(3):
            world.clock.advance(world.delayed()[-1])
            behind.serve()
        assert source_of(behind.scanned().spec.target).commit == world.origin.commits["topic-next"]
        assert world.shown(pull)[-1][:2] == (2, "succeeded")


class TestRetargeting:
    def test_judges_again_under_the_new_targets_rules_without_another_scan(self, world: World) -> None:
        """The commit and the profile are the same; only the limits differ."""
        pull = world.proposed(rules="max_medium: 0\n")
        world.gated(pull)
        world.scanned(Ending(MEDIUM))
        assert world.states(pull) == ["pending", "failed"]
        pull.change(targetRefName="refs/heads/release")
        gate = world.gated(pull)
        assert gate.state is GateState.SUPERSEDED
        assert world.shown(pull)[-1][:2] == (2, "succeeded")
        assert world.worker.claim() is None

    def test_keeps_a_scan_that_is_under_way(self, world: World) -> None:
        """The new gate joins before the old one leaves."""
        pull = world.proposed(rules="max_medium: 0\n")
        world.gated(pull)
        message = world.claimed()
        pull.change(targetRefName="refs/heads/release")
        world.gated(pull)
        assert not world.is_cancelled(message)
        world.finish(message, Ending(MEDIUM))
        assert [status[:2] for status in world.shown(pull)] == [(1, "pending"), (2, "pending"), (2, "succeeded")]

    def test_scans_again_where_the_profile_differs(self, world: World) -> None:
        """The new target wants other scan types."""
        pull = world.proposed(rules="scan_types: [pkg]\n")
        world.gated(pull)
        first = world.scanned()
        pull.change(targetRefName="refs/heads/release")
        world.gated(pull)
        second = world.scanned()
        assert (first.spec.profile.scan_types, second.spec.profile.scan_types) == (("pkg",), ("pkg", "secret"))
        assert [status[:2] for status in world.shown(pull)][2:] == [(2, "pending"), (2, "succeeded")]


class TestEnds:
    @pytest.mark.parametrize("how", ["abandoned", "completed"])
    def test_close_the_gate_and_stop_its_attempt(self, how: str, world: World) -> None:
        """Nobody waits for an answer any more."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        if how == "completed":
            assert pull.complete().ok
        else:
            assert pull.change(status=how).ok
        gate = world.gated(pull)
        assert (gate.state, gate.released) == (GateState.CLOSED, True)
        assert world.is_cancelled(message)
        world.watch()
        assert world.services.gates.agenda() == []

    def test_of_a_pull_request_without_a_gate_are_nothing(self, world: World) -> None:
        """Its first event may be its last."""
        pull = world.proposed()
        pull.change(status="abandoned")
        world.hook(pull)
        world.serve()
        assert world.gates(pull) == []
        world.watch()
        assert world.services.gates.agenda() == []

    def test_are_undone_by_reactivation(self, world: World) -> None:
        """The gate opens again, with a deadline of its own, and scans again what was stopped."""
        pull = world.proposed()
        first = world.gated(pull)
        pull.change(status="abandoned")
        world.gated(pull)
        world.clock.advance(7200)
        pull.change(status="active")
        gate = world.gated(pull)
        assert (gate.state, gate.deadline) == (GateState.OPEN, world.clock() + (first.deadline - first.accepted_at))
        world.run_until_quiet()
        assert world.states(pull)[-1] == "succeeded"

    def test_stay_where_the_runner_cannot_stop_the_worker(self, world: World) -> None:
        """The attempt was told; the rest is the worker's."""
        pull = world.proposed()
        world.gated(pull)
        message = world.claimed()
        world.runner.refuses = True
        pull.change(status="abandoned")
        assert world.gated(pull).released
        assert world.is_cancelled(message)


class TestDrafts:
    def test_are_scanned_like_any_other(self, world: World) -> None:
        """Unless the rules say not."""
        pull = world.proposed(isDraft=True)
        world.gated(pull)
        world.scanned()
        assert world.states(pull) == ["pending", "succeeded"]

    def test_wait_for_their_publication_when_the_rules_say_so(self, world: World) -> None:
        """However long, and however often an event comes; then their deadline counts anew."""
        pull = world.proposed(rules="drafts: wait\n", isDraft=True)
        assert world.gated(pull).state is GateState.WAITING
        world.clock.advance(14 * 24 * 3600)
        world.gated(pull)
        world.watch()
        assert world.shown(pull) == [Shown(1, "pending", WAITING_DRAFT)]
        assert world.worker.claim() is None
        assert world.services.gates.agenda() == []
        pull.change(isDraft=False)
        gate = world.gated(pull)
        assert (gate.state, gate.accepted_at) == (GateState.OPEN, world.clock())
        world.scanned()
        assert world.states(pull) == ["pending", "pending", "succeeded"]

    def test_do_not_wait_where_the_rules_switch_the_gate_off(self, world: World) -> None:
        """There is nothing to wait for."""
        pull = world.proposed(rules="drafts: wait\nenabled: false\n", isDraft=True)
        world.gated(pull)
        assert world.states(pull) == ["notApplicable"]

    def test_that_were_published_do_not_go_on_waiting_while_their_rules_cannot_be_read(self, world: World) -> None:
        """From then on their deadline counts."""
        pull = world.proposed(rules="drafts: wait\n", isDraft=True)
        world.gated(pull)
        pull.change(isDraft=False)
        world.sim.fault("GET .*/items", "status", status=503, count=-1)
        gate = world.gated(pull)
        assert gate.state is GateState.OPEN
        assert gate.problem is not None
        world.clock.advance(3600)
        world.watch()
        assert world.states(pull) == ["pending", "error"]


class TestWithoutIterations:
    def test_the_status_goes_on_the_pull_request(self, world: World) -> None:
        """Statuses of iterations are refused there."""
        pull = too_large(world)
        world.hook(pull)
        world.serve()
        world.scanned()
        assert [status[:2] for status in world.shown(pull)] == [(None, "pending"), (None, "succeeded")]

    def test_a_push_opens_the_gate_again(self, world: World) -> None:
        """One gate stands for all its commits, and answers for the latest alone."""
        pull = too_large(world)
        world.hook(pull)
        world.serve()
        world.scanned()
        world.push_again(pull)
        world.hook(pull)
        world.serve()
        gate = world.gate(pull, 0)
        assert (gate.state, iteration_of(gate).source_commit) == (GateState.OPEN, world.origin.commits["topic-next"])
        world.scanned(Ending(VULNERABLE))
        assert world.states(pull) == ["pending", "succeeded", "pending", "failed"]

    def test_a_push_of_which_no_event_came_is_found_before_a_verdict_is_posted(self, world: World) -> None:
        """A verdict never stands over a commit that was not scanned."""
        pull = too_large(world)
        world.hook(pull)
        world.serve()
        message = world.claimed()
        world.push_again(pull)
        world.finish(message)
        assert world.states(pull) == ["pending"]
        world.run_until_quiet()
        assert world.states(pull)[-1] == "succeeded"
        assert world.gate(pull, 0).place.commit == world.origin.commits["topic-next"]

    def test_a_verdict_of_the_commit_before_is_not_taken(self, world: World) -> None:
        """The gate opened again while the old result was being judged."""
        pull = too_large(world)
        world.hook(pull)
        world.serve()
        message = world.claimed()

        def move() -> None:
            world.push_again(pull)
            world.hook(pull)
            world.serve()

        meddled = world.having(verdicts=Meddling(world.services.verdicts, "write", before=move))
        meddled.finish(message)
        assert world.gate(pull, 0).decision is None
        world.scanned(Ending(VULNERABLE))
        assert world.states(pull)[-1] == "failed"

    def test_older_gates_of_iterations_end(self, world: World) -> None:
        """A pull request may grow too large later."""
        pull = world.proposed()
        world.gated(pull)
        world.sim.sim("pullRequests", {"pullRequestId": pull.id, "supportsIterations": False})
        world.hook(pull)
        world.serve()
        assert [(iteration_of(gate).iteration, gate.state) for gate in world.gates(pull)] == [
            (0, GateState.OPEN),
            (1, GateState.SUPERSEDED),
        ]
