"""Deliveries as Azure DevOps makes them, with what a test changes."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from scan_core.intake.answers import Answer
from scan_core.intake.hooks import receive
from scan_core.model.request import Request

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECRET = "a-live-secret"
PROJECT = "0d7e1f8a-2b3c-4d5e-8f90-a1b2c3d4e5f6"
REPOSITORY = "5f6e7d8c-9b0a-4c1d-8e2f-3a4b5c6d7e8f"
OTHER_PROJECT = "77777777-2b3c-4d5e-8f90-a1b2c3d4e5f6"
URL = f"https://dev.azure.com/contoso/_apis/git/repositories/{REPOSITORY}/pullRequests/12"
BUILD_URL = f"https://dev.azure.com/contoso/{PROJECT}/_apis/build/Builds/31"


def basic(password: str, user: str = "hook") -> str:
    """Write the header of HTTP Basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def pull_request(**changes: Any) -> dict[str, Any]:
    """Build a full resource, version 1.0."""
    full = {
        "repository": {"id": REPOSITORY, "name": "shop", "url": URL, "project": {"id": PROJECT, "name": "Shop"}},
        "pullRequestId": 12,
        "status": "active",
        "title": "Pay by invoice",
        "sourceRefName": "refs/heads/invoice",
        "targetRefName": "refs/heads/main",
        "lastMergeSourceCommit": {"commitId": "1" * 40},
        "url": URL,
    }
    return full | changes


def push(*refs: str, **changes: Any) -> dict[str, Any]:
    """Build the full resource of a push."""
    url = f"https://dev.azure.com/contoso/_apis/git/repositories/{REPOSITORY}"
    full = {
        "refUpdates": [{"name": ref, "oldObjectId": "0" * 40, "newObjectId": "2" * 40} for ref in refs],
        "repository": {"id": REPOSITORY, "name": "shop", "url": url, "project": {"id": PROJECT, "name": "Shop"}},
        "pushedBy": {"displayName": "Somebody"},
        "pushId": 14,
        "url": f"{url}/pushes/14",
    }
    return full | changes


def build(**changes: Any) -> dict[str, Any]:
    """Build the full resource of a build, version 2.0."""
    full = {
        "id": 31,
        "status": "completed",
        "result": "succeeded",
        "url": BUILD_URL,
        "definition": {"id": 3, "name": "ci", "project": {"id": PROJECT}},
        "project": {"id": PROJECT, "name": "Shop"},
        "sourceBranch": "refs/heads/main",
    }
    return full | changes


def event(resource: Any, **changes: Any) -> dict[str, Any]:
    """Build an event as a live subscription sends it, without messages."""
    envelope = {
        "subscriptionId": "2f1c9f64-5b5c-4f0a-9a58-3a0b6c3a9e11",
        "notificationId": 7,
        "id": "c1a3f0de-8a4b-4a1e-9d8d-0a58b1f3f9aa",
        "eventType": "git.pullrequest.updated",
        "publisherId": "tfs",
        "message": None,
        "detailedMessage": None,
        "resource": resource,
        "resourceVersion": "1.0",
        "resourceContainers": {"project": {"id": PROJECT, "baseUrl": "https://dev.azure.com/contoso/"}},
        "createdDate": "2026-11-23T11:59:58Z",
    }
    return envelope | changes


@dataclass
class Door:
    """The web hook with a queue that is a list."""

    secrets: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"contoso": (SECRET,)})
    failure: Exception | None = None
    queued: list[Request] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def deliver(self, body: Any, authorization: str | None = basic(SECRET), organisation: str = "contoso") -> Answer:
        """Hand in a body: bytes as they are, anything else as JSON."""
        return receive(
            organisation,
            authorization,
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            organisations=self.secrets,
            send=self._send,
            now=NOW,
            new_id=lambda: "request-1",
            count=self.counted.append,
        )

    def _send(self, request: Request) -> None:
        if self.failure:
            raise self.failure
        self.queued.append(request)
