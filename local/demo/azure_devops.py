"""What a team does in Azure DevOps, by its REST API 7.1 and git alone."""

import base64
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from local.stack.plan import Plan

_STATUS_POLICY = "cbdc66da-9728-4af8-aada-9a5a32e4a226"
_AUTHOR = ("-c", "user.name=Robin", "-c", "user.email=robin@example.com", "-c", "commit.gpgsign=false")


def _accept(version: str) -> dict[str, str]:
    return {"Accept": f"application/json;api-version={version}", "X-TFS-FedAuthRedirect": "Suppress"}


class Team:
    """A client with a personal access token."""

    def __init__(self, plan: Plan) -> None:
        """Use the organisation of a stack.

        Args:
            plan: The stack's plan.
        """
        self._plan = plan
        self._http = httpx2.Client(auth=("", plan.devops_token), headers=_accept("7.1"), timeout=30, trust_env=False)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def call(self, method: str, path: str, body: Any = None, version: str = "7.1") -> Any:  # noqa: ANN401 - JSON as it comes
        """Call the API.

        Args:
            method: The HTTP method.
            path: The path below the organisation.
            body: What to send, as JSON.
            version: The API's version.

        Returns:
            The answer's JSON; None where it is empty.

        Raises:
            httpx2.HTTPStatusError: It was refused.
        """
        answer = self._http.request(
            method, f"{self._plan.organisation_url}/{path}", json=body, headers=_accept(version)
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def make_project(self, name: str) -> str:
        """Make a project and wait until it is there.

        Args:
            name: Its name.

        Returns:
            Its id.
        """
        wanted = {
            "name": name,
            "capabilities": {
                "versioncontrol": {"sourceControlType": "Git"},
                "processTemplate": {"templateTypeId": "6b724908-ef14-45cf-84f8-768b5384da45"},
            },
        }
        self.call("POST", "_apis/projects", wanted)
        while True:
            answer = self._http.get(f"{self._plan.organisation_url}/_apis/projects/{quote(name)}")
            if answer.is_success and answer.json().get("state") == "wellFormed":
                return str(answer.json()["id"])
            time.sleep(0.2)

    def make_repository(self, project: str, name: str) -> str:
        """Make a repository.

        Args:
            project: The project's id.
            name: The repository's name.

        Returns:
            Its id.
        """
        made = self.call("POST", f"{project}/_apis/git/repositories", {"name": name, "project": {"id": project}})
        return str(made["id"])

    def subscribe(self, project: str, event: str, **filters: str) -> None:
        """Have events of a project sent to Scangate.

        Args:
            project: The project's id.
            event: The event's type.
            filters: Further publisher inputs.
        """
        consumer = {
            "url": f"{self._plan.app}/api/hooks/{self._plan.org}",
            "basicAuthUsername": self._plan.hook_user,
            "basicAuthPassword": self._plan.hook_secret,
            "resourceDetailsToSend": "minimal",
            "messagesToSend": "none",
            "detailedMessagesToSend": "none",
        }
        wanted = {
            "publisherId": "tfs",
            "eventType": event,
            "resourceVersion": "1.0",
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "publisherInputs": {"projectId": project, **filters},
            "consumerInputs": consumer,
        }
        self.call("POST", "_apis/hooks/subscriptions", wanted)

    def require_status(self, project: str, repository: str) -> None:
        """Let only what Scangate passes into the default branch.

        Args:
            project: The project's id.
            repository: The repository's id.
        """
        me = self.call("GET", "_apis/ConnectionData", version="7.1-preview.1")["authenticatedUser"]["id"]
        wanted = {
            "isEnabled": True,
            "isBlocking": True,
            "type": {"id": _STATUS_POLICY},
            "settings": {
                "statusGenre": "scangate",
                "statusName": "source",
                "authorId": me,
                "invalidateOnSourceUpdate": True,
                "defaultDisplayName": "Scangate",
                "policyApplicability": None,
                "scope": [{"repositoryId": repository, "refName": "refs/heads/main", "matchKind": "Exact"}],
            },
        }
        self.call("POST", f"{project}/_apis/policy/configurations", wanted)

    def open_pull_request(self, project: str, repository: str, source: str, title: str) -> int:
        """Open a pull request to main.

        Args:
            project: The project's id.
            repository: The repository's id.
            source: The source branch's short name.
            title: The title.

        Returns:
            The pull request's number.
        """
        wanted = {"sourceRefName": f"refs/heads/{source}", "targetRefName": "refs/heads/main", "title": title}
        made = self.call("POST", f"{project}/_apis/git/repositories/{repository}/pullRequests", wanted)
        return int(made["pullRequestId"])

    def latest_status(
        self, project: str, repository: str, pull_request: int, name: str = "source"
    ) -> dict[str, Any] | None:
        """Read what Scangate says of the latest iteration.

        Args:
            project: The project's id.
            repository: The repository's id.
            pull_request: Its number.
            name: The status's name: what was scanned.

        Returns:
            The newest status of that name on the latest iteration; None where there is none.
        """
        place = f"{project}/_apis/git/repositories/{repository}/pullRequests/{pull_request}"
        newest = max(each["id"] for each in self.call("GET", f"{place}/iterations")["value"])
        statuses = self.call("GET", f"{place}/iterations/{newest}/statuses")["value"]
        ours = [each for each in statuses if each["context"] == {"genre": "scangate", "name": name}]
        return max(ours, key=lambda status: int(status["id"]), default=None)

    def complete(self, project: str, repository: str, pull_request: int) -> tuple[bool, str]:
        """Try to complete a pull request.

        Args:
            project: The project's id.
            repository: The repository's id.
            pull_request: Its number.

        Returns:
            Whether it was completed, and Azure DevOps' words where it was refused.
        """
        place = f"{project}/_apis/git/repositories/{repository}/pullRequests/{pull_request}"
        now = self.call("GET", place)
        wanted = {"status": "completed", "lastMergeSourceCommit": now["lastMergeSourceCommit"]}
        answer = self._http.patch(f"{self._plan.organisation_url}/{place}", json=wanted)
        if answer.is_success:
            return answer.json()["status"] == "completed", ""
        return False, str(answer.json().get("message", answer.status_code))

    def page(self, project: str, repository: str, pull_request: int) -> str:
        """Find a pull request's page.

        Args:
            project: The project's name.
            repository: The repository's name.
            pull_request: Its number.

        Returns:
            The page's address.
        """
        base = f"{self._plan.organisation_url}/{quote(project)}/_git/{quote(repository)}"
        return f"{base}/pullrequest/{pull_request}"


class Clone:
    """A working copy."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        """Make a working copy of an empty repository.

        Args:
            folder: Where; it must not exist.
            url: The repository.
            token: What to push with; it goes by environment only.
        """
        self._folder = folder
        secret = base64.b64encode(f":{token}".encode()).decode()
        self._environment = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder),
        }
        folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("remote", "add", "origin", url)

    def commit_and_push(self, branch: str, message: str, files: dict[str, str]) -> str:
        """Commit files on a branch and push it.

        Args:
            branch: The branch; made from where the copy stands if it is new.
            message: The commit's message.
            files: Texts by path.

        Returns:
            The commit.
        """
        self._git("checkout", "--quiet", "-B", branch)
        for path, text in files.items():
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self._git("add", "--all")
        self._git(*_AUTHOR, "commit", "--quiet", "--message", message)
        self._git("push", "--quiet", "origin", branch)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self._folder, env=self._environment, check=True, capture_output=True, text=True
        )
        return done.stdout
