"""A verdict is reviewed: judged again where its rules changed or its results aged, and left alone where not."""

from typing import Any

import pytest

from scan_core.flow import enrolment, review, review_steps
from scan_core.flow.gate_steps import Question
from scan_core.flow.reconcile import reconcile
from scan_core.model.gate import GateState
from scan_core.model.ids import ProjectId
from scan_core.model.rules import Rules
from scan_core.model.verdict import Outcome
from tests.builders import HOUR, NOON, a_gate, an_iteration, some_rules
from tests.flow.decisions import DECIDED, TIMED_OUT, decision
from tests.flow.fakes import Killed, Meddling
from tests.flow.scripted_worker import MEDIUM, VULNERABLE, Ending
from tests.flow.world import ORG, World
from tests.local.devops.driver import Pull, Repo

CYCLE, COMPARED, DAY = 660, 3960, 86400


@pytest.fixture
def own(world: World) -> dict[str, Any]:
    """A project without anything in it, which is looked after."""
    project = world.sim.project(f"Own {world.audit_name[-8:]}")
    enrolment.enrol(world.services, ORG, ProjectId(project["id"]))
    return project


def gated(world: World, project: dict[str, Any], rules: str, ending: Ending | None = None, **more: Any) -> Pull:
    """Make a pull request under rules, and judge it."""
    pull = world.repository(project=project, rules=rules).pull_request("topic", **more)
    world.gated(pull)
    if world.gate(pull).waits_for:
        world.scanned(ending)
    return pull


def rule(world: World, repo: Repo, rules: str) -> None:
    """Change the rules on main."""
    world.push(repo, f"{world.origin.commit({'.scangate.yml': rules})}:refs/heads/main")


def later(world: World, seconds: float = CYCLE) -> None:
    """Let time pass, and the project have its turn."""
    world.clock.advance(seconds)
    reconcile(world.services)


class TestChangedRules:
    def test_judge_again_from_the_stored_result_where_the_profile_is_the_same(
        self, world: World, own: dict[str, Any]
    ) -> None:
        """Nothing is scanned, and nothing flaps: the new verdict follows the old one."""
        pull = gated(world, own, "max_medium: 0\n", Ending(MEDIUM))
        rule(world, pull.repo, "max_medium: 1\n")
        later(world)
        assert world.states(pull) == ["pending", "failed", "succeeded"]
        assert world.worker.claim() is None
        later(world)
        assert [line["outcome"] for line in world.audit("verdict")] == ["failed"]
        (override,) = world.audit("override")
        assert (override["outcome"], override["why"], override["number"]) == ("passed", "rules", 2)
        assert override["replaces"]["outcome"] == "failed"

    def test_scan_again_where_the_profile_differs(self, world: World, own: dict[str, Any]) -> None:
        """The gate is pending until the new result is there."""
        pull = gated(world, own, "scan_types: [pkg]\n")
        rule(world, pull.repo, "scan_types: [pkg, secret]\n")
        later(world)
        assert world.states(pull) == ["pending", "succeeded", "pending"]
        assert world.scanned(Ending(VULNERABLE)).spec.profile.scan_types == ("pkg", "secret")
        assert world.states(pull)[-1] == "failed"

    def test_scan_again_where_the_result_is_old(self, world: World, own: dict[str, Any]) -> None:
        """Rules that changed do not bring back what would not be judged any more."""
        pull = gated(world, own, "max_medium: 0\n", Ending(MEDIUM))
        rule(world, pull.repo, "max_medium: 1\n")
        later(world.with_settings(result_ttl_seconds=60))
        assert world.states(pull) == ["pending", "failed", "pending"]
        world.scanned(Ending(MEDIUM))
        assert world.states(pull)[-1] == "succeeded"

    def test_that_cannot_be_read_are_an_error_until_they_can(self, world: World, own: dict[str, Any]) -> None:
        """Then the stored result is judged."""
        pull = gated(world, own, "max_medium: 0\n", Ending(MEDIUM))
        for rules in ("max_mdium: 0\n", "# still wrong\nmax_mdium: 0\n", "max_medium: 1\n"):
            rule(world, pull.repo, rules)
            later(world)
            later(world)
        assert world.states(pull) == ["pending", "failed", "error", "error", "succeeded"]
        assert world.worker.claim() is None

    def test_are_seen_by_a_gate_that_could_never_read_them(self, world: World, own: dict[str, Any]) -> None:
        """It was an error from the start."""
        pull = gated(world, own, "nonsense\n")
        later(world)
        assert world.states(pull) == ["error"]
        rule(world, pull.repo, "max_medium: 0\n")
        later(world)
        world.scanned()
        assert world.states(pull) == ["error", "pending", "succeeded"]

    def test_can_switch_a_gate_off_and_on(self, world: World, own: dict[str, Any]) -> None:
        """Whatever it said before."""
        pull = gated(world, own, "max_medium: 0\n", Ending(MEDIUM))
        for rules in ("enabled: false\n", "# why not\nenabled: false\n", "max_medium: 0\n"):
            rule(world, pull.repo, rules)
            later(world)
        assert world.states(pull) == ["pending", "failed", "notApplicable", "failed"]

    def test_of_the_organisation_count_as_well(self, world: World, own: dict[str, Any]) -> None:
        """A repository without a file is under them."""
        pull = world.repository(project=own).pull_request("topic")
        world.gated(pull)
        world.scanned(Ending(VULNERABLE))
        lenient = Rules.model_validate({"thresholds": {"max_critical": 5}})
        later(world.having(default_rules=lenient))
        assert world.states(pull) == ["pending", "failed", "succeeded"]

    def test_in_other_words_are_the_same(self, world: World, own: dict[str, Any]) -> None:
        """A comment scans nothing again, however old the results are."""
        seldom = world.with_settings(verify_seconds=10**9, result_ttl_seconds=60)
        pull = gated(seldom, own, "max_medium: 0\n", Ending(MEDIUM))
        before = world.gate(pull)
        rule(world, pull.repo, "# none at all\nmax_medium: 0\n")
        later(seldom)
        assert world.gate(pull) == before

    def test_are_read_once_for_all_pull_requests_of_a_branch(self, world: World, own: dict[str, Any]) -> None:
        """And again in the next cycle."""
        repo = world.repository(project=own, rules="max_medium: 0\n")
        for branch in ("topic", "other"):
            world.gated(repo.pull_request(branch))
            world.scanned()
        asked: list[str] = []
        counted = world.with_devops(
            lambda devops: Meddling(devops, "file_on_branch", before=lambda: asked.append("rules"), times=99)
        )
        later(counted)
        assert asked == ["rules"]
        later(counted)
        assert asked == ["rules", "rules"]

    @pytest.mark.parametrize("status", [403, 404, 503])
    def test_that_may_not_be_read_now_change_nothing(self, status: int, world: World, own: dict[str, Any]) -> None:
        """A known verdict stays."""
        pull = gated(world, own, "max_medium: 0\n", Ending(MEDIUM))
        rule(world, pull.repo, "max_medium: 1\n")
        world.sim.fault("GET .*/items$", "status", status=status)
        later(world)
        assert world.states(pull) == ["pending", "failed"]
        later(world)
        assert world.states(pull)[-1] == "succeeded"

    def test_let_a_draft_wait_no_longer(self, world: World, own: dict[str, Any]) -> None:
        """And one that still waits is asked about once for each change."""
        pull = gated(world, own, "drafts: wait\n", isDraft=True)
        rule(world, pull.repo, "drafts: wait\nmax_medium: 0\n")
        served = []
        for _ in range(2):
            later(world)
            served.append(world.serve())
        assert (served, world.gate(pull).state) == ([1, 0], GateState.WAITING)
        rule(world, pull.repo, "drafts: scan\n")
        later(world)
        world.serve()
        world.scanned()
        assert world.states(pull)[-1] == "succeeded"

    def test_wait_for_the_merge_of_a_fork(self, world: World, own: dict[str, Any]) -> None:
        """The change of the rules moved the target; what would be merged now is scanned."""
        repo = world.repository(project=own, rules="max_medium: 0\n")
        _, pull = world.forked(repo)
        world.gated(pull)
        world.scanned(Ending(MEDIUM))
        world.sim.sim("settings", {"mergeDelaySeconds": 3600})
        rule(world, repo, "max_medium: 1\n")
        later(world)
        assert world.states(pull) == ["pending", "failed"]

    def test_leave_a_gate_alone_that_moved_on_meanwhile(self, world: World, own: dict[str, Any]) -> None:
        """It has asked something else since it was read."""
        pull = gated(world, own, "max_medium: 0\n", Ending(MEDIUM))
        rule(world, pull.repo, "max_medium: 1\n")
        moving = Meddling(
            world.services.gates, "touch", after=lambda: world.change(world.gate(pull), state=GateState.SUPERSEDED)
        )
        later(world.having(gates=moving))
        assert world.gate(pull).state is GateState.SUPERSEDED
        assert world.states(pull) == ["pending", "failed"]

    def test_leave_a_gate_alone_that_was_asked_again_meanwhile(self, world: World, own: dict[str, Any]) -> None:
        """Another instance was at it, so it has that one's verdict already."""
        pull = gated(world, own, "max_medium: 0\n", Ending(MEDIUM))
        rule(world, pull.repo, "max_medium: 1\n")
        moving = Meddling(
            world.services.gates, "touch", after=lambda: world.change(world.gate(pull), opened_at=world.clock())
        )
        later(world.having(gates=moving))
        assert world.gate(pull).state is GateState.DECIDED
        assert world.states(pull) == ["pending", "failed"]

    def test_are_judged_by_the_watch_where_the_process_died_in_between(self, world: World, own: dict[str, Any]) -> None:
        """The row has the new question and stands on the agenda; still nothing flaps."""

        def die() -> None:
            raise Killed

        pull = gated(world, own, "max_medium: 0\n", Ending(MEDIUM))
        rule(world, pull.repo, "max_medium: 1\n")
        with pytest.raises(Killed):
            later(world.having(scans=Meddling(world.services.scans, "read", before=die)))
        assert world.gate(pull).state is GateState.OPEN
        world.watch()
        assert world.states(pull) == ["pending", "failed", "succeeded"]

    def test_have_no_part_in_what_no_rules_decided(self, world: World, own: dict[str, Any]) -> None:
        """Conflicts of a fork stay conflicts."""
        repo = world.repository(project=own)
        world.push(repo, "main-clash:refs/heads/main")
        _, pull = world.forked(repo, "clash")
        world.gated(pull)
        assert world.states(pull)[-1] == "error"
        before = world.gate(pull)
        later(world)
        assert world.gate(pull) == before


class TestWhatIsNotReviewed:
    def test_is_a_time_out(self, world: World) -> None:
        """Its verdict is still to come, under whatever rules there are then."""
        assert review.rules_hold(TIMED_OUT, some_rules(max_secrets=7))
        assert review.results_hold(world.services, TIMED_OUT)


class TestAgedResults:
    def test_are_replaced_when_the_time_to_compare_comes(self, world: World, own: dict[str, Any]) -> None:
        """What was found since is found on a pull request that is still open."""
        pull = gated(world, own, "max_medium: 0\n")
        later(world, DAY - CYCLE)
        world.serve()
        assert world.worker.claim() is None
        for _ in range(7):
            later(world)
        assert world.states(pull) == ["pending", "succeeded", "pending"]
        assert world.scanned(Ending(MEDIUM)).spec.attempt == 2
        assert world.states(pull)[-1] == "failed"

    def test_are_scanned_once_for_all_gates_that_share_them(self, world: World, own: dict[str, Any]) -> None:
        """Whoever comes second finds the new result, or joins."""
        repo = world.repository(project=own)
        pulls = [repo.pull_request("topic"), repo.pull_request("topic", "release")]
        for pull in pulls:
            world.gated(pull)
        world.scanned()
        world.watch()
        later(world, DAY + COMPARED)
        message = world.claimed()
        assert world.worker.claim() is None
        world.finish(message)
        assert [world.states(pull) for pull in pulls] == [["pending", "succeeded", "pending", "succeeded"]] * 2

    def test_that_somebody_else_replaced_are_judged_without_a_scan(self, world: World, own: dict[str, Any]) -> None:
        """Equal work has one result."""
        repo = world.repository(project=own)
        first, second = repo.pull_request("topic"), repo.pull_request("topic", "release")
        world.gated(first)
        world.scanned()
        world.clock.advance(DAY + 1)
        world.gated(second)
        world.scanned(Ending(VULNERABLE))
        later(world, COMPARED)
        assert world.states(first) == ["pending", "succeeded", "failed"]
        assert world.worker.claim() is None

    def test_failures_are_tried_again_when_a_result_would_have_aged(self, world: World, own: dict[str, Any]) -> None:
        """An outage of the scanner does not stay on a pull request for ever."""
        patient = world.with_settings(max_attempts=1)
        pull = world.repository(project=own).pull_request("topic")
        patient.gated(pull)
        patient.scanned(Ending(report=None))
        assert world.states(pull) == ["pending", "error"]
        later(world, COMPARED)
        assert world.states(pull) == ["pending", "error"]
        later(world, DAY)
        world.scanned()
        assert world.states(pull)[-1] == "succeeded"


class TestSteps:
    def test_only_a_verdict_can_be_outdated(self) -> None:
        """A time-out waits for its verdict, and an open gate for its first."""
        for gate in (a_gate(), TIMED_OUT, a_gate(state=GateState.SUPERSEDED)):
            assert review_steps.asked_again(gate, Question(gate.place, some_rules(), ()), NOON, HOUR, "rules") is None
            assert review_steps.decided_again(gate, decision()) is None

    def test_a_gate_that_is_asked_again_has_a_deadline_of_its_own_and_shows_what_it_showed(self) -> None:
        """The old status stays until there is something else to say."""
        rules, place, now = some_rules(), an_iteration(), NOON + HOUR
        gate = review_steps.asked_again(DECIDED, Question(place, rules, ()), now, HOUR, "rules")
        assert gate is not None
        assert (gate.state, gate.decision, gate.deadline) == (GateState.OPEN, None, now + HOUR)
        assert (gate.rules, gate.place, gate.posted) == (rules, place, DECIDED.posted)

    def test_a_gate_that_is_decided_again_waits_for_nothing(self) -> None:
        """Its new verdict was made without a scan."""
        gate = review_steps.decided_again(DECIDED, decision(outcome=Outcome.ERROR))
        assert gate is not None
        assert gate.decision is not None
        assert (gate.decision.outcome, gate.rules, gate.waits_for) == (Outcome.ERROR, None, ())
