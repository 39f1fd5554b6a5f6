"""One attempt on real storage, a Git server with one repository, and the two steps run on them."""

import base64
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scan_core.model.attempt import (
    Artifact,
    AttemptError,
    AttemptLinks,
    AttemptMessage,
    AttemptSpec,
    Cancel,
    Claim,
    FetchOutcome,
    FetchState,
    Heartbeat,
    Limits,
    Manifest,
    ResultMessage,
)
from scan_core.model.ids import AttemptNumber, CommitSha, OrganisationName, ProjectId, RepositoryId, ScanId, digest
from scan_core.model.signing import attempt_secret, signature_holds
from scan_core.model.target import Mode, Profile, ScanType, SourceTarget
from scan_core.store.attempt_links import AttemptLinkClient
from scan_core.store.attempts import AttemptStore
from scan_core.store.connection import Storage
from scan_core.store.queues import Queues
from scan_core.worker.environment import fetch_environment, scan_environment
from scan_core.worker.fetch import FetchStep, without_claim
from scan_core.worker.folder import WorkerFolder
from scan_core.worker.scan import ScanStep
from scan_core.worker.stopping import Clock, StopSign
from tests.worker import scanners
from tests.worker.git_server import PAT, GitServer, serve
from tests.worker.repositories import Repository

QUALYS_TOKEN = "qualys-token-4f6c1e9ab27d48f0a1"
LIMITS = Limits(
    fetch_seconds=60,
    scan_seconds=60,
    repository_bytes=5_000_000,
    repository_files=1_000,
    artifact_bytes=1_000_000,
    log_bytes=20_000,
    heartbeat_seconds=0.1,
)
_numbers = itertools.count()


def now() -> datetime:
    """The time, as the steps are told it."""
    return datetime.now(UTC)


@dataclass
class Bench:
    """What a worker works on."""

    storage: Storage
    folder: Path
    tools: Path
    server: GitServer

    @property
    def worker(self) -> WorkerFolder:
        """The folder of the worker."""
        return WorkerFolder(self.folder)

    def spec(self, commit: str, repository: str = "repo.git", **limits: Any) -> AttemptSpec:
        """An attempt of its own for a commit."""
        target = SourceTarget(
            organisation=OrganisationName("contoso"),
            project_id=ProjectId("11111111-1111-1111-1111-111111111111"),
            repository_id=RepositoryId("22222222-2222-2222-2222-222222222222"),
            commit=CommitSha(commit),
        )
        return AttemptSpec(
            scan_id=ScanId(digest(["worker", str(self.folder), next(_numbers)])[:40]),
            attempt=AttemptNumber(1),
            target=target,
            clone_url=self.server.origin + repository,
            profile=Profile(scan_types=(ScanType.PKG, ScanType.SECRET), mode=Mode.GET_REPORT),
            pod="US2",
            limits=LIMITS.model_copy(update=limits),
            opened_at=now(),
        )

    def message(self, spec: AttemptSpec, ends_in: timedelta = timedelta(hours=1)) -> AttemptMessage:
        """The message of an attempt, with real links."""
        expires = now() + ends_in
        results = Queues(self.storage).results_link(expires)
        links = AttemptStore(self.storage).links(spec.scan_id, spec.attempt, results, expires)
        secret = attempt_secret(b"k" * 32, spec.scan_id, spec.attempt)
        return AttemptMessage(spec=spec, links=links, secret=secret, expires_at=expires)

    def queue(self, message: AttemptMessage) -> AttemptMessage:
        """Queue an attempt."""
        Queues(self.storage).send_attempt(message)
        return message

    def cancel(self, message: AttemptMessage) -> None:
        """Cancel an attempt."""
        spec = message.spec
        AttemptStore(self.storage).write_cancel(
            spec.scan_id, spec.attempt, Cancel(reason="superseded", cancelled_at=now())
        )

    def fetch_variables(self) -> dict[str, str]:
        """The environment of the fetch step."""
        return {
            "SCANGATE_WORKER_DIR": str(self.folder),
            "SCANGATE_EXECUTION": "worker-1",
            "SCANGATE_ATTEMPTS_QUEUE": Queues(self.storage).attempts_link(now() + timedelta(hours=1)),
            "SCANGATE_DEVOPS_ORIGINS": json.dumps([self.server.origin]),
            "SCANGATE_DEVOPS_PAT": PAT,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }

    def fetch(self, execution: str = "worker-1", stop: StopSign | None = None, **variables: str) -> FetchOutcome:
        """Run the fetch step."""
        settings = fetch_environment({**self.fetch_variables(), "SCANGATE_EXECUTION": execution, **variables})
        return FetchStep(settings, now, stop or StopSign()).run()

    def ready(
        self, message: AttemptMessage, token: str | None = None, token_lasts: timedelta = timedelta(hours=1)
    ) -> AttemptMessage:
        """Leave what a fetch step leaves that went well, without fetching."""
        self.worker.source.mkdir(parents=True, exist_ok=True)
        (self.worker.source / "file.txt").write_text("content")
        outcome = FetchOutcome(
            state=FetchState.READY,
            execution="worker-1",
            started_at=now(),
            finished_at=now(),
            message=without_claim(message),
            registry_token=token,
            registry_token_ends_at=None if token is None else now() + token_lasts,
        )
        self.worker.write_outcome(outcome)
        return message

    def scanner(self, body: str = scanners.GOOD) -> Path:
        """Install a scanner."""
        return scanners.program(self.tools, body)

    def scan_variables(self) -> dict[str, str]:
        """The environment of the scan step."""
        return {
            "SCANGATE_WORKER_DIR": str(self.folder),
            "SCANGATE_EXECUTION": "worker-1",
            "QUALYS_ACCESS_TOKEN": QUALYS_TOKEN,
            "SCANGATE_QSCANNER": str(self.tools / "qscanner"),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }

    def scan(self, stop: StopSign | None = None, clock: Clock = now, **variables: str) -> int:
        """Run the scan step."""
        return ScanStep(scan_environment({**self.scan_variables(), **variables}), clock, stop or StopSign()).run()

    def scanned(self, body: str = scanners.GOOD, **limits: Any) -> Manifest:
        """Scan with a scanner what a fetch step left, and read how it ended."""
        message = self.ready(self.message(self.spec("a" * 40, **limits)))
        self.scanner(body)
        assert self.scan() == 0
        return self.manifest(message)

    def blob(self, message: AttemptMessage, name: str) -> bytes | None:
        """Read a blob of an attempt."""
        client = self.storage.blobs.get_blob_client("scans", f"{message.spec.scan_id}/{message.spec.attempt}/{name}")
        return client.download_blob().readall() if client.exists() else None

    def manifest(self, message: AttemptMessage) -> Manifest:
        """Read an attempt's manifest, and check its signature."""
        manifest = Manifest.model_validate_json(self.blob(message, Artifact.MANIFEST) or b"")
        assert signature_holds(manifest, message.secret)
        return manifest

    def claim(self, message: AttemptMessage) -> Claim | None:
        """Read an attempt's claim."""
        left = AttemptStore(self.storage).claim(message.spec.scan_id, AttemptNumber(message.spec.attempt))
        return None if left is None else left.document

    def heartbeat(self, message: AttemptMessage) -> Heartbeat | None:
        """Read an attempt's heartbeat."""
        left = AttemptStore(self.storage).heartbeat(message.spec.scan_id, AttemptNumber(message.spec.attempt))
        return None if left is None else left.document

    def waiting(self) -> int:
        """How many messages stand in the queue of attempts, hidden ones too."""
        return int(
            self.storage.queues.get_queue_client("scan-attempts").get_queue_properties().approximate_message_count or 0
        )

    def announced(self) -> list[ResultMessage]:
        """Take the messages of the queue of results."""
        queue = self.storage.queues.get_queue_client("scan-results")
        texts = [base64.b64decode(message.content) for message in queue.receive_messages()]
        return [ResultMessage.model_validate_json(text) for text in texts]

    def on_disk(self) -> bytes:
        """Everything that stands in the worker's folder."""
        return b"".join(
            path.read_bytes() for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()
        )


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    """The folder of the Git server's repositories."""
    folder = tmp_path / "repositories"
    folder.mkdir()
    return folder


@pytest.fixture
def repository(repositories: Path) -> Repository:
    """The repository that most tests fetch from."""
    return Repository(repositories / "repo.git")


@pytest.fixture
def server(repositories: Path) -> Iterator[GitServer]:
    """A running Git server."""
    with serve(repositories) as running:
        yield running


@pytest.fixture
def bench(storage: Storage, tmp_path: Path, server: GitServer) -> Bench:
    """Everything a worker needs."""
    for name in ("work", "tools"):
        (tmp_path / name).mkdir()
    return Bench(storage, tmp_path / "work", tmp_path / "tools", server)


@pytest.fixture
def impatient() -> AttemptLinkClient:
    """A link client that gives up at once."""
    return AttemptLinkClient(deadline_seconds=0.0)


class StopWhen(StopSign):
    """A stop sign that does something, again and again, whenever a step looks at it and a condition holds."""

    def __init__(self, condition: Callable[[], bool], action: Callable[[], None]) -> None:
        super().__init__()
        self._condition = condition
        self._action = action

    def or_after(self, seconds: float, late: AttemptError) -> Callable[[], AttemptError | None]:
        """As the real one, with the action first."""
        look = super().or_after(seconds, late)

        def looked() -> AttemptError | None:
            if self._condition():
                self._action()
            return look()

        return looked


def with_links(message: AttemptMessage, **links: object) -> AttemptMessage:
    """The same message with other links."""
    changed = AttemptLinks.model_validate({**message.links.model_dump(), **links})
    return message.model_copy(update={"links": changed})
