"""The first act: a pull request is refused, fixed and let through."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2

from local.demo.azure_devops import Clone, Team
from local.demo.files import README, RULES, package_files
from local.demo.screen import DemoFailed, Screen, Seen
from local.stack import parts, up

PROJECT, REPOSITORY = "Web shop", "shop"
_BRANCH = "feature/checkout"


@dataclass
class PullRequestAct:
    """The first act under way; what it leaves is where the second begins."""

    screen: Screen
    team: Team
    project: str = ""
    repository: str = ""
    number: int = 0

    def play(self, data: Path, stack: up.Stack) -> None:
        """Play it.

        Args:
            data: Where the demo's stack is kept.
            stack: The stack.

        Raises:
            DemoFailed: Something did not come about.
        """
        screen, team = self.screen, self.team
        screen.head(1, "A team has a repository", ", and its project is onboarded")
        self.project = team.make_project(PROJECT)
        self.repository = team.make_repository(self.project, REPOSITORY)
        url = f"{stack.plan.organisation_url}/{self.project}/_git/{self.repository}"
        clone = Clone(data / "clone", url, stack.plan.devops_token)
        first = {"README.md": README, ".scangate.yml": RULES, **package_files(minimist="1.2.8")}
        clone.commit_and_push("main", "A web shop", first)
        screen.console.print(
            f"    [cyan]scangate onboard '{PROJECT}'[/] connects it: service hooks and blocking status policies"
        )
        screen.say(_onboard(data, stack))

        screen.head(2, "A pull request adds a dependency", " with a known vulnerability: lodash 4.17.11")
        clone.commit_and_push(_BRANCH, "Add lodash", package_files(minimist="1.2.8", lodash="4.17.11"))
        self.number = team.open_pull_request(self.project, self.repository, _BRANCH, "Faster checkout")
        refused = screen.await_verdict("vulnerable", self._status, "failed")

        screen.head(3, "Azure DevOps does not let it through")
        self._try_to_complete("complete too early", expected=False)

        screen.head(4, "The fix is pushed", ": lodash 4.17.21; the old gate is superseded")
        pushed = time.monotonic()
        clone.commit_and_push(_BRANCH, "Update lodash", package_files(minimist="1.2.8", lodash="4.17.21"))
        passed = screen.await_verdict("fixed", self._status, "succeeded")
        if passed.gate == refused.gate:
            raise DemoFailed("the fix was judged by the old gate")
        self._see_superseded(refused, time.monotonic() - pushed)

        screen.head(5, "Now it completes")
        self._try_to_complete("complete", expected=True)

    def page(self) -> str:
        """Find the pull request's page in Azure DevOps.

        Returns:
            Its address.
        """
        return self.team.page(PROJECT, REPOSITORY, self.number)

    def _status(self) -> Seen | None:
        status = self.team.latest_status(self.project, self.repository, self.number)
        return None if status is None else Seen(status["state"], status["description"], status.get("targetUrl") or "")

    def _try_to_complete(self, step: str, *, expected: bool) -> None:
        """Try to complete the pull request, and see whether Azure DevOps lets it."""
        started = time.monotonic()
        completed, words = self.team.complete(self.project, self.repository, self.number)
        state = "completed" if completed else "refused"
        self.screen.note(step, "", state, words or "The pull request is in main.", time.monotonic() - started)
        if completed != expected:
            raise DemoFailed(f"{step}: expected {'completed' if expected else 'refused'}, got {state}")

    def _see_superseded(self, refused: Seen, seconds: float) -> None:
        page = httpx2.get(refused.page, trust_env=False)
        if page.status_code != httpx2.codes.OK or "superseded" not in page.text.lower():
            raise DemoFailed("the old gate's page does not say that it was superseded")
        self.screen.note("old gate", refused.gate, "superseded", "A newer iteration took its place.", seconds)


def _onboard(data: Path, stack: up.Stack) -> str:
    """Run the command as an administrator would, with the app's own settings; give its last line."""
    command = [str(Path(sys.executable).with_name("scangate")), "onboard", PROJECT]
    environment = {**os.environ, **parts.app(data, stack.plan).environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoFailed(f"scangate onboard ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()[-1]
