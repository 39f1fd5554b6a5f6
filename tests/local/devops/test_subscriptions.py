"""Service hook subscriptions: made, changed, searched, tested."""

import base64
from typing import Any

import pytest

from tests.local.devops.driver import Receiver, Sim, subscribe

CREATED = "git.pullrequest.created"
DETAILS = {"includeDetails": True}


class TestSubscriptions:
    def test_secrets_are_masked_and_kept_when_the_mask_comes_back(self, sim: Sim, receiver: Receiver) -> None:
        """Answers carry asterisks; an edit that sends them keeps the secret; the server adds a key."""
        made = subscribe(sim, receiver, "git.push")
        path = f"_apis/hooks/subscriptions/{made['id']}"
        assert made["consumerInputs"]["basicAuthPassword"] == "********"
        assert made["publisherInputs"]["tfsSubscriptionId"]
        assert "a-hook-secret" not in sim.call("GET", "_apis/hooks/subscriptions").text
        changed = sim.call("PUT", path, {**made, "publisherInputs": {"branch": "main"}}).json()
        assert changed["publisherInputs"]["tfsSubscriptionId"] == made["publisherInputs"]["tfsSubscriptionId"]
        sim.repository(sim.project()).started()
        receiver.waited(1)
        assert receiver.headers[0]["Authorization"] == f"Basic {base64.b64encode(b'hook:a-hook-secret').decode()}"
        assert sim.call("PUT", "_apis/hooks/subscriptions", changed).json()["id"] == made["id"]

    def test_a_user_can_switch_a_subscription_off_and_on(self, sim: Sim, receiver: Receiver) -> None:
        """While it is off nothing is sent."""
        made = subscribe(sim, receiver, "git.push")
        path = f"_apis/hooks/subscriptions/{made['id']}"
        assert sim.call("PUT", path, {**made, "status": "disabledByUser"}).json()["status"] == "disabledByUser"
        clone = sim.repository(sim.project()).started()
        assert sim.call("PUT", path, {**made, "status": "enabled"}).json()["status"] == "enabled"
        clone.push("main:second")
        (body,) = receiver.waited(1)
        assert body["resource"]["refUpdates"][0]["name"] == "refs/heads/second"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"publisherId": "github"},
            {"eventType": "git.exploded"},
            {"consumerId": "slack"},
            {"resourceVersion": "9.0"},
            {"consumerInputs": {"url": "ftp://example.com/"}},
            {"consumerInputs": {}},
            {"consumerInputs": {"url": 5}},
            {"publisherInputs": "all"},
        ],
    )
    def test_wrong_subscriptions_are_refused(self, sim: Sim, wrong: dict[str, Any]) -> None:
        """With 400."""
        good = {
            "publisherId": "tfs",
            "eventType": "git.push",
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "publisherInputs": {},
            "consumerInputs": {"url": "https://example.com/"},
        }
        assert sim.call("POST", "_apis/hooks/subscriptions", {**good, **wrong}).status_code == 400

    def test_subscriptions_of_unknown_projects_and_without_rights_are_refused(
        self, sim: Sim, receiver: Receiver
    ) -> None:
        """A project must exist; editing subscriptions is a right."""
        with pytest.raises(AssertionError, match="404"):
            subscribe(sim, receiver, "git.push", publisher={"projectId": "none"})
        weak = sim.as_other(without=["hooks"])
        assert weak.call("GET", "_apis/hooks/subscriptions").status_code == 403
        assert sim.call("GET", "_apis/hooks/subscriptions/none").status_code == 404

    def test_subscriptions_can_be_searched(self, sim: Sim, receiver: Receiver) -> None:
        """By query parameters, and by inputs."""
        project = sim.project()
        subscribe(sim, receiver, "git.push", publisher={"projectId": project["id"]})
        subscribe(sim, receiver, CREATED)
        assert sim.get("_apis/hooks/subscriptions", params={"eventType": CREATED})["count"] == 1
        condition = {"inputId": "projectId", "operator": "equals", "inputValue": project["id"]}
        query = {"publisherId": "tfs", "publisherInputFilters": [{"conditions": [condition]}]}
        assert [one["eventType"] for one in sim.post("_apis/hooks/subscriptionsQuery", query)["results"]] == [
            "git.push"
        ]
        negated = {"conditions": [{**condition, "operator": "notEquals"}]}
        query = {"publisherInputFilters": [negated]}
        assert [one["eventType"] for one in sim.post("_apis/hooks/subscriptionsQuery", query)["results"]] == [CREATED]
        kinds = sim.get("_apis/hooks/publishers/tfs/eventTypes")["value"]
        assert CREATED in {one["id"] for one in kinds}

    def test_the_test_button_sends_canned_fabrikam_data(self, sim: Sim, receiver: Receiver) -> None:
        """To the subscription's URL, with its credentials."""
        made = subscribe(sim, receiver, CREATED)
        details = {"consumerInputs": {"messagesToSend": "none", "basicAuthPassword": "********"}}
        sent = sim.post("_apis/hooks/testNotifications", {"subscriptionId": made["id"], "details": details})
        assert sent["subscriptionId"] == made["id"]
        (body,) = receiver.waited(1)
        assert body["resource"]["repository"]["name"] == "Fabrikam"
        assert body["message"] is None
        assert sim.call("POST", "_apis/hooks/testNotifications", {}).status_code == 400

    def test_history_has_the_event_without_what_the_delivery_put_around_it(self, sim: Sim, receiver: Receiver) -> None:
        """The ids of subscription and notification stand beside the event, and in what was posted."""
        subscription = subscribe(sim, receiver, "git.pullrequest.created")
        sim.repository(sim.project()).proposed()
        (posted,) = receiver.waited(1)
        (entry,) = sim.post("_apis/hooks/notificationsQuery", DETAILS)["results"]
        around = {"subscriptionId": subscription["id"], "notificationId": entry["id"]}
        assert posted == entry["details"]["event"] | around
        assert entry["details"]["event"].keys().isdisjoint(around)

    def test_history_can_be_asked_for_by_date(self, sim: Sim, receiver: Receiver) -> None:
        """A date that is none is refused."""
        subscribe(sim, receiver, "git.push")
        sim.repository(sim.project()).started()
        receiver.waited(1)
        past = {"minCreatedDate": "2020-01-01T00:00:00Z", "maxCreatedDate": "2020-01-02T00:00:00", **DETAILS}
        assert sim.post("_apis/hooks/notificationsQuery", past)["results"] == []
        assert len(sim.post("_apis/hooks/notificationsQuery", {"maxResults": 5, **DETAILS})["results"]) == 1
        wrong = sim.call("POST", "_apis/hooks/notificationsQuery", {"minCreatedDate": "yesterday"})
        assert wrong.status_code == 400
