"""The states of a gate."""

from datetime import timedelta
from typing import Any

import pytest

from scan_core.devops.pull_requests import IterationRead, MergeStatus, PullRequest, PullRequestStatus
from scan_core.flow import gate_steps, pull_request_steps
from scan_core.flow.gate_steps import Question
from scan_core.flow.pull_request_steps import iteration_of
from scan_core.model.gate import Gate, GateState, Status, StatusState
from scan_core.model.ids import BranchRef, CommitSha, Iteration, ScanId
from scan_core.model.verdict import Outcome
from tests.builders import HOUR, NOON, a_commit, a_gate, a_pull_request, a_target, an_iteration, some_rules
from tests.flow.decisions import DECIDED, TIMED_OUT, decision

STATUS = Status(state=StatusState.PENDING, description="Scanning")
LATER = NOON + timedelta(minutes=10)


def read(**changes: Any) -> PullRequest:
    """A pull request as it was read."""
    known = {
        "ref": a_pull_request(),
        "status": PullRequestStatus.ACTIVE,
        "is_draft": False,
        "source_ref": BranchRef("refs/heads/feature"),
        "target_ref": BranchRef("refs/heads/main"),
        "source_commit": a_commit(),
        "merge_commit": None,
        "merge_status": MergeStatus.SUCCEEDED,
        "is_fork": False,
        "supports_iterations": True,
        "title": "A change",
    }
    return PullRequest(**{**known, **changes})


def iteration(commit: CommitSha, number: int = 1) -> IterationRead:
    """An iteration as it was read."""
    return IterationRead(number=Iteration(number), source_commit=commit, target_commit=None)


def opened(pull_request: PullRequest) -> Gate:
    """The gate of a pull request's first iteration."""
    return pull_request_steps.opened(pull_request, iteration(pull_request.source_commit), NOON, HOUR)


ENDED = [a_gate(state=GateState.SUPERSEDED), a_gate(state=GateState.CLOSED)]


class TestOpening:
    def test_the_deadline_counts_from_the_acceptance(self) -> None:
        """Waiting in the queue is part of it."""
        gate = opened(read())
        assert (gate.accepted_at, gate.deadline, gate.state) == (NOON, NOON + HOUR, GateState.OPEN)

    def test_a_fork_is_scanned_by_its_merge_commit(self) -> None:
        """Its source commit may be out of reach."""
        merge = a_commit()
        assert opened(read(is_fork=True, merge_commit=merge)).place.commit == merge
        fork = read(is_fork=True)
        assert opened(fork).place.commit == fork.source_commit

    def test_the_same_question_does_not_reopen(self) -> None:
        """A vote or a new reviewer changes nothing."""
        pull_request = read()
        again = pull_request_steps.reopened(
            opened(pull_request), pull_request, iteration(pull_request.source_commit), LATER, HOUR
        )
        assert again is None

    def test_a_reactivated_pull_request_reopens_its_gate(self) -> None:
        """Its statuses may have been overtaken by time."""
        pull_request = read()
        closed = opened(pull_request).model_copy(update={"state": GateState.CLOSED, "posted": STATUS})
        again = pull_request_steps.reopened(closed, pull_request, iteration(pull_request.source_commit), LATER, HOUR)
        assert again is not None
        assert (again.state, again.accepted_at, again.posted) == (GateState.OPEN, LATER, STATUS)

    def test_a_retargeted_pull_request_reopens_its_gate(self) -> None:
        """It is judged under the new target's rules."""
        pull_request = read()
        moved = pull_request.model_copy(update={"target_ref": BranchRef("refs/heads/release")})
        again = pull_request_steps.reopened(
            opened(pull_request), moved, iteration(pull_request.source_commit), LATER, HOUR
        )
        assert again is not None
        assert iteration_of(again).target_ref == "refs/heads/release"

    def test_a_fork_merged_anew_after_an_error_reopens(self) -> None:
        """Conflicts may be resolved on the target's side."""
        fork = read(is_fork=True, merge_commit=a_commit())
        stuck = opened(fork).model_copy(
            update={"state": GateState.DECIDED, "decision": decision(outcome=Outcome.ERROR)}
        )
        moved = fork.model_copy(update={"merge_commit": a_commit()})
        assert pull_request_steps.reopened(stuck, moved, iteration(fork.source_commit), LATER, HOUR) is not None
        passed = stuck.model_copy(update={"decision": decision()})
        assert pull_request_steps.reopened(passed, moved, iteration(fork.source_commit), LATER, HOUR) is None


class TestQuestions:
    def test_a_moved_pull_request_without_iterations_asks_anew(self) -> None:
        """One gate stands for all its commits."""
        pull_request = read(supports_iterations=False)
        gate = opened(pull_request)
        assert not pull_request_steps.asks_anew(gate, pull_request)
        assert pull_request_steps.asks_anew(gate, pull_request.model_copy(update={"source_commit": a_commit()}))

    def test_a_gate_that_was_opened_again_or_told_its_scans_asks_something_else(self) -> None:
        """What was found out before does not hold any more; who reports it does not matter."""
        gate = a_gate()
        assert gate_steps.asks_the_same(gate, gate.model_copy(update={"reporter": "me", "problem": "x"}))
        for changes in (
            {"opened_at": LATER},
            {"place": an_iteration()},
            {"rules": some_rules()},
            {"waits_for": (ScanId("a" * 40),)},
        ):
            assert not gate_steps.asks_the_same(gate, gate.model_copy(update=changes))


class TestStarting:
    @pytest.mark.parametrize("gate", [a_gate(), TIMED_OUT])
    def test_a_gate_that_expects_an_answer_learns_its_scans(self, gate: Gate) -> None:
        """Also one that timed out before its rules could be read."""
        after = gate_steps.started(gate, Question(gate.place, some_rules(), (a_target(),)))
        assert after is not None
        assert len(after.waits_for) == 1
        assert after.state is (GateState.DECIDED if gate is TIMED_OUT else GateState.OPEN)

    @pytest.mark.parametrize("gate", [DECIDED, *ENDED])
    def test_an_answered_or_ended_gate_does_not_start(self, gate: Gate) -> None:
        """Late requests change nothing."""
        assert gate_steps.started(gate, Question(gate.place, some_rules(), ())) is None
        assert gate_steps.waiting(gate, some_rules()) is None
        assert gate_steps.troubled(gate, "x") is None

    def test_a_draft_waits_and_its_deadline_counts_anew_when_published(self) -> None:
        """A draft may wait for weeks."""
        waiting = gate_steps.waiting(a_gate(), some_rules())
        assert waiting is not None
        assert waiting.state is GateState.WAITING
        published = gate_steps.published(waiting, LATER, HOUR)
        assert published is not None
        assert (published.state, published.deadline) == (GateState.OPEN, LATER + HOUR)
        assert gate_steps.published(published, LATER, HOUR) is None
        assert gate_steps.started(waiting, Question(waiting.place, some_rules(), ())) is None

    def test_a_problem_is_noted_once(self) -> None:
        """The status says what the gate waits for."""
        gate = gate_steps.troubled(a_gate(), "The merge is being computed.")
        assert gate is not None
        assert gate_steps.troubled(gate, "The merge is being computed.") is None


class TestDeciding:
    @pytest.mark.parametrize("gate", [a_gate(), TIMED_OUT, a_gate(state=GateState.WAITING)])
    def test_a_verdict_decides(self, gate: Gate) -> None:
        """Also where a time-out stood."""
        after = gate_steps.decided(gate, decision())
        assert after is not None
        assert after.decision == decision()

    @pytest.mark.parametrize("gate", [DECIDED, *ENDED])
    def test_a_verdict_stands(self, gate: Gate) -> None:
        """The first one counts, and ended gates get none."""
        assert gate_steps.decided(gate, decision(outcome=Outcome.FAILED)) is None

    @pytest.mark.parametrize("gate", [DECIDED, TIMED_OUT, a_gate(state=GateState.WAITING)])
    def test_a_time_out_only_ends_open_gates(self, gate: Gate) -> None:
        """A known verdict is never replaced because reporting was late."""
        assert gate_steps.decided(gate, decision(provisional=True)) is None

    def test_the_time_out_comes_before_the_deadline(self) -> None:
        """So that it is posted within it."""
        gate = a_gate()
        assert NOON < gate_steps.time_out_at(gate) < gate.deadline


class TestEnding:
    @pytest.mark.parametrize("gate", [a_gate(), DECIDED, a_gate(state=GateState.WAITING)])
    def test_current_gates_end(self, gate: Gate) -> None:
        """By a newer iteration or with the pull request."""
        ends = (gate_steps.superseded(gate), gate_steps.closed(gate))
        assert [end.state for end in ends if end] == [GateState.SUPERSEDED, GateState.CLOSED]

    @pytest.mark.parametrize("gate", ENDED)
    def test_ended_gates_stay_as_they_are_and_let_go_once(self, gate: Gate) -> None:
        """Ending twice is ordinary."""
        assert gate_steps.superseded(gate) is None
        assert gate_steps.closed(gate) is None
        released = gate_steps.released(gate)
        assert released is not None
        assert gate_steps.released(released) is None
        assert gate_steps.released(a_gate()) is None
