"""The whole app, wired as it is in Azure, from the environment."""

import base64
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from scan_core import wiring
from scan_core.model.subject import PullRequestRef
from scan_core.store.connection import Storage
from scan_core.telemetry import Redactor

ORGANISATION = "fabrikam"
HOOK_SECRET = "the-hook-secret-of-the-test"
PAT = "the-pat-of-the-test"
SIGNING_KEY = "the-signing-key-of-the-test-" + "k" * 16


def forget() -> None:
    """Let everything be built anew, and take the redaction of this test away."""
    for each in vars(wiring).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()
    root = logging.getLogger()
    for place in (root, logging.getLogger("scangate"), *root.handlers):
        for known in [each for each in place.filters if isinstance(each, Redactor)]:
            place.removeFilter(known)


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No setting at all."""
    for name in [name for name in os.environ if name.startswith("SCANGATE_")]:
        monkeypatch.delenv(name)
    forget()
    yield monkeypatch
    forget()


@pytest.fixture
def configured(
    unconfigured: pytest.MonkeyPatch, storage: Storage, storage_connection: str, tmp_path: Path
) -> pytest.MonkeyPatch:
    """Good settings, for storage that is there and an Azure DevOps that is not."""
    known: dict[str, Any] = {
        "ORGANISATIONS": {ORGANISATION: {"url": "http://127.0.0.1:9/fabrikam", "hook_secrets": [HOOK_SECRET]}},
        "PUBLIC_URL": "https://gate.example",
        "SIGNING_KEYS": [SIGNING_KEY],
        "STORAGE_CONNECTION": storage_connection,
        "DEVOPS_PAT": PAT,
        "RUNNER_FOLDER": str(tmp_path / "workers"),
    }
    for name, value in known.items():
        unconfigured.setenv(f"SCANGATE_{name}", value if isinstance(value, str) else json.dumps(value))
    return unconfigured


def refuse(*_: Any) -> None:
    """Be storage that is away."""
    raise ServiceRequestError("no route to storage")


def requests_in(storage: Storage) -> list[bytes]:
    """Read what stands in the queue of requests, hidden for a while or not."""
    queue = storage.queues.get_queue_client("scan-requests")
    return [base64.b64decode(message.content) for message in queue.peek_messages(32)]


def wanted_event(reference: PullRequestRef) -> bytes:
    """Make an event that is accepted."""
    repository = {"id": reference.repository_id, "project": {"id": reference.project_id}}
    resource = {"pullRequestId": reference.pull_request_id, "repository": repository}
    return json.dumps({"eventType": "git.pullrequest.created", "resource": resource}).encode()
