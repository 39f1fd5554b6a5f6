"""Pushes: the newest commit of a judged branch is scanned, and carries the verdict as its own status."""

from uuid import uuid4

from scan_core.devops.errors import DevOpsErrorKind
from scan_core.flow import reconcile
from scan_core.model.gate import GateState
from scan_core.model.ids import BranchRef
from scan_core.model.subject import Branch
from tests.builders import source_of
from tests.flow.outages import with_repositories
from tests.flow.pushes import LISTED, push, pushed, shown, tip
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import World


class TestTheDefaultBranch:
    def test_its_newest_commit_is_scanned_and_carries_the_verdict(self, world: World) -> None:
        """Whoever opens the commit sees it."""
        repo = world.repository()
        gate = pushed(world, repo)
        assert gate is not None
        assert shown(repo, tip(repo)) == ["pending"]
        assert source_of(world.scanned(Ending(report=VULNERABLE)).spec.target).commit == tip(repo)
        assert shown(repo, tip(repo)) == ["pending", "failed"]

    def test_its_own_rules_hold(self, world: World) -> None:
        """Those that the commit brings with it."""
        repo = world.repository(rules="fail_on_severity: 0\n")
        pushed(world, repo)
        world.scanned(Ending(report=VULNERABLE))
        assert shown(repo, tip(repo)) == ["pending", "succeeded"]

    def test_rules_that_cannot_be_understood_are_an_error(self, world: World) -> None:
        """Nothing can be allowed by them."""
        repo = world.repository(rules="fail_on: 3\n")
        pushed(world, repo)
        assert shown(repo, tip(repo)) == ["error"]

    def test_switched_off_it_is_not_applicable(self, world: World) -> None:
        """And nothing is scanned."""
        repo = world.repository(rules="enabled: false\n")
        pushed(world, repo)
        assert shown(repo, tip(repo)) == ["notApplicable"]

    def test_a_push_that_comes_twice_is_one_scan(self, world: World) -> None:
        """Hooks are repeated."""
        repo = world.repository()
        pushed(world, repo)
        pushed(world, repo)
        world.scanned()
        assert world.worker.claim() is None
        assert shown(repo, tip(repo)) == ["pending", "succeeded"]

    def test_the_scan_is_shared_with_a_pull_request_of_the_same_commit(self, world: World) -> None:
        """Equal work runs once."""
        repo = world.repository()
        pull = repo.pull_request("topic")
        world.gated(pull)
        world.push(repo, "topic:main")
        pushed(world, repo)
        world.scanned()
        world.run_until_quiet()
        assert len(world.worker.claimed) == 1
        assert shown(repo, tip(repo))[-1] == world.states(pull)[-1] == "succeeded"


class TestNewerCommits:
    def test_a_burst_of_pushes_scans_the_last(self, world: World) -> None:
        """What nobody waits for any more is stopped."""
        repo = world.repository()
        first = pushed(world, repo)
        message = world.claimed()
        older = tip(repo)
        world.push(repo, "topic:main")
        assert pushed(world, repo) is not None
        assert first is not None
        ended = world.at(first.place)
        assert ended is not None
        assert (ended.state, ended.released) == (GateState.SUPERSEDED, True)
        assert world.is_cancelled(message)
        world.scanned()
        world.run_until_quiet()
        assert shown(repo, tip(repo))[-1] == "succeeded"
        assert shown(repo, older) == ["pending"]

    def test_a_branch_that_goes_back_is_judged_again(self, world: World) -> None:
        """The gate of the commit opens once more; its result is known."""
        repo = world.repository()
        main = tip(repo)
        pushed(world, repo)
        world.scanned()
        world.push(repo, "topic:main")
        pushed(world, repo)
        world.scanned()
        world.push(repo, f"+{main}:main")
        gate = pushed(world, repo)
        assert gate is not None
        assert gate.state is GateState.DECIDED
        assert world.worker.claim() is None

    def test_a_deleted_branch_ends_its_gate(self, world: World) -> None:
        """Nobody waits for it."""
        repo = world.repository(rules=LISTED)
        gate = pushed(world, repo, "release")
        assert gate is not None
        world.push(repo, ":release")
        world.ask(world.branch(repo, "release"))
        world.serve()
        ended = world.at(gate.place)
        assert ended is not None
        assert ended.state is GateState.CLOSED
        world.run_until_quiet()


class TestOtherBranches:
    def test_an_unlisted_branch_is_left_alone(self, world: World) -> None:
        """Its pull request is what is judged."""
        repo = world.repository()
        assert pushed(world, repo, "topic") is None
        world.run_until_quiet()
        assert shown(repo, tip(repo, "topic")) == []

    def test_a_branch_that_the_default_branch_lists_is_judged_by_its_own_rules(self, world: World) -> None:
        """Who lists is not who is listed."""
        repo = world.repository(rules=LISTED)
        assert pushed(world, repo, "release") is not None
        world.scanned(Ending(report=VULNERABLE))
        assert shown(repo, tip(repo, "release"))[-1] == "failed"

    def test_of_several_branches_in_one_push_each_is_looked_at(self, world: World) -> None:
        """Also where the event does not say which."""
        repo = world.repository(rules=LISTED)
        for refs in ((BranchRef("refs/heads/main"), BranchRef("refs/heads/release")), ()):
            world.queues.send_request(push(world, repo, refs))
            world.serve()
        world.run_until_quiet()
        assert shown(repo, tip(repo))[-1] == shown(repo, tip(repo, "release"))[-1] == "succeeded"
        assert len(world.worker.claimed) == 2

    def test_a_push_whose_branches_cannot_be_listed_is_tried_again(self, world: World) -> None:
        """It names none, so they have to be listed."""
        repo = world.repository()
        away = with_repositories(world, "branches", DevOpsErrorKind.UNAVAILABLE)
        world.queues.send_request(push(world, repo, ()))
        away.serve()
        world.clock.advance(60)
        away.serve()
        assert shown(repo, tip(repo)) == ["pending"]


class TestUnheard:
    def test_a_push_of_which_no_hook_told_is_found(self, world: World) -> None:
        """By looking where the branch points to, once in a while."""
        repo = world.repository(project=world.sim.project(f"Told of nothing {uuid4().hex}"))
        pushed(world, repo)
        world.scanned()
        world.push(repo, "topic:main")
        world.clock.advance(2 * world.services.settings.verify_seconds)
        reconcile.reconcile(world.services)
        world.run_until_quiet()
        assert shown(repo, tip(repo))[-1] == "succeeded"

    def test_while_nothing_moved_nothing_is_asked_for(self, world: World) -> None:
        """One call a branch and hour."""
        repo = world.repository()
        pushed(world, repo)
        world.scanned()
        world.run_until_quiet()
        world.clock.advance(2 * world.services.settings.verify_seconds)
        reconcile.reconcile(world.services)
        assert [sent for sent in world.queues.requests if isinstance(getattr(sent.request, "of", None), Branch)] == []
