"""From the SDK's models of subscriptions and their deliveries to our values."""

import json
from collections import Counter
from typing import Any

from scan_core.devops.deliveries import Delivery
from scan_core.devops.hooks import Subscription
from scan_core.devops.reading import at, displayable, lower, malformed, texts, value
from scan_core.devops.sdk import Unreadable


def subscription_from(model: Any, doing: str) -> Subscription:  # noqa: ANN401 (SDK model)
    """Read a subscription of a web hook.

    Args:
        model: The SDK's Subscription.
        doing: What is being done, in words for an error.

    Returns:
        The subscription.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    return value(
        Subscription,
        doing,
        id=lower(at(model, "id")),
        event_type=at(model, "event_type"),
        resource_version=at(model, "resource_version") or "",
        status=at(model, "status"),
        publisher_inputs=texts(at(model, "publisher_inputs")),
        consumer_inputs=texts(at(model, "consumer_inputs")),
        created_by=lower(at(model, "created_by", "id")),
    )


def delivery_from(model: Any, doing: str) -> Delivery:  # noqa: ANN401 (SDK model)
    """Read one delivery of a subscription's history.

    Args:
        model: The SDK's Notification.
        doing: What is being done, in words for an error.

    Returns:
        The delivery.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    details = at(model, "details")
    answer = at(details, "response")
    return value(
        Delivery,
        doing,
        id=at(model, "id"),
        subscription_id=lower(at(model, "subscription_id")),
        created_at=at(model, "created_date"),
        result=lower(at(model, "result")),
        # Neither decides whether an event was lost, so neither makes the delivery unreadable.
        answer=displayable(answer) if isinstance(answer, str) else "",
        body=_event_body(at(model, "subscription_id"), at(details, "event")),
    )


def results_from(model: Any, doing: str) -> tuple[str, Counter[str]]:  # noqa: ANN401 (SDK model)
    """Read how the deliveries of one subscription ended.

    Args:
        model: The SDK's NotificationSummary.
        doing: What is being done, in words for an error.

    Returns:
        The subscription's id, and how many deliveries had each result.

    Raises:
        DevOpsError: MALFORMED: a count is no count.
    """
    counts: Counter[str] = Counter()
    for one in at(model, "results") or ():
        result, number = at(one, "result"), at(one, "notification_count")
        if not isinstance(result, str) or not isinstance(number, int):
            raise malformed(doing, "Azure DevOps gave no usable count of deliveries")
        counts[result.lower()] += number
    return str(lower(at(model, "subscription_id"))), counts


def _event_body(subscription_id: Any, event: Any) -> bytes | None:  # noqa: ANN401 (SDK model)
    """Write an event of the history as a hook would bring it, from the fields that say where something happened."""
    containers = at(event, "resource_containers")
    if event is None or isinstance(event, Unreadable):
        return None
    envelope = {
        "subscriptionId": subscription_id,
        "id": at(event, "id"),
        "eventType": at(event, "event_type"),
        "resource": at(event, "resource"),
        "resourceVersion": at(event, "resource_version"),
        "resourceContainers": {name: {"id": at(one, "id")} for name, one in containers.items()}
        if isinstance(containers, dict)
        else None,
    }
    try:
        return json.dumps(envelope).encode()
    except (TypeError, ValueError, RecursionError):
        return None
