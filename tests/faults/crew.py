"""The workers: each is started by the app, claims one attempt with the real code, and ends it as its commit is."""

import hashlib
import itertools
import json
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from scan_core.model.attempt import Artifact, AttemptError, AttemptErrorKind, AttemptMessage, Heartbeat, Manifest
from scan_core.qscanner.exit_codes import error_of
from scan_core.runner.api import RunnerError
from scan_core.store.attempt_links import AttemptLinkClient, StorageFailed
from scan_core.store.connection import Storage
from scan_core.store.queues import Queues
from scan_core.worker import delivery
from scan_core.worker.claim import claim_next
from scan_core.worker.stopping import CANCELLED
from tests.faults.post_office import AttemptCounter, PostOffice
from tests.faults.proposals import thing
from tests.faults.toll import Killed, Toll
from tests.flow.fakes import Clock
from tests.flow.scripted_worker import CLEAN, VERSION, VULNERABLE

INCOMPLETE_EXIT: Final = 40
ERROR_EXIT: Final = 1
LOST: Final = "lost"
CANCEL: Final = "cancelled"
CONCLUSIVE: Final = frozenset({"clean", "vulnerable"})
_REPORTS: Final[dict[str, Any]] = {"clean": CLEAN, "vulnerable": VULNERABLE}
_EXITS: Final = {"clean": 0, "vulnerable": 0, "incomplete": INCOMPLETE_EXIT, "error": ERROR_EXIT}
FETCH_FAULTS: Final = (
    AttemptErrorKind.REPOSITORY_TOO_LARGE,
    AttemptErrorKind.COMMIT_GONE,
    AttemptErrorKind.REPOSITORY_EMPTY,
    AttemptErrorKind.REPOSITORY_NOT_FOUND,
    AttemptErrorKind.ACCESS_REFUSED,
    AttemptErrorKind.UNREACHABLE,
    AttemptErrorKind.FETCH_TIMED_OUT,
    AttemptErrorKind.FETCH_FAILED,
)
"""How a fetch by git can end; which of git's own words lead to which of them is tested with the worker."""
START_FAULTS: Final = ("refused", "forbidden", "lost-answer", "full", "vanished")
STOP_FAULTS: Final = ("refused", "forbidden", "lost-answer", "ignored")
"""What can become of a call to the runner: done or not, said to be done or not, for now or for good."""


@dataclass(eq=False)
class Job:
    """A worker that runs."""

    execution: str
    message: AttemptMessage | None = None
    """What it claimed; None while it has claimed nothing."""
    is_held: bool = False
    """Whether it takes its time: it beats and does not end."""
    fetch_fault: AttemptErrorKind | None = None
    """Why it has nothing to scan."""

    @property
    def key(self) -> tuple[str, int]:
        """Its attempt."""
        assert self.message is not None
        return self.message.spec.scan_id, self.message.spec.attempt


@dataclass
class Crew:
    """Every worker there is; to the app, its runner."""

    toll: Toll
    links: AttemptLinkClient
    office: PostOffice
    clock: Clock
    nature_of: Callable[[str], str]
    """How a commit or an image is: clean, vulnerable, or the scanner's error."""
    queue: str
    """The link by which attempts are taken from their queue."""
    most: int = 4
    jobs: list[Job] = field(default_factory=list)
    troubles: deque[str] = field(default_factory=deque)
    """How the next attempts end instead of as their commit is: incomplete or lost."""
    claims: list[tuple[str, int]] = field(default_factory=list)
    """Attempts that were claimed, in their order."""
    intended: dict[tuple[str, int], str] = field(default_factory=dict)
    """What the manifest says of each attempt whose worker came as far as to leave one."""
    refusals: int = 0
    """How many calls of the runner are refused from here on."""
    runner_fault: str | None = None
    """What becomes of the runner's next call."""
    fetch_fault: AttemptErrorKind | None = None
    """How the next fetch ends."""
    held: bool = False
    """Whether workers that claim from here on take their time."""
    secrets: set[str] = field(default_factory=set)
    """Every attempt's secret and link that a worker was given."""
    taken_up: list[str] = field(default_factory=list)
    """Every execution there ever was, the oldest first."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    # ------------------------------------------------------------------------------------------------ a runner

    def start(self) -> str | None:
        """Start a worker."""
        return self.toll.pay("app runner start", lambda: self._faulty(self.take_up))

    def stop(self, execution: str) -> None:
        """End a worker."""
        self.toll.pay("app runner stop", lambda: self._faulty(lambda: self.dismiss(execution)))

    def is_alive(self, execution: str) -> bool | None:
        """Tell whether a worker runs."""
        return any(job.execution == execution for job in self.jobs)

    def reason_of(self, execution: str) -> str | None:
        """Say how a worker ended: nobody knows."""
        return None

    def _faulty(self, act: Callable[[], str | None]) -> str | None:
        """Act, or fail in the way that was asked for."""
        fault, self.runner_fault = self.runner_fault, None
        match fault:
            case None:
                return act()
            case "full" | "ignored":
                return None
            case "vanished":
                return f"worker-{next(self._numbers)}"
            case "lost-answer":
                act()
        raise RunnerError(f"The runner's call was {fault}.", transient=fault != "forbidden")

    def take_up(self) -> str | None:
        """Take up one more worker.

        Returns:
            The name of its execution; None where there is no room.
        """
        self._refuse()
        if len(self.jobs) >= self.most:
            return None
        job = Job(f"worker-{next(self._numbers)}", is_held=self.held)
        self.jobs.append(job)
        self.taken_up.append(job.execution)
        return job.execution

    def dismiss(self, execution: str) -> None:
        """Let one go."""
        self._refuse()
        self.jobs = [job for job in self.jobs if job.execution != execution]

    def _refuse(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise RunnerError("There is no room for a worker.", transient=True)

    # ------------------------------------------------------------------------------------------------ work

    def work(self) -> int:
        """Let every worker take its next step.

        Returns:
            How many did anything.
        """
        return sum(self._step(job) for job in list(self.jobs))

    def release(self) -> None:
        """Let the workers end that took their time."""
        self.held = False
        for job in self.jobs:
            job.is_held = False

    @property
    def is_idle(self) -> bool:
        """Whether no worker runs."""
        return not self.jobs

    def _step(self, job: Job) -> bool:
        try:
            if job.message is None:
                self._claim(job)
            elif job.is_held:
                self._beat(job)
                return False
            else:
                self._finish(job)
        except (Killed, StorageFailed):
            self.toll.revive()
            self.jobs.remove(job)
        finally:
            self.office.collect()
        return True

    def _claim(self, job: Job) -> None:
        counter: Any = AttemptCounter(self.links, self.office, self.queue)
        message = claim_next(counter, job.execution, self.clock)
        if message is None:
            self.jobs.remove(job)
            return
        job.message = message
        self.claims.append(job.key)
        self.secrets |= {message.secret, message.links.claim, message.links.results}
        self._beat(job)
        self.toll.pay("worker git fetch", lambda: self._fetch(job))

    def _fetch(self, job: Job) -> None:
        job.fetch_fault, self.fetch_fault = self.fetch_fault, None

    def _beat(self, job: Job) -> None:
        assert job.message is not None
        beat = Heartbeat(execution=job.execution, step="scan", beat_at=self.clock())
        self.links.write_blob(job.message.links.heartbeat, beat.model_dump_json().encode())

    def _finish(self, job: Job) -> None:
        assert job.message is not None
        message, kind = job.message, self._ending(job)
        if kind == LOST:
            self.jobs.remove(job)
            return
        started = self.clock()
        if self.links.read_blob(message.links.cancel) is not None:
            kind = CANCEL
        manifest = self._delivered(job, message, kind)
        self.intended[job.key] = kind
        delivery.conclude(self.links, message, manifest.model_copy(update={"started_at": started}))
        delivery.announce(self.links, message)
        self.jobs.remove(job)

    def _delivered(self, job: Job, message: AttemptMessage, kind: str) -> Manifest:
        error = _error(job, kind)
        with tempfile.TemporaryDirectory() as folder:
            files = self._files(Path(folder), kind) if error is None else {}
            uploaded = delivery.upload(self.links, message, files)
        assert not isinstance(uploaded, AttemptError), AttemptErrorKind.TAMPERED
        return Manifest(
            scan_id=message.spec.scan_id,
            attempt=message.spec.attempt,
            execution=job.execution,
            exit_code=_EXITS.get(kind),
            error=error,
            scanner_version=VERSION,
            started_at=self.clock(),
            finished_at=self.clock(),
            files=uploaded,
        )

    @staticmethod
    def _files(folder: Path, kind: str) -> dict[Artifact, Path]:
        contents = {Artifact.SARIF: _REPORTS[kind], Artifact.INVENTORY: {}}
        files = {}
        for artifact, content in contents.items():
            place = folder / hashlib.sha256(artifact.encode()).hexdigest()
            place.write_text(json.dumps(content))
            files[artifact] = place
        return files

    def _ending(self, job: Job) -> str:
        assert job.message is not None
        if job.fetch_fault is not None:
            return "incomplete" if job.fetch_fault.retryable else "error"
        if self.troubles:
            return self.troubles.popleft()
        return self.nature_of(thing(job.message.spec.target))


def _error(job: Job, kind: str) -> AttemptError | None:
    if kind == CANCEL:
        return CANCELLED
    if job.fetch_fault is not None:
        return AttemptError(kind=job.fetch_fault, sentence="Git could not fetch the commit, as it was asked to.")
    return error_of(_EXITS[kind])


def attempts_link(storage: Storage) -> str:
    """Make the link by which workers take attempts from their queue, for as long as any test lasts.

    Args:
        storage: The account, reached as the workers reach it.

    Returns:
        The link.
    """
    return Queues(storage).attempts_link(datetime.now(UTC) + timedelta(days=7))
