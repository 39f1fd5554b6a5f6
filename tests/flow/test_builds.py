"""Builds: the images they made are judged on the build, on its commit, and on its pull request."""

from uuid import uuid4

import pytest

from scan_core.flow import reconcile
from scan_core.model.gate import GateState
from scan_core.model.ids import CommitSha, ProjectId, RepositoryId
from scan_core.model.place import BuildPlace, CommitPlace
from scan_core.model.rules import ImageRule, Rules
from scan_core.model.subject import StatusName
from scan_core.model.target import ImageTarget
from scan_core.registry.refusals import RefusalKind
from tests.flow.builds import (
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
from tests.flow.pushes import tip
from tests.flow.world import ORG, World


class TestOnTheBuild:
    def test_an_image_that_a_tag_names_is_scanned_by_digest(self, world: World) -> None:
        """A tag may move; what was built does not."""
        digest = world.registry.push(APP)
        build = built(world, world.repository(), APP)
        told(world, build)
        target = world.claimed().spec.target
        assert isinstance(target, ImageTarget)
        assert (target.reference, target.platform.text) == (f"shop.azurecr.io/app@{digest}", "linux/amd64")

    def test_the_verdict_is_a_tag_and_a_property(self, world: World) -> None:
        """What a finished build can carry."""
        world.registry.push(APP)
        build = built(world, world.repository(), APP)
        told(world, build)
        assert build.properties()["scangate.status"].startswith("pending")
        world.scanned(BAD)
        assert "scangate-failed" in build.tags()
        assert build.properties()["scangate.page"].startswith("https://gate.example/api/gates/")

    def test_the_worst_of_its_images_counts(self, world: World) -> None:
        """One gate for the set."""
        world.registry.push(APP)
        world.registry.push(BASE)
        build = built(world, world.repository(), APP, BASE)
        told(world, build)
        world.scanned()
        assert gate_of(world, build).state is GateState.OPEN
        world.scanned(BAD)
        assert "scangate-failed" in build.tags()

    def test_a_build_that_names_no_image_is_left_alone(self, world: World) -> None:
        """Most builds make none."""
        build = built(world, world.repository())
        told(world, build)
        assert world.at(BuildPlace(build=ref(build), commit=None)) is None
        assert build.tags() == []
        world.run_until_quiet()

    def test_entries_of_the_rules_name_images_of_their_pipeline(self, world: World) -> None:
        """With the build's own variables in them."""
        entry = ImageRule(pipeline="ci", image="shop.azurecr.io/app:$(Build.BuildId)")
        world = world.having(default_rules=Rules(images=(entry,)))
        repo = world.repository()
        builds = [built(world, repo), built(world, repo, definition={"id": 9, "name": "docs"})]
        world.registry.push(f"shop.azurecr.io/app:{builds[0].id}")
        for build in builds:
            told(world, build)
        assert gate_of(world, builds[0]).builds[0].references == (f"shop.azurecr.io/app:{builds[0].id}",)
        assert world.at(BuildPlace(build=ref(builds[1]), commit=None)) is None

    def test_each_listed_platform_is_scanned(self, world: World) -> None:
        """An index holds several images."""
        both = ("linux/amd64", "linux/arm64")
        world.registry.push(APP, platforms=both)
        platforms = tuple({"os": "linux", "architecture": each.partition("/")[2]} for each in both)
        world = world.having(default_rules=Rules.model_validate({"platforms": platforms}))
        build = built(world, world.repository(), APP)
        told(world, build)
        targets = gate_of(world, build).targets
        assert [target.platform.text for target in targets if isinstance(target, ImageTarget)] == list(both)

    def test_one_image_of_two_builds_is_scanned_once(self, world: World) -> None:
        """Cached by digest and profile."""
        world.registry.push(APP)
        repo = world.repository()
        for _ in range(2):
            told(world, built(world, repo, APP))
        world.run_until_quiet()
        assert len(world.worker.claimed) == 1


class TestWhatCannotBeFound:
    def test_an_image_that_is_not_there_yet_is_waited_for(self, world: World) -> None:
        """A registry may take a moment to show it everywhere."""
        build = built(world, world.repository(), APP)
        told(world, build)
        assert "not there" in (gate_of(world, build).problem or "")
        world.registry.push(APP)
        world.run_until_quiet()
        assert "scangate-passed" in build.tags()

    def test_an_image_that_never_comes_is_an_error(self, world: World) -> None:
        """And says which."""
        build = built(world, world.repository(), APP)
        told(world, build)
        world.run_until_quiet()
        assert "scangate-error" in build.tags()
        assert "not there" in build.properties()["scangate.status"]

    @pytest.mark.parametrize("kind", [RefusalKind.NOT_LISTED, RefusalKind.REFUSED, RefusalKind.DIGEST_MISMATCH])
    def test_a_refusal_that_stays_is_an_error_at_once(self, world: World, kind: RefusalKind) -> None:
        """Nobody waits for what does not change."""
        world.registry.refuse(APP, kind, "The registry refuses this image.")
        build = built(world, world.repository(), APP)
        told(world, build)
        assert "scangate-error" in build.tags()

    def test_a_registry_in_trouble_is_asked_again_until_the_deadline(self, world: World) -> None:
        """Its failure is a state with a deadline."""
        world.registry.refuse(APP, RefusalKind.UNREACHABLE, "The registry does not answer.")
        build = built(world, world.repository(), APP)
        told(world, build)
        assert gate_of(world, build).problem == "The registry does not answer."
        world.clock.advance(world.services.settings.deadline_seconds)
        world.watch()
        assert "scangate-error" in build.tags()

    def test_one_missing_image_does_not_hide_what_the_other_has(self, world: World) -> None:
        """Both are reasons."""
        world.registry.push(APP)
        world.registry.refuse(BASE, RefusalKind.NOT_LISTED, "That registry is not listed.")
        build = built(world, world.repository(), APP, BASE)
        told(world, build)
        world.scanned(BAD)
        decision = gate_of(world, build).decision
        assert decision is not None
        assert len([reason for reason in decision.reasons if reason.blocking]) == 2
        assert "scangate-failed" in build.tags()

    def test_a_tag_that_names_no_image_is_an_error_that_says_so(self, world: World) -> None:
        """An image that somebody meant to have judged must not go unseen."""
        build = world.sim.build(world.repository())
        build.tag("scangate-image.shop.azurecr.io~app;rm -rf")
        build.complete()
        told(world, build)
        assert "scangate-error" in build.tags()

    def test_a_tag_that_moved_is_not_followed(self, world: World) -> None:
        """A late duplicate of the hook must not judge an old build by a new image."""
        digest = world.registry.push(APP)
        build = built(world, world.repository(), APP)
        told(world, build)
        world.scanned()
        world.registry.push(APP)
        told(world, build)
        (target,) = gate_of(world, build).targets
        assert isinstance(target, ImageTarget)
        assert target.digest == digest
        assert world.worker.claim() is None


class TestTogether:
    def test_a_commit_carries_the_verdict_of_all_its_builds(self, world: World) -> None:
        """One status, whatever pipeline made the image."""
        world.registry.push(APP)
        world.registry.push(BASE)
        repo = world.repository()
        told(world, built(world, repo, APP))
        world.scanned()
        assert on_commit(repo, tip(repo)) == ["pending", "succeeded"]
        told(world, built(world, repo, BASE, definition={"id": 9, "name": "base"}))
        world.scanned(BAD)
        assert on_commit(repo, tip(repo))[-1] == "failed"

    def test_a_newer_build_of_a_pipeline_replaces_the_older(self, world: World) -> None:
        """A rebuilt image is what is deployed."""
        world.registry.push(APP)
        world.registry.push(BASE)
        repo = world.repository()
        older = built(world, repo, APP)
        told(world, older)
        world.scanned(BAD)
        told(world, built(world, repo, BASE))
        world.scanned()
        told(world, older)
        world.run_until_quiet()
        assert on_commit(repo, tip(repo))[-1] == "succeeded"
        assert "scangate-failed" in older.tags()

    def test_a_pull_request_carries_the_verdict_of_its_images(self, world: World) -> None:
        """So that images gate merges too."""
        world.registry.push(APP)
        world.registry.push(BASE)
        pull = world.proposed()
        told(world, of_pull_request(world, pull, APP))
        world.scanned()
        told(world, of_pull_request(world, pull, BASE, definition=9))
        world.scanned(BAD)
        assert on_pull_request(pull)[0] == (1, "pending")
        assert on_pull_request(pull)[-1] == (1, "failed")

    def test_a_build_of_an_older_commit_says_nothing_on_the_pull_request(self, world: World) -> None:
        """Never for a commit that was not judged."""
        world.registry.push(APP)
        pull = world.proposed()
        build = of_pull_request(world, pull, APP)
        world.push_again(pull)
        told(world, build)
        world.run_until_quiet()
        assert on_pull_request(pull) == []
        assert "scangate-passed" in build.tags()

    def test_a_push_ends_the_gate_of_the_older_images(self, world: World) -> None:
        """A superseded gate never turns red."""
        world.registry.push(APP)
        pull = world.proposed()
        world.gated(pull)
        told(world, of_pull_request(world, pull, APP))
        world.push_again(pull)
        world.hook(pull)
        world.serve()
        world.run_until_quiet(BAD)
        assert on_pull_request(pull) == [(1, "pending")]
        assert images_of(world, pull).state is GateState.SUPERSEDED

    def test_a_reactivated_pull_request_has_its_images_judged_again(self, world: World) -> None:
        """Abandoning closed both gates."""
        world.registry.push(APP)
        pull = world.proposed()
        world.gated(pull)
        told(world, of_pull_request(world, pull, APP))
        world.run_until_quiet()
        for status in ("abandoned", "active"):
            pull.change(status=status)
            world.hook(pull)
            world.serve()
        world.run_until_quiet()
        assert images_of(world, pull).state is GateState.DECIDED
        assert on_pull_request(pull)[-1] == (1, "succeeded")

    def test_changed_rules_judge_the_images_of_an_open_pull_request_again(self, world: World) -> None:
        """From the stored results."""
        world.registry.push(APP)
        pull = world.proposed(rules="fail_on_severity: 0\n")
        world.gated(pull)
        told(world, of_pull_request(world, pull, APP))
        world.run_until_quiet(BAD)
        assert on_pull_request(pull)[-1] == (1, "succeeded")
        strict = world.origin.commit({".scangate.yml": "fail_on_severity: 5\n"})
        world.push(pull.repo, f"{strict}:refs/heads/main")
        world.clock.advance(2 * world.services.settings.reconcile_seconds)
        reconcile.reconcile(world.services)
        world.run_until_quiet(BAD)
        assert on_pull_request(pull)[-1] == (1, "failed")


class TestUnheard:
    def test_a_build_of_which_no_hook_told_is_found(self, world: World) -> None:
        """Once hooks told of one in its project."""
        world.registry.push(APP)
        repo = world.repository(project=world.sim.project(f"Builds of which nobody told {uuid4().hex}"))
        told(world, built(world, repo))
        world.clock.advance(1)
        reconcile.reconcile(world.services)
        unheard = built(world, repo, APP)
        world.clock.advance(2 * world.services.settings.reconcile_seconds)
        reconcile.reconcile(world.services)
        world.run_until_quiet()
        assert "scangate-passed" in unheard.tags()


def test_a_commit_of_two_repositories_has_two_gates() -> None:
    """A fork shares commits with its origin."""
    places = [
        CommitPlace(
            name=StatusName.IMAGE,
            organisation=ORG,
            project_id=ProjectId("0d7e1f8a-2b3c-4d5e-8f90-a1b2c3d4e5f6"),
            repository_id=RepositoryId(f"0d7e1f8a-2b3c-4d5e-8f90-a1b2c3d4e5f{number}"),
            commit=CommitSha("a" * 40),
        )
        for number in (1, 2)
    ]
    assert places[0].gate_id != places[1].gate_id
