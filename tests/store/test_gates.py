"""Looks, gates and the agenda."""

from datetime import timedelta

import pytest

from scan_core.model.gate import GateState, Look
from scan_core.model.ids import Iteration
from scan_core.store.connection import Storage
from scan_core.store.gates import GateStore
from scan_core.store.rows import Conflict
from tests.builders import NOON, a_gate, a_pull_request, an_iteration


@pytest.fixture
def gates(storage: Storage) -> GateStore:
    return GateStore(storage.tables)


class TestAgenda:
    def test_a_touched_subject_is_on_it_until_settled(self, gates: GateStore) -> None:
        """What needs attention is listed, and what does not is not."""
        subject = a_pull_request().subject
        gates.touch(subject, NOON)
        (entry,) = gates.agenda()
        assert entry.subject == subject
        assert gates.settle(entry)
        assert gates.agenda() == []

    def test_a_subject_touched_since_it_was_read_stays(self, gates: GateStore) -> None:
        """Settling what somebody touched meanwhile would lose that somebody's row."""
        subject = a_pull_request().subject
        gates.touch(subject, NOON)
        (entry,) = gates.agenda()
        gates.touch(subject, NOON + timedelta(seconds=1))
        assert not gates.settle(entry)
        assert len(gates.agenda()) == 1

    def test_touching_makes_a_new_version_even_at_the_same_moment(self, gates: GateStore) -> None:
        """The version counts, not the time in it."""
        subject = a_pull_request().subject
        gates.touch(subject, NOON)
        (entry,) = gates.agenda()
        gates.touch(subject, NOON)
        assert not gates.settle(entry)


class TestLooks:
    def test_a_look_changes_only_in_the_version_read(self, gates: GateStore) -> None:
        """Two requests for one pull request cannot overwrite each other unseen."""
        reference = a_pull_request()
        first = gates.write_look(
            reference.subject,
            None,
            Look(of=reference, accepted_at=NOON, newest_accepted_at=NOON, next_try_at=NOON),
        )
        gates.write_look(reference.subject, first, first.value.model_copy(update={"tries": 1}))
        with pytest.raises(Conflict):
            gates.write_look(reference.subject, first, first.value.model_copy(update={"served": True}))

    def test_without_a_request_there_is_no_look(self, gates: GateStore) -> None:
        """A pull request nobody asked about is unknown."""
        assert gates.look(a_pull_request().subject) is None


class TestQuestions:
    def test_the_first_one_stays_until_it_is_forgotten(self, gates: GateStore) -> None:
        """Later ones are told when it was."""
        subject, later = a_pull_request().subject, NOON + timedelta(seconds=1)
        first = gates.first_question(subject, NOON)
        assert gates.first_question(subject, later) == first
        assert gates.forget_question(subject, first)
        assert gates.first_question(subject, later).value.asked_at == later
        assert not gates.forget_question(subject, first)

    def test_of_two_at_once_one_is_first(self, gates: GateStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """The other one saw that there was none, too."""
        subject, read = a_pull_request().subject, gates._questions.read
        first = gates.first_question(subject, NOON)
        unseen = iter([None])
        monkeypatch.setattr(gates._questions, "read", lambda *key: next(unseen, first) and read(*key))
        assert gates.first_question(subject, NOON + timedelta(seconds=1)) == first


class TestGates:
    def test_the_gates_of_a_pull_request_come_in_the_order_of_its_iterations(self, gates: GateStore) -> None:
        """Ten comes after nine, whatever the rows are called."""
        reference = a_pull_request()
        for number in (10, 9, 1):
            gates.insert_gate(a_gate(place=an_iteration(pull_request=reference, iteration=Iteration(number))))
        found = gates.gates_of(reference.subject)
        assert [row.value.gate_id.partition("-")[2] for row in found] == ["1", "9", "10"]

    def test_an_iteration_has_one_gate(self, gates: GateStore) -> None:
        """Duplicate hooks meet the same row."""
        gate = a_gate()
        gates.insert_gate(gate)
        with pytest.raises(Conflict):
            gates.insert_gate(gate)

    def test_a_gate_is_found_by_its_id_alone(self, gates: GateStore) -> None:
        """A link names nothing but the gate."""
        gate = a_gate()
        row = gates.insert_gate(gate)
        gates.replace_gate(row, gate.model_copy(update={"state": GateState.CLOSED}))
        found = gates.gate(gate.gate_id)
        assert found is not None
        assert found.value.state is GateState.CLOSED
