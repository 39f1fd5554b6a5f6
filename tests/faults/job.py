"""The crew as executions of a Container Apps job: the app's real runner starts it through Azure's SDKs.

With ``SCANGATE_FAULTS_RUNNER=container-apps`` every schedule of this folder runs so. Only what an execution does is
scripted: the stand-in for Azure Resource Manager, its answers, tokens and lists are those of ``scangate local``. What
becomes of a call that shall fail is made by that stand-in as well.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import httpx2
import pytest
from azure.identity import ManagedIdentityCredential

from local.arm import server
from local.arm.executions import Executions
from local.arm.jobs import Job
from local.arm.server import Config, serve
from scan_core.runner import container_apps
from scan_core.runner.container_apps import ContainerAppsRunner, JobId
from scan_core.runner.places import Places
from tests.faults.crew import Crew
from tests.faults.toll import Toll
from tests.flow.fakes import Clock
from tests.local.arm.driver import HEADER, JOB, Arm

SELECTED: Final = "SCANGATE_FAULTS_RUNNER"
_STARTED: Final = "2026-01-01T00:00:00Z"
_START: Final = "POST .*/start$"
_STOP: Final = "POST .*/stop$"
_OUTCOME: Final = "GET .*OperationResults/"
_UNANSWERED: Final = {"kind": "reset"}
_ACCEPTED: Final = {"kind": "accepted", "seconds": 0.01}
_STRIKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "refused": {"kind": "status", "status": 503},
    "forbidden": {"kind": "status", "status": 403},
    "lost-answer": {"kind": "reset", "after": True},
    "full": _UNANSWERED,
    "ignored": _UNANSWERED,
    "vanished": {"kind": "malformed", "after": True},
    "throttled": {"kind": "status", "status": 429, "seconds": 30},
    "accepted": _ACCEPTED,
    "accepted-lost": _ACCEPTED,
}
"""What the stand-in does instead of answering as it should; for what a real job cannot do, what comes nearest."""
START_FAULTS: Final = ("throttled", "accepted", "accepted-lost", "lost-answer", "refused", "forbidden", "vanished")


def is_selected() -> bool:
    """Tell whether this run was asked to start workers as executions of a job."""
    return os.environ.get(SELECTED) == "container-apps"


class CrewExecutions(Executions):
    """Executions whose work a crew does."""

    crew: Crew | None = None
    """Whose; another one for each estate."""

    def __enter__(self) -> Self:
        """Tend nothing: the crew ends its own work."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing."""

    def start(self, job: Job) -> str:
        """Have the crew take up one more worker."""
        assert self.crew is not None
        started = self.crew.take_up()
        assert started is not None, "the app's runner starts no more than there is room for"
        return started

    def of(self, job: Job, *, details: bool = False) -> list[dict[str, Any]]:
        """List the crew's workers, and those that it had."""
        assert self.crew is not None
        running = {one.execution for one in self.crew.jobs}
        return [_shown(job, name, is_running=name in running) for name in reversed(self.crew.taken_up)]

    def stop(self, job: Job, name: str) -> bool:
        """End one of them."""
        assert self.crew is not None
        if name not in self.crew.taken_up:
            return False
        self.crew.dismiss(name)
        return True


class JobRunner:
    """The app's own runner, with a toll for each of its calls."""

    def __init__(self, real: ContainerAppsRunner, crew: Crew, resources: "Resources") -> None:
        """Take the runner.

        Args:
            real: The runner.
            crew: Says what shall become of the next call, and where the app's process may die.
            resources: Where calls fail.
        """
        self._real = real
        self._crew = crew
        self._resources = resources

    def start(self) -> str | None:
        """Start a worker."""
        return self._toll.pay("app runner start", lambda: self._struck(_START, self._real.start))

    def stop(self, execution: str) -> None:
        """End a worker."""
        self._toll.pay("app runner stop", lambda: self._struck(_STOP, lambda: self._real.stop(execution)))

    @property
    def _toll(self) -> Toll:
        return self._crew.toll

    def _struck[T](self, route: str, call: Callable[[], T]) -> T:
        """Make a call, and have it go wrong in the way that was asked for."""
        fault, self._crew.runner_fault = self._crew.runner_fault, None
        if fault is None:
            return call()
        with self._resources.failing(route, fault):
            return call()

    def is_alive(self, execution: str) -> bool | None:
        """Tell whether a worker runs."""
        return self._real.is_alive(execution)

    def reason_of(self, execution: str) -> str | None:
        """Say how a worker ended."""
        return self._real.reason_of(execution)


class Resources:
    """One stand-in for Azure Resource Manager, for all estates of a process."""

    def __init__(self, url: str) -> None:
        """Know where it is.

        Args:
            url: Its address.
        """
        self._url = url.rstrip("/")
        self._clock: Callable[[], float] = lambda: 0.0

    @contextmanager
    def failing(self, route: str, fault: str) -> Iterator[None]:
        """Have the next call go wrong, and none after the block.

        Args:
            route: Which call.
            fault: In which way, by its name here.
        """
        faults = [{"route": route, **_STRIKES[fault]}]
        if fault == "accepted-lost":
            faults.append({"route": _OUTCOME, **_UNANSWERED})
        for one in faults:
            self._tell("POST", one)
        try:
            yield
        finally:
            self._tell("DELETE")

    def monotonic(self) -> float:
        """Tell the time to the runner: the quiet that Azure asks for passes with the test's.

        Returns:
            Seconds.
        """
        return self._clock()

    def _tell(self, method: str, fault: dict[str, Any] | None = None) -> None:
        headers = {"X-IDENTITY-HEADER": HEADER}
        told = httpx2.request(method, f"{self._url}/_sim/faults", json=fault, headers=headers, trust_env=False)
        assert told.is_success, told.text

    def runner(self, crew: Crew, clock: Clock, most: int) -> JobRunner:
        """Give the app of an estate its runner.

        Args:
            crew: Who works.
            clock: The estate's time, by which the runner counts its places too.
            most: How many executions may run at once.

        Returns:
            The runner.
        """
        CrewExecutions.crew = crew
        credential = ManagedIdentityCredential(connection_timeout=1, read_timeout=5, retry_total=0)
        real = ContainerAppsRunner(JobId.parse(JOB), most, credential, self._url)
        self._clock = lambda: clock().timestamp()
        real._places = Places(most, real._count, self._clock)
        return JobRunner(real, crew, self)


@contextmanager
def resources(folder: Path) -> Iterator[Resources]:
    """Run the stand-in with its job for as long as the block lasts.

    Args:
        folder: Where it keeps the job.

    Yields:
        The stand-in.
    """
    config = Config(data=folder / "arm", executions=folder / "executions", app_header=HEADER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "Executions", CrewExecutions)
        with serve(config) as bound:
            arm = Arm(bound)
            assert arm.put().status_code == 201
            arm.close()
            patch.setenv("IDENTITY_ENDPOINT", bound.identity_endpoint)
            patch.setenv("IDENTITY_HEADER", HEADER)
            found = Resources(bound.url)
            patch.setattr(container_apps, "time", found)
            yield found


def _shown(job: Job, name: str, *, is_running: bool) -> dict[str, Any]:
    ended = {} if is_running else {"endTime": _STARTED}
    properties = {"status": "Running" if is_running else "Succeeded", "startTime": _STARTED, **ended}
    return {
        "id": f"{job.id}/executions/{name}",
        "name": name,
        "type": "Microsoft.App/jobs/executions",
        "properties": properties,
    }
