"""The history of service hook deliveries over HTTP (7.1 specification of the hooks area)."""

from typing import Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection
from local.devops.errors import HOOKS, ServiceError
from local.devops.hook_history import history, notification_json, summary_json, wanted_entries
from local.devops.records import Notification
from local.devops.render import Json
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.subscriptions import subscription, subscription_json

_NOTIFICATIONS = Resource(
    "0c62d343-21b0-4732-997b-017fde84dc28",
    "hooks",
    "notifications",
    "_apis/hooks/subscriptions/{subscriptionId}/notifications/{notificationId}",
)
_QUERY = Resource(
    "1a57562f-160a-4b5c-9185-905e95b39d36", "hooks", "notificationsQuery", "_apis/hooks/notificationsQuery"
)

_WANTED: Final[dict[str, Shape]] = {
    "subscriptionIds": [str],
    "publisherId": str,
    "status": str,
    "resultType": str,
    "minCreatedDate": str,
    "maxCreatedDate": str,
    "maxResults": int,
    "maxResultsPerSubscription": int,
    "includeDetails": bool,
}
_SHOWN: Final = 100
"""Entries of a listing that names no number; the documented default of the listing by subscription."""


def _list(call: Call) -> Answer:
    demand(call.token, "hooks")
    owner = subscription(call.organisation, call.route["subscriptionId"])
    wanted = wanted_entries(call.text("status"), call.text("result"))
    limit = call.number("maxResults", _SHOWN) or _SHOWN
    shown = [one for one in history(call.organisation, owner.id) if wanted.fits(one)]
    return collection([notification_json(call.organisation, one, details=False) for one in shown[:limit]])


def _get(call: Call) -> Answer:
    demand(call.token, "hooks")
    owner, number = subscription(call.organisation, call.route["subscriptionId"]), call.route_number("notificationId")
    for one in history(call.organisation, owner.id):
        if one.id == number:
            return Answer(notification_json(call.organisation, one, details=True))
    raise ServiceError(404, "NotificationNotFoundException", f"Notification {number} could not be found.", HOOKS)


def _query(call: Call) -> Answer:
    """Answer a query: the counts always, the entries only to who asks for details, as the specification says."""
    demand(call.token, "hooks")
    asked = call.json(_WANTED)
    wanted = wanted_entries(
        asked.get("status"), asked.get("resultType"), asked.get("minCreatedDate"), asked.get("maxCreatedDate")
    )
    named = [one.lower() for one in asked.get("subscriptionIds") or []]
    owners = [
        one
        for one in call.organisation.subscriptions.all()
        if (not named or one.id in named) and asked.get("publisherId") in {None, one.publisher_id}
    ]
    # The limit for each subscription counts only where subscriptions are named.
    each = _limit(asked, "maxResultsPerSubscription") if named else None
    found, shown = [], []
    for owner in owners:
        fitting = [one for one in history(call.organisation, owner.id) if wanted.fits(one)]
        found += fitting
        shown += fitting[:each]
    shown.sort(key=_number, reverse=True)
    entries = shown[: _limit(asked, "maxResults")] if asked.get("includeDetails") is True else []
    return Answer(
        {
            **asked,
            "results": [notification_json(call.organisation, one, details=True) for one in entries],
            "summary": [summary_json(owner, found) for owner in owners],
            "associatedSubscriptions": [subscription_json(call.organisation, owner) for owner in owners],
        }
    )


def _limit(asked: Json, name: str) -> int | None:
    given: int = asked.get(name, 0)
    return given if given > 0 else None


def _number(entry: Notification) -> int:
    return entry.id


_PATH = "_apis/hooks/subscriptions/{subscriptionId}/notifications"

ROUTES = (
    Route("GET", _PATH, _NOTIFICATIONS, _list),
    Route("GET", f"{_PATH}/{{notificationId}}", _NOTIFICATIONS, _get),
    Route("POST", "_apis/hooks/notificationsQuery", _QUERY, _query),
)
