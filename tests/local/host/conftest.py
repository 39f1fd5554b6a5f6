"""A real Azurite for the whole run, and real host processes for each test."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from local.host import process
from local.storage import azurite

APPS = Path(__file__).parent / "apps"
KEY = "the-master-key"


@pytest.fixture(scope="session")
def storage() -> Iterator[azurite.Azurite]:
    """One Azurite in memory for all tests of this worker."""
    with azurite.start(None) as running:
        yield running


@dataclass
class Stage:
    """A test's own queue, journal and gates, and the hosts it starts."""

    connection: str
    folder: Path
    stack: ExitStack
    name: str = field(default_factory=lambda: f"q{uuid.uuid4().hex[:12]}")

    def host(
        self, app: str = "everything", *, lease: int = 600, instance: str = "", **more: str
    ) -> process.HostProcess:
        """Start a host that is stopped at the end of the test."""
        env = {
            "AzureWebJobsStorage": self.connection,
            "AzureFunctionsWebHost__hostid": self.name,
            "LOCAL_HOST_KEY": KEY,
            "WORK_QUEUE": self.name,
            "TICK": "0 0 0 1 1 *",
            "JOURNAL": str(self.folder / "journal"),
            "GATES": str(self.folder),
            "STARTED": str(self.folder / "started"),
            "INSTANCE": instance,
        }
        started = process.start(APPS / app, env | more, lease=lease, instance=instance or None)
        self.stack.enter_context(started)
        return started

    def queue(self, suffix: str = "") -> QueueClient:
        """Open the test's queue, or its poison queue; the host may have made it already."""
        client = QueueClient.from_connection_string(self.connection, self.name + suffix)
        self.stack.enter_context(client)
        return client

    def journal(self, event: str) -> list[dict[str, Any]]:
        """Read what the functions noted of one kind, in order."""
        path = self.folder / "journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [entry for line in lines if (entry := json.loads(line))["event"] == event]

    def open_gate(self, name: str) -> None:
        """Let the functions that wait for this gate go on."""
        (self.folder / name).touch()


@pytest.fixture
def stage(storage: azurite.Azurite, tmp_path: Path) -> Iterator[Stage]:
    """A test's own surroundings on the shared storage; all hosts it started are stopped afterwards."""
    with ExitStack() as stack:
        yield Stage(storage.connection_string, tmp_path, stack)


@pytest.fixture
def send(stage: Stage) -> Callable[..., None]:
    """Put messages into the test's queue, encoded as the host expects them."""

    def put(do: str, *, suffix: str = "", **more: object) -> None:
        client = stage.queue(suffix)
        with suppress(ResourceExistsError):
            client.create_queue()
        client.send_message(base64.b64encode(json.dumps({"do": do, **more}).encode()).decode())

    return put
