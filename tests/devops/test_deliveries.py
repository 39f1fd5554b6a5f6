"""The delivery history: how it is asked for, and what is made of the answers."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.administration import COUNTED_AT_ONCE, Administration
from scan_core.devops.deliveries import Delivery, DeliveryResult
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.hooks import SubscriptionId
from scan_core.devops.hooks_reading import delivery_from
from scan_core.devops.identity import personal_access_token
from tests.devops.conftest import PAT
from tests.devops.strict_server import Handler, Received, StrictServer, json_reply

SPECIFICATION = Path(__file__).parents[3] / "shared" / "specs" / "azure-devops" / "serviceHooks.json"
SUBSCRIPTION = SubscriptionId("22222222-3333-4444-5555-666666666666")
PROJECT = "11111111-2222-3333-4444-555555555555"
SINCE, UNTIL = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC)
EVENT = {
    "id": "e",
    "eventType": "git.pullrequest.created",
    "resource": {"pullRequestId": 7, "url": "https://x.example"},
    "resourceVersion": "1.0",
    "resourceContainers": {"project": {"id": PROJECT, "baseUrl": "https://x.example"}},
}

type Asking = Callable[[Handler | dict[str, Any]], tuple[Administration, StrictServer]]


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Give a function that starts a server with a handler or an answer, and what calls it."""
    with ExitStack() as stack:

        def start(handler: Handler | dict[str, Any]) -> tuple[Administration, StrictServer]:
            answer = handler if callable(handler) else lambda _: json_reply(handler)
            server = stack.enter_context(StrictServer(answer))
            made = Administration(server.url, personal_access_token(PAT))
            return stack.enter_context(closing(made)), server

        yield start


def notification(**changes: Any) -> dict[str, Any]:
    """Describe a delivery as the history does."""
    return {
        "id": 3,
        "subscriptionId": SUBSCRIPTION.upper(),
        "createdDate": "2026-11-23T09:30:00.5Z",
        "modifiedDate": "2026-11-23T09:30:01Z",
        "status": "completed",
        "result": "failed",
        "details": {"event": EVENT, "response": "Status Code: 401\nReason Phrase: Unauthorized\n"},
        **changes,
    }


def read(administration: Administration) -> tuple[Delivery, ...]:
    """Read failed deliveries."""
    return administration.deliveries([SUBSCRIPTION], SINCE, UNTIL, DeliveryResult.FAILED, 100)


def test_deliveries_become_values(asking: Asking) -> None:
    """With the event as a hook would bring it."""
    administration, server = asking({"results": [notification()]})
    (found,) = read(administration)
    assert (found.id, found.subscription_id, found.result) == (3, SUBSCRIPTION, "failed")
    assert found.created_at == datetime(2026, 11, 23, 9, 30, 0, 500_000, tzinfo=UTC)
    assert found.status_code == "401"
    assert found.body is not None
    containers = {"project": {"id": PROJECT}}
    assert json.loads(found.body) == EVENT | {"subscriptionId": SUBSCRIPTION.upper(), "resourceContainers": containers}
    asked = server.received[0].document
    assert asked == {
        "subscriptionIds": [SUBSCRIPTION],
        "minCreatedDate": "2026-11-23T09:00:00.000Z",
        "maxCreatedDate": "2026-11-23T10:00:00.000Z",
        "maxResultsPerSubscription": 100,
        "resultType": "failed",
        "includeDetails": True,
    }


def test_what_need_not_be_asked_for_is_left_out(asking: Asking) -> None:
    """Any result, until now."""
    administration, server = asking({})
    assert administration.deliveries([SUBSCRIPTION], SINCE, None, None, 1) == ()
    assert server.received[0].document.keys() == {
        "subscriptionIds",
        "minCreatedDate",
        "maxResultsPerSubscription",
        "includeDetails",
    }
    assert administration.requests_sent() == 1


@pytest.mark.parametrize(
    "details",
    [
        None,
        {},
        {"event": None, "response": None},
        {"event": 7, "response": {}},
    ],
)
def test_a_delivery_without_details_is_one_without_an_event(details: Any, asking: Asking) -> None:
    """What is known of it still counts."""
    administration, _ = asking({"results": [notification(details=details)]})
    (found,) = read(administration)
    assert (found.body, found.status_code) == (None, "none")


def test_an_event_is_taken_as_far_as_it_can_be_read(asking: Asking) -> None:
    """Intake decides whether that is enough."""
    odd = {"event": {**EVENT, "resourceContainers": 7}}
    administration, _ = asking({"results": [notification(details=odd)]})
    (found,) = read(administration)
    assert found.body is None or json.loads(found.body)["resourceContainers"] is None


def test_an_event_that_cannot_be_written_again_is_none() -> None:
    """The delivery still counts."""
    event = SimpleNamespace(id="e", event_type="x", resource=object(), resource_version="1.0", resource_containers=None)
    model = SimpleNamespace(
        id=3,
        subscription_id=SUBSCRIPTION,
        created_date=SINCE,
        result="failed",
        details=SimpleNamespace(event=event, response=None),
    )
    assert delivery_from(model, "reading").body is None


@pytest.mark.parametrize("change", [{"id": None}, {"subscriptionId": "x"}, {"createdDate": "yesterday"}, {"result": 3}])
def test_a_delivery_that_cannot_be_read_is_left_out(change: dict[str, Any], asking: Asking) -> None:
    """The others are not."""
    administration, _ = asking({"results": [notification(**change), notification(id=4)]})
    assert [found.id for found in read(administration)] == [4]


def test_deliveries_are_counted_by_result(asking: Asking) -> None:
    """Also where Azure DevOps says nothing of a subscription, or speaks of one that was not asked for."""
    other = SubscriptionId(SUBSCRIPTION.replace("2", "3"))
    counts = [{"result": "Failed", "notificationCount": 2}, {"result": "succeeded", "notificationCount": 5}]
    summary = [
        {"subscriptionId": SUBSCRIPTION.upper(), "results": counts},
        {"subscriptionId": SUBSCRIPTION.replace("2", "4"), "results": None},
    ]
    administration, server = asking({"results": None, "summary": summary})
    found = administration.delivery_counts([SUBSCRIPTION, other], SINCE, UNTIL)
    assert found == {SUBSCRIPTION: {"failed": 2, "succeeded": 5}, other: {}}
    assert server.received[0].document["includeDetails"] is False


def test_many_are_counted_in_few_calls(asking: Asking) -> None:
    """Two hundred at once."""
    ids = [SubscriptionId(f"22222222-3333-4444-5555-{number:012d}") for number in range(COUNTED_AT_ONCE + 1)]

    def handler(request: Received) -> bytes:
        asked = request.document["subscriptionIds"]
        one = [{"result": "succeeded", "notificationCount": 1}]
        return json_reply({"summary": [{"subscriptionId": each, "results": one} for each in asked]})

    administration, server = asking(handler)
    found = administration.delivery_counts(ids, SINCE, UNTIL)
    assert len(server.received) == 2
    assert {each["succeeded"] for each in found.values()} == {1}
    assert administration.delivery_counts([], SINCE, UNTIL) == {}


@pytest.mark.parametrize("count", [{"result": 1, "notificationCount": 1}, {"result": "failed"}])
def test_a_count_that_is_none_is_an_error(count: dict[str, Any], asking: Asking) -> None:
    """Nothing must be taken for delivered because nothing could be read."""
    administration, _ = asking({"summary": [{"subscriptionId": SUBSCRIPTION, "results": [count]}]})
    with pytest.raises(DevOpsError) as caught:
        administration.delivery_counts([SUBSCRIPTION], SINCE, UNTIL)
    assert caught.value.kind is DevOpsErrorKind.MALFORMED


@given(st.text(max_size=500))
def test_any_answer_has_a_status_or_none(answer: str) -> None:
    """It comes from whoever answered the hook."""
    one = Delivery(id=1, subscription_id=SUBSCRIPTION, created_at=SINCE, result="failed", answer=answer, body=None)
    assert one.status_code == "none" or one.status_code.isdigit()


@pytest.mark.skipif(not SPECIFICATION.exists(), reason="needs Microsoft's swagger beside the repository")
def test_requests_are_in_the_specification(asking: Asking) -> None:
    """Path, fields and results."""
    administration, server = asking({})
    read(administration)
    specification = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    (request,) = server.received
    path = "/{organization}/" + urlsplit(request.target).path.split("/", 2)[2]
    assert request.method.lower() in specification["paths"][path]
    query = specification["definitions"]["NotificationsQuery"]["properties"]
    assert set(request.document) <= set(query)
    assert {result.value for result in DeliveryResult} == set(query["resultType"]["enum"])
    assert "api-version=7.1" in request.headers["accept"]
