"""What a build of many images costs: each result is read when it is judged, and the queue is read once for all."""

from collections import Counter
from datetime import datetime
from typing import Any

from scan_core.flow import admission, gates
from scan_core.flow.admission import Line
from scan_core.model.ids import ScanId
from scan_core.store.admission import Enlisted
from tests.flow.builds import GOOD, built, gate_of, told
from tests.flow.scripted_worker import Ending
from tests.flow.world import ORG, World

IMAGES = tuple(f"shop.azurecr.io/app{number}:1" for number in range(6))


class Counting:
    """Passes every call on, and counts it."""

    def __init__(self, target: object, counts: Counter[str]) -> None:
        """Wrap something."""
        self._target = target
        self._counts = counts

    def __getattr__(self, name: str) -> Any:
        """Find a method of what is wrapped."""
        found = getattr(self._target, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._counts[name] += 1
            return found(*arguments, **named)

        return call


def counted(world: World, *doors: str) -> tuple[World, Counter[str]]:
    """The same world, whose calls to some doors are counted."""
    counts: Counter[str] = Counter()
    return world.having(**{door: Counting(getattr(world.services, door), counts) for door in doors}), counts


class TestResults:
    def test_are_read_only_when_all_are_there(self, world: World) -> None:
        """Until then each is read once, when it is concluded; and its manifest with it."""
        for image in IMAGES:
            world.registry.push(image)
        world, counts = counted(world, "attempts")
        told(world, built(world, world.repository(), *IMAGES))
        for _ in IMAGES[1:]:
            world.scanned(GOOD)
        assert counts["artifact"] == 2 * len(IMAGES[1:])
        assert counts["manifest"] == len(IMAGES[1:])
        before = counts["artifact"]
        world.watch()
        assert counts["artifact"] == before

    def test_are_all_judged_in_the_end(self, world: World) -> None:
        """A scan that failed counts as one that ended."""
        for image in IMAGES[:3]:
            world.registry.push(image)
        build = built(world, world.repository(), *IMAGES[:3])
        told(world, build)
        world.scanned(GOOD)
        world.scanned(GOOD)
        world.scanned(Ending(exit_code=11))
        gate = gate_of(world, build)
        assert gate.decision is not None
        assert len(gate.decision.judged) == 2


class TestTheQueue:
    def test_is_read_once_for_a_gate(self, world: World) -> None:
        """However many of its scans wait."""
        for image in IMAGES:
            world.registry.push(image)
        narrow, counts = counted(world.with_settings(max_workers=1), "admission")
        build = built(narrow, narrow.repository(), *IMAGES)
        told(narrow, build)
        gate = gate_of(narrow, build)
        assert gate.ahead == len(IMAGES) - 2
        counts.clear()
        gates.advance(narrow.services, gate.gate_id)
        assert counts["entries"] == 1

    def test_is_read_once_for_many_gates(self, world: World) -> None:
        """Whoever goes through them says so."""
        narrow, counts = counted(world.with_settings(max_workers=1), "admission")
        known = [narrow.gated(narrow.proposed()) for _ in range(3)]
        counts.clear()
        line = Line(narrow.services)
        for gate in known:
            gates.advance(narrow.services, gate.gate_id, line)
        assert counts["entries"] == 1

    def test_is_not_read_for_scans_that_have_their_turn(self, world: World) -> None:
        """Their own rows say so."""
        world, counts = counted(world, "admission")
        gate = world.gated(world.proposed())
        counts.clear()
        gates.advance(world.services, gate.gate_id)
        assert counts["entries"] == 0


class TestTidying:
    def test_looks_at_some_of_many_and_first_at_those_that_hold_a_place(self, world: World) -> None:
        """A round of the watch has more to do, and comes back."""
        admission_store = world.services.admission
        for number in range(210):
            entry = Enlisted(
                scan_id=ScanId(f"{number:040}"),
                organisation=ORG,
                repository="a",
                since=world.clock(),
                admitted_at=world.clock() if number >= 205 else None,
            )
            admission_store.enlist(entry)
        full, counts = counted(world.with_settings(max_workers=1), "scans")
        admission.tidy(full.services)
        left = {entry.value.scan_id for entry in admission_store.entries()}
        assert counts["read"] <= 201
        assert not left & {ScanId(f"{number:040}") for number in range(205, 210)}

    def test_ends_in_time(self, world: World) -> None:
        """Where each row takes long, the rest is left to the next round."""
        for _ in range(3):
            world.gated(world.proposed())
        slow, counts = counted(world, "scans")

        def now() -> datetime:
            world.clock.advance(20)
            return world.clock()

        admission.tidy(slow.having(now=now).services)
        assert counts["read"] == 1
