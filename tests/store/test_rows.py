"""Rows are changed only by whoever read their latest version."""

import pytest

from scan_core.model.value import Value
from scan_core.store.connection import Storage
from scan_core.store.rows import Conflict, Rows


class Note(Value):
    text: str


class Other(Value):
    number: int


@pytest.fixture
def notes(storage: Storage) -> Rows[Note]:
    return Rows(storage.tables.get_table_client("gates"), Note)


class TestReading:
    def test_an_absent_row_is_none(self, notes: Rows[Note]) -> None:
        """What was never written reads as None."""
        assert notes.read("p", "absent") is None

    def test_a_row_reads_as_it_was_written(self, notes: Rows[Note]) -> None:
        """A value survives its journey, whatever its alphabet."""
        notes.insert("p", "a", Note(text="späte Grüße, 夜"))
        found = notes.read("p", "a")
        assert found is not None
        assert found.value == Note(text="späte Grüße, 夜")

    def test_a_row_may_be_larger_than_one_property(self, notes: Rows[Note]) -> None:
        """Azure Tables keeps 64 KiB in a string; a row takes as many as it needs."""
        text = "🙂" * 60_000
        notes.insert("p", "large", Note(text=text))
        found = notes.read("p", "large")
        assert found is not None
        assert found.value.text == text

    def test_a_partition_gives_only_rows_of_its_type(self, storage: Storage, notes: Rows[Note]) -> None:
        """Rows of other types in the same partition are somebody else's."""
        others = Rows(storage.tables.get_table_client("gates"), Other)
        notes.insert("p", "a", Note(text="a"))
        others.insert("p", "b", Other(number=1))
        assert [row for row, _ in notes.partition("p")] == ["a"]


class TestWriting:
    def test_the_second_insert_conflicts(self, notes: Rows[Note]) -> None:
        """Only one of two who insert the same row succeeds."""
        notes.insert("p", "a", Note(text="first"))
        with pytest.raises(Conflict):
            notes.insert("p", "a", Note(text="second"))

    def test_replacing_an_old_version_conflicts(self, notes: Rows[Note]) -> None:
        """Who has not seen the latest version may not write over it."""
        first = notes.insert("p", "a", Note(text="first"))
        notes.replace("p", "a", first, Note(text="second"))
        with pytest.raises(Conflict):
            notes.replace("p", "a", first, Note(text="third"))

    def test_a_replaced_row_can_be_replaced_again_by_its_writer(self, notes: Rows[Note]) -> None:
        """Each write returns the version that the next one needs."""
        second = notes.replace("p", "a", notes.insert("p", "a", Note(text="1")), Note(text="2"))
        third = notes.replace("p", "a", second, Note(text="3"))
        assert notes.read("p", "a") == third

    def test_replacing_a_row_that_is_gone_conflicts(self, notes: Rows[Note]) -> None:
        """A deleted row is not brought back by accident."""
        row = notes.insert("p", "a", Note(text="1"))
        assert notes.delete("p", "a", row)
        with pytest.raises(Conflict):
            notes.replace("p", "a", row, Note(text="2"))


class TestDeleting:
    def test_a_row_that_changed_stays(self, notes: Rows[Note]) -> None:
        """Deleting needs the latest version too."""
        old = notes.insert("p", "a", Note(text="1"))
        notes.replace("p", "a", old, Note(text="2"))
        assert not notes.delete("p", "a", old)
        assert notes.read("p", "a") is not None

    def test_deleting_twice_is_well(self, notes: Rows[Note]) -> None:
        """What is gone is gone."""
        row = notes.insert("p", "a", Note(text="1"))
        assert notes.delete("p", "a", row)
        assert notes.delete("p", "a", row)
