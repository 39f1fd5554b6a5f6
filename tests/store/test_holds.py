"""Which organisations are to be left alone: one row each, and hardly ever a read."""

from datetime import timedelta

import pytest

from scan_core.model.ids import OrganisationName
from scan_core.store.connection import Storage
from scan_core.store.holds import Cause, Hold, HoldStore
from tests.builders import NOON

ORG = OrganisationName("fabrikam")
LATER = NOON + timedelta(seconds=5)


@pytest.fixture
def holds(storage: Storage) -> HoldStore:
    return HoldStore(storage.tables)


def a_hold(failures: int = 1) -> Hold:
    return Hold(organisation=ORG, cause=Cause.FAILING, kind="timed_out", since=NOON, until=NOON, failures=failures)


def test_what_was_read_is_believed_for_a_few_seconds(holds: HoldStore, storage: Storage) -> None:
    """Asking costs nothing while all is well; another instance's trouble is known soon after."""
    assert holds.read(ORG, NOON) is None
    assert HoldStore(storage.tables).write(None, a_hold(), NOON)
    assert holds.read(ORG, LATER - timedelta(seconds=1)) is None
    found = holds.read(ORG, LATER)
    assert found is not None
    assert found.value == a_hold()


def test_a_clock_that_goes_back_makes_nothing_last(holds: HoldStore, storage: Storage) -> None:
    """What was read in the future is read again."""
    assert holds.read(ORG, NOON + timedelta(hours=1)) is None
    HoldStore(storage.tables).write(None, a_hold(), NOON)
    assert holds.read(ORG, NOON) is not None


def test_whoever_writes_knows_at_once(holds: HoldStore) -> None:
    """Its own row, and that it took it away."""
    assert holds.write(None, a_hold(), NOON)
    first = holds.read(ORG, NOON)
    assert first is not None
    assert holds.write(first, a_hold(2), NOON)
    second = holds.read(ORG, NOON)
    assert second is not None
    assert second.value.failures == 2
    assert holds.clear(second)
    assert holds.read(ORG, NOON) is None


def test_who_was_slower_does_not_write(holds: HoldStore, storage: Storage) -> None:
    """And reads what the other one wrote."""
    other = HoldStore(storage.tables)
    assert holds.write(None, a_hold(), NOON)
    assert not other.write(None, a_hold(7), NOON)
    old = other.read(ORG, NOON)
    assert old is not None
    assert old.value.failures == 1
    assert holds.write(holds.read(ORG, NOON), a_hold(2), NOON)
    assert not other.write(old, a_hold(3), NOON)
    assert not other.clear(old)
    found = other.read(ORG, NOON)
    assert found is not None
    assert found.value.failures == 2


def test_a_hold_is_over_when_everybody_is_back() -> None:
    """Those who waited come one after the other."""
    hold = a_hold().model_copy(update={"until": LATER, "spread_seconds": 10})
    assert hold.over_at == LATER + timedelta(seconds=10)
