"""Two judged branches at one commit share its status: whichever moves on, the other's answer stays to be seen."""

from collections.abc import Callable

import pytest

from scan_core.model.gate import Gate, GateState
from tests.flow.fakes import Having, Meddling
from tests.flow.pushes import LISTED, place, pushed, shown, tip
from tests.flow.world import ORG, World
from tests.local.devops.driver import Repo

TWO_DAYS = 2 * 86400


@pytest.fixture
def repo(world: World) -> Repo:
    """A repository whose release branch was pushed to the commit of main, after main's result had aged."""
    repo = world.repository(rules=LISTED)
    pushed(world, repo)
    world.run_until_quiet()
    world.clock.advance(TWO_DAYS)
    world.push(repo, f"+{tip(repo)}:refs/heads/release")
    assert pushed(world, repo, "release") is not None
    assert shown(repo, tip(repo)) == ["pending", "succeeded", "pending"]
    return repo


def gate_of(world: World, repo: Repo, name: str, commit: str) -> Gate:
    """The gate of a branch at a commit."""
    gate = world.at(place(world.branch(repo, name), commit))
    assert gate is not None
    return gate


@pytest.mark.parametrize(
    ("spec", "state"), [("+topic:release", GateState.SUPERSEDED), (":release", GateState.CLOSED)], ids=str
)
def test_the_answer_of_the_branch_that_stays_is_shown_again(
    world: World, repo: Repo, spec: str, state: GateState
) -> None:
    """The other's gate ended at pending, and nothing is posted for it any more."""
    world.push(repo, spec)
    world.ask(world.branch(repo, "release"))
    world.serve()
    assert gate_of(world, repo, "release", tip(repo)).state is state
    assert shown(repo, tip(repo)) == ["pending", "succeeded", "pending", "succeeded"]
    world.run_until_quiet()
    assert shown(repo, tip(repo))[-1] == "succeeded"


def test_it_is_shown_again_by_the_watch_where_azure_devops_refuses(world: World, repo: Repo) -> None:
    """Its gate stays on the agenda until it is."""
    world.sim.fault(f"POST .*/commits/{tip(repo)}/statuses", "status", status=403)
    world.push(repo, "+topic:release")
    pushed(world, repo, "release")
    assert shown(repo, tip(repo))[-1] == "pending"
    world.run_until_quiet()
    assert shown(repo, tip(repo))[-1] == "succeeded"


def test_a_status_that_was_on_its_way_when_its_branch_moved_on_hides_nothing(world: World) -> None:
    """It comes after the other's was shown again."""
    repo = world.repository(rules=LISTED)
    pushed(world, repo)
    world.run_until_quiet()
    world.clock.advance(TWO_DAYS)
    main = tip(repo)
    world.push(repo, f"+{main}:refs/heads/release")

    def move_on() -> None:
        world.push(repo, "+topic:release")
        pushed(world, repo, "release")

    meddled = with_posts(world, move_on)
    meddled.ask(world.branch(repo, "release"))
    meddled.serve()
    assert gate_of(world, repo, "release", main).state is GateState.SUPERSEDED
    assert shown(repo, main)[-1] == "succeeded"


def test_branches_of_other_repositories_are_left_alone(world: World, repo: Repo) -> None:
    """The same commit may stand in a fork."""
    fork = world.fork(repo, f"{tip(repo)}:refs/heads/main")
    fork.sim.patch(fork.path, {"defaultBranch": "refs/heads/main"})
    assert pushed(world, fork) is not None
    world.push(repo, "+topic:release")
    pushed(world, repo, "release")
    assert shown(fork, tip(repo)) == ["pending"]


def with_posts(world: World, before: Callable[[], object]) -> World:
    """The same world, where something happens right before a commit gets its first status."""
    posting = Meddling(world.services.devops(ORG).repositories, "post_commit_status", before=before)
    return world.with_devops(lambda devops: Having(devops, repositories=posting))
