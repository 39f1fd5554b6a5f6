"""Asking for a look at a subject, by the queue: now, or after a pause."""

import uuid
from datetime import datetime, timedelta

from scan_core.devops.errors import DevOpsError
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.services import Services
from scan_core.model.request import LookRequest, ProjectRequest, PushRequest
from scan_core.model.subject import Subject
from scan_core.telemetry import emit


def ask_for_look(services: Services, of: Subject, accepted_at: datetime | None = None, delay_seconds: int = 0) -> None:
    """Ask for a look at a subject.

    Args:
        services: The doors to the outside.
        of: The subject.
        accepted_at: Since when its answer is waited for; None = since now.
        delay_seconds: How long to wait.
    """
    request = LookRequest(request_id=uuid.uuid4().hex, of=of, accepted_at=accepted_at or services.now())
    services.queues.send_request(request, delay_seconds)


def ask_later(services: Services, request: ProjectRequest | PushRequest, error: DevOpsError) -> None:
    """Queue a request again that Azure DevOps kept from being served, unless it cannot be or waited too long.

    Args:
        services: The doors to the outside.
        request: The request.
        error: What kept it.
    """
    waited = services.now() - request.accepted_at
    emit("sweep_failed", project=request.project_id, kind=error.kind, sentence=error.sentence)
    if error.transient and waited < timedelta(seconds=services.settings.deadline_seconds):
        first = services.settings.retry_seconds
        tries = 1 + int(waited.total_seconds() / first)
        services.queues.send_request(request, pause_seconds(tries, first, error.retry_after))
