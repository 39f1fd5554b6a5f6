"""The process dies after any of its changes; then messages come back, or do not, and the watch goes round.

Each test kills one step once after each change it makes (`make faults`; after some of them in `make test`), each time
at a pull request of its own, and lets everything run until nothing needs attention. Then every pull request must show
the true verdict, last and in its place.
"""

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest

from scan_core.flow.looks import look_at
from scan_core.flow.result import take
from scan_core.model.gate import GateState
from scan_core.model.scan import ScanState
from tests.builders import source_of
from tests.flow.fakes import Fuse, Killed
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import World
from tests.local.devops.driver import Pull

if TYPE_CHECKING:
    from scan_core.model.attempt import AttemptMessage

type Step = Callable[[World, Pull], None]
_PLENTY = 1000


@pytest.fixture
def world(world: World) -> World:
    """The world with room for every scan at once, and with workers that come by themselves."""
    world.runner.most = 0
    return world.with_settings(max_workers=100, max_workers_per_organisation=100)


@pytest.fixture
def propose(world: World) -> Callable[[], Pull]:
    """Gives a new pull request of a commit of its own; all are in one repository, which is quicker."""
    repo, numbers = world.repository(), count()

    def one() -> Pull:
        name = f"change-{next(numbers)}"
        world.push(repo, f"{world.origin.commit({'file.txt': name})}:refs/heads/{name}")
        return repo.pull_request(name)

    return one


def killed_everywhere(world: World, prepare: Callable[[], Pull], step: Step, stride: int) -> list[Pull]:
    """Find out how many changes a step makes; then take it once for every so many of them, and kill it right after."""
    fuse, first = Fuse(_PLENTY), prepare()
    step(world.mortal(fuse), first)
    assert fuse.spent > 5, "the step was hardly taken"
    places = range(1, fuse.spent + 1, stride)
    pulls = [prepare() for _ in places]
    for changes, pull in zip(places, pulls, strict=True):
        with pytest.raises(Killed):
            step(world.mortal(Fuse(changes)), pull)
    return [first, *pulls]


def all_end_well(world: World, pulls: list[Pull], iteration: int = 1) -> None:
    """Check the promises: the last status is the true one and in its place; nothing else than pending came before."""
    for pull in pulls:
        states = [status.state for status in world.shown(pull) if status.iteration == iteration]
        assert states, f"nothing is shown on {pull.id}"
        assert states == ["pending"] * states.count("pending") + ["failed"] * states.count("failed")
        assert states[-1] == "failed"
        gate = world.gate(pull, iteration)
        assert (gate.state, gate.reporter) == (GateState.DECIDED, None)
        assert world.scan(gate).state is ScanState.CONCLUDED
        assert world.scan(gate).current.number == 1, "equal work ran twice"


def serve(world: World, pull: Pull) -> None:
    """Serve an event; what kills it leaves the message to be delivered again later."""
    request = world.request(pull)
    try:
        look_at(world.services, request)
    except Killed:
        world.queues.send_request(request, 40)
        raise


def serve_and_lose(world: World, pull: Pull) -> None:
    """Serve an event; its message is lost, whatever happens."""
    look_at(world.services, world.request(pull))


@pytest.mark.parametrize("step", [serve, serve_and_lose])
def test_while_a_request_is_served(step: Step, stride: int, world: World, propose: Callable[[], Pull]) -> None:
    """The message comes back; where it does not, the row that was written first is enough."""
    pulls = killed_everywhere(world, propose, step, stride)
    written = [pull for pull in pulls if world.services.gates.look(world.ref(pull).subject) is not None]
    assert len(pulls) - len(written) == 1, "only the agenda comes before the row"
    world.run_until_quiet(Ending(VULNERABLE), pause=50)
    all_end_well(world, pulls if step is serve else written)


@pytest.mark.parametrize("redelivered", [True, False], ids=["redelivered", "lost"])
def test_while_a_result_is_taken(redelivered: bool, stride: int, world: World, propose: Callable[[], Pull]) -> None:
    """Its message comes back; where it does not, the manifest is found."""
    messages: dict[int, AttemptMessage] = {}

    def prepare() -> Pull:
        pull = propose()
        world.gated(pull)
        messages[pull.id] = world.claimed()
        return pull

    def step(mortal: World, pull: Pull) -> None:
        said = world.worker.leave(messages[pull.id], Ending(VULNERABLE))
        if redelivered:
            world.results.append(said)
        take(mortal.services, said)

    pulls = killed_everywhere(world, prepare, step, stride)
    world.run_until_quiet(Ending(VULNERABLE), pause=50)
    all_end_well(world, pulls)


def test_while_an_older_gate_is_superseded(stride: int, world: World) -> None:
    """It never turns red, and its attempt is stopped in the end."""
    old: list[AttemptMessage] = []

    def prepare() -> Pull:
        pull = world.proposed()
        world.gated(pull)
        while source_of((message := world.claimed()).spec.target).repository_id != pull.repo.json["id"]:
            world.finish(message, Ending(VULNERABLE))  # of the newer iteration that was gated without a kill
        old.append(message)
        world.push_again(pull)
        return pull

    pulls = killed_everywhere(world, prepare, serve, stride)
    world.run_until_quiet(Ending(VULNERABLE), pause=50)
    all_end_well(world, pulls, iteration=2)
    for pull in pulls:
        assert (world.gate(pull).state, world.gate(pull).released) == (GateState.SUPERSEDED, True)
        assert {status.state for status in world.shown(pull) if status.iteration == 1} == {"pending"}
    assert all(world.is_cancelled(message) for message in old)


def test_while_the_watch_finds_a_dead_worker(stride: int, world: World, propose: Callable[[], Pull]) -> None:
    """The next watch finds it too; the attempt after it gives the verdict."""
    changes = count(1, stride)
    is_killed = True
    while is_killed:
        pull = propose()
        world.gated(pull)
        world.claimed()
        world.clock.advance(200)
        fuse = Fuse(next(changes))
        with suppress(Killed):
            world.mortal(fuse).watch()
        is_killed = fuse.is_burnt
        world.run_until_quiet(Ending(VULNERABLE), pause=50)
        assert world.states(pull) == ["pending", "failed"]
        assert world.scan(world.gate(pull)).current.number == 2
