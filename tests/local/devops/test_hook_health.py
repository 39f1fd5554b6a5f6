"""What tells how hooks are doing: states, retries, and the history of deliveries."""

import pytest

from tests.local.devops.driver import Receiver, Sim, subscribe, wait_until

WEEK_SECONDS = 7 * 24 * 3600
PUSH = "git.push"


class TestHistory:
    def test_a_dropped_event_leaves_no_trace_and_a_failed_one_does(self, sim: Sim, receiver: Receiver) -> None:
        """Neither reaches the receiver; only the second stands in the history."""
        made = subscribe(sim, receiver, PUSH)
        clone = sim.repository(sim.project()).clone()
        clone.commit({"a": "a"})
        sim.fault("HOOK git.push", "drop_hook")
        clone.push("main:dropped")
        sim.fault("HOOK git.push", "fail_hook")
        clone.push("main:failed")
        clone.push("main:heard")
        receiver.waited(1)
        wait_until(lambda: sim.deliveries(made, resultType="succeeded"), "the success")
        told = [
            (one["result"], one["details"]["event"]["resource"]["refUpdates"][0]["name"])
            for one in sim.deliveries(made)
        ]
        assert told == [("succeeded", "refs/heads/heard"), ("failed", "refs/heads/failed")]
        assert len(receiver.bodies) == 1
        assert sim.get(f"_apis/hooks/subscriptions/{made['id']}")["status"] == "enabled"

    def test_it_is_kept_for_seven_days(self, sim: Sim, receiver: Receiver) -> None:
        """By the simulator's clock."""
        made = subscribe(sim, receiver, PUSH)
        sim.repository(sim.project()).started()
        receiver.waited(1)
        sim.ahead(WEEK_SECONDS - 60)
        assert len(sim.deliveries(made)) == 1
        sim.ahead(WEEK_SECONDS + 60)
        assert sim.deliveries(made) == []
        assert sim.get(f"_apis/hooks/subscriptions/{made['id']}/notifications")["count"] == 0

    def test_a_query_counts_always_and_lists_only_in_detail(self, sim: Sim, receiver: Receiver) -> None:
        """Limits apply to what is listed, newest first, not to what is counted."""
        first, second = subscribe(sim, receiver, PUSH), subscribe(sim, receiver, PUSH)
        clone = sim.repository(sim.project()).started()
        clone.push("main:second")
        receiver.waited(4)
        wait_until(lambda: len(sim.deliveries(first) + sim.deliveries(second)) == 4, "the history")
        query = {"subscriptionIds": [first["id"], second["id"]]}
        quiet = sim.post("_apis/hooks/notificationsQuery", query)
        assert quiet["results"] == []
        assert [sum(count["notificationCount"] for count in one["results"]) for one in quiet["summary"]] == [2, 2]
        each = sim.post(
            "_apis/hooks/notificationsQuery", {**query, "includeDetails": True, "maxResultsPerSubscription": 1}
        )
        assert {one["subscriptionId"] for one in each["results"]} == {first["id"], second["id"]}
        numbers = [one["id"] for one in each["results"]]
        assert numbers == sorted(numbers, reverse=True)
        unnamed = {"includeDetails": True, "maxResultsPerSubscription": 1, "publisherId": "tfs"}
        assert len(sim.post("_apis/hooks/notificationsQuery", unnamed)["results"]) == 4
        assert len(sim.post("_apis/hooks/notificationsQuery", {**unnamed, "maxResults": 3})["results"]) == 3
        assert sim.post("_apis/hooks/notificationsQuery", {"publisherId": "pipelines"})["summary"] == []

    @pytest.mark.parametrize("wrong", [{"status": "odd"}, {"resultType": "odd"}, {"maxCreatedDate": "odd"}])
    def test_what_is_not_known_is_refused(self, sim: Sim, wrong: dict[str, str]) -> None:
        """With 400."""
        assert sim.call("POST", "_apis/hooks/notificationsQuery", wrong).status_code == 400


class TestStates:
    def test_answers_that_the_receiver_never_gave_lead_to_probation(self, sim: Sim, receiver: Receiver) -> None:
        """The state and its retries show, the event waits as pending, and the clock brings the next try."""
        sim.sim("settings", {"timeScale": 1})
        made = subscribe(sim, receiver, PUSH)
        path = f"_apis/hooks/subscriptions/{made['id']}"
        sim.fault("HOOK git.push", "answer_hook", status=500, count=2)
        sim.repository(sim.project()).started()
        wait_until(lambda: sim.get(path)["status"] == "onProbation", "probation")
        assert sim.get(path)["probationRetries"] == 0
        assert [one["result"] for one in sim.deliveries(made)] == ["pending"]
        assert receiver.bodies == []
        sim.ahead(21 * 60)
        wait_until(lambda: sim.get(path)["probationRetries"] == 1, "a failed try")
        sim.ahead(21 * 60 + 41 * 60)
        wait_until(lambda: sim.get(path)["status"] == "enabled", "the end of probation")
        assert len(receiver.bodies) == 1

    @pytest.mark.parametrize("status", ["onProbation", "disabledBySystem", "disabledByInactiveIdentity"])
    def test_every_state_can_be_brought_about(self, sim: Sim, receiver: Receiver, status: str) -> None:
        """Events are lost in it, without a trace, and an edit does not end it."""
        made = subscribe(sim, receiver, PUSH)
        changed = sim.subscription_state(made, status, 3)
        assert (changed["status"], changed["probationRetries"]) == (status, 3)
        assert changed["lastProbationRetryDate"]
        sim.repository(sim.project()).started()
        assert sim.deliveries(made) == []
        path = f"_apis/hooks/subscriptions/{made['id']}"
        assert sim.call("PUT", path, {**changed, "status": "enabled"}).json()["status"] == status

    def test_a_user_may_switch_off_what_is_on_probation(self, sim: Sim, receiver: Receiver) -> None:
        """And the made-up states are checked."""
        made = subscribe(sim, receiver, PUSH)
        sim.subscription_state(made, "onProbation")
        path = f"_apis/hooks/subscriptions/{made['id']}"
        assert sim.call("PUT", path, {**made, "status": "disabledByUser"}).json()["status"] == "disabledByUser"
        assert sim.call("POST", "_sim/hooks/subscriptions", {"status": "odd"}).status_code == 400
        assert sim.call("POST", "_sim/hooks/subscriptions", {"status": "enabled"}).status_code == 404
