"""Drives a simulator as its users do: REST over HTTP, and the git program."""

import base64
import json
import os
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import requests

from tests.local.devops.pipelines import PREVIEW, TASK_CHECK, BuildRun
from tests.local.devops.waiting import wait_until as wait_until  # noqa: PLC0414 - exported again, for who drives

TOKEN = "an-administrators-token"
ORGANISATION = "Contoso"
STATUS_POLICY = "cbdc66da-9728-4af8-aada-9a5a32e4a226"
ZERO = "0" * 40


def git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run git without any configuration of this machine."""
    environment = {
        **os.environ,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Dev",
        "GIT_AUTHOR_EMAIL": "dev@example.com",
        "GIT_COMMITTER_NAME": "Dev",
        "GIT_COMMITTER_EMAIL": "dev@example.com",
    }
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=check, capture_output=True, text=True, timeout=60
    )


def credentials(token: str) -> list[str]:
    """Return git options that send a token."""
    value = base64.b64encode(f":{token}".encode()).decode()
    return ["-c", f"http.extraHeader=Authorization: Basic {value}"]


@dataclass
class Clone:
    """A working copy that pushes to one repository."""

    folder: Path
    remote: str
    token: str = TOKEN

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        git(self.folder, "init", "-q", "-b", "main")
        git(self.folder, "remote", "add", "origin", self.remote)

    def commit(self, files: dict[str, str], message: str = "change") -> str:
        """Write files, commit them and return the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", message, "--allow-empty")
        return self.head()

    def head(self) -> str:
        """Return the present commit."""
        return git(self.folder, "rev-parse", "HEAD").stdout.strip()

    def branch(self, name: str, start: str = "main") -> None:
        """Start a branch."""
        git(self.folder, "checkout", "-q", "-B", name, start)

    def push(self, *specs: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Push."""
        return self.remote_git("push", "-q", "origin", *specs, check=check)

    def remote_git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run git with credentials."""
        return git(self.folder, *credentials(self.token), *arguments, check=check)


@dataclass
class Sim:
    """One organisation as one caller sees it."""

    url: str
    folder: Path
    token: str = TOKEN
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False

    def close(self) -> None:
        """Give the connections back."""
        self.session.close()

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Call the REST API; paths are below the organisation."""
        headers = {"Accept": "application/json;api-version=7.1", "X-TFS-FedAuthRedirect": "Suppress"}
        headers |= options.pop("headers", {})
        auth = options.pop("auth", ("", self.token))
        return self.session.request(
            method, self.url + path, json=body, headers=headers, auth=auth, allow_redirects=False, timeout=60, **options
        )

    def get(self, path: str, **options: Any) -> Any:
        """Return what a GET answers, which must be good."""
        return self._good(self.call("GET", path, **options))

    def post(self, path: str, body: Any, **options: Any) -> Any:
        """Return what a POST answers, which must be good."""
        return self._good(self.call("POST", path, body, **options))

    def patch(self, path: str, body: Any, **options: Any) -> Any:
        """Return what a PATCH answers, which must be good."""
        return self._good(self.call("PATCH", path, body, **options))

    @staticmethod
    def _good(answer: requests.Response) -> Any:
        assert answer.ok, (answer.status_code, answer.text)
        assert answer.status_code != 203, "signed out"
        return answer.json() if answer.content else None

    def sim(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Call the simulator's own route."""
        return self._good(self.call(method, f"_sim/{path}", body))

    def fault(self, route: str, kind: str, **more: Any) -> None:
        """Ask for a fault."""
        self.sim("faults", {"route": route, "kind": kind, **more})

    def ahead(self, seconds: float) -> None:
        """Let the clock run that far ahead of this machine's."""
        self.sim("settings", {"clockAheadSeconds": seconds})

    def subscription_state(self, subscription: dict[str, Any], status: str, retries: int = 0) -> dict[str, Any]:
        """Put a subscription into a state that only the service itself brings about."""
        wanted = {"subscriptionId": subscription["id"], "status": status, "probationRetries": retries}
        return dict(self.sim("hooks/subscriptions", wanted))

    def deliveries(self, subscription: dict[str, Any], **wanted: Any) -> list[dict[str, Any]]:
        """Return the delivery history of a subscription with details, newest first."""
        query = {"subscriptionIds": [subscription["id"]], "includeDetails": True, **wanted}
        return list(self.post("_apis/hooks/notificationsQuery", query)["results"])

    def as_other(self, **wanted: Any) -> "Sim":
        """Return the same organisation as seen with another, perhaps weaker, token."""
        made = self.sim("tokens", wanted)
        return Sim(self.url, self.folder, made["token"], self.session)

    def project(self, name: str = "Shop") -> dict[str, Any]:
        """Make a project."""
        capabilities = {
            "versioncontrol": {"sourceControlType": "Git"},
            "processTemplate": {"templateTypeId": "adcc42ab-9882-485e-a3ed-7678f01f66bc"},
        }
        self.post("_apis/projects", {"name": name, "capabilities": capabilities})
        return dict(self.get(f"_apis/projects/{quote(name, safe='')}"))

    def repository(self, project: dict[str, Any], name: str = "web") -> "Repo":
        """Make a repository."""
        path = f"{project['id']}/_apis/git/repositories"
        return Repo(self, dict(self.post(path, {"name": name, "project": {"id": project["id"]}})))

    def policy(self, project: dict[str, Any], settings: dict[str, Any], kind: str = STATUS_POLICY) -> dict[str, Any]:
        """Make a blocking policy on main, for a status unless told otherwise."""
        scope = [{"repositoryId": None, "refName": "refs/heads/main", "matchKind": "Exact"}]
        wanted = {
            "isEnabled": True,
            "isBlocking": True,
            "type": {"id": kind},
            "settings": {"scope": scope, **settings},
        }
        return dict(self.post(f"{project['id']}/_apis/policy/configurations", wanted))

    def environment(self, project: dict[str, Any], name: str = "production") -> dict[str, Any]:
        """Make an environment."""
        return dict(self.post(f"{project['id']}/_apis/pipelines/environments", {"name": name}))

    def endpoint(self, project: dict[str, Any], url: str, username: str = "gate", password: str = "") -> dict[str, Any]:
        """Make a generic service connection."""
        secret = {"username": username, "password": password}
        wanted = {
            "name": "gate",
            "type": "generic",
            "url": url,
            "authorization": {"scheme": "UsernamePassword", "parameters": secret},
            "serviceEndpointProjectReferences": [{"projectReference": {"id": project["id"]}}],
        }
        return dict(self.post("_apis/serviceendpoint/endpoints", wanted))

    def check(self, project: dict[str, Any], environment: dict[str, Any], settings: Any, **more: Any) -> dict[str, Any]:
        """Put a check on an environment; ``function_check`` and ``rest_check`` make its settings."""
        wanted = {
            "type": {"id": TASK_CHECK, "name": "Task Check"},
            "settings": settings,
            "resource": {"type": "environment", "id": str(environment["id"]), "name": environment["name"]},
            **more,
        }
        path = f"{project['id']}/_apis/pipelines/checks/configurations"
        return dict(self.post(path, wanted, headers=PREVIEW))

    def build(self, repo: "Repo | None" = None, project: dict[str, Any] | None = None, **more: Any) -> BuildRun:
        """Queue a build of a repository's main branch, or of what ``more`` says."""
        home = repo.json["project"] if repo else project or {}
        what = {"repository": {"id": repo.json["id"]}} if repo else {}
        wanted = {"definition": {"id": 3, "name": "ci"}, "reason": "individualCI", **what, **more}
        made = self.post(f"{home['id']}/_apis/build/builds", wanted)
        return BuildRun(self, str(home["id"]), int(made["id"]))


@dataclass
class Repo:
    """A repository, its REST path and its clones."""

    sim: Sim
    json: dict[str, Any]

    @property
    def path(self) -> str:
        """Path below the organisation."""
        return f"{self.json['project']['id']}/_apis/git/repositories/{self.json['id']}"

    def push(self, **branches: str | None) -> list[dict[str, Any]]:
        """Move several branches in one push by the REST API; nothing deletes one. A slash is written as two lines."""
        known = {one["name"]: one["objectId"] for one in self.sim.get(f"{self.path}/refs")["value"]}
        updates = [
            {"name": ref, "oldObjectId": known.get(ref, ZERO), "newObjectId": commit or ZERO}
            for name, commit in branches.items()
            for ref in [f"refs/heads/{name.replace('__', '/')}"]
        ]
        return list(self.sim.post(f"{self.path}/refs", updates)["value"])

    def commit_status(self, sha: str, state: str, **more: Any) -> requests.Response:
        """Post a status on a commit."""
        body = {"state": state, "description": state, "context": {"genre": "scangate", "name": "source"}, **more}
        return self.sim.call("POST", f"{self.path}/commits/{sha}/statuses", body)

    def commit_statuses(self, sha: str, **query: Any) -> list[dict[str, Any]]:
        """Return a commit's statuses, newest first."""
        return list(self.sim.get(f"{self.path}/commits/{sha}/statuses", params=query)["value"])

    def clone(self, name: str = "clone", token: str = "") -> Clone:
        """Make an empty working copy that points at it."""
        folder = self.sim.folder / f"{name}-{self.json['id'][:8]}"
        return Clone(folder, self.json["webUrl"], token or self.sim.token)

    def started(self, name: str = "clone") -> Clone:
        """Return a working copy whose first commit on main is pushed."""
        clone = self.clone(name)
        clone.commit({"README.md": "hello\n"})
        clone.push("main")
        return clone

    def pull_request(self, source: str, target: str = "main", **more: Any) -> "Pull":
        """Open a pull request."""
        wanted = {
            "sourceRefName": f"refs/heads/{source}",
            "targetRefName": f"refs/heads/{target}",
            "title": "A change",
            **more,
        }
        return Pull(self.sim, self, int(self.sim.post(f"{self.path}/pullrequests", wanted)["pullRequestId"]))

    def proposed(self, source: str = "topic") -> tuple[Clone, "Pull"]:
        """Return a working copy and a pull request of one commit."""
        clone = self.started(source)
        clone.branch(source)
        clone.commit({"file.txt": "one\n"})
        clone.push(source)
        return clone, self.pull_request(source)


@dataclass
class Pull:
    """A pull request."""

    sim: Sim
    repo: Repo
    id: int

    @property
    def path(self) -> str:
        """Path below the organisation."""
        return f"{self.repo.path}/pullRequests/{self.id}"

    def json(self) -> dict[str, Any]:
        """Return it as it is now."""
        return dict(self.sim.get(self.path))

    def iterations(self) -> list[dict[str, Any]]:
        """Return its iterations."""
        return list(self.sim.get(f"{self.path}/iterations")["value"])

    def status(self, state: str, iteration: int | None = 1, **more: Any) -> requests.Response:
        """Post a status."""
        on = f"/iterations/{iteration}" if iteration else ""
        body = {"state": state, "description": state, "context": {"genre": "scangate", "name": "source"}, **more}
        return self.sim.call("POST", f"{self.path}{on}/statuses", body)

    def change(self, **wanted: Any) -> requests.Response:
        """Change it."""
        return self.sim.call("PATCH", self.path, wanted)

    def complete(self, **options: Any) -> requests.Response:
        """Complete it as it is now."""
        commit = self.json()["lastMergeSourceCommit"]["commitId"]
        return self.change(
            status="completed", lastMergeSourceCommit={"commitId": commit}, completionOptions=options or None
        )

    def evaluations(self, **query: Any) -> list[dict[str, Any]]:
        """Return how its policies stand."""
        project = self.repo.json["project"]["id"]
        artifact = f"vstfs:///CodeReview/CodeReviewId/{project}/{self.id}"
        return list(
            self.sim.get(
                f"{project}/_apis/policy/evaluations",
                params={"artifactId": artifact, "api-version": "7.1-preview.1", **query},
            )["value"]
        )


class Receiver:
    """A server that takes hooks and the requests of checks; it answers what it is told to."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.default = 200
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answer: Any = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Keep a delivery and answer it."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.headers.append(dict(handler.headers.items()))
        self.paths.append(handler.path)
        self.bodies.append(json.loads(body))
        status = self.answers.pop(0) if self.answers else self.default
        content = b"" if self.answer is None else json.dumps(self.answer).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def waited(self, count: int) -> list[dict[str, Any]]:
        """Wait for a number of deliveries and return all there are."""
        wait_until(lambda: len(self.bodies) >= count, f"{count} deliveries, have {len(self.bodies)}")
        return list(self.bodies)


def subscribe(sim: Sim, receiver: Receiver, event: str, **more: Any) -> dict[str, Any]:
    """Make a subscription to a receiver; ``publisher`` and ``consumer`` add inputs."""
    publisher, consumer = more.pop("publisher", {}), more.pop("consumer", {})
    wanted = {
        "publisherId": "tfs",
        "eventType": event,
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "publisherInputs": publisher,
        "consumerInputs": {
            "url": receiver.url,
            "basicAuthUsername": "hook",
            "basicAuthPassword": "a-hook-secret",
            **consumer,
        },
        **more,
    }
    return dict(sim.post("_apis/hooks/subscriptions", wanted))
