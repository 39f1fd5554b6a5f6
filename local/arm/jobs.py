"""Jobs: made and replaced by PUT, kept in a file, shown without the values of their secrets."""

import json
import os
import threading
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.arm.errors import Refused, wrong

TYPE: Final = "Microsoft.App/jobs"
_STEPS: Final = (["fetch"], ["scan"])
"""What the image can be told: its entry point is the worker."""


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        id: its resource id.
        name: its name.
        body: what was put: location, identity, properties.
    """

    id: str
    name: str
    body: dict[str, Any]

    @property
    def timeout_seconds(self) -> float:
        """After how long an execution is ended."""
        return float(self._configuration["replicaTimeout"])

    @property
    def containers(self) -> list[tuple[dict[str, Any], bool]]:
        """The containers in the order in which they run, each with whether it is an init container."""
        template = self.body["properties"]["template"]
        first = [(container, True) for container in template.get("initContainers") or []]
        return first + [(container, False) for container in template["containers"]]

    @property
    def _configuration(self) -> dict[str, Any]:
        configuration: dict[str, Any] = self.body["properties"]["configuration"]
        return configuration

    def environment(self, container: Mapping[str, Any], folder: Path) -> dict[str, str]:
        """Return a container's variables.

        Args:
            container: one of the job's.
            folder: stands in for every volume; a variable that names a place in a volume names one in it.
        """
        secrets = {each["name"]: each["value"] for each in self._configuration.get("secrets") or []}
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts") or []]
        given = container.get("env") or []
        values = {
            each["name"]: secrets[each["secretRef"]] if each.get("secretRef") else each["value"] for each in given
        }
        return {name: _moved(value, mounts, folder) for name, value in values.items()}

    def client_ids(self, *, is_init: bool) -> tuple[str, ...]:
        """Return the client ids of the identities that a container may use.

        Args:
            is_init: whether it is an init container.
        """
        identities: dict[str, Any] = (self.body.get("identity") or {}).get("userAssignedIdentities") or {}
        settings = self._configuration.get("identitySettings") or []
        lifecycles = {each["identity"].lower(): each.get("lifecycle", "All") for each in settings}
        allowed = {"All", "Init" if is_init else "Main"}
        # Azure adds the client id when an identity is assigned; here its name has to do.
        return tuple(one.rpartition("/")[2] for one in identities if lifecycles.get(one.lower(), "All") in allowed)

    def shown(self) -> dict[str, Any]:
        """Return the job as a resource; secrets have names and no values."""
        resource = {**deepcopy(self.body), "id": self.id, "name": self.name, "type": TYPE}
        properties = resource["properties"]
        properties["provisioningState"] = "Succeeded"
        secrets = properties["configuration"].get("secrets") or []
        properties["configuration"]["secrets"] = [{"name": each["name"]} for each in secrets]
        return resource


class Jobs:
    """The jobs, by their resource ids without regard to case."""

    def __init__(self, file: Path) -> None:
        """Read what was kept.

        Args:
            file: where they are kept, secrets included; made by the first put.
        """
        self._file = file
        self._lock = threading.Lock()
        kept = json.loads(file.read_bytes()) if file.exists() else []
        self._jobs = {each["id"].lower(): Job(each["id"], each["name"], each["body"]) for each in kept}

    def get(self, resource_id: str) -> Job:
        """Find a job.

        Args:
            resource_id: its resource id.

        Raises:
            Refused: 404.
        """
        job = self._jobs.get(resource_id.lower())
        if job is None:
            message = f"The Resource '{TYPE}/{resource_id.rpartition('/')[2]}' was not found."
            raise Refused(404, "ResourceNotFound", message)
        return job

    def put(self, resource_id: str, body: dict[str, Any]) -> tuple[Job, bool]:
        """Make or replace a job.

        Args:
            resource_id: its resource id.
            body: parsed JSON: location, identity, properties.

        Returns:
            The job, and whether it is new.

        Raises:
            Refused: 400 naming what is wrong, or what a job here cannot have.
        """
        _check(body)
        job = Job(resource_id, resource_id.rpartition("/")[2], body)
        with self._lock:
            is_new = resource_id.lower() not in self._jobs
            self._jobs[resource_id.lower()] = job
            self._keep()
        return job, is_new

    def _keep(self) -> None:
        draft = self._file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([{"id": job.id, "name": job.name, "body": job.body} for job in self._jobs.values()], file)
        draft.replace(self._file)


def _moved(value: str, mounts: Iterable[str], folder: Path) -> str:
    for mount in mounts:
        if value == mount or value.startswith(f"{mount}/"):
            return str(folder) + value.removeprefix(mount)
    return value


def _check(body: dict[str, Any]) -> None:
    try:
        properties = body["properties"]
        configuration = properties["configuration"]
        secrets = {each["name"] for each in configuration.get("secrets") or [] if isinstance(each["value"], str)}
        timeout, trigger = configuration["replicaTimeout"], configuration["triggerType"]
        template = properties["template"]
        containers = [*(template.get("initContainers") or []), *template["containers"]]
        references = {each["secretRef"] for one in containers for each in one.get("env") or [] if each.get("secretRef")}
        told = [(one["name"], one.get("command"), one.get("args")) for one in containers]
    except (AttributeError, KeyError, TypeError) as problem:
        raise wrong(f"this is not a job that can be run here: {problem!r}") from None
    if not body.get("location"):
        raise Refused(400, "LocationRequired", "The location property is required for this definition.")
    if trigger not in {"Manual", "Event", "Schedule"} or not isinstance(timeout, int) or timeout < 1:
        raise wrong("triggerType has to be Manual, Event or Schedule, and replicaTimeout a number of seconds")
    if missing := sorted(references - secrets):
        raise Refused(400, "ContainerAppSecretRefNotFound", f"SecretRef '{missing[0]}' not found.")
    if foreign := [name for name, command, arguments in told if command or arguments not in _STEPS]:
        raise wrong(f"container {foreign[0]!r} is not a step of the worker: args have to be ['fetch'] or ['scan']")
