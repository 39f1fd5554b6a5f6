"""The process dies right before and right after every call it makes to the outside, and any two of those.

Each path is walked once to learn its calls, to storage, Azure DevOps, the runner and by the workers; then once for each
place to die at. Whoever died is started again with nothing but storage left, its messages come back, the path is walked
to its end, and at each rest every promise is asked for.
"""

import logging
from collections.abc import Callable

import pytest

from tests.faults import promises
from tests.faults.conftest import NewEstate
from tests.faults.estate import Estate
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.secrecy import check_secrets
from tests.faults.seeds import Choice
from tests.faults.toll import Point

pytestmark = pytest.mark.faults

SHARDS = 6
"""Tests that share the points of a path, so that two processes can work on them."""
POINTS = 7
"""Points of a shard in a sample."""
PAIRS = 3
MANY_PAIRS = 30


def pushes(estate: Estate) -> None:
    """Refused; fixed, and while that is scanned fixed again; completed."""
    developers = estate.developers
    proposal = developers.open("vulnerable")
    estate.tell(proposal)
    _rest(estate)
    estate.crew.held = True
    developers.push(proposal, developers.commit("clean"))
    estate.tell(proposal)
    estate.until(lambda: any(job.message for job in estate.crew.jobs), "the second commit to be scanned")
    estate.crew.held = False
    developers.push(proposal, developers.commit("clean"))
    estate.tell(proposal)
    _rest(estate)
    developers.close(proposal, "completed")
    estate.tell(proposal)
    _rest(estate)


def troubles(estate: Estate) -> None:
    """A worker is lost, the next one cannot finish; then another target, abandoned and taken up again."""
    developers = estate.developers
    proposal = developers.open("vulnerable")
    estate.crew.troubles.extend(["lost", "incomplete"])
    estate.tell(proposal)
    _rest(estate)
    developers.retarget(proposal, "lenient")
    estate.tell(proposal)
    _rest(estate)
    developers.close(proposal, "abandoned")
    estate.tell(proposal)
    developers.reactivate(proposal)
    estate.tell(proposal)
    _rest(estate)
    developers.close(proposal, "abandoned")
    estate.tell(proposal)
    _rest(estate)


def unheard(estate: Estate) -> None:
    """No hook tells of the second pull request, and somebody else passes the first one: both are found."""
    developers = estate.developers
    told = developers.open("vulnerable")
    estate.tell(told)
    _rest(estate)
    developers.open("clean").is_unheard = True
    developers.forge(told, "succeeded")
    estate.reconcile()
    promises.check(estate)


PATHS: dict[str, Callable[[Estate], None]] = {"pushes": pushes, "troubles": troubles, "unheard": unheard}


def _rest(estate: Estate) -> None:
    estate.settle()
    promises.check(estate)


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("path", PATHS)
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
        PATHS[path](estate)
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
    points = choice.spread(f"{family} {shard}", ours, POINTS)
    if shard == 0:
        record_property(f"known points of {path}", len(everywhere))
    run_all(choice, family, map(schedule, points), record_property, figure="points")
    source = choice.random(f"{family} pairs {shard}")
    pairs = [
        sorted(source.sample([point for _, point in everywhere], 2))
        for _ in range(MANY_PAIRS if choice.everything else PAIRS)
    ]
    run_all(choice, family, [schedule(*pair) for pair in pairs], record_property, figure="pairs")


def _walk_and_look(walk: Callable[[], Estate], caplog: pytest.LogCaptureFixture) -> None:
    check_secrets(walk(), caplog.records)
