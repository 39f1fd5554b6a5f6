"""A process that dies while it ends one commit's gate and opens the next one's: whoever comes after it goes on."""

import pytest

from scan_core.model.gate import GateState
from scan_core.model.ids import CommitSha
from tests.flow.fakes import Killed, Meddling
from tests.flow.pushes import place, pushed, shown, tip
from tests.flow.world import World
from tests.local.devops.driver import Repo


def die() -> None:
    """End the process."""
    raise Killed


def dies_at(world: World, repo: Repo, before: str = "nothing", after: str = "nothing") -> None:
    """Tell of a push; whoever serves it dies right before or right after the first call of a method of storage."""
    doomed = Meddling(Meddling(world.services.gates, before, before=die), after, after=die)
    world.ask(world.branch(repo))
    with pytest.raises(Killed):
        world.having(gates=doomed).serve()


@pytest.mark.parametrize("death", [{"before": "replace_gate"}, {"after": "insert_gate"}], ids=str)
def test_a_death_between_two_pushes_leaves_no_older_gate_behind(world: World, death: dict[str, str]) -> None:
    """Neither the gate that was to be ended, nor the one that was just opened."""
    repo = world.repository()
    pushed(world, repo)
    older = [tip(repo)]
    world.push(repo, "topic:main")
    dies_at(world, repo, **death)
    older.append(tip(repo))
    world.push(repo, "other:main")
    pushed(world, repo)
    world.run_until_quiet()
    known = [world.at(place(world.branch(repo), CommitSha(commit))) for commit in older]
    ended = [gate for gate in known if gate is not None]
    assert ended
    assert [(gate.state, gate.released) for gate in ended] == [(GateState.SUPERSEDED, True)] * len(ended)
    assert shown(repo, tip(repo))[-1] == "succeeded"
