"""What pipelines do in these tests: images pushed, builds run, stages reached; and what Scangate shows of it all."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from pydantic import JsonValue

from local.demo.pipelines import Build, Shown, function_check, queue_build
from local.registry.debian import BOOKWORM_12_1, BOOKWORM_12_8, apt_upgrade, debian_image
from local.registry.images import Image
from local.registry.push import push_image
from local.stack.plan import REGISTRY_USER
from tests.e2e.polling import until
from tests.e2e.repository import FINAL, PullRequest, Repository
from tests.e2e.site import Site

VULNERABLE_IMAGE: Final = debian_image(BOOKWORM_12_1)
CLEAN_IMAGE: Final = debian_image(BOOKWORM_12_8)
REBUILT_IMAGE: Final = VULNERABLE_IMAGE.then(apt_upgrade(BOOKWORM_12_1, BOOKWORM_12_8))
WHY = "3 critical and 12 high findings; the rules fail on high and worse"
"""Why the first one does not pass."""
EVENTS: Final = ("git.push", "build.complete")
_STAGE_ENDS: Final = {"succeeded", "failed", "skipped", "canceled"}
_DECIDED_TAGS: Final = {"scangate-passed", "scangate-failed", "scangate-error"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Shipyard:
    """A repository whose pushes and builds are gated, and the pipelines that build it."""

    repository: Repository

    @classmethod
    def opened(cls, site: Site) -> "Shipyard":
        """Make one in a project of its own."""
        return cls(site.new_repository(project=site.new_project(*EVENTS)))

    @property
    def site(self) -> Site:
        """The stack."""
        return self.repository.site

    def push(self, image: Image) -> str:
        """Push an image under a tag of its own; give its reference."""
        tag, plan = str(next(_numbers)), self.site.plan
        push_image(plan.registry_url, self._name, tag, image, (REGISTRY_USER, plan.registry_password))
        return f"{plan.registry}/{self._name}:{tag}"

    def build(self, image: Image, pipeline: int = 1, **more: JsonValue) -> Build:
        """Run a build that pushes an image and tells of it; it is not complete."""
        started = queue_build(
            self.site.team, self.repository.project, self.repository.id, (pipeline, f"pipeline {pipeline}"), **more
        )
        started.name_image(self.push(image))
        return started

    def built(self, image: Image, pipeline: int = 1, **more: JsonValue) -> Build:
        """Run such a build to its end."""
        build = self.build(image, pipeline, **more)
        build.complete()
        return build

    def built_for(self, pull_request: PullRequest, image: Image, pipeline: int) -> Build:
        """Run such a build for a pull request, as a policy of its target branch does."""
        branch = f"refs/pull/{pull_request.number}/merge"
        return self.built(image, pipeline, sourceBranch=branch, reason="pullRequest")

    def await_verdict(self, build: Build) -> Shown:
        """Wait until a build shows a verdict, by its tag too, which comes last."""

        def look() -> Shown | None:
            shown = build.shown()
            return shown if shown and shown.state in FINAL and _DECIDED_TAGS & set(shown.tags) else None

        return self._patiently(look, f"the verdict of build {build.number}")

    def await_on_commit(self, commit: str, name: str, state: str) -> dict[str, Any]:
        """Wait until a commit shows a state last, and give that status."""
        path = f"{self.repository.project}/_apis/git/repositories/{self.repository.id}/commits/{commit}/statuses"

        def look() -> dict[str, Any] | None:
            context = {"genre": "scangate", "name": name}
            found = self.site.team.call("GET", path)["value"]
            ours = [each for each in found if each["context"] == context]
            newest = max(ours, key=lambda each: int(each["id"]), default=None)
            return newest if newest and newest["state"] == state else None

        return self._patiently(look, f"{commit} to show {state}")

    def await_on_iteration(self, pull_request: PullRequest, state: str) -> dict[str, Any]:
        """Wait until a pull request's latest iteration shows a state of its images last, and give that status."""

        def look() -> dict[str, Any] | None:
            place = (self.repository.project, self.repository.id, pull_request.number)
            status = self.site.team.latest_status(*place, name="image")
            return status if status and status["state"] == state else None

        return self._patiently(look, f"pull request {pull_request.number} to show {state}")

    def check(self, **inputs: str) -> dict[str, Any]:
        """Give the settings of a check that asks Scangate."""
        return function_check(self.site.plan, quote(self.site.plan.check_secret, safe=""), **inputs)

    def reach(self, build: Build, **inputs: str) -> "Deployment":
        """Let a build reach a stage, with which it ends, that a check holds back."""
        build.reach_stage("deploy", checks=[self.check(**inputs)])
        return Deployment(self, build)

    def _patiently[T](self, look: Callable[[], T | None], what: str) -> T:
        try:
            return until(look, what)
        except AssertionError as late:
            raise AssertionError(f"{late}; {self.site.log()[-4000:]}") from None

    @property
    def _name(self) -> str:
        """A name of its own for what it builds, so that nothing is known of it yet."""
        return f"shop-{self.repository.id[:8]}"


@dataclass(frozen=True)
class Deployment:
    """A stage that one check holds back."""

    shipyard: Shipyard
    build: Build

    @property
    def stage(self) -> dict[str, Any]:
        """How it stands."""
        found = self.shipyard.site.simulate("GET", f"builds/stages?buildId={self.build.number}")["value"]
        return dict(found[0])

    @property
    def check(self) -> dict[str, Any]:
        """How its check stands, with what the check wrote into its log."""
        return dict(self.stage["checks"][0])

    def await_end(self) -> str:
        """Wait until it has ended and tell how."""

        def look() -> str | None:
            state = str(self.stage["state"])
            return state if state in _STAGE_ENDS else None

        return self.shipyard._patiently(look, f"the stage of build {self.build.number} to end")

    def words(self) -> list[str]:
        """Give what the check wrote into the log of the run, without the links."""
        said = [line.removeprefix("Scangate: ") for line in self.build.log() if line.startswith("Scangate: ")]
        return [line for line in said if not line.startswith("http")]

    def answers(self) -> list[int]:
        """Give the status of each answer that the run was sent."""
        events = f"/plans/{self.check['planId']}/events"
        calls = self.shipyard.site.simulate("GET", "calls")["value"]
        return [call["status"] for call in calls if events in call["path"]]


@contextmanager
def registry_down(site: Site) -> Iterator[None]:
    """Have no registry for as long as the block lasts."""
    site.stop("registry")
    try:
        yield
    finally:
        site.start("registry")
