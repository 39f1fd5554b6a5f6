"""The workers: each is started by the app, claims one attempt with the real code, and ends it as its commit is."""

import hashlib
import itertools
import json
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scan_core.model.attempt import Artifact, AttemptError, AttemptErrorKind, AttemptMessage, Heartbeat, Manifest
from scan_core.qscanner.exit_codes import error_of
from scan_core.runner.api import RunnerError
from scan_core.store.attempt_links import AttemptLinkClient, StorageFailed
from scan_core.worker import delivery
from scan_core.worker.claim import claim_next
from scan_core.worker.stopping import CANCELLED
from tests.faults.post_office import AttemptCounter, PostOffice
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


@dataclass(eq=False)
class Job:
    """A worker that runs."""

    execution: str
    message: AttemptMessage | None = None
    """What it claimed; None while it has claimed nothing."""
    is_held: bool = False
    """Whether it takes its time: it beats and does not end."""

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
    """How a commit is: clean, vulnerable, or the scanner's error."""
    most: int = 4
    jobs: list[Job] = field(default_factory=list)
    troubles: deque[str] = field(default_factory=deque)
    """How the next attempts end instead of as their commit is: incomplete or lost."""
    claims: list[tuple[str, int]] = field(default_factory=list)
    """Attempts that were claimed, in their order."""
    intended: dict[tuple[str, int], str] = field(default_factory=dict)
    """What the manifest says of each attempt whose worker came as far as to leave one."""
    refusals: int = 0
    """How many calls of the runner fail from here on."""
    held: bool = False
    """Whether workers that claim from here on take their time."""
    secrets: set[str] = field(default_factory=set)
    """Every attempt's secret and link that a worker was given."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    # ------------------------------------------------------------------------------------------------ a runner

    def start(self) -> str | None:
        """Start a worker."""
        return self.toll.pay("app runner start", self._start)

    def stop(self, execution: str) -> None:
        """End a worker."""
        self.toll.pay("app runner stop", lambda: self._stop(execution))

    def is_alive(self, execution: str) -> bool | None:
        """Tell whether a worker runs."""
        return any(job.execution == execution for job in self.jobs)

    def _start(self) -> str | None:
        self._refuse()
        if len(self.jobs) >= self.most:
            return None
        job = Job(f"worker-{next(self._numbers)}", is_held=self.held)
        self.jobs.append(job)
        return job.execution

    def _stop(self, execution: str) -> None:
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
        counter: Any = AttemptCounter(self.links, self.office)
        message = claim_next(counter, job.execution, self.clock)
        if message is None:
            self.jobs.remove(job)
            return
        job.message = message
        self.claims.append(job.key)
        self.secrets |= {message.secret, message.links.claim, message.links.results}
        self._beat(job)
        self.toll.pay("worker git fetch", lambda: None)

    def _beat(self, job: Job) -> None:
        assert job.message is not None
        beat = Heartbeat(execution=job.execution, step="scan", beat_at=self.clock())
        self.links.write_blob(job.message.links.heartbeat, beat.model_dump_json().encode())

    def _finish(self, job: Job) -> None:
        assert job.message is not None
        message, kind = job.message, self.troubles.popleft() if self.troubles else self._nature(job)
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
        error: AttemptError | None = CANCELLED if kind == CANCEL else error_of(_EXITS[kind])
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

    def _nature(self, job: Job) -> str:
        assert job.message is not None
        return self.nature_of(job.message.spec.target.commit)
