"""The process dies right before and right after every call it makes to the outside, and any two of those.

Each walk is taken once to learn its calls, of the app and of its workers, to storage, Azure DevOps, the runner and git;
then once for each place to die at. Whoever died is started again with nothing but storage left, its messages come back,
the walk goes on to its end, and at each rest every promise is asked for.
"""

import logging
from collections.abc import Callable

import pytest

from tests.faults.conftest import NewEstate
from tests.faults.estate import Estate
from tests.faults.figures import KNOWN
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.secrecy import check_secrets
from tests.faults.seeds import Choice
from tests.faults.toll import Point
from tests.faults.walks import WALKS, share

pytestmark = pytest.mark.faults

SHARDS = 4
"""Tests that share the points of a walk, so that two processes can work on them."""
POINTS, PAIRS = 108, 24
"""In a sample, of all walks together."""
MANY_PAIRS = 30
"""Of a shard, where everything is tried."""


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("path", WALKS)
def test_dying_at_any_call(
    path: str,
    shard: int,
    new_estate: NewEstate,
    choice: Choice,
    record_property: Record,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every promise holds after every restart."""
    family = f"crash-{path}"
    name = wanted(choice, family, first=shard == 0)
    caplog.set_level(logging.INFO, logger="scangate")

    def walk(*kills: Point) -> Estate:
        caplog.clear()
        estate = new_estate()
        estate.toll.plan(kills)
        WALKS[path](estate)
        return estate

    def schedule(*kills: Point) -> Schedule:
        return Schedule("+".join(map(str, kills)), lambda: _walk_and_look(lambda: walk(*kills), caplog))

    if name is not None:
        run_all(choice, family, [schedule(*map(Point.named, name.split("+")))], record_property, figure="points")
        return
    calls = list(walk().toll.calls)
    everywhere = [
        (f"{label} {after}", Point(number, after=after))
        for number, label in enumerate(calls, 1)
        for after in (False, True)
    ]
    ours = everywhere[shard::SHARDS]
    points = choice.spread(f"{family} {shard}", ours, share(POINTS, SHARDS))
    if shard == 0:
        record_property(f"{KNOWN} of {family}", len(everywhere))
    run_all(choice, family, map(schedule, points), record_property, figure="points")
    source = choice.random(f"{family} pairs {shard}")
    pairs = [
        sorted(source.sample([point for _, point in everywhere], 2))
        for _ in range(MANY_PAIRS if choice.everything else share(PAIRS, SHARDS))
    ]
    run_all(choice, family, [schedule(*pair) for pair in pairs], record_property, figure="pairs")


def _walk_and_look(walk: Callable[[], Estate], caplog: pytest.LogCaptureFixture) -> None:
    check_secrets(walk(), caplog.records)


@pytest.mark.parametrize("path", WALKS)
def test_a_walk_makes_the_same_calls_again(
    path: str, new_estate: NewEstate, choice: Choice, record_property: Record
) -> None:
    """So a point has the same number whenever, and alone as well as among others."""
    family = f"again-{path}"
    wanted(choice, family)

    def again() -> None:
        first = new_estate()
        WALKS[path](first)
        second = new_estate()
        WALKS[path](second)
        assert second.toll.calls == first.toll.calls

    run_all(choice, family, [Schedule("twice", again)], record_property, figure="schedules")
