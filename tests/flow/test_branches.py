"""Branches in the long run: renamed, deleted, not judged any more, unreadable for a while, and killed in between."""

from contextlib import suppress
from uuid import uuid4

import pytest

from scan_core.devops.errors import DevOpsErrorKind
from scan_core.flow import reconcile
from scan_core.model.gate import Gate, GateState
from scan_core.model.ids import BranchRef, GateId
from scan_core.model.place import CommitPlace
from scan_core.model.subject import Branch
from tests.flow.fakes import Fuse, Having, Killed
from tests.flow.outages import with_repositories
from tests.flow.pushes import LISTED, place, pushed, shown, tip
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import World
from tests.local.devops.driver import Repo

BAD = Ending(report=VULNERABLE)


def followed(world: World, repo: Repo) -> list[BranchRef]:
    """The branches of a repository that are looked after."""
    branch = world.branch(repo)
    rows = world.services.projects.followed_branches(branch.organisation, branch.project_id)
    return [row.value.branch.ref for row in rows if row.value.branch.repository_id == branch.repository_id]


def alone(world: World, rules: str | None = None) -> Repo:
    """A repository in a project of its own: the timer finds whatever else stands in one."""
    return world.repository(rules=rules, project=world.sim.project(f"Branches {uuid4().hex}"))


def reconciled(world: World) -> None:
    """Let an hour pass, and the timer go round."""
    world.clock.advance(2 * world.services.settings.verify_seconds)
    reconcile.reconcile(world.services)


def looks_asked(world: World, branch: Branch) -> int:
    """How many looks at a branch wait to be served."""
    return sum(getattr(sent.request, "of", None) == branch for sent in world.queues.requests)


def now(world: World, gate: Gate | None) -> Gate:
    """A gate as it stands now."""
    assert gate is not None
    found = world.at(gate.place)
    assert found is not None
    return found


class TestTheDefaultBranchMoves:
    def test_a_new_default_branch_is_judged_and_the_old_one_let_go_of(self, world: World) -> None:
        """Nothing of it is asked for any more."""
        repo = alone(world)
        old = pushed(world, repo)
        world.run_until_quiet()
        world.push(repo, "topic:refs/heads/trunk")
        repo.sim.patch(repo.path, {"defaultBranch": "refs/heads/trunk"})
        assert pushed(world, repo, "trunk") is not None
        world.ask(world.branch(repo))
        world.serve()
        assert now(world, old).state is GateState.CLOSED
        world.run_until_quiet()
        assert shown(repo, tip(repo, "trunk")) == ["pending", "succeeded"]
        for _ in range(2):
            reconciled(world)
            assert looks_asked(world, world.branch(repo)) == 0
        assert followed(world, repo) == ["refs/heads/trunk"]

    def test_a_branch_that_is_listed_no_more_ends_its_gate(self, world: World) -> None:
        """Its pull requests are judged as ever."""
        repo = alone(world, rules=LISTED)
        gate = pushed(world, repo, "release")
        world.push(repo, f"+{world.origin.commit({'.scangate.yml': 'branches: []'})}:refs/heads/main")
        world.ask(world.branch(repo, "release"))
        world.serve()
        assert now(world, gate).state is GateState.CLOSED
        reconciled(world)
        assert "refs/heads/release" not in followed(world, repo)

    def test_rules_that_cannot_be_read_take_no_gate_from_a_listed_branch(self, world: World) -> None:
        """They say nothing about it; the default branch's own status tells of them."""
        repo = world.repository(rules=LISTED)
        gate = pushed(world, repo, "release")
        world.push(repo, f"+{world.origin.commit({'.scangate.yml': 'branches: 7'})}:refs/heads/main")
        world.push(repo, "+topic:release")
        newer = pushed(world, repo, "release")
        assert now(world, gate).state is GateState.SUPERSEDED
        assert now(world, newer).state is GateState.OPEN
        assert pushed(world, repo, "other") is None


class TestGone:
    def test_a_deleted_branch_is_let_go_of_and_followed_again_when_it_comes_back(self, world: World) -> None:
        """No call is made for it meanwhile."""
        repo = alone(world, rules=LISTED)
        pushed(world, repo, "release")
        pushed(world, repo)
        world.run_until_quiet()
        world.push(repo, ":release")
        for _ in range(2):  # no hook tells
            reconciled(world)
            world.run_until_quiet()
        assert followed(world, repo) == ["refs/heads/main"]
        world.push(repo, "release:release")
        assert pushed(world, repo, "release") is not None
        assert set(followed(world, repo)) == {"refs/heads/main", "refs/heads/release"}

    def test_a_deleted_repository_ends_its_gates(self, world: World) -> None:
        """Though nothing tells of it."""
        repo = alone(world)
        gate = pushed(world, repo)
        message = world.claimed()
        gone = with_repositories(world, "branch_tip", DevOpsErrorKind.NOT_FOUND, times=10_000)
        reconciled(gone)
        assert looks_asked(world, world.branch(repo)) == 1
        for _ in range(40):
            gone.serve()
            world.clock.advance(120)
        assert now(world, gate).state is GateState.CLOSED
        assert world.is_cancelled(message)
        reconciled(gone)
        assert looks_asked(world, world.branch(repo)) == 0

    def test_a_right_that_was_withdrawn_by_mistake_costs_no_gate(self, world: World) -> None:
        """Azure DevOps says of what may not be read that it is not there."""
        repo = world.repository()
        gate = pushed(world, repo)
        unseen = with_repositories(world, "default_branch", DevOpsErrorKind.NOT_FOUND, times=10_000)
        unseen.ask(world.branch(repo))
        for _ in range(6):
            unseen.serve()
            world.clock.advance(40)
        assert now(world, gate).state is GateState.OPEN
        world.run_until_quiet()
        assert shown(repo, tip(repo))[-1] == "succeeded"

    def test_a_gate_that_was_ended_by_mistake_opens_again(self, world: World) -> None:
        """As soon as the branch can be read, whether or not anything is pushed to it."""
        repo = alone(world)
        gate = pushed(world, repo)
        world.run_until_quiet()
        unseen = with_repositories(world, "default_branch", DevOpsErrorKind.NOT_FOUND, times=10_000)
        unseen.ask(world.branch(repo))
        for _ in range(40):
            unseen.serve()
            world.clock.advance(120)
        assert now(world, gate).state is GateState.CLOSED
        reconciled(world)
        world.run_until_quiet()
        assert now(world, gate).state is GateState.DECIDED


class TestTrouble:
    def test_a_look_that_fails_after_it_turned_to_a_commit_is_tried_again_in_its_turn(self, world: World) -> None:
        """By its own message, not by the watch."""
        repo = world.repository()
        failed = with_repositories(world, "file_at_commit", DevOpsErrorKind.MALFORMED)
        failed.ask(world.branch(repo))
        failed.serve()
        look = world.services.gates.look(world.branch(repo).subject)
        assert look is not None
        assert (look.value.served, look.value.tries) == (False, 1)
        assert looks_asked(world, world.branch(repo)) == 1
        assert "says malformed" in (now(world, world.at(place(world.branch(repo), tip(repo)))).problem or "")
        world.clock.advance(60)
        failed.serve()
        assert shown(repo, tip(repo)) == ["pending", "pending"]
        world.run_until_quiet()
        assert shown(repo, tip(repo))[-1] == "succeeded"

    def test_nothing_is_posted_on_a_commit_that_was_left_behind(self, world: World) -> None:
        """A result that comes late finds its gate ended."""
        repo = world.repository()
        older = tip(repo)
        pushed(world, repo)
        message = world.claimed()
        world.push(repo, "topic:main")
        pushed(world, repo)
        world.finish(message, BAD)
        world.watch()
        assert shown(repo, older) == ["pending"]
        world.run_until_quiet()
        assert shown(repo, older) == ["pending"]
        assert shown(repo, tip(repo))[-1] == "succeeded"

    def test_the_end_of_a_gate_is_in_the_audit_though_storage_did_not_take_it_then(self, world: World) -> None:
        """Nobody else looks at an older commit's gate any more, so it is on the agenda until its line is written."""
        repo = world.repository()
        gate = pushed(world, repo)
        assert gate is not None
        world.run_until_quiet()
        world.push(repo, "topic:main")
        full = world.having(audit=Having(world.services.audit, keep=lambda _: False))
        pushed(full, repo)
        assert world.audit("superseded") == []
        world.run_until_quiet()
        assert [line["gate"] for line in world.audit("superseded")] == [gate.gate_id]

    def test_a_gate_that_opens_again_leaves_no_scan_behind(self, world: World) -> None:
        """What it waited for when it ended is stopped, and what it waits for now is started."""
        repo = world.repository()
        main = tip(repo)
        gate = pushed(world, repo)
        first = world.claimed()
        assert gate is not None
        world.change(gate, state=GateState.SUPERSEDED)  # by an instance that died right after
        world.ask(world.branch(repo))
        world.serve()
        again = now(world, gate)
        assert (again.state, again.released) == (GateState.OPEN, False)
        assert world.is_cancelled(first)
        world.run_until_quiet()
        assert shown(repo, main)[-1] == "succeeded"


class TestKilled:
    """The process dies after a change; then the message comes back, or the watch finds the row."""

    @pytest.fixture
    def repo(self, world: World) -> Repo:
        """One repository for all."""
        world.runner.most = 0
        return world.repository(rules="branches: ['b/*']\n")

    def branches(self, world: World, repo: Repo, number: int) -> Branch:
        """A branch with a gate, that then moved on."""
        name = f"b/{number}"
        for content in ("one", "two"):
            world.push(repo, f"+{world.origin.commit({f'{number}.txt': content})}:refs/heads/{name}")
            if content == "one":
                assert pushed(world, repo, name) is not None
        return world.branch(repo, name)

    @pytest.mark.parametrize("comes_back", [True, False], ids=["redelivered", "lost"])
    def test_after_any_step_of_a_look(self, world: World, repo: Repo, stride: int, comes_back: bool) -> None:
        """The newer commit is judged, the older gate ends quietly, and each scan runs once."""
        fuse = Fuse(1000)
        killed: list[tuple[Branch, GateId]] = []
        first = self.branches(world, repo, 0)
        world.ask(first)
        world.mortal(fuse).serve()
        assert fuse.spent > 8
        for number, changes in enumerate(range(2, fuse.spent, 2 * stride), start=1):
            branch = self.branches(world, repo, number)
            killed.append((branch, self.current(world, branch)))
            world.ask(branch)
            with suppress(Killed):
                world.mortal(Fuse(changes)).serve()
            world.queues.requests.clear()
        for branch, _ in killed if comes_back else []:
            world.ask(branch)
        world.run_until_quiet(BAD, pause=50)
        for branch, older in killed:
            if self.current(world, branch) == older and not comes_back:
                continue  # it died before its row was written: reconcile finds it
            assert shown(repo, tip(repo, self.name(branch)))[-1:] == ["failed"]
            row = world.services.gates.gate(older)
            assert row is not None
            assert isinstance(row.value.place, CommitPlace)
            assert (row.value.state, row.value.released) == (GateState.SUPERSEDED, True)
            # Where the message is lost, its scan may end before the watch comes to the newer commit, and is true of it.
            told_in_time = [] if comes_back or row.value.decision is None else ["failed"]
            assert shown(repo, row.value.place.commit) == ["pending", *told_in_time]
        assert sum(self.current(world, branch) != older for branch, older in killed) >= len(killed) - 1

    def name(self, branch: Branch) -> str:
        """Its short name."""
        return str(branch.ref).removeprefix("refs/heads/")

    def current(self, world: World, branch: Branch) -> GateId:
        """The gate that its look names."""
        look = world.services.gates.look(branch.subject)
        assert look is not None
        assert look.value.current is not None
        return look.value.current
