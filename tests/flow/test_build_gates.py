"""Builds and what happens to them meanwhile: two instances at once, tags that change, pull requests, wrong rules."""

from uuid import uuid4

import pytest

from scan_core.flow import reconcile
from scan_core.flow.looks import look_at
from scan_core.model.gate import GateState
from scan_core.model.image import platform
from scan_core.model.rules import ImageRule, OnError, Rules
from scan_core.model.target import ImageTarget
from tests.flow.builds import (
    APP,
    BAD,
    BASE,
    GOOD,
    built,
    gate_of,
    images_of,
    names,
    of_pull_request,
    on_pull_request,
    ref,
    tag,
    told,
)
from tests.flow.fakes import Meddling
from tests.flow.world import ORG, World


class TestTwoInstances:
    def test_an_instance_that_read_the_build_earlier_takes_no_image_back(self, world: World) -> None:
        """Whoever writes last, every image that was seen is judged."""
        world.registry.push(APP)
        world.registry.push(BASE)
        build = built(world, world.repository(), APP)

        def other() -> None:
            build.tag(tag(BASE))
            look_at(world.services, world.ask(ref(build)))

        slow = Meddling(world.registry, "resolve", before=other)
        slower = world.having(registries=lambda _: slow)
        request = world.ask(ref(build))
        world.queues.requests.clear()
        look_at(slower.services, request)
        assert names(gate_of(world, build)) == {"app", "base"}
        world.run_until_quiet(BAD)
        assert "scangate-failed" in build.tags()

    def test_both_at_once_on_one_build_scan_each_image_once(self, world: World) -> None:
        """Equal work runs once."""
        world.registry.push(APP)
        build = built(world, world.repository(), APP)
        slow = Meddling(world.registry, "resolve", after=lambda: look_at(world.services, world.ask(ref(build))))
        look_at(world.having(registries=lambda _: slow).services, world.ask(ref(build)))
        world.run_until_quiet()
        assert len(world.worker.claimed) == 1
        assert "scangate-passed" in build.tags()


class TestTagsThatChange:
    def test_a_tag_that_is_taken_off_hides_nothing(self, world: World) -> None:
        """Else who may tag could turn a failed build green."""
        world.registry.push(APP)
        world.registry.push(BASE)
        build = built(world, world.repository(), APP, BASE)
        told(world, build)
        world.scanned(BAD)
        world.scanned(GOOD)
        world.sim.call("DELETE", f"{build.path}/tags/{tag(APP)}")
        told(world, build)
        world.run_until_quiet()
        assert "scangate-failed" in build.tags()

    def test_a_build_is_looked_at_while_it_runs_and_again_when_it_is_complete(self, world: World) -> None:
        """Tags count at once, entries when it came to its end; what is known is not asked for again."""
        entries = (
            ImageRule(image="shop.azurecr.io/late:$(Build.BuildId)"),
            ImageRule(image=APP, platforms=(platform("linux/arm64"),)),
        )
        world = world.having(default_rules=Rules(images=entries))
        repo = world.repository()
        build = built(world, repo, APP, ends=False)
        world.registry.push(APP, platforms=("linux/amd64", "linux/arm64"))
        world.registry.push(f"shop.azurecr.io/late:{build.id}")
        told(world, build)
        world.run_until_quiet(GOOD)
        assert names(gate_of(world, build)) == {"app"}
        build.complete()
        told(world, build)
        gate = gate_of(world, build)
        assert names(gate) == {"app", "late"}
        platforms = {target.platform.text for target in gate.targets if isinstance(target, ImageTarget)}
        assert platforms == {"linux/amd64", "linux/arm64"}
        world.run_until_quiet(BAD)
        assert "scangate-failed" in build.tags()
        told(world, build)
        assert world.registry.asked.count(f"shop.azurecr.io/late:{build.id}") == 1


class TestPullRequests:
    def test_a_draft_has_its_images_judged(self, world: World) -> None:
        """They were built, whatever its source waits for."""
        world.registry.push(APP)
        pull = world.proposed(rules="drafts: wait\n", isDraft=True)
        told(world, of_pull_request(world, pull, APP))
        world.run_until_quiet(GOOD)
        assert on_pull_request(pull)[-1] == (1, "succeeded")

    def test_one_that_was_abandoned_gets_no_status(self, world: World) -> None:
        """Its build does."""
        world.registry.push(APP)
        pull = world.proposed()
        build = of_pull_request(world, pull, APP)
        pull.change(status="abandoned")
        told(world, build)
        world.run_until_quiet(GOOD)
        assert on_pull_request(pull) == []
        assert "scangate-passed" in build.tags()

    def test_one_that_only_a_build_told_of_is_followed(self, world: World) -> None:
        """So that its gate ends with it, though no hook tells of either."""
        world.registry.push(APP)
        pull = world.repository(project=world.sim.project(f"Told of builds {uuid4().hex}")).pull_request("topic")
        told(world, of_pull_request(world, pull, APP))
        ended = world.services.projects.followed(ORG, world.ref(pull).project_id)
        assert world.ref(pull) in [row.value.pull_request for row in ended]
        pull.change(status="abandoned")
        world.clock.advance(2 * world.services.settings.reconcile_seconds)
        reconcile.reconcile(world.services)
        world.run_until_quiet(BAD)
        assert images_of(world, pull).state is GateState.CLOSED
        assert "failed" not in {state for _, state in on_pull_request(pull)}


class TestRulesThatCannotBeRead:
    @pytest.mark.parametrize("on_error", list(OnError))
    def test_nothing_passes_by_them(self, world: World, on_error: OnError) -> None:
        """Also where the organisation lets errors pass: nobody knows what the team allows."""
        world.registry.push(APP)
        lenient = world.having(default_rules=Rules(on_error=on_error))
        build = built(lenient, lenient.repository(rules="images: 7\n"), APP)
        told(lenient, build)
        lenient.run_until_quiet(GOOD)
        assert "scangate-error" in build.tags()
        assert "images" in build.properties()["scangate.status"]


def test_a_build_without_a_repository_of_ours_is_judged_by_the_organisations_rules(world: World) -> None:
    """Its code is elsewhere; its image is here."""
    world.registry.push(APP)
    repo = world.repository()
    build = world.sim.build(project=repo.json["project"])
    build.tag(tag(APP))
    build.complete()
    told(world, build)
    world.run_until_quiet(BAD)
    assert "scangate-failed" in build.tags()
