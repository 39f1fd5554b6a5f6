"""Executions of jobs: each container in its turn a process of this machine, all under a launcher that goes on alone."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from local.arm.identity import PATH, Identities
from local.arm.jobs import Job
from scan_core.runner.executions import MEASURING, Launch, Step, passed_on
from scan_core.runner.executions import Executions as Workers

STATES: Final = ("Running", "Processing", "Stopped", "Degraded", "Failed", "Unknown", "Succeeded")
HISTORY: Final = 100
"""How many executions that ended are shown ("Jobs in Azure Container Apps", job execution history)."""
_PLENTY: Final = 100_000
_RECORD, _STOPPED, _EXPIRED, _END = "execution.json", "stopped", "expired", "end.json"
_ENTRY_POINT: Final = (sys.executable, "-m", "scan_core.worker")
"""The image's."""
_INHERITED: Final = (
    *("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    MEASURING,
)
"""What an image would bring along."""
_TEND_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Execution:
    """What is left of an execution, or of it so far.

    Attributes:
        folder: where it is.
        name: its name.
        job: the id of its job, in lower case.
        record: what was noted when it was started: start, end of its time, containers.
        end: what its launcher noted when it ended; None before, and for one that was killed.
        marks: what happened to it from outside.
    """

    folder: Path
    name: str
    job: str
    record: dict[str, Any]
    end: dict[str, Any] | None
    marks: frozenset[str]

    @property
    def worker(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def status(self) -> str:
        """Its state, where it does not run."""
        if _EXPIRED in self.marks:
            return "Failed"
        if _STOPPED in self.marks:
            return "Stopped"
        codes = self.end["exit_codes"] if self.end else {}
        ran_well = len(codes) == len(self.record["containers"]) and not any(codes.values())
        return "Succeeded" if ran_well else "Failed"


class Executions:
    """The executions of all jobs. They go on when the stand-in ends, as they would in Azure."""

    def __init__(self, folder: Path, identities: Identities, base_url: str) -> None:
        """Find those that are there already.

        Args:
            folder: where they live.
            identities: gives containers what they need to ask for tokens.
            base_url: where the stand-in is, with a slash at the end.
        """
        self._folder = folder
        self._workers = Workers(folder, _PLENTY)
        self._identities = identities
        self._base_url = base_url
        self._told: dict[str, str] = {}
        self._over = threading.Event()
        self._tending = threading.Thread(target=self._tend, name="executions", daemon=True)

    def __enter__(self) -> Self:
        """Begin to end what runs too long."""
        self._tending.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave them alone."""
        self._over.set()
        self._tending.join()

    def start(self, job: Job) -> str:
        """Start a job as it stands.

        Args:
            job: the job.

        Returns:
            The execution's name.

        Raises:
            RunnerError: this machine could not start it.
        """
        started = self._workers.start(lambda worker, folder: self._plan(job, worker, folder))
        # Whoever says None has reached a cap, and there is none.
        return _name(job, str(started))

    def of(self, job: Job, *, details: bool = False) -> list[dict[str, Any]]:
        """List the executions of a job, the latest first; only so many of those that ended.

        Args:
            job: the job.
            details: whether they tell how their containers are.
        """
        mine = [each for each in self._all() if each.job == job.id.lower()]
        mine.sort(key=lambda each: float(each.record["started"]), reverse=True)
        shown: list[dict[str, Any]] = []
        ended = 0
        for each in mine:
            resource = self._shown(job, each, details=details)
            ended += "endTime" in resource["properties"]
            if "endTime" not in resource["properties"] or ended <= HISTORY:
                shown.append(resource)
        return shown

    def one(self, job: Job, name: str, *, details: bool = False) -> dict[str, Any] | None:
        """Show an execution.

        Args:
            job: its job.
            name: its name.
            details: whether it tells how its containers are.

        Returns:
            The resource; None where it is not, or not any more, there.
        """
        return next((each for each in self.of(job, details=details) if each["name"] == name), None)

    def stop(self, job: Job, name: str) -> bool:
        """End an execution, if it runs; this does not wait for it.

        Args:
            job: its job.
            name: its name.

        Returns:
            Whether there is such an execution.
        """
        found = next((each for each in self._all() if (each.job, each.name) == (job.id.lower(), name)), None)
        if found is not None and self._workers.is_held(found.worker):
            self._end(found, _STOPPED)
        return found is not None

    def tell(self, name: str, status: str | None) -> None:
        """Say something else about an execution from now on.

        Args:
            name: its name.
            status: one of ``STATES``; None for the truth.
        """
        if status is None:
            self._told.pop(name, None)
        else:
            self._told[name] = status

    def _plan(self, job: Job, worker: str, folder: Path) -> Launch:
        work = folder / "work"
        work.mkdir(mode=0o700)
        started = datetime.now(UTC).timestamp()
        name = _name(job, worker)
        record = {
            "name": name,
            "job": job.id.lower(),
            "started": started,
            "ends": started + job.timeout_seconds,
            "containers": [container["name"] for container, _ in job.containers],
        }
        (folder / _RECORD).write_text(json.dumps(record), encoding="utf-8")
        inherited = passed_on(_INHERITED)
        steps = tuple(
            Step(
                container["name"],
                (*_ENTRY_POINT, *container["args"]),
                {
                    **inherited,
                    **job.environment(container, work.resolve()),
                    **self._identity(job, name, is_init=is_init),
                    "CONTAINER_APP_JOB_NAME": job.name,
                    "CONTAINER_APP_JOB_EXECUTION_NAME": name,
                    "CONTAINER_APP_REPLICA_NAME": f"{name}-0",
                },
            )
            for container, is_init in job.containers
        )
        # The replica timeout is kept by this stand-in itself, from outside.
        return Launch(steps, adopts=True, seconds=None, afterwards=(), environment=inherited)

    def _identity(self, job: Job, execution: str, *, is_init: bool) -> dict[str, str]:
        client_ids = job.client_ids(is_init=is_init)
        if not client_ids:
            return {}
        header = self._identities.container_header(execution, client_ids)
        return {"IDENTITY_ENDPOINT": f"{self._base_url}{PATH[1:]}", "IDENTITY_HEADER": header}

    def _all(self) -> Iterator[Execution]:
        # Folders move from the one to the other: in this order none is missed, and one that is seen twice counts once.
        found = {}
        for place in ("running", "ended"):
            for folder in (self._folder / place).glob("worker-*"):
                if (execution := _read(folder)) is not None:
                    found[execution.name] = execution
        yield from found.values()

    def _shown(self, job: Job, execution: Execution, *, details: bool) -> dict[str, Any]:
        held = self._workers.is_held(execution.worker)
        status = self._told.get(execution.name) or ("Running" if held else execution.status)
        properties: dict[str, Any] = {
            "status": status,
            "startTime": _stamp(execution.record["started"]),
            "template": {
                "containers": [
                    {"name": one["name"], "image": one.get("image")} for one, init in job.containers if not init
                ]
            },
        }
        if details:
            properties["detailedStatus"] = {"replicas": [_replica(execution)]}
        if not held:
            properties["endTime"] = _stamp(execution.end["ended"] if execution.end else execution.record["started"])
        return {
            "id": f"{job.id}/executions/{execution.name}",
            "name": execution.name,
            "type": "Microsoft.App/jobs/executions",
            "properties": properties,
        }

    def _tend(self) -> None:
        while not self._over.wait(_TEND_SECONDS):
            now = datetime.now(UTC).timestamp()
            for execution in self._all():
                late = execution.record["ends"] < now and not execution.marks
                if late and self._workers.is_held(execution.worker):
                    self._end(execution, _EXPIRED)

    def _end(self, execution: Execution, mark: str) -> None:
        with suppress(OSError):  # it ended just now
            (execution.folder / mark).touch()
        # With its grace that takes a while, which nobody waits for.
        ending = threading.Thread(target=self._workers.stop, args=([execution.worker],), daemon=True)
        ending.start()


def _name(job: Job, worker: str) -> str:
    """Name an execution after its job, as Azure does; the rest makes it the only one."""
    _, moment, random = worker.split("-")
    return f"{job.name}-{int(moment):x}{random}"


def _read(folder: Path) -> Execution | None:
    """Read an execution's folder; None where it is just being made, moved or removed."""
    try:
        record = json.loads((folder / _RECORD).read_bytes())
        end = json.loads((folder / _END).read_bytes()) if (folder / _END).exists() else None
        marks = frozenset(mark for mark in (_STOPPED, _EXPIRED) if (folder / mark).exists())
    except (OSError, ValueError):
        return None
    return Execution(folder, record["name"], record["job"], record, end, marks)


def _replica(execution: Execution) -> dict[str, Any]:
    codes = execution.end["exit_codes"] if execution.end else {}
    containers = [_container(name, codes.get(name)) for name in execution.record["containers"]]
    return {"name": f"{execution.name}-0", "containers": containers}


def _container(name: str, code: int | None) -> dict[str, Any]:
    if code is None:
        return {"name": name, "status": "Waiting"}
    # A shell's way to write a death by signal, which is also Kubernetes's.
    shown = code if code >= 0 else 128 - code
    said = "Error" if shown else "Completed"
    return {"name": name, "status": "Terminated", "code": shown, "additionalInformation": said}


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
