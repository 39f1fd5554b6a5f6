"""Checks as Azure Pipelines sends them, with what a test changes."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scan_core.intake.answers import Answer
from scan_core.intake.checks import CheckDoor, CheckedOrganisation, Incoming, receive
from scan_core.intake.sealing import context_of, open_sealed
from scan_core.model.request import LookRequest, Request
from scan_core.model.subject import BuildRef, Check
from tests.intake.deliveries import NOW, PROJECT, SECRET, basic

URL = "https://dev.azure.com/contoso"
CHECK_SECRET = "a-live-secret-of-checks"
KEY = "a-sealing-key-of-the-tests-" + "s" * 16
PLAN = "11111111-0a0b-4c0d-8e0f-aaaaaaaaaaa1"
JOB = "22222222-0a0b-4c0d-8e0f-aaaaaaaaaaa2"
TASK = "33333333-0a0b-4c0d-8e0f-aaaaaaaaaaa3"
TIMELINE = "44444444-0a0b-4c0d-8e0f-aaaaaaaaaaa4"
IMAGE = "contoso.azurecr.io/shop/web:31"
KNOWN = {"status": "passed", "description": "No findings", "page": None}


def jwt(**claims: Any) -> str:
    """Write a JSON Web Token that nobody verifies."""
    parts = [{"alg": "RS256"}, {"sub": "x" * 40, **claims}, "signature"]
    written = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join(written)


TOKEN = jwt(exp=NOW.timestamp() + 48 * 3600)


def headers(**changes: str | None) -> dict[str, str]:
    """Write the headers that the task sends by default, the build and our secret; None takes one out."""
    full: dict[str, str | None] = {
        "Content-Type": "application/json",
        "Authorization": basic(CHECK_SECRET),
        "PlanUrl": f"{URL}/",
        "ProjectId": PROJECT,
        "HubName": "Checks",
        "PlanId": PLAN,
        "JobId": JOB,
        "TimelineId": TIMELINE,
        "TaskInstanceId": TASK,
        "AuthToken": TOKEN,
        "BuildId": "31",
    }
    return {name: value for name, value in (full | changes).items() if value is not None}


@dataclass
class CheckPoint:
    """The endpoint of checks with a queue that is a list."""

    organisations: dict[str, CheckedOrganisation] = field(
        default_factory=lambda: {"contoso": CheckedOrganisation(URL, (CHECK_SECRET,))}
    )
    keys: tuple[str, ...] = (KEY,)
    failure: Exception | None = None
    known: Mapping[str, object] | Exception = field(default_factory=lambda: dict(KNOWN))
    queued: list[Request] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def send(
        self,
        body: Any = b"",
        *,
        query: Mapping[str, str] | None = None,
        organisation: str = "contoso",
        whole: Mapping[str, str] | None = None,
        **changes: str | None,
    ) -> Answer:
        """Send a check: a body of bytes as it is, anything else as JSON; ``whole`` in place of all headers."""
        return receive(
            Incoming(
                organisation,
                headers(**changes) if whole is None else whole,
                query or {},
                body if isinstance(body, bytes) else json.dumps(body).encode(),
            ),
            CheckDoor(
                organisations=self.organisations,
                sealing_keys=self.keys,
                send=self._send,
                known=self._known,
                now=lambda: NOW,
                new_id=lambda: "request-1",
                count=self.counted.append,
            ),
        )

    def check(self) -> Check:
        """Give the one check that was queued."""
        (request,) = self.queued
        assert isinstance(request, LookRequest)
        assert isinstance(request.of, Check)
        assert (request.request_id, request.accepted_at) == ("request-1", NOW)
        return request.of

    def build(self) -> BuildRef:
        """Give the one build that was queued."""
        (request,) = self.queued
        assert isinstance(request, LookRequest)
        assert isinstance(request.of, BuildRef)
        return request.of

    def token(self) -> str:
        """Open the token of the one check that was queued."""
        check = self.check()
        assert check.sealed_token is not None
        return open_sealed(check.sealed_token, self.keys, context_of(check))

    def _send(self, request: Request) -> None:
        if self.failure:
            raise self.failure
        self.queued.append(request)

    def _known(self, check: Check) -> Mapping[str, object]:
        assert check.sealed_token is None
        if isinstance(self.known, Exception):
            raise self.known
        return self.known


HOOKS_SECRET = SECRET
"""Of the same organisation's hooks; it opens no check."""
