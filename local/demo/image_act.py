"""The second act: an image is refused for its base image, held back before its deployment, rebuilt and deployed."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin

import httpx2

from local.demo.azure_devops import Team
from local.demo.pipelines import TAGGING_STEP, Build, guard_environment, queue_build
from local.demo.screen import FINAL, DemoFailed, Screen, Seen
from local.registry.applications import node_application
from local.registry.debian import BOOKWORM_12_1, BOOKWORM_12_8, Release, debian_image
from local.registry.push import push_image
from local.stack.plan import REGISTRY_USER, Plan

_ENVIRONMENT = "production"
_BUILD, _DEPLOY = (1, "build"), (2, "deploy")
_NAME = "web-shop"
_SAYS = "Scangate: "
_VERDICT: Final = re.compile(r'href="([^"]+/verdict\.json\?[^"]+)"')
_TAGS: Final = {"succeeded": "scangate-passed", "failed": "scangate-failed", "error": "scangate-error"}


@dataclass
class ImageAct:
    """The second act under way.

    Attributes:
        screen: where it is shown.
        team: who plays it.
        plan: the stack's plan.
        project: the project's id.
        repository: the id of the repository that is built.
    """

    screen: Screen
    team: Team
    plan: Plan
    project: str
    repository: str

    def play(self) -> None:
        """Play it.

        Raises:
            DemoFailed: Something did not come about.
        """
        screen = self.screen
        guard_environment(self.team, self.plan, self.project, _ENVIRONMENT)
        screen.head(6, "A pipeline builds an image on Debian 12.1", ", pushes it and tells of it by one step:")
        screen.say(TAGGING_STEP)
        self._tell_worst(self._build("vulnerable image", BOOKWORM_12_1, "1", "failed"))

        screen.head(
            7, "Its deployment is held back", f": the environment {_ENVIRONMENT} has a check that asks Scangate"
        )
        self._deploy("deploy too early", "1", "failed")

        screen.head(8, "The image is rebuilt on Debian 12.8")
        self._build("rebuilt image", BOOKWORM_12_8, "2", "succeeded")

        screen.head(9, "Now it is deployed")
        self._deploy("deploy", "2", "succeeded")

    def _build(self, step: str, base: Release, tag: str, expected: str) -> Seen:
        """Run the pipeline that builds the image; its end is told by a hook, and its verdict stands on the build."""
        build = queue_build(self.team, self.project, self.repository, _BUILD)
        image = debian_image(base).then(node_application({"lodash": "4.17.21", "minimist": "1.2.8"}))
        credentials = (REGISTRY_USER, self.plan.registry_password)
        digest = push_image(self.plan.registry_url, _NAME, tag, image, credentials)
        build.name_image(self._reference(tag))
        build.complete()
        self.screen.say(f"pushed {self._reference(tag)} ({digest[:19]}…); build {build.number} is complete")
        return self.screen.await_verdict(step, lambda: _on_build(build), expected)

    def _tell_worst(self, seen: Seen) -> None:
        """Show the worst finding, and that it came with the base image."""
        worst = _verdict(seen)["findings"][0]
        if "debian" not in worst["layer_command"]:
            raise DemoFailed(f"the worst finding did not come with the base image: {worst}")
        package = f"{worst['package']} {worst['installed_version']}"
        self.screen.say(f"the worst: {worst['cves'][0]} in {package}, fixed in {worst['fixed_version']},")
        self.screen.say(f"brought by the layer of: {worst['layer_command']}")

    def _deploy(self, step: str, tag: str, expected: str) -> None:
        """Run the pipeline that deploys the image; the check writes into its log."""
        run = queue_build(self.team, self.project, self.repository, _DEPLOY)
        run.name_image(self._reference(tag))
        stage = run.reach_stage("deploy", environment=_ENVIRONMENT)

        def ended() -> Seen | None:
            result = stage.result()
            return None if result is None else _by_log(result, run.log())

        seen = self.screen.await_verdict(step, ended, expected)
        self.screen.say("the check's lines in the log of the run:")
        for line in run.log():
            if line.startswith(_SAYS) and seen.page not in line:
                self.screen.say(f"  {line}")

    def _reference(self, tag: str) -> str:
        return f"{self.plan.registry}/{_NAME}:{tag}"


def _on_build(build: Build) -> Seen | None:
    """Read what a build shows; its verdict counts once the tag says so too, which is set last."""
    shown = build.shown()
    if shown is None or (shown.state in FINAL and _TAGS.get(shown.state) not in shown.tags):
        return None
    return Seen(shown.state, shown.description, shown.page)


def _verdict(seen: Seen) -> dict[str, Any]:
    """Follow a gate's page to its verdict for machines."""
    found = _VERDICT.search(httpx2.get(seen.page, trust_env=False).text)
    if found is None:
        raise DemoFailed("the gate's page does not link to its verdict")
    verdict: dict[str, Any] = httpx2.get(urljoin(seen.page, unescape(found[1])), trust_env=False).json()
    return verdict


def _by_log(result: str, log: list[str]) -> Seen:
    """Take a stage's end together with what the check wrote last: what it found, and the link to its page."""
    lines = [line.removeprefix(_SAYS) for line in log if line.startswith(_SAYS)]
    words = [line for line in lines if line.startswith(("Passed", "Failed", "Error", "Not applicable"))]
    pages = [line for line in lines if line.startswith("http")]
    return Seen(result, words[-1] if words else "", pages[-1] if pages else "")
