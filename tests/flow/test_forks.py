"""Pull requests from forks: scanned by their merge commit in the target repository."""

from datetime import timedelta

import pytest

from scan_core.devops.pull_requests import MergeStatus
from scan_core.flow.pull_request_steps import iteration_of
from scan_core.model.gate import GateState
from scan_core.model.subject import PullRequestRef
from tests.builders import source_of
from tests.flow.world import Shown, World


def test_a_fork_is_scanned_by_its_merge_commit(world: World) -> None:
    """The status goes on the iteration whose source commit is the merge commit's parent."""
    _, pull = world.forked(world.repository())
    gate = world.gated(pull)
    merge = pull.json()["lastMergeCommit"]["commitId"]
    assert (iteration_of(gate).source_commit, gate.place.commit) == (world.origin.commits["topic"], merge)
    assert source_of(world.scanned().spec.target).commit == merge
    assert [status[:2] for status in world.shown(pull)] == [(1, "pending"), (1, "succeeded")]


def test_a_merge_that_is_being_computed_is_waited_for_and_said(world: World) -> None:
    """The commit to scan does not exist yet."""
    world.sim.sim("settings", {"mergeDelaySeconds": 3600})
    _, pull = world.forked(world.repository())
    gate = world.gated(pull)
    assert gate.problem == "Azure DevOps is still computing the merge of this fork."
    assert "still computing the merge" in world.shown(pull)[-1].description
    (delay,) = world.delayed()
    assert 1 <= delay <= 4
    world.sim.sim("settings", {"mergeDelaySeconds": 0})
    world.push(pull.repo, "main-later:main")
    world.clock.advance(delay)
    world.serve()
    assert world.gate(pull).problem is None
    world.scanned()
    assert world.states(pull) == ["pending", "pending", "succeeded"]


@pytest.mark.parametrize("status", [MergeStatus.FAILURE, MergeStatus.REJECTED_BY_POLICY])
def test_a_merge_that_failed_otherwise_is_told_from_one_under_way(world: World, status: MergeStatus) -> None:
    """It ends as an error at the deadline, in true words."""

    class Unmerged:
        def __init__(self, devops: object) -> None:
            self._devops = devops

        def __getattr__(self, name: str) -> object:
            return getattr(self._devops, name)

        def pull_request(self, ref: PullRequestRef) -> object:
            found = world.services.devops(ref.organisation).pull_request(ref)
            return found.model_copy(update={"merge_status": status, "merge_commit": None})

    _, pull = world.forked(world.repository())
    unmerged = world.with_devops(Unmerged)
    unmerged.gated(pull)
    assert f"could not merge this fork into its target branch ({status})" in world.shown(pull)[-1].description
    world.clock.advance(3600)
    unmerged.watch()
    assert world.states(pull)[-1] == "error"
    world.clock.advance(timedelta(days=7).total_seconds())
    unmerged.serve()
    assert {line["pull_request_id"] for line in world.audit("dropped")} == {pull.id}
    assert unmerged.serve() == 0
    assert world.gate(pull).state is GateState.DECIDED


class TestConflicts:
    def test_are_an_error_until_they_are_resolved_in_the_fork(self, world: World) -> None:
        """Only its author can; then it is scanned."""
        repo = world.repository()
        world.push(repo, "main-clash:main")
        fork, pull = world.forked(repo, "clash")
        world.gated(pull)
        (status,) = world.shown(pull)
        assert (status.state, "resolve the conflicts" in status.description) == ("error", True)
        assert world.worker.claim() is None
        world.push(fork, "other:from-fork")
        world.gated(pull)
        world.scanned()
        assert world.shown(pull)[-1][:2] == (2, "succeeded")

    def test_may_be_resolved_in_the_target(self, world: World) -> None:
        """The iteration is the same; its gate opens again for the new merge."""
        repo = world.repository()
        world.push(repo, "main-clash:main")
        _, pull = world.forked(repo, "clash")
        world.gated(pull)
        world.push(repo, "main-later:main")
        assert world.gated(pull).state is GateState.OPEN
        world.scanned()
        assert world.states(pull) == ["error", "pending", "succeeded"]

    def test_of_a_branch_in_the_same_repository_do_not_matter(self, world: World) -> None:
        """Its source commit can be scanned."""
        repo = world.repository()
        world.push(repo, "main-clash:main", "clash")
        pull = repo.pull_request("clash")
        world.gated(pull)
        world.scanned()
        assert world.states(pull) == ["pending", "succeeded"]


def test_a_published_draft_of_a_fork_says_what_it_waits_for(world: World) -> None:
    """It does not go on waiting for a publication that has happened."""
    repo = world.repository(rules="drafts: wait\n")
    fork = world.fork(repo, "topic:from-fork")
    pull = repo.pull_request("from-fork", forkSource={"repository": {"id": fork.json["id"]}}, isDraft=True)
    world.gated(pull)
    assert world.shown(pull) == [Shown(1, "pending", "Draft: waits for publication")]
    world.sim.sim("settings", {"mergeDelaySeconds": 3600})
    world.push(repo, "main-later:main")
    pull.change(isDraft=False)
    gate = world.gated(pull)
    assert (gate.state, gate.deadline) == (GateState.OPEN, world.clock() + timedelta(hours=1))
    assert "still computing" in world.shown(pull)[-1].description
