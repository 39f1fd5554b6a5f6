"""Events as service hooks send them, and who gets one.

Envelope and filters follow "Service hooks events" of the Azure DevOps documentation. A notification is written in the
same change as what it tells of, so that a kill loses neither.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from local.devops.records import Notification, Subscription
from local.devops.state import Organisation

EVENT_FILTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "git.pullrequest.created": ("repository", "branch", "pullrequestCreatedBy", "pullrequestReviewersContains"),
    "git.pullrequest.updated": (
        "notificationType",
        "repository",
        "branch",
        "pullrequestCreatedBy",
        "pullrequestReviewersContains",
    ),
    "git.pullrequest.merged": (
        "mergeResult",
        "repository",
        "branch",
        "pullrequestCreatedBy",
        "pullrequestReviewersContains",
    ),
    "git.push": ("repository", "branch", "pushedBy"),
    "git.repo.created": (),
    "ms.vss-code.git-pullrequest-comment-event": ("repository", "branch"),
    "build.complete": ("definitionName", "buildStatus"),
}
"""The events that are sent, each with the publisher inputs that narrow it; ``projectId`` narrows every one."""

VERSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "ms.vss-code.git-pullrequest-comment-event": ("1.0", "2.0"),
    "build.complete": ("1.0", "2.0"),
}
"""Resource versions, newest last; every other event has 1.0 only (written 1.0-preview.1 in old subscriptions)."""


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: event type.
        project_id: where.
        resource: the full resource, in its newest version.
        minimal: what is sent instead when a subscription asks for minimal details.
        text: the message in plain words.
        facts: for each publisher input, the values that match.
        older: the resource as version 1.0 has it, where that differs.
    """

    kind: str
    project_id: str
    resource: dict[str, Any]
    minimal: dict[str, Any]
    text: str
    facts: Mapping[str, tuple[str, ...]]
    older: dict[str, Any] | None = None


def branch_names(ref: str) -> tuple[str, ...]:
    """Return the spellings by which a branch filter may name a branch; integrators report both in use."""
    return (ref, ref.removeprefix("refs/heads/"))


def publish(organisation: Organisation, event: Event) -> None:
    """Write a notification for every subscription that wants an event; call it inside a change.

    Subscriptions on probation or disabled lose the event, as in the real service, and their history does not show it:
    "new events are lost meanwhile" (Troubleshoot service hooks).

    Args:
        organisation: where it happened.
        event: what happened.
    """
    event_id = str(uuid.uuid4())
    created = organisation.clock.stamp()
    for subscription in organisation.subscriptions.all():
        if subscription.status == "enabled" and wants(subscription, event):
            _notify(organisation, subscription, event, event_id, created)
    organisation.wake_delivery.set()


def wants(subscription: Subscription, event: Event) -> bool:
    """Tell whether a subscription's filters let an event through.

    Args:
        subscription: with its publisher inputs.
        event: what happened.
    """
    if subscription.event_type != event.kind:
        return False
    facts = {"projectId": (event.project_id,), **event.facts}
    for name in ("projectId", *EVENT_FILTERS[event.kind]):
        wanted = subscription.publisher_inputs.get(name)
        if wanted and wanted.casefold() not in {value.casefold() for value in facts.get(name, ())}:
            return False
    return True


def _notify(organisation: Organisation, subscription: Subscription, event: Event, event_id: str, created: str) -> None:
    fault = organisation.faults.for_hook(event.kind)
    if fault and fault.kind == "drop_hook":
        return
    kind = fault.kind if fault else ""
    late = fault.seconds if fault and kind in {"delay_hook", "reorder_hooks"} else 0.0
    if kind == "without_commits":
        event = replace(event, resource={name: told for name, told in event.resource.items() if name != "commits"})
    for _ in range(2 if kind == "duplicate_hook" else 1):
        number = organisation.next_number("notification")
        body = envelope(organisation, subscription, event, event_id, created) | {"notificationId": number}
        queued = Notification(
            id=number,
            subscription_id=subscription.id,
            event_id=event_id,
            event_type=event.kind,
            created=created,
            modified=created,
            body=json.dumps(body),
            due=organisation.clock.now() + late,
            held_in_order=kind == "reorder_hooks",
        )
        if kind == "fail_hook":
            why = "The request to the consumer failed: a fault that was asked for."
            queued = replace(queued, due=None, status="completed", result="failed", attempts=1, error=why)
        organisation.notifications.put(number, queued)


def envelope(
    organisation: Organisation, subscription: Subscription, event: Event, event_id: str, created: str
) -> dict[str, Any]:
    """Return what is posted to a subscription's URL, but for the notification's number.

    Args:
        organisation: where it happened.
        subscription: how much detail is wanted.
        event: what happened.
        event_id: the event's GUID.
        created: when it happened.
    """
    inputs = subscription.consumer_inputs
    details = inputs.get("resourceDetailsToSend", "all").lower()
    version = subscription.resource_version or VERSIONS.get(event.kind, ("1.0",))[-1]
    full = event.older if event.older is not None and version.startswith("1.") else event.resource
    body: dict[str, Any] = {
        "subscriptionId": subscription.id,
        "notificationId": 0,
        "id": event_id,
        "eventType": event.kind,
        "publisherId": subscription.publisher_id,
        "message": message(event.text, inputs.get("messagesToSend", "all")),
        "detailedMessage": message(event.text, inputs.get("detailedMessagesToSend", "all")),
        "resource": full if details == "all" else event.minimal,
        "resourceVersion": version,
        "resourceContainers": {
            "collection": {"id": organisation.id, "baseUrl": organisation.url},
            "account": {"id": organisation.id, "baseUrl": organisation.url},
            "project": {"id": event.project_id, "baseUrl": organisation.url},
        },
        "createdDate": created,
    }
    if details == "none":
        del body["resource"]
    return body


def message(text: str, wanted: str) -> dict[str, str] | None:
    """Return an event's message in the formats that a subscription asks for, or nothing.

    Args:
        text: the plain words.
        wanted: all, text, html, markdown or none.
    """
    formats = ("text", "html", "markdown") if wanted == "all" else (wanted,)
    told = {name: text for name in formats if name in {"text", "html", "markdown"}}
    return told or None
