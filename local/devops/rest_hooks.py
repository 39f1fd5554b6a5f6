"""Service hook subscriptions and test notifications over HTTP (7.1, hooks area)."""

import json
import uuid
from typing import Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection
from local.devops.canned import FABRIKAM_PULL_REQUEST, FABRIKAM_TEXT
from local.devops.errors import invalid_argument
from local.devops.events import EVENT_FILTERS, VERSIONS, message
from local.devops.hook_history import notification_json
from local.devops.records import Notification
from local.devops.render import Json
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.subscriptions import (
    create_subscription,
    delete_subscription,
    replace_subscription,
    subscription,
    subscription_json,
)

_SUBSCRIPTIONS = Resource(
    "fc50d02a-849f-41fb-8af1-0a5216103269", "hooks", "subscriptions", "_apis/hooks/subscriptions/{subscriptionId}"
)
_SUBSCRIPTIONS_QUERY = Resource(
    "c7c3c1cf-9e05-4c0d-a425-a0f922c2c6ed", "hooks", "subscriptionsQuery", "_apis/hooks/subscriptionsQuery"
)
_TEST = Resource("1139462c-7e27-4524-a997-31b9b73551fe", "hooks", "testNotifications", "_apis/hooks/testNotifications")
_EVENT_TYPES = Resource(
    "db4777cd-8e08-4a84-8ba3-c974ea033718",
    "hooks",
    "eventTypes",
    "_apis/hooks/publishers/{publisherId}/eventTypes/{eventTypeId}",
)

_SUBSCRIPTION: Final[dict[str, Shape]] = {
    "id": str,
    "publisherId": str,
    "eventType": str,
    "resourceVersion": str,
    "consumerId": str,
    "consumerActionId": str,
    "publisherInputs": dict,
    "consumerInputs": dict,
    "status": str,
}
_CONDITION: Final[dict[str, Shape]] = {"inputId": str, "operator": str, "inputValue": str}
_FILTERS: Final[list[Shape]] = [{"conditions": [_CONDITION]}]
_SUBSCRIPTIONS_WANTED: Final[dict[str, Shape]] = {
    "publisherId": str,
    "eventType": str,
    "consumerId": str,
    "publisherInputFilters": _FILTERS,
    "consumerInputFilters": _FILTERS,
}


def _list(call: Call) -> Answer:
    demand(call.token, "hooks")
    wanted = {
        "publisher_id": call.text("publisherId"),
        "event_type": call.text("eventType"),
        "consumer_id": call.text("consumerId"),
        "consumer_action_id": call.text("consumerActionId"),
    }
    return collection(
        [
            subscription_json(call.organisation, one)
            for one in call.organisation.subscriptions.all()
            if all(value is None or getattr(one, name) == value for name, value in wanted.items())
        ]
    )


def _create(call: Call) -> Answer:
    demand(call.token, "hooks")
    made = create_subscription(call.organisation, call.json(_SUBSCRIPTION), call.token.identity)
    return Answer(subscription_json(call.organisation, made))


def _get(call: Call) -> Answer:
    demand(call.token, "hooks")
    return Answer(subscription_json(call.organisation, subscription(call.organisation, call.route["subscriptionId"])))


def _replace(call: Call) -> Answer:
    demand(call.token, "hooks")
    wanted = call.json(_SUBSCRIPTION)
    named = call.route.get("subscriptionId") or wanted.get("id", "")
    changed = replace_subscription(call.organisation, named, wanted, call.token.identity)
    return Answer(subscription_json(call.organisation, changed))


def _delete(call: Call) -> Answer:
    demand(call.token, "hooks")
    delete_subscription(call.organisation, call.route["subscriptionId"])
    return Answer(status=204)


def _query_subscriptions(call: Call) -> Answer:
    demand(call.token, "hooks")
    wanted = call.json(_SUBSCRIPTIONS_WANTED)
    exact = {
        name: wanted[key]
        for name, key in (("publisher_id", "publisherId"), ("event_type", "eventType"), ("consumer_id", "consumerId"))
        if wanted.get(key)
    }
    found = [
        one
        for one in call.organisation.subscriptions.all()
        if all(getattr(one, name) == value for name, value in exact.items())
        and _inputs_fit(one.publisher_inputs, wanted.get("publisherInputFilters"))
        and _inputs_fit(one.consumer_inputs, wanted.get("consumerInputFilters"))
    ]
    return Answer({**wanted, "results": [subscription_json(call.organisation, one) for one in found]})


def _inputs_fit(inputs: dict[str, str], filters: list[Json] | None) -> bool:
    # Filters are alternatives; the conditions of one filter must all hold.
    if not filters:
        return True
    return any(
        all(
            (inputs.get(condition.get("inputId", "")) == condition.get("inputValue"))
            == ((condition.get("operator") or "equals").lower() == "equals")
            for condition in one.get("conditions") or []
        )
        for one in filters
    )


def _test(call: Call) -> Answer:
    # What the portal's Test button does: canned data of a made-up organisation, to the URL under test.
    demand(call.token, "hooks")
    wanted = call.json({"subscriptionId": str, "details": {"consumerInputs": {"messagesToSend": str}}})
    details = wanted.get("details") or {}
    owner = call.organisation.subscriptions.get(wanted.get("subscriptionId", "").lower())
    if owner is None:
        raise invalid_argument("subscriptionId", "A subscription to test is required.")
    inputs = owner.consumer_inputs | {k: v for k, v in (details.get("consumerInputs") or {}).items() if v != "********"}
    organisation, now = call.organisation, call.organisation.clock.stamp()
    with organisation.store.change():
        number = organisation.next_number("notification")
        body = {
            "subscriptionId": owner.id,
            "notificationId": number,
            "id": "03c164c2-8912-4d5e-8009-3707d5f83734",
            "eventType": owner.event_type,
            "publisherId": "tfs",
            "message": message(FABRIKAM_TEXT, inputs.get("messagesToSend", "all")),
            "detailedMessage": message(FABRIKAM_TEXT, inputs.get("detailedMessagesToSend", "all")),
            "resource": FABRIKAM_PULL_REQUEST,
            "resourceVersion": owner.resource_version,
            "resourceContainers": {
                name: {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"fabrikam-{name}"))}
                for name in ("collection", "account", "project")
            },
            "createdDate": now,
        }
        sent = Notification(
            id=number,
            subscription_id=owner.id,
            event_id=str(body["id"]),
            event_type=owner.event_type,
            created=now,
            modified=now,
            body=json.dumps(body),
            due=organisation.clock.now(),
        )
        organisation.notifications.put(number, sent)
    organisation.wake_delivery.set()
    return Answer(notification_json(organisation, sent, details=True))


def _list_event_types(call: Call) -> Answer:
    return collection([_event_type(call, kind) for kind in EVENT_FILTERS])


def _event_type(call: Call, kind: str) -> Json:
    url = f"{call.organisation.url}_apis/hooks/publishers/tfs/eventTypes/{kind}"
    inputs = [{"id": name, "name": name, "isConfidential": False} for name in ("projectId", *EVENT_FILTERS[kind])]
    return {
        "id": kind,
        "publisherId": "tfs",
        "url": url,
        "name": kind,
        "inputDescriptors": inputs,
        "supportedResourceVersions": list(VERSIONS.get(kind, ("1.0",))),
    }


_PATH = "_apis/hooks/subscriptions"

ROUTES = (
    Route("GET", _PATH, _SUBSCRIPTIONS, _list),
    Route("POST", _PATH, _SUBSCRIPTIONS, _create),
    Route("PUT", _PATH, _SUBSCRIPTIONS, _replace),
    Route("GET", f"{_PATH}/{{subscriptionId}}", _SUBSCRIPTIONS, _get),
    Route("PUT", f"{_PATH}/{{subscriptionId}}", _SUBSCRIPTIONS, _replace),
    Route("DELETE", f"{_PATH}/{{subscriptionId}}", _SUBSCRIPTIONS, _delete),
    Route("POST", "_apis/hooks/subscriptionsQuery", _SUBSCRIPTIONS_QUERY, _query_subscriptions),
    Route("POST", "_apis/hooks/testNotifications", _TEST, _test),
    Route("GET", "_apis/hooks/publishers/tfs/eventTypes", _EVENT_TYPES, _list_event_types),
)
