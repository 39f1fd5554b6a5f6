"""A whole stack of real processes, and a team that works in its Azure DevOps by REST and git alone."""

import itertools
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.demo.azure_devops import Team
from local.demo.files import RULES, package_files
from local.stack import parts, up
from local.stack.plan import Plan, plan_in
from scan_core.runner.executions import MEASURING
from scan_core.store.connection import Storage, from_connection_string
from tests.e2e.polling import until
from tests.e2e.repository import Repository, rules_file
from tests.e2e.scanner import Scanner, write_scanner

VULNERABLE = package_files(lodash="4.17.11")
CLEAN = package_files(lodash="4.17.21")
PLANTED = {
    "hook_secret": "planted-hook/secret+1&a=b%41",
    "devops_token": "planted-pat/token+2&c=d%42~q8",
    "signing_key": "planted-signing/key+3&e=f%43-0123456789abcdef",
    "qualys_token": "planted-qualys/token+4&g=h%44",
    "registry_password": "planted-registry/password+5&i=j%45",
    "pull_password": "planted-pull/password+6&k=l%46",
    "check_secret": "planted-check/secret+7&m=n%47",
    "sealing_key": "planted-sealing/key+8&o=p%48-0123456789abcdef",
}
"""Secrets of the settings, with characters that are written differently in URLs and JSON."""
LEASE_SECONDS = 3
_QUEUES = "AzureFunctionsJobHost__extensions__queues__"
QUICK = {
    "LOCAL_HOST_KEY": "the-host-key-of-these-tests",
    f"{_QUEUES}maxPollingInterval": "00:00:00.500",
    f"{_QUEUES}visibilityTimeout": "00:00:02",
    "SCANGATE_MAX_WORKERS": "6",
    "SCANGATE_HEARTBEAT_SECONDS": "0.5",
    "SCANGATE_RETRY_SECONDS": "0.5",
    "SCANGATE_REPORT_LEASE_SECONDS": "5",
    "SCANGATE_DEVOPS_TIMEOUT_SECONDS": "4",
}
"""Short clocks, and a key with which the watch can be run by hand."""
_numbers = itertools.count(1)


@dataclass
class Site:
    """One stack and its team."""

    folder: Path
    stack: up.Stack
    scanner: Scanner
    team: Team
    settings: dict[str, str]
    project: str = ""

    @property
    def plan(self) -> Plan:
        """What the parts agree on."""
        return self.stack.plan

    @cached_property
    def storage(self) -> Storage:
        """The app's storage account."""
        return from_connection_string(self.stack.line()["storage"])

    def close(self) -> None:
        """Give the connections back."""
        self.team.close()
        for client in (self.storage.blobs, self.storage.queues, self.storage.tables):
            client.close()

    def start_app(self, **settings: str) -> None:
        """Start the app, for once with further settings."""
        with _environment({**self.settings, **settings}):
            self.stack.start(parts.app(self.stack.data, self.plan, LEASE_SECONDS))

    def restart_app(self, **settings: str) -> None:
        """Stop the app in order and start it with further settings."""
        self.stop("app")
        self.start_app(**settings)

    def start(self, name: str) -> None:
        """Start a part that was stopped or killed, as it was."""
        if name == "app":
            self.start_app()
        else:
            data = self.stack.data
            described = {
                "storage": parts.storage(data),
                "devops": parts.devops(data, self.plan),
                "registry": parts.registry(data, self.plan),
            }
            with _environment({}):
                self.stack.start(described[name])

    def stop(self, name: str) -> None:
        """Stop a part in order."""
        self.stack._stop_part(name)

    def mend(self) -> None:
        """Start whatever does not run, and take back every fault."""
        for name in ("storage", "devops", "registry", "app"):
            process = self.stack.running.get(name)
            if process is not None and process.poll() is not None:
                self.stack.kill(name)
            if name not in self.stack.running:
                self.start(name)
        self.simulate("DELETE", "faults")

    def log(self, name: str = "app") -> str:
        """Read a part's log so far."""
        return self.stack.log_of(name).read_text(errors="replace")

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Call the app; the path stands below its address."""
        return httpx2.request(method, self.plan.app + path, trust_env=False, timeout=60, **options)

    def look_round(self) -> None:
        """Run the watch now instead of waiting for its timer."""
        look_round(self.plan.app)

    def simulate(self, method: str, what: str, body: Any = None) -> Any:
        """Use the simulator's own route."""
        url = f"{self.plan.organisation_url}/_sim/{what}"
        answer = httpx2.request(method, url, json=body, auth=("", self.plan.devops_token), trust_env=False, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, route: str, kind: str, **more: Any) -> "Fault":
        """Have a call to Azure DevOps go wrong."""
        return Fault(self, int(self.simulate("POST", "faults", {"route": route, "kind": kind, **more})["id"]))

    def new_project(self, *further: str) -> str:
        """Make a project whose pull-request events, and further ones, come to the app."""
        project = self.team.make_project(f"Project {next(_numbers)}")
        for event in ("git.pullrequest.created", "git.pullrequest.updated", *further):
            self.team.subscribe(project, event)
        return project

    def new_repository(self, rules: str | None = RULES, project: str = "") -> Repository:
        """Make a repository with a main branch that has rules, or none."""
        project = project or self.project
        made = self.team.make_repository(project, f"repository-{next(_numbers)}")
        repository = Repository.cloned(self, project, made)
        repository.copy.commit_and_push("main", "Start", {"README.md": "# A repository\n", **rules_file(rules)})
        return repository

    def fork(self, parent: Repository) -> Repository:
        """Fork a repository, with the main branch checked out."""
        body = {
            "name": f"fork-{next(_numbers)}",
            "project": {"id": parent.project},
            "parentRepository": {"id": parent.id, "project": {"id": parent.project}},
        }
        made = self.team.call("POST", f"{parent.project}/_apis/git/repositories", body)
        fork = Repository.cloned(self, parent.project, str(made["id"]))
        fork.copy.git("fetch", "--quiet", "origin")
        fork.copy.git("checkout", "--quiet", "-B", "main", "origin/main")
        return fork

    def workers(self) -> list[int]:
        """List the process ids of the launchers of workers that run."""
        running = (self.stack.data / "workers" / "running").glob("*/pid")
        return [int(text) for path in running if (text := path.read_text().strip())]

    def kill_workers(self) -> None:
        """Kill every launcher with its whole session, as the kernel would for want of memory."""
        for pid in self.workers():
            os.killpg(pid, signal.SIGKILL)

    def is_idle(self) -> bool:
        """Whether no request waits or is being served."""
        queue = self.storage.queues.get_queue_client("scan-requests")
        return queue.get_queue_properties().approximate_message_count == 0

    def audit(self, what: str) -> list[dict[str, Any]]:
        """Read the audit lines of one kind."""
        container = self.storage.blobs.get_container_client("audit")
        texts = [container.download_blob(name).readall() for name in container.list_blob_names()]
        lines = [json.loads(line) for text in texts for line in text.splitlines()]
        return [line for line in lines if line["what"] == what]


@dataclass(frozen=True)
class Fault:
    """A fault that was asked for."""

    site: Site
    number: int

    @property
    def hits(self) -> int:
        """How often it struck."""
        return next(
            int(each["hits"]) for each in self.site.simulate("GET", "faults")["value"] if each["id"] == self.number
        )

    def await_hit(self) -> None:
        """Wait until it has struck: the call is held now."""
        until(lambda: self.hits, "a call that is to fail")


def look_round(app: str) -> None:
    """Run the watch of an app that was started with `QUICK`, as an operator can in Azure.

    Args:
        app: Its address.
    """
    headers = {"x-functions-key": QUICK["LOCAL_HOST_KEY"]}
    url = f"{app}/admin/functions/watch?wait=true"
    answer = httpx2.post(url, headers=headers, json={}, trust_env=False, timeout=60)
    assert answer.status_code == 200


@contextmanager
def opened_site(folder: Path, **settings: str) -> Iterator[Site]:
    """Run a stack for as long as the block lasts.

    Args:
        folder: Where everything is kept.
        settings: Environment variables of the app, over those of the stack.

    Yields:
        The site, with a project whose pull requests are gated.
    """
    data, scanner = folder / "stack", write_scanner(folder / "scanner")
    plan = plan_in(data, scanner=str(scanner.program), **PLANTED)
    chosen = {**QUICK, **settings}
    with _environment(chosen):
        stack = up.start(data, plan, LEASE_SECONDS, lambda _: None)
    with stack:
        site = Site(folder, stack, scanner, Team(plan), chosen)
        try:
            site.project = site.new_project()
            yield site
        finally:
            site.close()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        # What runs here is measured by the tests of its own rooms; to measure it again takes half as long again.
        patch.delenv(MEASURING, raising=False)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield
