"""The history of deliveries: kept for seven days, filtered and rendered (7.1 specification of the hooks area).

It holds what was tried. An event that came while a subscription was on probation or disabled left no trace in it, and
neither did one that was lost on its way into the service: who wants to know of those must compare with what happened.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from local.devops.clock import seconds_of
from local.devops.errors import invalid_argument
from local.devops.records import Notification, Subscription
from local.devops.render import Json
from local.devops.state import Organisation
from local.devops.subscriptions import subscription_json

_KEPT_SECONDS: Final = 7 * 24 * 3600.0
"""How long the history is kept."""

_OF_THE_DELIVERY: Final = frozenset({"subscriptionId", "notificationId"})
"""What a delivery's body has around the event, and the history's Event has not."""

STATUSES: Final = ("queued", "processing", "requestInProgress", "completed")
RESULTS: Final = ("pending", "succeeded", "failed", "filtered")


@dataclass(frozen=True)
class Wanted:
    """Which entries are asked for; nothing stands for any. Dates are seconds since 1970, both ends included."""

    status: str | None = None
    result: str | None = None
    first: float | None = None
    last: float | None = None

    def fits(self, entry: Notification) -> bool:
        """Tell whether an entry is one of them."""
        created = seconds_of(entry.created)
        return (
            self.status in {None, entry.status}
            and self.result in {None, entry.result}
            and (self.first is None or created >= self.first)
            and (self.last is None or created <= self.last)
        )


def wanted_entries(status: str | None, result: str | None, first: str | None = None, last: str | None = None) -> Wanted:
    """Check what a caller asks for.

    Args:
        status: one of ``STATUSES``, without regard to case.
        result: one of ``RESULTS``, without regard to case.
        first: the oldest creation date, ISO 8601.
        last: the newest.

    Raises:
        ServiceError: 400 naming what is not known or no date.
    """
    return Wanted(
        _one_of("status", status, STATUSES),
        _one_of("resultType", result, RESULTS),
        _moment("minCreatedDate", first),
        _moment("maxCreatedDate", last),
    )


def _one_of(name: str, given: str | None, known: tuple[str, ...]) -> str | None:
    if not given:
        return None
    for value in known:
        if value.casefold() == given.casefold():
            return value
    raise invalid_argument(name, f"The value {given!r} is not one of {', '.join(known)}.")


def _moment(name: str, given: str | None) -> float | None:
    if not given:
        return None
    try:
        return seconds_of(given)
    except ValueError:
        raise invalid_argument(name, "The dates must be ISO 8601.") from None


def history(organisation: Organisation, subscription_id: str) -> list[Notification]:
    """Return a subscription's deliveries of the last seven days, newest first.

    Args:
        organisation: where.
        subscription_id: its id.
    """
    since = organisation.clock.now() - _KEPT_SECONDS
    found = [n for n in organisation.notifications.all() if n.subscription_id == subscription_id]
    return [one for one in reversed(found) if seconds_of(one.created) >= since]


def summary_json(owner: Subscription, entries: list[Notification]) -> Json:
    """Count the results of a subscription's entries.

    Args:
        owner: the subscription.
        entries: of any subscriptions.
    """
    results = [one.result for one in entries if one.subscription_id == owner.id]
    counts = [{"result": result, "notificationCount": results.count(result)} for result in sorted(set(results))]
    return {"subscriptionId": owner.id, "results": counts}


def notification_json(organisation: Organisation, shown: Notification, *, details: bool) -> Json:
    """Render an entry of the delivery history.

    Args:
        organisation: where.
        shown: the entry.
        details: with event, request and response.
    """
    owner = organisation.subscriptions.get(shown.subscription_id)
    rendered: Json = {
        "id": shown.id,
        "subscriptionId": shown.subscription_id,
        # The last identity that touched the subscription.
        "subscriberId": owner.modified_by.id if owner else "00000000-0000-0000-0000-000000000000",
        "eventId": shown.event_id,
        "status": shown.status,
        "result": shown.result,
        "createdDate": shown.created,
        "modifiedDate": shown.modified,
    }
    if details and owner:
        rendered["details"] = _details(organisation, shown, owner)
    return rendered


def _details(organisation: Organisation, shown: Notification, owner: Subscription) -> Json:
    delivered: dict[str, Any] = json.loads(shown.body)
    event = {name: value for name, value in delivered.items() if name not in _OF_THE_DELIVERY}
    told = subscription_json(organisation, owner)
    return {
        "eventType": shown.event_type,
        "event": event,
        "publisherId": owner.publisher_id,
        "consumerId": owner.consumer_id,
        "consumerActionId": owner.consumer_action_id,
        "consumerInputs": told["consumerInputs"],
        "publisherInputs": owner.publisher_inputs,
        "requestAttempts": shown.attempts,
        "request": f"Method: POST\nURI: {owner.consumer_inputs['url']}\n",
        "response": shown.response,
        "errorMessage": shown.error,
        "queuedDate": shown.created,
        "completedDate": shown.modified if shown.due is None else None,
    }
