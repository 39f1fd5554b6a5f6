"""The entries of scans that are under way or wait, and the turn that serialises admission."""

import pytest

from scan_core.model.ids import OrganisationName, ScanId
from scan_core.store.admission import AdmissionStore, Enlisted
from scan_core.store.connection import Storage
from scan_core.store.rows import Conflict
from tests.builders import NOON


@pytest.fixture
def admission(storage: Storage) -> AdmissionStore:
    return AdmissionStore(storage.tables)


def entry(number: int) -> Enlisted:
    return Enlisted(
        scan_id=ScanId(f"{number:040}"),
        organisation=OrganisationName("fabrikam"),
        repository="r",
        since=NOON,
    )


class TestEntries:
    def test_a_scan_is_enlisted_once_and_keeps_its_place(self, admission: AdmissionStore) -> None:
        """A repeat does not put it back in the queue."""
        admission.enlist(entry(1))
        admission.admit(admission.turn(NOON), admission.entries(), NOON)
        admission.enlist(entry(1))
        (found,) = admission.entries()
        assert found.value.admitted_at == NOON
        assert admission.entry(entry(1).scan_id) == found.value

    def test_a_scan_is_delisted_however_often(self, admission: AdmissionStore) -> None:
        """What is gone is gone."""
        admission.enlist(entry(1))
        admission.delist(entry(1).scan_id)
        admission.delist(entry(1).scan_id)
        assert admission.entries() == []
        assert admission.entry(entry(1).scan_id) is None


class TestAdmission:
    def test_of_two_who_admit_at_once_one_has_to_read_again(self, admission: AdmissionStore) -> None:
        """Both may have counted the same free place."""
        admission.enlist(entry(1))
        admission.enlist(entry(2))
        turn, entries = admission.turn(NOON), admission.entries()
        admission.admit(turn, entries[:1], NOON)
        with pytest.raises(Conflict):
            admission.admit(turn, entries[1:], NOON)
        assert sum(each.value.admitted_at is not None for each in admission.entries()) == 1

    def test_all_are_admitted_or_none(self, admission: AdmissionStore) -> None:
        """An entry that went meanwhile spoils the whole decision."""
        admission.enlist(entry(1))
        admission.enlist(entry(2))
        turn, entries = admission.turn(NOON), admission.entries()
        admission.delist(entry(2).scan_id)
        with pytest.raises(Conflict):
            admission.admit(turn, entries, NOON)
        assert [each.value.admitted_at for each in admission.entries()] == [None]
