"""Scans wait for their turn, get it, and make room when they end."""

import pytest

from scan_core.flow import admission
from tests.builders import source_of
from tests.flow.scripted_worker import Ending
from tests.flow.world import World


@pytest.fixture
def narrow(world: World) -> World:
    """A world in which one scan may be under way."""
    return world.with_settings(max_workers=1)


class TestWaiting:
    def test_a_scan_without_its_turn_is_not_queued_and_its_status_says_so(self, narrow: World) -> None:
        """How many come first is visible where the developer waits."""
        first, second, third = (narrow.proposed() for _ in range(3))
        for pull in (first, second, third):
            narrow.gated(pull)
            narrow.clock.advance(1)
        assert [narrow.shown(pull)[-1].description.split()[0] for pull in (first, second, third)] == [
            "Scanning",
            "Queued:",
            "Queued:",
        ]
        assert narrow.shown(second)[-1].description.endswith("is next")
        assert "Queued: 1 ahead of" in narrow.shown(third)[-1].description
        narrow.claimed()
        assert narrow.worker.claim() is None

    def test_the_next_one_starts_when_one_ends(self, narrow: World) -> None:
        """Whatever the end; the status follows with the watch."""
        first, second = narrow.proposed(), narrow.proposed()
        narrow.gated(first)
        narrow.clock.advance(1)
        narrow.gated(second)
        narrow.scanned()
        assert narrow.states(first)[-1] == "succeeded"
        narrow.watch()
        assert narrow.shown(second)[-1].description.startswith("Scanning")
        narrow.scanned()
        assert narrow.states(second)[-1] == "succeeded"

    def test_superseded_work_makes_room(self, narrow: World) -> None:
        """Cancelled work never counts against the cap."""
        first, second = narrow.proposed(), narrow.proposed()
        narrow.gated(first)
        narrow.clock.advance(1)
        narrow.gated(second)
        first.change(status="abandoned")
        narrow.hook(first)
        narrow.serve()
        assert narrow.claimed().spec.scan_id == narrow.gate(second).waits_for[0]

    def test_an_attempt_that_is_repeated_keeps_its_turn(self, narrow: World) -> None:
        """It is the same scan, still under way."""
        first, second = narrow.proposed(), narrow.proposed()
        narrow.gated(first)
        narrow.clock.advance(1)
        narrow.gated(second)
        narrow.scanned(Ending(exit_code=40))
        narrow.clock.advance(60)
        narrow.watch()
        assert narrow.claimed().spec.scan_id == narrow.gate(first).waits_for[0]

    def test_a_noisy_repository_leaves_room_for_others(self, world: World) -> None:
        """By the cap of one repository."""
        narrow = world.with_settings(max_workers_per_repository=1)
        noisy = narrow.repository()
        pulls = [noisy.pull_request("topic"), noisy.pull_request("other"), narrow.proposed()]
        for pull in pulls:
            narrow.gated(pull)
        claimed = [source_of(narrow.claimed().spec.target).repository_id for _ in range(2)]
        assert sorted(claimed) == sorted({narrow.ref(pull).repository_id for pull in pulls})


def test_a_scan_that_gets_its_turn_this_moment_is_not_said_to_wait(world: World) -> None:
    """Two requests at once: the one sees the entry before the other has admitted it."""
    pull = world.proposed()
    gate = world.gated(pull)
    (row,) = world.services.admission.entries()
    world.services.admission.delist(row.value.scan_id)
    world.services.admission.enlist(row.value.model_copy(update={"admitted_at": None}))
    assert admission.Line(world.services).ahead(gate.waits_for[0]) is None


class TestDeaths:
    def test_an_entry_left_by_a_death_does_not_hold_a_place_for_ever(self, narrow: World) -> None:
        """The scan's own row is the truth."""
        first, second = narrow.proposed(), narrow.proposed()
        narrow.gated(first)
        entry = narrow.services.admission.entries()[0].value
        narrow.scanned()
        narrow.services.admission.enlist(entry.model_copy(update={"admitted_at": narrow.clock()}))
        narrow.gated(second)
        assert narrow.worker.claim() is None
        narrow.watch()
        narrow.claimed()

    def test_a_scan_that_was_never_enlisted_is_found(self, narrow: World) -> None:
        """Whoever opened its attempt died right after."""
        pull = narrow.proposed()
        narrow.gated(pull)
        narrow.claimed()
        scan = narrow.scan(narrow.gate(pull))
        row = narrow.services.scans.read(scan.scan_id)
        never = scan.current.model_copy(update={"queued_at": None, "claimed_at": None})
        narrow.services.scans.write(row, scan.model_copy(update={"attempts": (never,)}))
        narrow.services.admission.delist(scan.scan_id)
        narrow.clock.advance(60)
        narrow.watch()
        assert narrow.services.admission.entry(scan.scan_id) is not None
        assert narrow.scan(narrow.gate(pull)).current.queued_at is not None

    def test_an_admitted_scan_that_ended_meanwhile_is_not_started(self, narrow: World) -> None:
        """Its place goes to the next one."""
        first, second = narrow.proposed(), narrow.proposed()
        narrow.gated(first)
        entry = narrow.services.admission.entries()[0].value
        narrow.scanned()
        narrow.services.admission.enlist(entry.model_copy(update={"admitted_at": None}))
        admission.admit(narrow.services)
        assert narrow.services.admission.entries() == []
        narrow.gated(second)
        narrow.claimed()
