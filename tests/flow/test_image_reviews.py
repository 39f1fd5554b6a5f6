"""The images of a pull request, while it goes on: ended and taken up again, under other rules, without iterations."""

from typing import Any
from uuid import uuid4

import pytest

from scan_core.flow.images_steps import anew
from scan_core.flow.reconcile import reconcile
from scan_core.model.gate import GateState
from tests.builders import HOUR, NOON
from tests.flow.builds import (
    APP,
    BAD,
    BASE,
    GOOD,
    built,
    images_of,
    names,
    of_pull_request,
    on_commit,
    on_pull_request,
    told,
)
from tests.flow.decisions import DECIDED
from tests.flow.fakes import Meddling
from tests.flow.pushes import tip
from tests.flow.world import World
from tests.local.devops.driver import Pull, Sim

LATER = 4000


@pytest.fixture
def own(world: World) -> dict[str, Any]:
    """A project without anything in it."""
    return world.sim.project(f"Images {uuid4().hex}")


def judged(world: World, project: dict[str, Any], rules: str | None = None) -> Pull:
    """Make a pull request with an image, and judge both."""
    world.registry.push(APP)
    pull = world.repository(project=project, rules=rules).pull_request("topic")
    world.gated(pull)
    told(world, of_pull_request(world, pull, APP))
    world.run_until_quiet(GOOD)
    return pull


def looked_after(world: World) -> None:
    """Let time pass, and every project have its turn."""
    world.clock.advance(LATER)
    reconcile(world.services)
    world.run_until_quiet(GOOD)


def moved(world: World, pull: Pull, **change: str) -> None:
    """Change a pull request, and tell of it."""
    pull.change(**change)
    world.hook(pull)
    world.serve()


class TestReactivated:
    def test_the_images_of_every_build_are_judged_again(self, world: World) -> None:
        """Also where a build is heard of before the pull request is."""
        world.registry.push(APP)
        world.registry.push(BASE)
        pull = world.proposed()
        world.gated(pull)
        told(world, of_pull_request(world, pull, APP))
        world.run_until_quiet(BAD)
        told(world, of_pull_request(world, pull, BASE, definition=9))
        world.run_until_quiet(GOOD)
        assert on_pull_request(pull)[-1] == (1, "failed")
        moved(world, pull, status="abandoned")
        assert images_of(world, pull).state is GateState.CLOSED
        pull.change(status="active")
        told(world, of_pull_request(world, pull, BASE, definition=9))
        world.run_until_quiet(GOOD)
        world.hook(pull)
        world.run_until_quiet(GOOD)
        assert names(images_of(world, pull)) == {"app", "base"}
        assert on_pull_request(pull)[-1] == (1, "failed")

    def test_a_gate_that_opens_anew_has_no_verdict_and_its_own_clocks(self) -> None:
        """And has let go of nothing yet."""
        gate = anew(DECIDED.model_copy(update={"released": True}), NOON + HOUR, HOUR)
        assert (gate.state, gate.decision, gate.released) == (GateState.OPEN, None, False)
        assert (gate.accepted_at, gate.opened_at, gate.deadline) == (NOON + HOUR, NOON + HOUR, NOON + 2 * HOUR)


class TestOtherRules:
    def test_that_were_mended_by_taking_the_file_away_let_the_images_pass(
        self, world: World, own: dict[str, Any]
    ) -> None:
        """What is left are the defaults, under which the images had an error while nobody could read the file."""
        pull = judged(world, own, rules="images: 7\n")
        assert on_pull_request(pull)[-1] == (1, "error")
        world.push(pull.repo, f"+{world.origin.commit({'readme': 'x'})}:refs/heads/main")
        looked_after(world)
        assert world.states(pull)[-1] == "succeeded"
        assert on_pull_request(pull)[-1] == (1, "succeeded")
        before = images_of(world, pull)
        looked_after(world)
        assert images_of(world, pull) == before

    def test_that_switch_the_gate_off_switch_off_that_of_the_images(self, world: World, own: dict[str, Any]) -> None:
        """And on again."""
        pull = judged(world, own)
        for rules, state in (("enabled: false\n", "notApplicable"), ("max_low: 1\n", "succeeded")):
            world.push(pull.repo, f"+{world.origin.commit({'.scangate.yml': rules})}:refs/heads/main")
            looked_after(world)
            assert on_pull_request(pull)[-1] == (1, state)


def test_a_status_of_images_that_somebody_else_posted_is_overwritten(
    world: World, own: dict[str, Any], simulator: Sim
) -> None:
    """As that of the source is."""
    mallory = simulator.as_other(displayName="Mallory", uniqueName="mallory@example.com")
    pull = judged(world, own)
    context = {"genre": "scangate", "name": "image"}
    assert Pull(mallory, pull.repo, pull.id).status("failed", 1, context=context).ok
    assert on_pull_request(pull)[-1] == (1, "failed")
    looked_after(world)
    assert on_pull_request(pull)[-1] == (1, "succeeded")
    assert [line["name"] for line in world.audit("forged")] == ["image"]


class TestWithoutIterations:
    @pytest.fixture
    def pull(self, world: World) -> Pull:
        """A pull request of which Azure DevOps keeps none, as it is too large."""
        world.registry.push(APP)
        world.registry.push(BASE)
        pull = world.proposed()
        world.sim.sim("pullRequests", {"pullRequestId": pull.id, "supportsIterations": False})
        return pull

    def test_the_status_stands_on_the_pull_request_itself(self, world: World, pull: Pull) -> None:
        """Azure DevOps takes none on an iteration, and no look ends the gate."""
        told(world, of_pull_request(world, pull, APP))
        world.hook(pull)
        world.run_until_quiet(BAD)
        assert images_of(world, pull, 0).state is GateState.DECIDED
        assert on_pull_request(pull)[-1] == (None, "failed")

    @pytest.mark.parametrize("told_of_push", [True, False])
    def test_another_commit_is_another_question(self, world: World, pull: Pull, told_of_push: bool) -> None:
        """No image of the commit before answers for it."""
        told(world, of_pull_request(world, pull, APP))
        told(world, of_pull_request(world, pull, BASE, definition=9))
        world.run_until_quiet(GOOD)
        world.push_again(pull)
        if told_of_push:
            world.hook(pull)
            world.serve()
            assert images_of(world, pull, 0).state is GateState.SUPERSEDED
        told(world, of_pull_request(world, pull, APP))
        world.hook(pull)
        world.run_until_quiet(BAD)
        gate = images_of(world, pull, 0)
        assert [one.definition_id for one in gate.builds] == [3]
        assert gate.place.commit == pull.json()["lastMergeCommit"]["commitId"]

    def test_a_push_while_it_was_abandoned_brings_no_older_image_back(self, world: World, pull: Pull) -> None:
        """They were built from something else."""
        told(world, of_pull_request(world, pull, APP))
        world.hook(pull)
        world.run_until_quiet(GOOD)
        moved(world, pull, status="abandoned")
        world.push_again(pull)
        moved(world, pull, status="active")
        world.run_until_quiet(GOOD)
        assert images_of(world, pull, 0).state is GateState.CLOSED


def test_the_watch_knows_of_a_gate_that_a_build_asks_anew(world: World) -> None:
    """Its verdict was shown, and it had left the agenda by the time that a slow registry answered."""
    world.registry.push(APP)
    world.registry.push(BASE)
    repo = world.repository()
    told(world, built(world, repo, APP))
    world.run_until_quiet(GOOD)
    slow = Meddling(world.registry, "resolve", before=world.watch)
    told(world.having(registries=lambda _: slow), built(world, repo, BASE))
    assert on_commit(repo, tip(repo))[-1] == "pending"
    world.clock.advance(world.services.settings.deadline_seconds)
    world.watch()
    assert on_commit(repo, tip(repo))[-1] == "error"
