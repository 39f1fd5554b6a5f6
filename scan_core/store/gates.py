"""Table ``gates``: looks and gates by what they are about, and the agenda of what still needs attention.

The agenda is written before the row it points to, and taken away only by whoever then finds nothing left to do in the
version of the agenda entry read first: so nothing that still needs a step is ever without its entry.
"""

from contextlib import suppress
from dataclasses import dataclass

from azure.data.tables import TableServiceClient

from scan_core.model.gate import Gate, Look
from scan_core.model.ids import GateId, SubjectId
from scan_core.model.value import Moment, Value
from scan_core.store.rows import Conflict, Rows, Versioned

_AGENDA = "agenda"
_LOOK = "look"
_QUESTION = "question"
_TOUCHES = 20


class AgendaEntry(Value):
    """That a subject needs attention."""

    touched_at: Moment


class FirstQuestion(Value):
    """When a check that is answered at once was first asked."""

    asked_at: Moment


@dataclass(frozen=True)
class OpenSubject:
    """An agenda entry as it was read."""

    subject: SubjectId
    entry: Versioned[AgendaEntry]


class GateStore:
    """Everything known about gates."""

    def __init__(self, tables: TableServiceClient) -> None:
        """Use the table of an account.

        Args:
            tables: The account's tables.
        """
        table = tables.get_table_client("gates")
        self._agenda = Rows(table, AgendaEntry)
        self._looks = Rows(table, Look)
        self._gates = Rows(table, Gate)
        self._questions = Rows(table, FirstQuestion)

    def touch(self, subject: SubjectId, now: Moment) -> None:
        """Put a subject on the agenda, or renew its entry.

        Args:
            subject: Whose rows are about to need attention.
            now: The time; it makes the entry's version new.

        Raises:
            Conflict: Others kept renewing the entry at the same time. Theirs does not do: it may be settled before the
                caller's row is written.
        """
        for _ in range(_TOUCHES):
            with suppress(Conflict):
                self._touch_once(subject, AgendaEntry(touched_at=now))
                return
        raise Conflict(subject)

    def _touch_once(self, subject: SubjectId, entry: AgendaEntry) -> None:
        old = self._agenda.read(_AGENDA, subject)
        if old is None:
            self._agenda.insert(_AGENDA, subject, entry)
        else:
            self._agenda.replace(_AGENDA, subject, old, entry)

    def agenda(self) -> list[OpenSubject]:
        """List what needs attention.

        Returns:
            Every entry, in no order that means anything.
        """
        return [OpenSubject(SubjectId(row), entry) for row, entry in self._agenda.partition(_AGENDA)]

    def settle(self, open_subject: OpenSubject) -> bool:
        """Take a subject off the agenda, unless its entry was renewed since it was read.

        Args:
            open_subject: The entry as `agenda` gave it, before its rows were read.

        Returns:
            Whether it is off.
        """
        return self._agenda.delete(_AGENDA, open_subject.subject, open_subject.entry)

    def look(self, subject: SubjectId) -> Versioned[Look] | None:
        """Read the look at a subject.

        Args:
            subject: The subject.

        Returns:
            The look; None where no request ever came.
        """
        return self._looks.read(subject, _LOOK)

    def write_look(self, subject: SubjectId, old: Versioned[Look] | None, look: Look) -> Versioned[Look]:
        """Write the look at a subject over the version read, or for the first time.

        Args:
            subject: The subject.
            old: What was read.
            look: What shall stand.

        Returns:
            The look with its new version.

        Raises:
            Conflict: It changed meanwhile.
        """
        if old is None:
            return self._looks.insert(subject, _LOOK, look)
        return self._looks.replace(subject, _LOOK, old, look)

    def first_question(self, subject: SubjectId, asked_at: Moment) -> Versioned[FirstQuestion]:
        """Find out when a check was first asked; from now on, where it was not.

        Args:
            subject: The check's subject.
            asked_at: When it is asked now.

        Returns:
            Its first question.
        """
        known = self._questions.read(subject, _QUESTION)
        if known is not None:
            return known
        try:
            return self._questions.insert(subject, _QUESTION, FirstQuestion(asked_at=asked_at))
        except Conflict:
            return self.first_question(subject, asked_at)

    def forget_question(self, subject: SubjectId, first: Versioned[FirstQuestion]) -> bool:
        """Let a check be asked anew.

        Args:
            subject: The check's subject.
            first: What `first_question` gave.

        Returns:
            Whether it is forgotten; False where it is another one by now.
        """
        return self._questions.delete(subject, _QUESTION, first)

    def gates_of(self, subject: SubjectId) -> list[Versioned[Gate]]:
        """Read all gates of a partition.

        Args:
            subject: What they are about.

        Returns:
            The gates; those of a pull request with the oldest iteration first.
        """
        found = [gate for _, gate in self._gates.partition(subject)]
        return sorted(found, key=lambda gate: _number_of(gate.value.gate_id))

    def gate(self, gate_id: GateId) -> Versioned[Gate] | None:
        """Read one gate.

        Args:
            gate_id: Its id.

        Returns:
            The gate; None where there is none.
        """
        return self._gates.read(_subject_of(gate_id), gate_id)

    def insert_gate(self, gate: Gate) -> Versioned[Gate]:
        """Write a gate for the first time.

        Args:
            gate: The gate.

        Returns:
            The gate with its version.

        Raises:
            Conflict: It exists.
        """
        return self._gates.insert(_subject_of(gate.gate_id), gate.gate_id, gate)

    def replace_gate(self, old: Versioned[Gate], gate: Gate) -> Versioned[Gate]:
        """Write a gate over the version read.

        Args:
            old: What was read.
            gate: What shall stand.

        Returns:
            The gate with its new version.

        Raises:
            Conflict: It changed meanwhile.
        """
        return self._gates.replace(_subject_of(gate.gate_id), gate.gate_id, old, gate)


def _number_of(gate_id: GateId) -> int:
    return int(gate_id.split("-")[1])


def _subject_of(gate_id: GateId) -> SubjectId:
    return SubjectId(gate_id.partition("-")[0])
