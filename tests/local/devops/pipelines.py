"""Drives builds, their stages and their checks, and answers checks as a service would."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from tests.local.devops.waiting import wait_until

if TYPE_CHECKING:
    from tests.local.devops.driver import Receiver, Sim

TASK_CHECK = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"
AZURE_FUNCTION = "537fdb7a-a601-4537-aa70-92645a2b5ce4"
INVOKE_REST_API = "9c3e8943-130d-4c78-ac63-8af81df62dfb"
PREVIEW = {"Accept": "application/json;api-version=7.1-preview.1"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
CHECK_HEADERS = {
    "Content-Type": "application/json",
    "PlanUrl": "$(system.CollectionUri)",
    "ProjectId": "$(system.TeamProjectId)",
    "HubName": "$(system.HostType)",
    "PlanId": "$(system.PlanId)",
    "JobId": "$(system.JobId)",
    "TaskInstanceId": "$(system.TaskInstanceId)",
    "AuthToken": "$(system.AccessToken)",
}


def function_check(url: str, *, callback: bool = True, headers: dict[str, str] | None = None, **more: Any) -> Any:
    """Return the settings of an Invoke Azure Function check; ``headers`` are added to those of the documentation."""
    return _task(AZURE_FUNCTION, callback, headers, function=url, **more)


def rest_check(endpoint: Any, *, callback: bool = True, headers: dict[str, str] | None = None, **more: Any) -> Any:
    """Return the settings of an Invoke REST API check or task through a service connection."""
    return _task(INVOKE_REST_API, callback, headers, connectedServiceName=endpoint["id"], **more)


def _task(definition: str, callback: bool, headers: dict[str, str] | None, **inputs: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "definitionRef": {"id": definition, "version": "1.0.0"},
        "displayName": inputs.pop("displayName", "Scangate"),
        "retryInterval": inputs.pop("retryInterval", 0),
    }
    if "timeout" in inputs:
        settings["timeout"] = inputs.pop("timeout")
    if headers is not None:
        inputs["headers"] = json.dumps({**CHECK_HEADERS, **headers})
    given = {"method": "POST", "waitForCompletion": "true" if callback else "false", "body": "{}"}
    return {**settings, "inputs": {**given, **inputs}}


@dataclass
class BuildRun:
    """A build."""

    sim: "Sim"
    project_id: str
    id: int

    @property
    def path(self) -> str:
        """Path below the organisation."""
        return f"{self.project_id}/_apis/build/builds/{self.id}"

    def json(self) -> dict[str, Any]:
        """Return it as it is now."""
        return dict(self.sim.get(self.path))

    def complete(self, result: str = "succeeded") -> dict[str, Any]:
        """End it."""
        return dict(self.sim.patch(self.path, {"status": "completed", "result": result}))

    def tag(self, *tags: str) -> list[str]:
        """Add tags by the REST API and return all that there are."""
        return list(self.sim.post(f"{self.path}/tags", list(tags))["value"])

    def tags(self) -> list[str]:
        """Return its tags."""
        return list(self.sim.get(f"{self.path}/tags")["value"])

    def properties(self) -> dict[str, Any]:
        """Return its properties as plain values."""
        return {name: one["$value"] for name, one in self.sim.get(f"{self.path}/properties")["value"].items()}

    def set_properties(self, *steps: dict[str, Any]) -> dict[str, Any]:
        """Change its properties by a JSON patch, which has a content type of its own."""
        return dict(self.sim.patch(f"{self.path}/properties", list(steps), headers=JSON_PATCH))

    def say(self, line: str) -> None:
        """Let a step of its job print a line, logging commands included."""
        self.sim.sim("builds/lines", {"buildId": self.id, "line": line})

    def records(self) -> list[dict[str, Any]]:
        """Return its timeline's records."""
        return list(self.sim.get(f"{self.path}/timeline")["records"])

    def log(self) -> list[str]:
        """Return the lines of all its logs."""
        logs = self.sim.get(f"{self.path}/logs")["value"]
        return [line for log in logs for line in self.sim.get(f"{self.path}/logs/{log['id']}")["value"]]

    def reach_stage(self, name: str = "deploy", **wanted: Any) -> "Reached":
        """Let it reach a stage: ``environment``, ``checks``, ``job``, ``hub``, ``variables``, ``last``."""
        self.sim.sim("builds/stages", {"buildId": self.id, "name": name, **wanted})
        return Reached(self, name)


@dataclass
class Reached:
    """A stage that a build was told to reach."""

    build: BuildRun
    name: str

    def json(self) -> dict[str, Any]:
        """Return it as it is now, with its checks and its job."""
        found = self.build.sim.sim(f"builds/stages?buildId={self.build.id}", method="GET")["value"]
        return next(dict(stage) for stage in found if stage["name"] == self.name)

    def check(self, number: int = 0) -> dict[str, Any]:
        """Return one of its checks."""
        return dict(self.json()["checks"][number])

    def result(self) -> str:
        """Wait until it has ended and tell how."""
        ends = {"succeeded", "failed", "skipped", "canceled"}
        return str(wait_until(lambda: (state := self.json()["state"]) in ends and state, f"the end of {self.name}"))


def asked(build: BuildRun, receiver: "Receiver", **more: Any) -> tuple[Reached, dict[str, str]]:
    """Reach a stage with one check in callback mode; return it and the headers that it sent."""
    before = len(receiver.bodies)
    stage = build.reach_stage(checks=[function_check(receiver.url, **more)])
    receiver.waited(before + 1)
    return stage, receiver.headers[-1]


class Caller:
    """Answers a check as a service would, with what its headers said."""

    def __init__(self, sim: "Sim", headers: dict[str, str], token: str | None = None) -> None:
        self.headers = headers
        self._sim = sim
        self._token = token or headers["AuthToken"]
        self.plan = f"{headers['ProjectId']}/_apis/distributedtask/hubs/{headers['HubName']}/plans/{headers['PlanId']}"

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """Call below the plan with the job's token."""
        bearer = {"Authorization": f"Bearer {self._token}", **more.pop("headers", {})}
        return self._sim.call(method, f"{self.plan}{path}", body, headers=bearer, auth=_as_it_is, **more)

    def write(self, log: int, text: str) -> requests.Response:
        """Append to a log, which takes bytes."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.call("POST", f"/logs/{log}", data=text.encode(), headers=headers)

    def event(self, result: str = "succeeded", **other: Any) -> requests.Response:
        """Complete the task."""
        body = {
            "name": "TaskCompleted",
            "taskId": self.headers["TaskInstanceId"],
            "jobId": self.headers["JobId"],
            "result": result,
            **other,
        }
        return self.call("POST", "/events?api-version=2.0-preview.1", body)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Keeps the library from replacing the bearer header.
    return request
