"""Turns of organisations, and what is remembered of projects in trouble."""

from typing import Any

import pytest

from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.store.connection import Storage
from scan_core.store.hook_health import HookStore, HookTurn, TroubledProject
from scan_core.store.rows import Conflict
from tests.builders import HOUR, NOON

FABRIKAM, CONTOSO = OrganisationName("fabrikam"), OrganisationName("contoso")
ID = ProjectId("11111111-1111-1111-1111-111111111111")


@pytest.fixture
def hooks(storage: Storage) -> HookStore:
    """An empty store."""
    return HookStore(storage.tables)


def a_turn(**changes: Any) -> HookTurn:
    """A turn at noon."""
    return HookTurn(**{"organisation": FABRIKAM, "next_at": NOON, "looked_until": NOON - HOUR, **changes})


def a_project(**changes: Any) -> TroubledProject:
    """A project whose repair was refused."""
    return TroubledProject(**{"organisation": FABRIKAM, "project_id": ID, "refusals": 1, **changes})


def test_the_first_to_ask_makes_the_turn(hooks: HookStore) -> None:
    """Each organisation has its own."""
    assert hooks.turn(a_turn()).value == a_turn()
    assert hooks.turn(a_turn(next_at=NOON + HOUR)).value == a_turn()
    assert hooks.turn(a_turn(organisation=CONTOSO, failures=1)).value.failures == 1


def test_of_two_who_make_it_at_once_one_does(hooks: HookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other reads what stands."""
    unseen = [None]
    read = hooks._turns.read
    monkeypatch.setattr(hooks._turns, "read", lambda *place: unseen.pop() if unseen else read(*place))
    HookStore.turn(hooks, a_turn())
    unseen.append(None)
    assert hooks.turn(a_turn(failures=3)).value == a_turn()


def test_a_turn_is_moved_on_by_one(hooks: HookStore) -> None:
    """Whoever comes second read what does not stand any more."""
    row = hooks.turn(a_turn())
    moved = hooks.write(row, a_turn(next_at=NOON + HOUR))
    with pytest.raises(Conflict):
        hooks.write(row, a_turn())
    assert hooks.turn(a_turn()) == moved


def test_a_project_is_remembered_until_it_is_forgotten(hooks: HookStore) -> None:
    """By whoever read its latest version."""
    row = hooks.remember(None, a_project())
    with pytest.raises(Conflict):
        hooks.remember(None, a_project())
    newer = hooks.remember(row, a_project(made_anew={"hook x": (NOON,)}))
    with pytest.raises(Conflict):
        hooks.remember(row, a_project())
    hooks.forget(row)
    assert hooks.troubled(FABRIKAM) == [newer]
    assert hooks.troubled(CONTOSO) == []
    hooks.forget(newer)
    assert hooks.troubled(FABRIKAM) == []
