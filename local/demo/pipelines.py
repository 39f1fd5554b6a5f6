"""What a team's pipelines do: builds by Azure DevOps' REST API 7.1, what agents do by the simulator's own routes."""

import json
import os
import subprocess
from typing import Any, Final, NamedTuple

from pydantic import JsonValue

from local.demo.azure_devops import Team
from local.stack.plan import Plan

TAGGING_STEP: Final = """echo "##vso[build.addbuildtag]scangate-image.$(tr '/:' '~=' <<< "$IMAGE")\""""
"""The step of a job that tells Scangate of an image, to be copied; the reference stands in ``IMAGE``."""
CHECK_HEADERS: Final = {
    "Content-Type": "application/json",
    "PlanUrl": "$(system.CollectionUri)",
    "ProjectId": "$(system.TeamProjectId)",
    "HubName": "$(system.HostType)",
    "PlanId": "$(system.PlanId)",
    "JobId": "$(system.JobId)",
    "TaskInstanceId": "$(system.TaskInstanceId)",
    "AuthToken": "$(system.AccessToken)",
    "BuildId": "$(build.BuildId)",
}
"""What a check sends: the defaults of "Invoke Azure Function check", and the build."""
_INVOKE_FUNCTION: Final = "537fdb7a-a601-4537-aa70-92645a2b5ce4"
_TASK_CHECK: Final = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"
_ENDED: Final = "completed"


class Shown(NamedTuple):
    """What Scangate shows on a build.

    Attributes:
        state: of the gate, as a status names it.
        description: in words.
        page: the link to the gate's page.
        tags: the build's tags.
    """

    state: str
    description: str
    page: str
    tags: list[str]


class Stage(NamedTuple):
    """A stage that a build was told to reach.

    Attributes:
        build: the build.
        name: the stage's name.
    """

    build: "Build"
    name: str

    def result(self) -> str | None:
        """Tell how it ended, by the build's timeline; None while it waits or runs."""
        records = self.build.team.call("GET", f"{self.build.path}/timeline")["records"]
        (found,) = (one for one in records if one["type"] == "Stage" and one["name"] == self.name)
        return str(found["result"]) if found["state"] == _ENDED else None


class Build(NamedTuple):
    """A build.

    Attributes:
        team: who runs it.
        project: the project's id.
        number: its id.
    """

    team: Team
    project: str
    number: int

    @property
    def path(self) -> str:
        """Its path below the organisation."""
        return f"{self.project}/_apis/build/builds/{self.number}"

    def name_image(self, image: str) -> None:
        """Run the step that tells Scangate of an image, as an agent does: what it prints goes to the job's log.

        Args:
            image: The image's reference.
        """
        environment = {"PATH": os.environ.get("PATH", os.defpath), "IMAGE": image}
        done = subprocess.run(["bash", "-c", TAGGING_STEP], env=environment, check=True, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            self.team.call("POST", "_sim/builds/lines", {"buildId": self.number, "line": line})

    def complete(self, result: str = "succeeded") -> None:
        """End it.

        Args:
            result: How it ended.
        """
        self.team.call("PATCH", self.path, {"status": _ENDED, "result": result})

    def reach_stage(self, name: str, **more: JsonValue) -> Stage:
        """Let it reach a stage with which it ends.

        Args:
            name: The stage's name.
            more: What the stage has: ``environment`` or ``checks``, and what else the simulator takes.

        Returns:
            The stage.
        """
        wanted = {"buildId": self.number, "name": name, "last": True, **more}
        self.team.call("POST", "_sim/builds/stages", wanted)
        return Stage(self, name)

    def tags(self) -> list[str]:
        """List its tags."""
        return list(self.team.call("GET", f"{self.path}/tags")["value"])

    def shown(self) -> Shown | None:
        """Read what Scangate shows on it; None while that is nothing."""
        found = self.team.call("GET", f"{self.path}/properties")["value"]
        properties = {name: str(one["$value"]) for name, one in found.items()}
        if "scangate.status" not in properties:
            return None
        state, _, description = properties["scangate.status"].partition(": ")
        return Shown(state, description, properties.get("scangate.page", ""), self.tags())

    def log(self) -> list[str]:
        """Read the lines of all its logs, those of its checks too."""
        logs = self.team.call("GET", f"{self.path}/logs")["value"]
        return [str(line) for log in logs for line in self.team.call("GET", f"{self.path}/logs/{log['id']}")["value"]]


def queue_build(team: Team, project: str, repository: str, pipeline: tuple[int, str], **more: JsonValue) -> Build:
    """Queue a build of a repository's main branch.

    Args:
        team: Who runs it.
        project: The project's id.
        repository: The repository's id.
        pipeline: The definition's id and name.
        more: What differs from that: branch, commit, reason.

    Returns:
        The build.
    """
    number, name = pipeline
    wanted: dict[str, JsonValue] = {
        "definition": {"id": number, "name": name},
        "repository": {"id": repository},
        "reason": "individualCI",
        **more,
    }
    return Build(team, project, int(team.call("POST", f"{project}/_apis/build/builds", wanted)["id"]))


def guard_environment(team: Team, plan: Plan, project: str, name: str) -> None:
    """Make an environment that only what Scangate passes may be deployed to.

    Args:
        team: Who makes it.
        plan: The stack's plan.
        project: The project's id.
        name: The environment's name.
    """
    made = team.call("POST", f"{project}/_apis/pipelines/environments", {"name": name})
    wanted = {
        "type": {"id": _TASK_CHECK, "name": "Task Check"},
        "settings": function_check(plan, plan.check_secret),
        "resource": {"type": "environment", "id": str(made["id"]), "name": name},
    }
    team.call("POST", f"{project}/_apis/pipelines/checks/configurations", wanted, version="7.1-preview.1")


def function_check(plan: Plan, secret: str, **inputs: str) -> dict[str, Any]:
    """Write the settings of an Invoke Azure Function check that asks Scangate and waits for its callback.

    Args:
        plan: The stack's plan.
        secret: Its key.
        inputs: Further inputs, or others.

    Returns:
        The settings.
    """
    given = {
        "function": f"{plan.app}/api/checks/{plan.org}",
        "key": secret,
        "method": "POST",
        "waitForCompletion": "true",
        "headers": json.dumps(CHECK_HEADERS),
        "body": "{}",
    }
    return {
        "definitionRef": {"id": _INVOKE_FUNCTION, "version": "1.0.0"},
        "displayName": "Scangate",
        "retryInterval": 0,
        "inputs": {**given, **inputs},
    }
