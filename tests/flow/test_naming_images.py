"""Which images a build made: entries of the rules, its tags, and what is wrong with either."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.builds import BuildRead
from scan_core.flow.build import named_in, pull_request_of
from scan_core.flow.naming_images import found, named_by_build, named_by_texts, to_be_found
from scan_core.flow.services import Services
from scan_core.model.ids import OrganisationName
from scan_core.model.image import image_reference, platform
from scan_core.model.image_tag import encode_tag
from scan_core.model.rules import ImageRule, Rules
from scan_core.registry.refusals import RefusalKind
from tests.flow.fakes import Clock, Meddling, ScriptedRegistry

APP, BASE = "shop.azurecr.io/app:1", "shop.azurecr.io/base:1"
ORG = OrganisationName("fabrikam")
ARM = platform("linux/arm64")
AMD = platform("linux/amd64")


def a_build(**changes: Any) -> BuildRead:
    """A good build of main."""
    known = {
        "ref": {"organisation": ORG, "project_id": "11111111-2222-3333-4444-555555555555", "build_id": 12},
        "number": "20261123.1",
        "definition_id": 3,
        "definition_name": "Shop CI",
        "plan_ids": ("cccccccc-0000-0000-0000-000000000001",),
        "status": "completed",
        "result": "succeeded",
        "reason": "individualCI",
        "repository_id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "repository_name": "shop",
        "source_branch": "refs/heads/feature/basket",
        "source_version": "a" * 40,
        "pull_request_id": None,
        "pull_request_commit": None,
        "tags": (),
        "finished_at": None,
    }
    return BuildRead.model_validate({**known, **changes})


def entry(image: str = APP, **changes: Any) -> ImageRule:
    """An entry of the rules."""
    return ImageRule(image=image, **changes)


def having(*entries: ImageRule, **more: Any) -> Rules:
    """Rules with entries."""
    return Rules(images=entries, **more)


def tag(image: str) -> str:
    """The tag that names an image."""
    return encode_tag(image_reference(image))


class TestEntries:
    @pytest.mark.parametrize(
        ("pipeline", "names"),
        [(None, True), ("Shop CI", True), ("shop ci", True), ("3", True), ("33", False), ("Shop", False), ("", False)],
    )
    def test_belong_to_a_pipeline_by_its_name_or_number(self, pipeline: str | None, names: bool) -> None:
        """Azure Pipelines compares names without case; without one they belong to all."""
        named = named_by_build(a_build(), having(entry(pipeline=pipeline)))
        assert named.references == ((APP,) if names else ())

    def test_hold_the_builds_own_values(self) -> None:
        """Those that stand in its record."""
        image = "shop.azurecr.io/$(Build.Repository.Name)/app:$(Build.BuildId)-$(build.sourcebranchname)"
        assert named_by_build(a_build(), having(entry(image))).references == ("shop.azurecr.io/shop/app:12-basket",)

    @pytest.mark.parametrize(
        ("image", "words"),
        [
            ("shop.azurecr.io/app:$(Build.Buildld)", "did you mean $(Build.BuildId)"),
            ("shop.azurecr.io/app:$(Secret)", "unknown variable"),
            ("shop.azurecr.io/app:$(System.PullRequest.PullRequestId)", "this build has no"),
            ("$(Build.Repository.Name)/app:1", "no variable chooses it"),
            ("shop.azurecr.io/app:$BUILD", "does not begin a variable"),
            ("shop.azurecr.io/app", "neither tag nor digest"),
        ],
    )
    def test_that_cannot_be_used_are_problems(self, image: str, words: str) -> None:
        """An image that somebody meant to have judged must not go unseen."""
        named = named_by_build(a_build(), having(entry(image)))
        assert named
        assert named.images == {}
        (sentence,) = named.wrong
        assert words in sentence

    @pytest.mark.parametrize(
        "value",
        ["1@sha256:" + "0" * 64, "1:evil", "x y", "$(Build.BuildId)", "evil.io/x:1", "../../x", "ümläut", "1\n"],
    )
    def test_are_not_redirected_by_what_a_developer_names(self, value: str) -> None:
        """A build number or a branch chooses neither registry nor digest, and climbs out of no name."""
        for image in ("shop.azurecr.io/team/app:$(Build.BuildNumber)", "shop.azurecr.io/team/$(Build.BuildNumber):1"):
            named = named_by_build(a_build(number=value), having(entry(image)))
            assert all(text.startswith("shop.azurecr.io/team/") and "@" not in text for text in named.images)
            assert all(".." not in text for text in named.images)

    @given(st.text(max_size=30))
    def test_of_any_value_stay_in_their_registry(self, value: str) -> None:
        """Whatever a build is called."""
        build = a_build(number=value.encode(errors="replace").decode())
        named = named_by_build(build, having(entry("shop.azurecr.io/team/app:$(Build.BuildNumber)")))
        assert bool(named.images) != bool(named.wrong)
        for reference, _ in named.images.values():
            assert (reference.registry, reference.repository.partition("/")[0]) == ("shop.azurecr.io", "team")
            assert reference.digest is None

    @pytest.mark.parametrize("result", ["failed", "canceled"])
    def test_do_not_hold_for_a_build_that_failed(self, result: str) -> None:
        """It did not get as far; what it tagged itself, it made."""
        build = a_build(result=result, tags=(tag(BASE),))
        for running in (False, True):
            assert named_in(build, having(entry()), running=running).references == (BASE,)

    @pytest.mark.parametrize("result", ["succeeded", "partiallySucceeded"])
    def test_hold_for_a_build_that_came_to_its_end(self, result: str) -> None:
        """With warnings too."""
        assert named_in(a_build(result=result), having(entry()), running=False).references == (APP,)

    def test_hold_for_a_build_under_way_only_where_it_is_asked_for(self) -> None:
        """A check of it knows that the image is there."""
        build = a_build(status="inProgress", result=None)
        assert not named_in(build, having(entry()), running=False)
        assert named_in(build, having(entry()), running=True).references == (APP,)


class TestTags:
    def test_that_are_about_something_else_are_passed_over(self) -> None:
        """Builds have tags for many things."""
        assert not named_by_build(a_build(tags=("release", "scangate-passed", "SCANGATE-IMAGE.x", "")), Rules())

    @pytest.mark.parametrize(
        "rest", ["", "app", "shop.azurecr.io/app=1", "shop.azurecr.io~app;rm -rf", "shop.azurecr.io~app"]
    )
    def test_that_begin_as_ours_and_name_no_image_are_problems(self, rest: str) -> None:
        """They are not passed over."""
        named = named_by_build(a_build(tags=(f"scangate-image.{rest}",)), Rules())
        assert (named.images, len(named.wrong)) == ({}, 1)

    def test_and_entries_that_name_one_image_are_one(self) -> None:
        """With the platforms of the entry."""
        rules = having(entry(platforms=(ARM,)), entry(platforms=(AMD,)))
        named = named_by_build(a_build(tags=(tag(APP), tag(APP), tag(BASE))), rules)
        assert named.references == (APP, BASE)
        assert named.images[APP][1] == (ARM,)
        assert named.images[BASE][1] == (AMD,)

    def test_are_not_followed_without_end(self) -> None:
        """Whoever may tag a build could have registries asked, and images scanned, a thousand times."""
        named = named_by_build(a_build(tags=tuple(tag(f"shop.azurecr.io/app:{n}") for n in range(120))), Rules())
        assert len(named.images) == 50
        assert named.wrong == ("The build names more than 50 images; name fewer.",)
        wrong = named_by_build(a_build(tags=tuple(f"scangate-image.Shop{n}.io~x=1" for n in range(120))), Rules()).wrong
        assert len(wrong) == 51
        assert wrong[-1] == named.wrong[0]

    def test_that_change_without_end_are_not_followed_either(self) -> None:
        """Of one build, 50 in all."""
        first = tuple(f"shop.azurecr.io/app:{n}" for n in range(40))
        later = named_by_build(a_build(tags=tuple(tag(f"shop.azurecr.io/new:{n}") for n in range(40))), Rules())
        known = to_be_found(a_build()).model_copy(update={"asked": named_by_texts(first, Rules()).asked})
        assert len(later.beyond(known).images) == 10
        assert "more than 50" in later.beyond(known).wrong[0]

    def test_of_fifty_images_are_all_followed(self) -> None:
        """That many may be named."""
        named = named_by_build(a_build(tags=tuple(tag(f"shop.azurecr.io/app:{n}") for n in range(50))), Rules())
        assert (len(named.images), named.wrong) == (50, ())

    def test_that_are_wrong_alike_are_one_problem(self) -> None:
        """Nobody has to read it twice."""
        assert len(named_by_build(a_build(tags=("scangate-image.x", "scangate-image.x")), Rules()).wrong) == 1


class TestFindingThem:
    @pytest.fixture
    def registry(self) -> ScriptedRegistry:
        """One without images."""
        return ScriptedRegistry()

    @pytest.fixture
    def clock(self) -> Clock:
        """The test's clock."""
        return Clock()

    @pytest.fixture
    def services(self, registry: ScriptedRegistry, clock: Clock) -> Services:
        """Just the registries, and the time."""
        return cast("Services", SimpleNamespace(registries=lambda _: registry, now=clock))

    def test_gives_a_target_for_each_platform(self, services: Services, registry: ScriptedRegistry) -> None:
        """By the digest of its own manifest; equal ones once."""
        registry.push(APP, platforms=("linux/amd64", "linux/arm64"))
        registry.images["shop.azurecr.io/app:latest"] = registry.images[APP]
        named = named_by_texts((APP, "shop.azurecr.io/app:latest"), Rules(platforms=(AMD, ARM)))
        images = found(services, ORG, a_build(), named, 0).images
        assert [target.platform for target in images.targets] == [AMD, ARM]
        assert (images.build_id, images.definition_id, images.missing) == (12, 3, ())

    @pytest.mark.parametrize("kind", [RefusalKind.UNREACHABLE, RefusalKind.THROTTLED, RefusalKind.MALFORMED])
    def test_waits_for_a_registry_in_trouble_however_often(
        self, kind: RefusalKind, services: Services, registry: ScriptedRegistry
    ) -> None:
        """Its failure is a state with a deadline."""
        registry.refuse(APP, kind, "Not now.")
        seen = found(services, ORG, a_build(), named_by_texts((APP,), Rules()), 1000)
        assert (str(seen.not_yet), seen.images.unresolved, seen.images.asked) == ("Not now.", True, ())

    def test_waits_a_little_for_an_image_that_is_not_there(self, services: Services) -> None:
        """What was just pushed may not be everywhere yet."""
        named = named_by_texts((APP,), Rules())
        for tries in range(4):
            assert found(services, ORG, a_build(), named, tries).not_yet is not None
        seen = found(services, ORG, a_build(), named, 4)
        images = seen.images
        assert (seen.not_yet, images.unresolved, images.targets) == (None, False, ())
        assert APP in images.missing[0]

    def test_asks_nothing_twice(self, services: Services, registry: ScriptedRegistry) -> None:
        """A tag may move; only another platform of it is another question."""
        registry.push(APP)
        named = named_by_texts((APP,), Rules())
        known = found(services, ORG, a_build(), named, 0).images
        assert not named.beyond(known).images
        assert named_by_texts((APP,), Rules(platforms=(AMD, ARM))).beyond(known).images.keys() == {APP}
        assert named_by_texts((APP, BASE), Rules()).beyond(known).images.keys() == {BASE}

    def test_keeps_what_it_found_while_another_image_is_waited_for(
        self, services: Services, registry: ScriptedRegistry
    ) -> None:
        """A tag may move before that one is there; and one registry's trouble says nothing of another's."""
        elsewhere = "other.azurecr.io/app:1"
        registry.refuse(APP, RefusalKind.THROTTLED, "Not now.", retry_after=30)
        for image in (BASE, elsewhere):
            registry.push(image)
        named = named_by_texts((APP, BASE, elsewhere), Rules())
        seen = found(services, ORG, a_build(), named, 0)
        assert seen.images.unresolved
        assert seen.images.references == (elsewhere,)
        assert registry.asked == [APP, elsewhere], "a registry that does not answer is asked once for a message"
        assert named.beyond(seen.images).images.keys() == {APP, BASE}

    def test_waits_for_as_long_as_a_registry_asks(self, services: Services, registry: ScriptedRegistry) -> None:
        """The longest pause, where several ask for one."""
        elsewhere = "other.azurecr.io/app:1"
        registry.refuse(APP, RefusalKind.THROTTLED, "Not now.", retry_after=30)
        registry.refuse(elsewhere, RefusalKind.THROTTLED, "Nor now.", retry_after=90)
        seen = found(services, ORG, a_build(), named_by_texts((APP, elsewhere), Rules()), 0)
        assert seen.not_yet is not None
        assert (str(seen.not_yet), seen.not_yet.retry_after) == ("Not now.", 90)

    def test_ends_in_time_and_leaves_the_rest_for_the_next_message(
        self, services: Services, registry: ScriptedRegistry, clock: Clock
    ) -> None:
        """A slow registry must not outlast the time of a function."""
        texts = tuple(f"shop.azurecr.io/app:{number}" for number in range(20))
        for text in texts:
            registry.push(text)
        slow = Meddling(registry, "resolve", after=lambda: clock.advance(30), times=1000)
        services.registries = lambda _: slow  # type: ignore[misc]  # a namespace
        begun = clock()
        seen = found(services, ORG, a_build(), named_by_texts(texts, Rules()), 0)
        assert clock() - begun < timedelta(minutes=5)
        assert seen.images.unresolved
        assert "still finding out" in str(seen.not_yet)
        rest = named_by_texts(texts, Rules()).beyond(seen.images)
        assert (len(seen.images.targets), len(rest.images)) == (len(registry.asked), 20 - len(registry.asked))

    def test_is_still_to_be_done_at_first(self) -> None:
        """Until then the build stands for nothing that could pass."""
        images = to_be_found(a_build())
        assert (images.unresolved, images.targets, images.missing) == (True, (), ())


def test_a_build_from_elsewhere_belongs_to_no_pull_request_of_ours() -> None:
    """A number of GitHub's would be taken for one of Azure DevOps'."""
    assert pull_request_of(a_build(repository_id=None, pull_request_id=7)) is None
    reference = pull_request_of(a_build(pull_request_id=7))
    assert reference is not None
    assert reference.pull_request_id == 7
