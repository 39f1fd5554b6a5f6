"""Service hook subscriptions: made, changed, shown and searched.

Shapes follow the 7.1 specification of the hooks area. Secrets never leave again: answers carry asterisks, and a change
that sends the asterisks back keeps the secret.
"""

import uuid
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from local.devops.errors import HOOKS, ServiceError
from local.devops.events import EVENT_FILTERS, VERSIONS
from local.devops.records import Identity, Subscription
from local.devops.render import Json, identity_json, link
from local.devops.state import Organisation

MASK: Final = "********"
STATUSES: Final = ("enabled", "onProbation", "disabledByUser", "disabledBySystem", "disabledByInactiveIdentity")
_SECRET_INPUTS: Final = ("basicAuthPassword",)


def subscription(organisation: Organisation, subscription_id: str) -> Subscription:
    """Find a subscription.

    Args:
        organisation: where.
        subscription_id: its id.

    Raises:
        ServiceError: 404 when there is none.
    """
    found = organisation.subscriptions.get(subscription_id.lower())
    if found is None:
        why = f"The subscription {subscription_id} could not be found."
        raise ServiceError(404, "SubscriptionNotFoundException", why, HOOKS)
    return found


def create_subscription(organisation: Organisation, wanted: Json, creator: Identity) -> Subscription:
    """Make a subscription.

    Args:
        organisation: where.
        wanted: as the caller sent it.
        creator: whose it will be.

    Raises:
        ServiceError: 400 naming the input that is wrong.
    """
    _check(organisation, wanted)
    now = organisation.clock.stamp()
    inputs = _texts(wanted.get("publisherInputs"), "publisherInputs")
    made = Subscription(
        id=str(uuid.uuid4()),
        publisher_id=wanted["publisherId"],
        event_type=wanted["eventType"],
        resource_version=wanted.get("resourceVersion") or VERSIONS.get(wanted["eventType"], ("1.0",))[-1],
        consumer_id=wanted["consumerId"],
        consumer_action_id=wanted["consumerActionId"],
        # The server adds a key of its own.
        publisher_inputs=inputs | {"tfsSubscriptionId": str(uuid.uuid4())},
        consumer_inputs=_texts(wanted.get("consumerInputs"), "consumerInputs"),
        created_by=creator,
        created=now,
        modified_by=creator,
        modified=now,
    )
    with organisation.store.change():
        return organisation.subscriptions.put(made.id, made)


def replace_subscription(organisation: Organisation, subscription_id: str, wanted: Json, by: Identity) -> Subscription:
    """Change a subscription. One that the system disabled stays disabled, whatever is asked.

    Args:
        organisation: where.
        subscription_id: its id.
        wanted: as the caller sent it.
        by: who changes it.

    Raises:
        ServiceError: 400 or 404.
    """
    _check(organisation, wanted)
    with organisation.store.change():
        old = subscription(organisation, subscription_id)
        consumer_inputs = _texts(wanted.get("consumerInputs"), "consumerInputs")
        for name in _SECRET_INPUTS:
            if consumer_inputs.get(name) == MASK:
                consumer_inputs[name] = old.consumer_inputs.get(name, "")
        own_key = {"tfsSubscriptionId": old.publisher_inputs["tfsSubscriptionId"]}
        changed = replace(
            old,
            event_type=wanted["eventType"],
            resource_version=wanted.get("resourceVersion") or old.resource_version,
            publisher_inputs=_texts(wanted.get("publisherInputs"), "publisherInputs") | own_key,
            consumer_inputs=consumer_inputs,
            status=_status_after(old, wanted.get("status")),
            modified_by=by,
            modified=organisation.clock.stamp(),
        )
        return organisation.subscriptions.put(old.id, changed)


def delete_subscription(organisation: Organisation, subscription_id: str) -> None:
    """Remove a subscription; what was not yet delivered is lost.

    Args:
        organisation: where.
        subscription_id: its id.

    Raises:
        ServiceError: 404 when there is none.
    """
    with organisation.store.change():
        organisation.subscriptions.delete(subscription(organisation, subscription_id).id)


def _status_after(old: Subscription, asked: object) -> str:
    if old.status in {"enabled", "onProbation"} and asked == "disabledByUser":
        return "disabledByUser"
    if old.status == "disabledByUser" and asked == "enabled":
        return "enabled"
    return old.status


def _check(organisation: Organisation, wanted: Json) -> None:
    if wanted.get("publisherId") != "tfs":
        raise _refused(f"There is no publisher with id {wanted.get('publisherId')!r}.", "PublisherNotFoundException")
    if wanted.get("eventType") not in EVENT_FILTERS:
        raise _refused(f"The event type {wanted.get('eventType')!r} is not supported by publisher tfs.")
    if (wanted.get("consumerId"), wanted.get("consumerActionId")) != ("webHooks", "httpRequest"):
        raise _refused("Only consumer webHooks with action httpRequest is there.", "ConsumerNotFoundException")
    versions = VERSIONS.get(wanted["eventType"], ("1.0", "1.0-preview.1"))
    if wanted.get("resourceVersion") and wanted["resourceVersion"] not in versions:
        raise _refused(f"resourceVersion must be one of {', '.join(versions)}.")
    address = urlsplit(_texts(wanted.get("consumerInputs"), "consumerInputs").get("url", ""))
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise _refused("Consumer input url must be an absolute http or https address.")
    project = _texts(wanted.get("publisherInputs"), "publisherInputs").get("projectId")
    if project:
        organisation.project(project)


def _texts(value: object, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or any(not isinstance(text, str) for text in value.values()):
        raise _refused(f"{name} must be an object of texts.")
    return dict(value)


def _refused(why: str, type_key: str = "SubscriptionInputException") -> ServiceError:
    return ServiceError(400, type_key, why, HOOKS)


def subscription_json(organisation: Organisation, shown: Subscription) -> Json:
    """Render a subscription with its secrets masked."""
    url = f"{organisation.url}_apis/hooks/subscriptions/{shown.id}"
    inputs = {
        name: MASK if name in _SECRET_INPUTS and value else value for name, value in shown.consumer_inputs.items()
    }
    rendered: Json = {
        "id": shown.id,
        "url": url,
        "status": shown.status,
        "publisherId": shown.publisher_id,
        "eventType": shown.event_type,
        "subscriber": None,
        "resourceVersion": shown.resource_version,
        "eventDescription": "Any repository" if not shown.publisher_inputs.get("repository") else "One repository",
        "consumerId": shown.consumer_id,
        "consumerActionId": shown.consumer_action_id,
        "actionDescription": f"To host {urlsplit(shown.consumer_inputs['url']).hostname}",
        "createdBy": identity_json(organisation, shown.created_by),
        "createdDate": shown.created,
        "modifiedBy": identity_json(organisation, shown.modified_by),
        "modifiedDate": shown.modified,
        "publisherInputs": shown.publisher_inputs,
        "consumerInputs": inputs,
        "_links": {
            "self": link(url),
            "consumer": link(f"{organisation.url}_apis/hooks/consumers/webHooks"),
            "notifications": link(f"{url}/notifications"),
            "publisher": link(f"{organisation.url}_apis/hooks/publishers/tfs"),
        },
    }
    if shown.status == "onProbation" or shown.probation_retries:
        rendered["probationRetries"] = shown.probation_retries
    if shown.last_probation_retry:
        rendered["lastProbationRetryDate"] = shown.last_probation_retry
    return rendered
