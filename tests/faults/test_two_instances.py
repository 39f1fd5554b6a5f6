"""Two instances of the app on one storage, their clocks two minutes apart, every call in an order that a seed decides.

Messages come twice and to both at once, both watches run, workers end and developers push in the middle of it.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from scan_core.store.rows import Conflict
from tests.faults import promises
from tests.faults.conftest import NewEstate
from tests.faults.estate import Estate
from tests.faults.post_office import REQUESTS, RESULTS
from tests.faults.proposals import Proposal
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.seeds import Choice
from tests.faults.turnstile import Turnstile

pytestmark = pytest.mark.faults

SKEWS = (60.0, -60.0)
SHARDS = 4
FEW, MANY = 5, 120
"""Schedules of a shard."""
SCENES = 7
NATURES = ("clean", "vulnerable", "error")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_two_instances_at_once(shard: int, new_estate: NewEstate, choice: Choice, record_property: Record) -> None:
    """Whoever comes first, every promise holds."""
    family = "two"
    name = wanted(choice, family, first=shard == 0)
    seeds = choice.seeds(f"{family} {shard}", FEW, MANY) if name is None else [int(name)]

    def schedule(seed: int) -> Schedule:
        return Schedule(str(seed), lambda: play(new_estate(skews=SKEWS, seed=seed), seed))

    run_all(choice, family, map(schedule, seeds), record_property, figure="schedules")


def play(estate: Estate, seed: int) -> None:
    """Play a few scenes in which everybody acts at once, and look at what came of it."""
    dice = random.Random(seed)
    turns = Turnstile(seed)
    estate.tell(_opened(estate, dice))
    for _ in range(SCENES):
        tasks = list(_scene(estate, dice))
        dice.shuffle(tasks)
        estate.toll.turns = turns
        try:
            turns.run(tasks)
        finally:
            estate.toll.turns = None
        # Fifty tries were not enough: no defect where a seed may starve a thread.
        estate.surprises = [each for each in estate.surprises if not isinstance(each, Conflict)]
        estate.events.kept = [each for each in estate.events.kept if each.get("error") != Conflict.__name__]
        estate.clock.advance(dice.choice((0, 5, 20, 40)))
    estate.settle()
    promises.check(estate)


def _opened(estate: Estate, dice: random.Random) -> Proposal:
    return estate.developers.open(dice.choice(NATURES[:2]), target=dice.choice(("main", "main", "lenient")))


def _scene(estate: Estate, dice: random.Random) -> Iterator[Callable[[], object]]:
    """Choose what happens at once."""
    first, second = estate.instances
    estate.office.collect()
    for queue in (REQUESTS, RESULTS):
        for letter in estate.office.due(queue)[:2]:
            yield partial(estate.deliver, queue, letter, first)
            if dice.random() < 0.7:
                yield partial(estate.deliver, queue, letter, second)
    if dice.random() < 0.6:
        yield lambda: estate.fire_now("watch", first)
    if dice.random() < 0.4:
        yield lambda: estate.fire_now("watch", second)
    if dice.random() < 0.2:
        yield lambda: estate.fire_now("reconcile", dice.choice((first, second)))
    if dice.random() < 0.7:
        yield estate.crew.work
    if dice.random() < 0.6:
        yield lambda: _act(estate, dice)


def _act(estate: Estate, dice: random.Random) -> None:
    """Let a developer do something, and its hook come twice."""
    active = [proposal for proposal in estate.developers.proposals if proposal.is_active]
    deed = dice.choice(("push", "push", "push", "retarget", "open", "abandon"))
    if deed == "open" or not active:
        proposal = _opened(estate, dice)
    else:
        proposal = dice.choice(active)
        match deed:
            case "push":
                estate.developers.push(proposal, estate.developers.commit(dice.choice(NATURES)))
            case "retarget":
                estate.developers.retarget(proposal, "lenient" if proposal.target == "main" else "main")
            case _:
                estate.developers.close(proposal, "abandoned")
    estate.tell(proposal)
    if dice.random() < 0.5:
        estate.tell(proposal)
