"""The timer that needs no hook: what was not told is found, and whose turn it is, is settled between instances."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from scan_core.flow import enrolment
from scan_core.flow.reconcile import reconcile
from scan_core.model.gate import GateState
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.rules import Rules
from scan_core.settings.organisation import OrganisationSettings
from scan_core.store.projects import Project
from tests.flow.fakes import Fuse, Killed, Meddling
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import ORG, World
from tests.local.devops.driver import Pull

CYCLE, SPREAD = 600, 1.1
type Events = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def own(world: World) -> dict[str, Any]:
    """A project without anything in it, which is looked after."""
    project = world.sim.project(f"Own {world.audit_name[-8:]}")
    enrol(world, project)
    return project


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Events:
    """Lists the events of a name."""
    caplog.set_level("INFO", "scangate")

    def named(name: str) -> list[dict[str, Any]]:
        lines = [json.loads(record.message) for record in caplog.records if record.name == "scangate"]
        return [line for line in lines if line["event"] == name]

    return named


def enrol(world: World, project: dict[str, Any]) -> None:
    """Look after a project from now on."""
    enrolment.enrol(world.services, ORG, ProjectId(project["id"]))


def turn(world: World, seconds: float = CYCLE * SPREAD) -> None:
    """Let a project's next turn come, and all that it asks for be done."""
    world.clock.advance(seconds)
    reconcile(world.services)
    world.serve()


def proposed(world: World, project: dict[str, Any], **more: Any) -> Pull:
    """Make a repository with a pull request in a project of one's own."""
    rules = more.pop("rules", None)
    return world.repository(project=project, rules=rules).pull_request("topic", **more)


def enrolled(world: World) -> Project:
    """Read the one project that is looked after."""
    (row,) = world.services.projects.enrolled()
    return row.value


class TestEnrolment:
    def test_any_event_of_a_project_enrols_it(self, world: World) -> None:
        """Whether it named a pull request or not; its first turn comes within one cycle."""
        pull = world.proposed()
        world.hook(pull)
        world.serve()
        assert enrolled(world).project_id == pull.repo.json["project"]["id"]
        assert world.clock() <= enrolled(world).next_at <= world.clock() + timedelta(seconds=CYCLE)

    def test_an_event_that_names_a_project_alone_enrols_it(self, world: World) -> None:
        """From then on nothing depends on hooks."""
        project = world.sim.project(f"Own {world.audit_name[-8:]}")
        world.project_hook(project)
        world.serve()
        assert enrolled(world).project_id == project["id"]

    def test_costs_one_write_for_each_process(self, world: World) -> None:
        """And never changes the row of another process."""
        pull = world.proposed()
        world.gated(pull)
        before = enrolled(world)

        def fail() -> None:
            raise AssertionError("written again")

        rows = world.services.projects._projects
        world.services.projects._projects = Meddling(rows, "insert", before=fail)  # type: ignore[assignment]  # a fake
        world.gated(pull)
        world.services.projects._projects = rows
        world.services.projects._known.clear()
        world.clock.advance(1)
        world.gated(pull)
        assert enrolled(world) == before


class TestWhatHooksDidNotTell:
    def test_a_pull_request_without_any_event_is_gated(self, world: World, own: dict[str, Any], events: Events) -> None:
        """By one listing a project and cycle; what is gated is left alone after that."""
        pull, seldom = proposed(world, own), world.with_settings(verify_seconds=10**9)
        turn(seldom)
        world.scanned()
        assert world.states(pull) == ["pending", "succeeded"]
        turn(seldom)
        assert [(each["pull_requests"], each["looks"]) for each in events("reconciled")] == [(1, 1), (1, 0)]
        # Two pages, of which the last is empty. Then the rules of its target branch too.
        assert [each["calls"] for each in events("reconciled")] == [2, 3]

    def test_a_push_without_an_event_is_gated(self, world: World, own: dict[str, Any]) -> None:
        """The latest commit has no gate."""
        pull = proposed(world, own)
        world.gated(pull)
        world.push_again(pull)
        turn(world)
        world.run_until_quiet()
        assert world.shown(pull)[-1][:2] == (2, "succeeded")

    def test_a_push_there_and_back_is_found_when_its_time_to_be_compared_comes(
        self, world: World, own: dict[str, Any]
    ) -> None:
        """The commit is the same and the iteration is not."""
        pull = proposed(world, own)
        world.gated(pull)
        world.scanned()
        for branch in ("topic-next", "topic"):
            world.push_again(pull, branch)
        turn(world, 3600)
        assert world.shown(pull)[-1][:2] == (3, "succeeded")
        assert world.gate(pull).state is GateState.SUPERSEDED

    def test_a_pull_request_that_ended_without_an_event_closes_its_gate(
        self, world: World, own: dict[str, Any]
    ) -> None:
        """Also where nothing was left to be done; then it is followed no more."""
        pull = proposed(world, own)
        world.gated(pull)
        world.scanned()
        world.watch()
        assert world.services.gates.agenda() == []
        pull.change(status="abandoned")
        turn(world)
        gate = world.gate(pull)
        assert (gate.state, gate.released) == (GateState.CLOSED, True)
        turn(world)
        assert world.services.projects.followed(ORG, ProjectId(own["id"])) == []
        pull.change(status="active")
        turn(world)
        turn(world)
        assert world.gate(pull).state is GateState.DECIDED
        assert len(world.services.projects.followed(ORG, ProjectId(own["id"]))) == 1

    def test_a_gate_whose_look_was_given_up_is_looked_at_again(self, world: World, own: dict[str, Any]) -> None:
        """A right that was missing may have been granted meanwhile."""
        pull = proposed(world, own)
        world.sim.fault("GET .*/items$", "status", status=403, count=-1)
        world.hook(pull)
        world.serve()
        world.clock.advance(3601)
        world.watch()
        world.serve()
        assert world.states(pull) == ["error"]
        world.sim.sim("faults", method="DELETE")
        turn(world)
        world.scanned()
        assert world.states(pull)[-1] == "succeeded"


class TestTurns:
    def test_two_instances_do_not_both_take_one(self, world: World, own: dict[str, Any], events: Events) -> None:
        """Whoever moves the next turn on has this one."""
        pull = proposed(world, own)
        other = world.having()
        meddled = world.having(
            projects=Meddling(world.services.projects, "write", before=lambda: reconcile(other.services))
        )
        turn(meddled)
        assert len(events("reconciled")) == 1
        assert world.states(pull) == ["pending"]

    def test_one_that_was_killed_is_made_up_for_by_the_next(self, world: World, own: dict[str, Any]) -> None:
        """Nothing but time is lost."""

        def die() -> None:
            raise Killed

        pull = proposed(world, own)
        dying = world.having(queues=Meddling(world.queues, "send_request", before=die))
        with pytest.raises(Killed):
            turn(dying)
        turn(world, 60)
        assert world.states(pull) == []
        turn(world)
        assert world.states(pull) == ["pending"]

    def test_killed_anywhere_are_made_up_for(self, stride: int, world: World, own: dict[str, Any]) -> None:
        """A forged status is told and overwritten, and a verdict of other rules judged again, whatever dies."""
        patient, fuse = world.with_settings(result_ttl_seconds=10**8), Fuse(0)
        pull = proposed(world, own, rules="max_medium: 0\n")
        world.gated(pull)
        world.scanned(Ending(VULNERABLE))
        forger = Pull(world.sim.as_other(displayName="Mallory"), pull.repo, pull.id)
        while fuse.is_burnt:
            fuse = Fuse(fuse.spent + stride)
            assert forger.status("succeeded").ok
            gate = world.gate(pull)
            assert gate.rules is not None
            world.change(gate, rules=gate.rules.model_copy(update={"rules": Rules()}))
            with suppress(Killed):
                turn(patient.mortal(fuse), 3600 * SPREAD)
            world.clock.advance(world.services.settings.report_lease_seconds)
            patient.watch()
            turn(patient, 3600 * SPREAD)
            patient.run_until_quiet()
            assert world.states(pull)[-1] == "failed"
            assert world.worker.claim() is None
        forged = [status for status in world.states(pull) if status == "succeeded"]
        assert len({line["status"] for line in world.audit("forged")}) == len(forged) > 15 // stride

    @pytest.mark.parametrize(
        ("fault", "least", "most"),
        [
            ({"kind": "status", "status": 503, "seconds": 120}, 120, 216),
            ({"kind": "html203"}, 2, 5),
            ({"kind": "status", "status": 404}, CYCLE, CYCLE * 1.2),
        ],
    )
    def test_are_put_off_where_azure_devops_fails(
        self,
        fault: dict[str, Any],
        least: float,
        most: float,
        world: World,
        own: dict[str, Any],
        events: Events,
    ) -> None:
        """By the one retry policy; a project that is not there waits longer each time."""
        pull = proposed(world, own)
        world.sim.fault("GET .*/_apis/git/pullrequests", count=1, **fault)
        turn(world)
        assert len(events("reconcile_postponed")) == 1
        wait = (enrolled(world).next_at - world.clock()).total_seconds()
        assert least <= wait <= most
        assert enrolled(world).failures == 1
        turn(world, wait)
        world.clock.advance(60)  # those who waited come back one after the other
        world.serve()
        assert world.states(pull) == ["pending"]
        assert enrolled(world).failures == 0

    def test_wait_while_azure_devops_asks_to_slow_down(self, world: World, own: dict[str, Any], events: Events) -> None:
        """Retry-After may come with a 200: that call is done, and the next one waits, also the next project's."""
        pull = proposed(world, own)
        world.gated(pull)
        world.sim.fault("GET .*/_apis/git/pullrequests", "retry_after_200", seconds=900)
        turn(world)
        assert [each["looks"] for each in events("reconciled")] == [0]
        assert [round(each["seconds"]) for each in events("reconcile_cut_short")] == [900]
        turn(world, 1100 - CYCLE)
        assert len(events("reconciled")) == 1
        turn(world, CYCLE)
        assert len(events("reconciled")) == 2

    def test_of_a_project_that_waits_are_not_begun(self, world: World, own: dict[str, Any], events: Events) -> None:
        """The organisation asked before this project's turn came."""
        pull = proposed(world, own)
        world.sim.fault("GET .*/pullrequests/[0-9]+$", "retry_after_200", seconds=CYCLE * 2)
        world.gated(pull)
        turn(world)
        assert events("reconciled") == []
        assert len(events("reconcile_cut_short")) == 1
        turn(world, CYCLE * 2)
        assert len(events("reconciled")) == 1

    def test_of_an_organisation_that_is_not_ours_any_more_are_none(self, world: World, own: dict[str, Any]) -> None:
        """Its projects stay enrolled, in case it comes back."""
        others = {OrganisationName("other"): OrganisationSettings(url="https://dev.azure.com/other")}
        gone = world.with_settings(organisations=others)
        before = enrolled(world)
        turn(gone)
        assert enrolled(world) == before

    def test_end_with_the_time_of_the_timer(self, world: World, own: dict[str, Any], events: Events) -> None:
        """The rest comes with the next firing."""
        pull = proposed(world, own)
        world.gated(pull)
        slow = world.with_devops(
            lambda devops: Meddling(devops, "active_pull_requests", after=lambda: world.clock.advance(300))
        )
        turn(slow)
        assert len(events("reconcile_cut_short")) == 1
        assert enrolled(world).next_at <= world.clock()

    def test_do_not_begin_after_the_time_of_the_timer(self, world: World, own: dict[str, Any], events: Events) -> None:
        """Other projects took it all; the turn is still to come."""
        world.clock.advance(CYCLE)
        before, readings = enrolled(world), iter([world.clock()])
        reconcile(world.having(now=lambda: next(readings, world.clock() + timedelta(minutes=5))).services)
        assert events("reconciled") == []
        assert enrolled(world) == before

    def test_that_fail_for_a_reason_of_our_own_do_not_stop_the_others(
        self, world: World, own: dict[str, Any], events: Events
    ) -> None:
        """A defect in one project is told."""
        pull = proposed(world, own)
        enrolment.enrol(world.services, ORG, ProjectId("00000000-0000-0000-0000-000000000001"))

        def fail() -> None:
            raise RuntimeError("a defect")

        broken = world.having(projects=Meddling(world.services.projects, "followed", before=fail))
        turn(broken)
        assert [each["detail"] for each in events("reconcile_failed")] == ["a defect"]
        turn(world)
        assert world.states(pull) == ["pending"]


class TestOnePullRequest:
    @pytest.fixture
    def two(self, world: World, own: dict[str, Any]) -> list[Pull]:
        """Two gated pull requests, of which both show something else than their gates say."""
        repo = world.repository(project=own)
        pulls = [repo.pull_request(branch) for branch in ("topic", "other")]
        for pull in pulls:
            world.gated(pull)
            pull.status("succeeded")
        return pulls

    def test_that_cannot_be_compared_does_not_stop_the_others(
        self, world: World, two: list[Pull], events: Events
    ) -> None:
        """It may not be read; its time comes again."""
        world.sim.fault(f"GET .*/pullRequests/{two[0].id}/statuses$", "status", status=404)
        turn(world, 3600)
        assert [world.states(pull)[-1] for pull in two] == ["succeeded", "pending"]
        assert [each["kind"] for each in events("pull_request_not_compared")] == ["not_found"]
        turn(world, 3600 * SPREAD)
        assert [world.states(pull)[-1] for pull in two] == ["pending", "pending"]

    def test_that_meets_a_defect_does_not_stop_the_others(self, world: World, two: list[Pull], events: Events) -> None:
        """The defect is told."""

        def fail() -> None:
            raise RuntimeError("a defect")

        turn(world.with_devops(lambda devops: Meddling(devops, "statuses", before=fail)), 3600)
        assert sorted(world.states(pull)[-1] for pull in two) == ["pending", "succeeded"]
        assert [each["detail"] for each in events("reconcile_failed")] == ["a defect"]

    def test_that_finds_azure_devops_down_puts_its_project_off(
        self, world: World, two: list[Pull], events: Events
    ) -> None:
        """The others would find the same. Next time others come first, in case it was this one alone."""
        world.sim.fault("GET .*/statuses$", "status", status=500)
        turn(world, 3600)
        assert [world.states(pull)[-1] for pull in two] == ["succeeded", "succeeded"]
        assert [each["verified"] for each in events("reconciled")] == [0]
        turn(world, 300 * 1.2)
        assert sorted(world.states(pull)[-1] for pull in two) == ["pending", "succeeded"]
