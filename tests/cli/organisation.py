"""An organisation in the simulator, and the command line that works on it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from local.devops.server import serve
from local.devops.state import Config
from scan_core.cli.main import app
from tests.local.devops.driver import ORGANISATION, STATUS_POLICY, TOKEN, Receiver, Sim, wait_until

NAME = ORGANISATION.lower()
SECRET = "the-first-hook-secret"
SIGNING_KEY = "a-signing-key-of-more-than-32-characters"
PUBLIC_URL = "http://127.0.0.1:9"
HOOK_URL = f"{PUBLIC_URL}/api/hooks/{NAME}"
PROJECTS = ("Shop", "Web shop", "Übung – мост", "Team A", "Team B", "Ops")
EVENTS = 6
"""Subscriptions that a project gets."""
POLICIES = 2
"""Status policies that a project gets."""
UNREACHABLE_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9rZXk=;"
    "BlobEndpoint=http://127.0.0.1:9/devstoreaccount1;QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:9/devstoreaccount1;"
)

type Change = Callable[[Any], None]


@dataclass
class Site:
    """The simulator, its projects by name, and who calls it."""

    sim: Sim
    projects: dict[str, str]
    token: str = TOKEN
    hook_secrets: tuple[str, ...] = (SECRET,)
    signing_keys: tuple[str, ...] = (SIGNING_KEY,)
    storage: str = "not a connection string: few of these tests look at storage"
    public_url: str = PUBLIC_URL

    def environment(self, **changes: str | None) -> dict[str, str | None]:
        """Give the settings as an app's environment has them."""
        organisation = {"url": self.sim.url.rstrip("/"), "hook_secrets": self.hook_secrets}
        return {
            "SCANGATE_ORGANISATIONS": json.dumps({NAME: organisation}),
            "SCANGATE_PUBLIC_URL": self.public_url,
            "SCANGATE_SIGNING_KEYS": json.dumps(self.signing_keys),
            "SCANGATE_STORAGE_CONNECTION": self.storage,
            "SCANGATE_DEVOPS_PAT": self.token,
            **changes,
        }

    def run(self, *arguments: str, **changes: str | None) -> Result:
        """Run the command line; secrets must never show."""
        result = CliRunner().invoke(app, [*arguments], env=self.environment(**changes))
        for secret in (*self.hook_secrets, *self.signing_keys, self.token):
            assert secret not in result.output
        return result

    def onboard(self, *arguments: str, status: int = 0) -> str:
        """Onboard, and return what was said, on one line."""
        result = self.run("onboard", *arguments)
        assert result.exit_code == status, (result.exit_code, result.output, result.exception)
        assert max(len(line) for line in table_lines(result.output) or [""]) <= 100
        return " ".join(result.output.split())

    def subscriptions(self) -> list[dict[str, Any]]:
        """List the subscriptions."""
        return list(self.sim.get("_apis/hooks/subscriptions")["value"])

    def policy(self, project: str, status: str = "source") -> dict[str, Any]:
        """Give a project's one policy for one of our statuses."""
        (found,) = [one for one in self.policies(project) if one["settings"].get("statusName") == status]
        return found

    def policies(self, project: str) -> list[dict[str, Any]]:
        """List a project's policies."""
        return list(self.sim.get(f"{self.projects[project]}/_apis/policy/configurations")["value"])

    def me(self) -> str:
        """Say who the administrator is."""
        answer = self.sim.get("_apis/ConnectionData", headers={"Accept": "application/json;api-version=7.1-preview.1"})
        return str(answer["authenticatedUser"]["id"])

    def standing(self) -> list[Any]:
        """Take down everything that onboarding could change, but for its revisions."""
        hooks = [
            [one["id"], one["status"], one["publisherInputs"], one["consumerInputs"]] for one in self.subscriptions()
        ]
        return [hooks, [self.policies(name) for name in self.projects]]

    def change_subscription(self, one: dict[str, Any], change: Change) -> None:
        """Change a subscription as somebody with a browser would."""
        change(one)
        assert self.sim.call("PUT", f"_apis/hooks/subscriptions/{one['id']}", one).ok

    def change_policy(self, project: str, one: dict[str, Any], change: Change) -> None:
        """Change a policy as somebody with a browser would."""
        change(one)
        wanted = {name: one[name] for name in ("isEnabled", "isBlocking", "type", "settings")}
        path = f"{self.projects[project]}/_apis/policy/configurations/{one['id']}"
        assert self.sim.call("PUT", path, wanted).ok

    def calls(self, pattern: str) -> list[str]:
        """List the calls that were made, as ``METHOD /path``."""
        lines = [f"{one['method']} {one['path']}" for one in self.sim.sim("calls", method="GET")["value"]]
        return [line for line in lines if re.search(pattern, line)]

    def writes(self) -> list[str]:
        """List the calls that could have changed something."""
        return [line for line in self.calls("^(POST|PUT|PATCH|DELETE)") if "permissionevaluationbatch" not in line]

    def clear(self) -> None:
        """Take away whatever a test left, but for projects and repositories."""
        self.sim.sim("faults", method="DELETE")
        for one in self.subscriptions():
            self.sim.call("DELETE", f"_apis/hooks/subscriptions/{one['id']}")
        for name, project in self.projects.items():
            for one in self.policies(name):
                self.sim.call("DELETE", f"{project}/_apis/policy/configurations/{one['id']}")
        self.forget_calls()

    def forget_calls(self) -> None:
        """Let the list of calls begin anew."""
        self.sim.sim("calls", method="DELETE")


@contextmanager
def site_in(folder: Path, projects: tuple[str, ...] = PROJECTS) -> Iterator[Site]:
    """Run a simulator with projects."""
    with serve(Config(data=folder / "data", organisation=ORGANISATION, tokens=(TOKEN,), time_scale=0.001)) as running:
        sim = Sim(running.url, folder)
        with closing(sim):
            made = {name: str(sim.project(name)["id"]) for name in projects}
            sim.sim("calls", method="DELETE")
            yield Site(sim, made)


def hand_made_policy(site: Site, project: str, **settings: Any) -> dict[str, Any]:
    """Make a policy for our status as a person would."""
    wanted = {"statusName": "source", "statusGenre": "scangate", **settings}
    return site.sim.policy({"id": site.projects[project]}, wanted, STATUS_POLICY)


def strike(site: Site, subscriptions: list[dict[str, Any]]) -> None:
    """Have Azure DevOps disable subscriptions, as it does with a receiver that answers 410."""
    with Receiver() as receiver:
        receiver.default = 410

        def lead_astray(one: Any) -> None:
            one["consumerInputs"]["url"] = one["consumerInputs"]["url"].replace("http://127.0.0.1:9", _origin(receiver))

        wanted = {one["id"]: one["consumerInputs"]["url"] for one in subscriptions}
        for one in subscriptions:
            site.change_subscription(one, lead_astray)
            site.sim.post("_apis/hooks/testNotifications", {"subscriptionId": one["id"]})
        wait_until(
            lambda: {each["status"] for each in site.subscriptions() if each["id"] in wanted} == {"disabledBySystem"},
            "the subscriptions to be disabled",
        )
    for one in site.subscriptions():
        if one["id"] in wanted:
            site.change_subscription(one, lambda found: found["consumerInputs"].update(url=wanted[found["id"]]))


def _origin(receiver: Receiver) -> str:
    return receiver.url.removesuffix("/hook")


def table_lines(output: str) -> list[str]:
    """Pick the lines of a table, which has columns, out of an output."""
    return [line for line in output.splitlines() if re.search(r"\S {2,}\S", line)]
