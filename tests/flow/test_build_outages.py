"""Builds while a registry or Azure DevOps is away: nothing passes, and in the end each gate has its verdict."""

import pytest

from scan_core.devops.errors import DevOpsErrorKind
from scan_core.model.gate import GateState
from scan_core.model.target import ImageTarget
from scan_core.registry.refusals import RefusalKind
from tests.flow.builds import (
    APP,
    BAD,
    BASE,
    GOOD,
    built,
    gate_of,
    images_of,
    images_on_main,
    names,
    of_pull_request,
    on_commit,
    on_pull_request,
    tag,
    told,
)
from tests.flow.outages import with_builds
from tests.flow.pushes import tip
from tests.flow.world import World

DAY = 86_400


class TestARegistryThatIsAway:
    def test_no_gate_passes_for_a_build_whose_images_are_not_known(self, world: World) -> None:
        """Another build's verdict does not answer for it: neither on the commit nor on the pull request."""
        world.registry.push(APP)
        pull = world.proposed()
        first = of_pull_request(world, pull, APP)
        told(world, first)
        world.run_until_quiet(GOOD)
        commit = first.json()["sourceVersion"]
        assert on_pull_request(pull)[-1] == (1, "succeeded")
        world.registry.refuse(BASE, RefusalKind.UNREACHABLE, "The registry does not answer.")
        second = of_pull_request(world, pull, BASE, definition=9)
        told(world, second)
        assert on_pull_request(pull)[-1] == (1, "pending")
        assert on_commit(pull.repo, commit)[-1] == "pending"
        assert "scangate-passed" in first.tags()
        world.registry.push(BASE)
        world.clock.advance(30)
        world.run_until_quiet(BAD)
        assert on_pull_request(pull)[-1] == (1, "failed")
        assert on_commit(pull.repo, commit)[-1] == "failed"
        assert names(images_of(world, pull)) == {"app", "base"}

    def test_they_all_end_at_the_deadline_and_recover_later(self, world: World) -> None:
        """A time-out gives way to the verdict, whenever it comes."""
        world.registry.refuse(APP, RefusalKind.THROTTLED, "The registry asks to wait.")
        pull = world.proposed()
        build = of_pull_request(world, pull, APP)
        told(world, build)
        gate = gate_of(world, build)
        assert (gate.problem, gate.builds[0].unresolved) == ("The registry asks to wait.", True)
        world.clock.advance(world.services.settings.deadline_seconds)
        world.watch()
        assert on_pull_request(pull)[-1] == (1, "error")
        assert "scangate-error" in build.tags()
        world.registry.push(APP)
        world.clock.advance(600)
        world.run_until_quiet(GOOD)
        assert on_pull_request(pull)[-1] == (1, "succeeded")
        assert build.tags()[-1] == "scangate-passed"
        assert "scangate-error" not in build.tags()

    def test_a_later_build_of_the_commit_does_not_answer_for_it_either(self, world: World) -> None:
        """Though all that it made is fine."""
        world.registry.push(APP)
        world.registry.refuse(BASE, RefusalKind.UNREACHABLE, "The registry does not answer.")
        repo = world.repository()
        told(world, built(world, repo, BASE, definition={"id": 9, "name": "base"}))
        told(world, built(world, repo, APP))
        world.scanned()
        assert on_commit(repo, tip(repo))[-1] == "pending"
        world.registry.push(BASE)
        world.clock.advance(60)
        world.run_until_quiet()
        assert on_commit(repo, tip(repo))[-1] == "succeeded"


class TestWhatWasFoundMeanwhile:
    def test_an_image_that_moves_while_another_is_waited_for_stays_what_it_was(self, world: World) -> None:
        """What was built is judged, not what its tag names later."""
        digest = world.registry.push(APP)
        world.registry.refuse(BASE, RefusalKind.UNREACHABLE, "The registry does not answer.")
        build = built(world, world.repository(), APP, BASE)
        told(world, build)
        assert gate_of(world, build).builds[0].unresolved
        assert gate_of(world, build).waits_for == ()
        for image in (APP, BASE):
            world.registry.push(image)
        world.clock.advance(60)
        world.run_until_quiet(GOOD)
        assert digest in {target.digest for target in gate_of(world, build).targets if isinstance(target, ImageTarget)}
        assert world.registry.asked.count(APP) == 1
        assert "scangate-passed" in build.tags()

    def test_another_gate_does_not_pass_on_what_is_half_known(self, world: World) -> None:
        """Of a build that named one more image later, its own gate knew the first already."""
        for image in (APP, "shop.azurecr.io/other:1"):
            world.registry.push(image)
        repo = world.repository()
        build = built(world, repo, APP)
        told(world, build)
        world.scanned()
        world.change(images_on_main(world, repo), builds=())  # as if whoever told the one had died before the other
        world.registry.refuse(BASE, RefusalKind.UNREACHABLE, "The registry does not answer.")
        build.tag(tag("shop.azurecr.io/other:1"), tag(BASE))
        told(world, build)
        world.scanned()
        assert on_commit(repo, tip(repo))[-1] == "pending"
        world.registry.push(BASE)
        world.clock.advance(60)
        world.run_until_quiet(BAD)
        assert on_commit(repo, tip(repo))[-1] == "failed"

    def test_a_registry_is_left_alone_for_as_long_as_it_asks(self, world: World) -> None:
        """Asked sooner, it would only ask for more."""
        world.registry.refuse(APP, RefusalKind.THROTTLED, "The registry asks to wait.", retry_after=120)
        told(world, built(world, world.repository(), APP))
        assert world.delayed()[-1] >= 120


class TestTheEnd:
    def test_a_time_out_is_final_once_nobody_looks_any_more(self, world: World) -> None:
        """Else the agenda would grow for ever."""
        world.registry.refuse(APP, RefusalKind.UNREACHABLE, "The registry does not answer.")
        repo = world.repository()
        build = built(world, repo, APP)
        told(world, build)
        for _ in range(10):
            world.clock.advance(DAY)
            world.serve()
            world.watch()
        decision = gate_of(world, build).decision
        assert decision is not None
        assert not decision.provisional
        world.run_until_quiet()
        assert on_commit(repo, tip(repo))[-1] == "error"

    def test_a_build_that_takes_no_status_is_given_up_after_a_week(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Retention deleted it, or the right to tag was never given."""
        world.registry.push(APP)
        build = built(world, world.repository(), APP)
        gone = with_builds(world, "mark", DevOpsErrorKind.NOT_FOUND, times=10_000)
        told(gone, build)
        gone.scanned(BAD)
        for _ in range(4):
            world.clock.advance(DAY)
            gone.watch()
        assert gate_of(world, build).state is GateState.DECIDED
        for _ in range(6):
            world.clock.advance(DAY)
            gone.watch()
        assert gate_of(world, build).state is GateState.CLOSED
        assert "status_given_up" in caplog.text
        gone.run_until_quiet()

    def test_while_azure_devops_is_down_nothing_is_given_up(self, world: World) -> None:
        """As soon as it answers, the verdict is shown."""
        world.registry.push(APP)
        build = built(world, world.repository(), APP)
        down = with_builds(world, "mark", DevOpsErrorKind.UNAVAILABLE, times=10_000)
        told(world, build)
        down.scanned(BAD)
        for _ in range(10):
            world.clock.advance(DAY)
            down.watch()
        world.clock.advance(600)
        world.run_until_quiet()
        assert "scangate-failed" in build.tags()
