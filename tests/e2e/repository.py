"""A repository and its pull requests, as the team that works in them sees them."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from local.demo.azure_devops import Clone
from tests.e2e.polling import until

if TYPE_CHECKING:
    from tests.e2e.site import Site

FINAL = {"succeeded", "failed", "error", "notApplicable"}
_numbers = itertools.count(1)


class WorkingCopy(Clone):
    """A clone in which everything can be done."""

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder

    def git(self, *arguments: str) -> str:
        """Run git; a committer is known."""
        return self._git("-c", "user.name=Robin", "-c", "user.email=robin@example.com", *arguments)

    def commit_all(self, message: str = "Change") -> str:
        """Commit whatever stands in the folder, also nothing, and give the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()


@dataclass
class Repository:
    """A repository and a working copy of it."""

    site: "Site"
    project: str
    id: str
    copy: WorkingCopy

    @classmethod
    def cloned(cls, site: "Site", project: str, repository: str) -> "Repository":
        """Make an empty working copy of a repository."""
        url = f"{site.plan.organisation_url}/{project}/_git/{repository}"
        return cls(
            site, project, repository, WorkingCopy(site.folder / "clones" / repository, url, site.plan.devops_token)
        )

    def branch(self, name: str, rules: str) -> None:
        """Push a branch with rules of its own."""
        self.copy.git("checkout", "--quiet", "--force", "main")
        self.copy.commit_and_push(name, f"Start {name}", rules_file(rules))

    def push(self, files: dict[str, str], branch: str = "change", start: str = "main") -> str:
        """Commit files on a branch that starts elsewhere, push it by force, and give the commit."""
        self.copy.git("checkout", "--quiet", "--force", "-B", branch, start)
        for path, text in files.items():
            place = self.copy.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        commit = self.copy.commit_all(f"Change {next(_numbers)}")
        self.copy.git("push", "--quiet", "--force", "origin", branch)
        return commit

    def open(self, branch: str = "change", target: str = "main", **options: Any) -> "PullRequest":
        """Open a pull request."""
        wanted = {
            "sourceRefName": f"refs/heads/{branch}",
            "targetRefName": f"refs/heads/{target}",
            "title": f"From {branch}",
            **options,
        }
        made = self.site.team.call("POST", f"{self.project}/_apis/git/repositories/{self.id}/pullRequests", wanted)
        return PullRequest(self, int(made["pullRequestId"]))

    def propose(self, files: dict[str, str], branch: str = "change", **options: Any) -> "PullRequest":
        """Push files on a branch and open a pull request of it."""
        commit = self.push(files, branch)
        opened = self.open(branch, **options)
        opened.commit = commit
        return opened


@dataclass
class PullRequest:
    """A pull request as its team sees it."""

    repository: Repository
    number: int
    commit: str = ""

    @property
    def place(self) -> str:
        """Its path in the API."""
        return f"{self.repository.project}/_apis/git/repositories/{self.repository.id}/pullRequests/{self.number}"

    def change(self, **wanted: Any) -> None:
        """Change it."""
        self.repository.site.team.call("PATCH", self.place, wanted)

    def status(self) -> dict[str, Any] | None:
        """Read what the latest iteration shows now."""
        return self.repository.site.team.latest_status(self.repository.project, self.repository.id, self.number)

    def statuses(self) -> list[dict[str, Any]]:
        """Read every status of every iteration, the oldest first."""
        found = self.repository.site.team.call("GET", f"{self.place}/statuses")["value"]
        return sorted(found, key=lambda status: int(status["id"]))

    def states(self, iteration: int) -> list[str]:
        """List the states that an iteration has shown, the oldest first."""
        return [str(status["state"]) for status in self.statuses() if status["iterationId"] == iteration]

    def await_state(self, *states: str, hurried: bool = False) -> dict[str, Any]:
        """Wait until the latest iteration shows one of some states; another final state fails at once.

        Args:
            states: The states.
            hurried: Whether to run the watch again and again meanwhile, instead of waiting for its timer.

        Returns:
            The status.
        """
        site = self.repository.site

        def look() -> dict[str, Any] | None:
            if hurried:
                site.look_round()
            status = self.status()
            return status if status and status["state"] in {*states, *FINAL} else None

        try:
            status = until(look, f"pull request {self.number} to be {' or '.join(states)}")
        except AssertionError as late:
            raise AssertionError(f"{late}; it shows {self.statuses()}; {site.log()[-3000:]}") from None
        assert status["state"] in states, (status["description"], [each["state"] for each in self.statuses()])
        return status

    def await_final(self) -> dict[str, Any]:
        """Wait for the latest iteration's verdict."""
        return self.await_state(*FINAL)

    def page(self) -> str:
        """Open the gate page that the latest iteration's status links to."""
        status = self.status()
        assert status
        answer = httpx2.get(status["targetUrl"], trust_env=False)
        assert answer.status_code == 200
        return answer.text


def rules_file(rules: str | None) -> dict[str, str]:
    """Give the rules file with a text, or none."""
    return {} if rules is None else {".scangate.yml": rules}
