"""Builds under trouble: several gates while a registry is away, two instances at once, tags that change, deaths."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow import reconcile
from scan_core.flow.looks import look_at
from scan_core.model.gate import Gate, GateState
from scan_core.model.image import image_reference, platform
from scan_core.model.image_tag import encode_tag
from scan_core.model.rules import ImageRule, OnError, Rules
from scan_core.model.target import ImageTarget
from scan_core.registry.refusals import RefusalKind
from tests.flow.fakes import Fuse, Killed, Meddling
from tests.flow.scripted_worker import Ending
from tests.flow.test_builds import (
    APP,
    BAD,
    BASE,
    built,
    gate_of,
    images_of,
    of_pull_request,
    on_commit,
    on_pull_request,
    ref,
    told,
)
from tests.flow.test_pushes import Having, tip
from tests.flow.world import ORG, World
from tests.local.devops.driver import Repo
from tests.local.devops.pipelines import BuildRun

DAY = 86_400
GOOD = Ending()


def tag(image: str) -> str:
    """The tag that names an image."""
    return encode_tag(image_reference(image))


def with_builds(
    world: World, method: str, kind: DevOpsErrorKind, times: int = 1, retry_after: float | None = None
) -> World:
    """The same world, where a call about builds fails some times."""

    def fail() -> None:
        raise DevOpsError(kind, f"Azure DevOps says {kind}.", retry_after=retry_after)

    failed = Meddling(world.services.devops(ORG).builds, method, before=fail, times=times)
    return world.with_devops(lambda devops: Having(devops, builds=failed))


def names(gate: Gate) -> set[str]:
    """The images that a gate judges."""
    return {target.repository for target in gate.targets if isinstance(target, ImageTarget)}


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


class TestUnheard:
    @pytest.fixture
    def repo(self, world: World) -> Repo:
        """A repository in a project of its own, whose builds hooks told of."""
        repo = world.repository(project=world.sim.project(f"Unheard {uuid4().hex}"))
        told(world, built(world, repo))
        world.clock.advance(1)
        reconcile.reconcile(world.services)
        world.run_until_quiet()
        return repo

    def later(self, world: World) -> None:
        """Let a cycle pass, and the timer go round."""
        world.clock.advance(2 * world.services.settings.reconcile_seconds)
        reconcile.reconcile(world.services)

    def test_a_build_at_which_looking_was_given_up_is_looked_at_again(self, world: World, repo: Repo) -> None:
        """It may not have been readable yet."""
        world.registry.push(APP)
        build = built(world, repo, APP)
        unseen = with_builds(world, "read", DevOpsErrorKind.NOT_FOUND, times=3)
        world.ask(ref(build))
        for _ in range(3):
            unseen.serve()
            world.clock.advance(60)
        look = world.services.gates.look(ref(build).subject)
        assert look is not None
        assert look.value.problem is not None
        self.later(world)
        world.run_until_quiet()
        assert "scangate-passed" in build.tags()

    def test_a_build_that_was_looked_at_while_it_ran_is_looked_at_when_it_has_ended(
        self, world: World, repo: Repo
    ) -> None:
        """As a check that does not wait has it looked at: what it is known to have made by then is not all."""
        world = world.having(default_rules=Rules(images=(ImageRule(image="shop.azurecr.io/app:$(Build.BuildId)"),)))
        build = built(world, repo, ends=False)
        world.registry.push(f"shop.azurecr.io/app:{build.id}")
        told(world, build)
        world.clock.advance(60)
        build.complete()
        ended = world.clock()
        real = world.services.devops(ORG).builds

        def completed(*asked: Any) -> Any:
            return tuple(one.model_copy(update={"finished_at": ended}) for one in real.completed(*asked))

        by_our_clock = world.with_devops(lambda devops: Having(devops, builds=Having(real, completed=completed)))
        self.later(by_our_clock)
        world.run_until_quiet()
        assert "scangate-passed" in build.tags()
        self.later(by_our_clock)
        assert world.queues.requests == []

    @pytest.mark.parametrize(
        ("kind", "retry_after"), [(DevOpsErrorKind.THROTTLED, 30.0), (DevOpsErrorKind.FORBIDDEN, None)]
    )
    def test_a_listing_that_fails_is_made_up_for(
        self, world: World, repo: Repo, kind: DevOpsErrorKind, retry_after: float | None
    ) -> None:
        """From where the last one ended."""
        world.registry.push(APP)
        build = built(world, repo, APP)
        away = with_builds(world, "completed", kind, retry_after=retry_after)
        self.later(away)
        assert "scangate-passed" not in build.tags()
        self.later(world)
        self.later(world)
        world.run_until_quiet()
        assert "scangate-passed" in build.tags()


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


class TestKilled:
    @pytest.mark.parametrize("comes_back", [True, False], ids=["redelivered", "lost"])
    def test_after_any_step_of_a_look(self, world: World, stride: int, comes_back: bool) -> None:
        """On the build, its commit and its pull request stands the true verdict, and each image was scanned once."""
        world.runner.most = 0
        repo = world.repository()
        fuse = Fuse(1000)
        told(world.mortal(fuse), self.build(world, repo, 0))
        builds: list[BuildRun] = []
        for number, changes in enumerate(range(2, fuse.spent, 2 * stride), start=1):
            builds.append(self.build(world, repo, number))
            with suppress(Killed):
                told(world.mortal(Fuse(changes)), builds[-1])
            world.queues.requests.clear()
        for build in builds if comes_back else []:
            world.ask(ref(build))
        world.run_until_quiet(BAD, pause=50)
        unseen = [build for build in builds if world.services.gates.look(ref(build).subject) is None]
        assert len(unseen) <= (0 if comes_back else 1), "only the agenda comes before the row"
        for build in builds:
            if build not in unseen:
                assert "scangate-failed" in build.tags()
                assert on_commit(repo, build.json()["sourceVersion"])[-1] == "failed"
        claimed = [message.spec.scan_id for message in world.worker.claimed]
        assert len(claimed) == len(set(claimed))

    def build(self, world: World, repo: Repo, number: int) -> BuildRun:
        """A build of a commit of its own, with an image of its own."""
        image = f"shop.azurecr.io/app:{number}"
        world.registry.push(image)
        commit = world.origin.commit({"n.txt": str(number)})
        world.push(repo, f"{commit}:refs/heads/b{number}")
        return built(world, repo, image, sourceVersion=commit)


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
