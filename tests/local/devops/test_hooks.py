"""Service hooks: subscriptions, what is sent, and how answers are read."""

import base64
import json
from typing import Any

from tests.local.devops.driver import Pull, Receiver, Sim, subscribe, wait_until

CREATED, UPDATED = "git.pullrequest.created", "git.pullrequest.updated"


class TestDelivery:
    def test_a_new_pull_request_is_told_in_full(self, sim: Sim, receiver: Receiver) -> None:
        """Envelope, containers, resource and Basic credentials as the real service sends them."""
        project = sim.project()
        made = subscribe(sim, receiver, CREATED, publisher={"projectId": project["id"]})
        _, pull = sim.repository(project).proposed()
        (body,) = receiver.waited(1)
        assert body["subscriptionId"] == made["id"]
        assert body["eventType"] == CREATED
        assert body["publisherId"] == "tfs"
        assert body["resource"]["pullRequestId"] == pull.id
        assert body["resource"]["repository"]["project"]["id"] == project["id"]
        assert body["resourceContainers"]["project"]["id"] == project["id"]
        assert body["message"].keys() == {"text", "html", "markdown"}
        assert body["resourceVersion"] == "1.0"
        expected = base64.b64encode(b"hook:a-hook-secret").decode()
        assert receiver.headers[0]["Authorization"] == f"Basic {expected}"

    def test_details_and_messages_can_be_left_out(self, sim: Sim, receiver: Receiver) -> None:
        """Minimal keeps id and address, none has no resource, messages become null or one format."""
        project = sim.project()
        none = {"messagesToSend": "none", "detailedMessagesToSend": "text"}
        subscribe(sim, receiver, CREATED, consumer={"resourceDetailsToSend": "minimal", **none})
        subscribe(sim, receiver, CREATED, consumer={"resourceDetailsToSend": "none"})
        _, pull = sim.repository(project).proposed()
        bodies = sorted(receiver.waited(2), key=lambda body: "resource" in body)
        assert "resource" not in bodies[0]
        assert bodies[1]["resource"].keys() == {"pullRequestId", "url"}
        assert bodies[1]["resource"]["pullRequestId"] == pull.id
        assert bodies[1]["message"] is None
        assert bodies[1]["detailedMessage"].keys() == {"text"}

    def test_updates_are_told_by_kind(self, sim: Sim, receiver: Receiver) -> None:
        """Each filter value hears of its own changes; a retarget reaches only subscriptions without the filter."""
        project = sim.project()
        for kind in ("PushNotification", "StatusUpdateNotification", "ReviewerVoteNotification", ""):
            publisher = {"projectId": project["id"], "notificationType": kind}
            subscribe(sim, receiver, UPDATED, publisher=publisher, consumer={"httpHeaders": f"X-Kind:{kind}\nnonsense"})
        clone, pull = sim.repository(project).proposed()
        clone.push("main:release")
        clone.commit({"x": "x"})
        clone.push("topic")
        pull.change(targetRefName="refs/heads/release")
        pull.change(isDraft=True)
        me = pull.json()["createdBy"]["id"]
        sim.call("PUT", f"{pull.path}/reviewers/{me}", {"vote": 10})
        pull.change(status="abandoned")
        receiver.waited(9)
        told = sorted((headers["X-Kind"], body["message"]["text"]) for headers, body in self.pairs(receiver))
        kinds = [kind for kind, _ in told]
        assert kinds.count("PushNotification") == 1
        assert kinds.count("StatusUpdateNotification") == 2
        assert kinds.count("ReviewerVoteNotification") == 1
        assert kinds.count("") == 5

    @staticmethod
    def pairs(receiver: Receiver) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """Return headers and bodies together."""
        return list(zip(receiver.headers, receiver.bodies, strict=True))

    def test_pushes_merges_comments_repositories_and_builds_are_told(self, sim: Sim, receiver: Receiver) -> None:
        """Each in its own shape."""
        project = sim.project()
        for event in ("git.push", "git.pullrequest.merged", "git.repo.created"):
            subscribe(sim, receiver, event, publisher={"projectId": project["id"]})
        comment = "ms.vss-code.git-pullrequest-comment-event"
        subscribe(sim, receiver, comment, resourceVersion="2.0")
        subscribe(sim, receiver, comment, resourceVersion="1.0", consumer={"resourceDetailsToSend": "all"})
        subscribe(sim, receiver, "build.complete", resourceVersion="1.0", publisher={"buildStatus": "Failed"})
        subscribe(sim, receiver, "build.complete", resourceVersion="2.0", publisher={"buildStatus": ""})
        clone, pull = sim.repository(project).proposed()
        clone.push(":topic")
        thread = sim.post(f"{pull.path}/threads", {"comments": [{"content": "hello"}]})
        sim.call("DELETE", f"{pull.path}/threads/{thread['id']}/comments/1")
        build = sim.post(f"{project['id']}/_apis/build/builds", {"definition": {"id": 3, "name": "ci"}})
        path = f"{project['id']}/_apis/build/builds/{build['id']}"
        sim.patch(path, {"status": "inProgress"})
        sim.patch(path, {"status": "completed", "result": "failed"})
        bodies = receiver.waited(11)
        by_event: dict[str, list[dict[str, Any]]] = {}
        for body in bodies:
            by_event.setdefault(body["eventType"], []).append(body["resource"])
        pushes = sorted(by_event["git.push"], key=lambda push: push["pushId"])
        assert [update["name"] for update in pushes[1]["refUpdates"]] == ["refs/heads/topic"]
        assert pushes[0]["refUpdates"][0]["oldObjectId"] == "0" * 40
        assert pushes[2]["refUpdates"][0]["newObjectId"] == "0" * 40
        assert pushes[1]["commits"][0]["comment"] == "change"
        assert "commits" not in pushes[2]
        assert by_event["git.repo.created"][0]["repository"]["name"] == "web"
        assert by_event["git.pullrequest.merged"][0]["mergeStatus"] == "succeeded"
        comments = by_event[comment]
        newer = [one for one in comments if "pullRequest" in one]
        assert len(comments) == 4
        assert sum("content" not in one["comment"] for one in newer) == 1
        assert newer[0]["comment"]["_links"]["threads"]["href"].endswith(f"/threads/{thread['id']}")
        assert sorted(one["status"] for one in by_event["build.complete"]) == ["completed", "failed"]

    def test_filters_narrow_by_repository_branch_and_people(self, sim: Sim, receiver: Receiver) -> None:
        """Full and short branch names are taken; what does not match is not sent."""
        project, other = sim.project(), sim.project("Other")
        repo = sim.repository(project)
        for publisher in (
            {"repository": repo.json["id"], "branch": "main"},
            {"branch": "refs/heads/main"},
            {"branch": "release"},
            {"projectId": other["id"]},
            {"repository": other["id"]},
            {"pullrequestCreatedBy": other["id"]},
            {"pullrequestReviewersContains": other["id"]},
        ):
            subscribe(sim, receiver, CREATED, publisher=publisher)
        _, pull = repo.proposed()
        assert len(receiver.waited(2)) == 2
        subscriptions = sim.get("_apis/hooks/subscriptions")["value"]
        history = [sim.get(f"_apis/hooks/subscriptions/{one['id']}/notifications")["count"] for one in subscriptions]
        assert history == [1, 1, 0, 0, 0, 0, 0]
        assert pull.id == 1

    def test_a_receiver_that_recovers_gets_every_event(self, sim: Sim, receiver: Receiver) -> None:
        """Retries carry the same notification."""
        receiver.answers = [503, 504, 200]
        made = subscribe(sim, receiver, CREATED)
        sim.repository(sim.project()).proposed()
        bodies = receiver.waited(3)
        assert len({body["notificationId"] for body in bodies}) == 1
        path = f"_apis/hooks/subscriptions/{made['id']}/notifications"
        (entry,) = wait_until(lambda: sim.get(path, params={"result": "succeeded"})["value"], "success")
        details = sim.get(f"{path}/{entry['id']}")["details"]
        assert details["requestAttempts"] == 3
        assert details["consumerInputs"]["basicAuthPassword"] == "********"
        assert sim.call("GET", f"{path}/999").status_code == 404

    def test_probation_loses_events_until_one_gets_through(self, sim: Sim, receiver: Receiver) -> None:
        """A 500 is no retry: the next try comes after probation's pause, and what happens meanwhile is lost."""
        receiver.default = 500
        made = subscribe(sim, receiver, "git.push")
        path = f"_apis/hooks/subscriptions/{made['id']}"
        repo = sim.repository(sim.project())
        clone = repo.started()
        wait_until(lambda: sim.get(path)["status"] == "onProbation", "probation")
        sim.sim("settings", {"timeScale": 0.00001})
        clone.push("main:lost")
        receiver.default = 200
        wait_until(lambda: sim.get(path)["status"] == "enabled", "the end of probation")
        clone.push("main:heard")
        wait_until(lambda: "refs/heads/heard" in json.dumps(receiver.bodies), "the next push")
        assert "refs/heads/lost" not in json.dumps(receiver.bodies)

    def test_seven_failures_on_probation_disable_and_an_edit_does_not_revive(
        self, sim: Sim, receiver: Receiver
    ) -> None:
        """Only a new subscription helps."""
        sim.sim("settings", {"timeScale": 0.000001})
        receiver.default = 401
        made = subscribe(sim, receiver, "git.push")
        path = f"_apis/hooks/subscriptions/{made['id']}"
        sim.repository(sim.project()).started()
        wait_until(lambda: sim.get(path)["status"] == "disabledBySystem", "the end")
        assert len(receiver.bodies) == 8
        revived = sim.call("PUT", path, {**sim.get(path), "status": "enabled"}).json()
        assert revived["status"] == "disabledBySystem"
        assert revived["lastProbationRetryDate"]

    def test_gone_and_unreachable_receivers(self, sim: Sim, receiver: Receiver) -> None:
        """410 disables at once; where nobody listens the event is retried and then given up."""
        receiver.default = 410
        gone = subscribe(sim, receiver, "git.push")
        nowhere = subscribe(sim, receiver, "git.push", consumer={"url": "http://127.0.0.1:1/"})
        sim.sim("settings", {"timeScale": 0.000001})
        sim.repository(sim.project()).started()
        for made in (gone, nowhere):
            path = f"_apis/hooks/subscriptions/{made['id']}"
            self.wait_for_the_end(sim, path)
        assert len(receiver.bodies) == 1
        query = {"subscriptionIds": [nowhere["id"]], "includeDetails": True, "resultType": "failed"}
        answer = sim.post("_apis/hooks/notificationsQuery", query)
        (entry,) = answer["results"]
        assert entry["details"]["requestAttempts"] == 16
        assert "Connect" in entry["details"]["errorMessage"]
        assert answer["summary"][0]["results"] == [{"result": "failed", "notificationCount": 1}]
        assert answer["associatedSubscriptions"][0]["id"] == nowhere["id"]

    @staticmethod
    def wait_for_the_end(sim: Sim, path: str) -> None:
        """Wait until a subscription is disabled."""
        wait_until(lambda: sim.get(path)["status"] == "disabledBySystem", "the end")

    def test_deleting_a_subscription_ends_its_deliveries(self, sim: Sim, receiver: Receiver) -> None:
        """What was waiting for a retry is given up."""
        receiver.default = 503
        sim.sim("settings", {"timeScale": 0.2})
        made = subscribe(sim, receiver, "git.push")
        sim.repository(sim.project()).started()
        receiver.waited(1)
        assert sim.call("DELETE", f"_apis/hooks/subscriptions/{made['id']}").status_code == 204
        again = subscribe(sim, receiver, "git.push")
        sent = sim.sim("hooks/redeliver", {})
        assert sent["sent"] == 0
        assert sim.get(f"_apis/hooks/subscriptions/{again['id']}/notifications")["count"] == 0


class TestHookFaults:
    def test_hooks_can_be_dropped_duplicated_and_delayed(self, sim: Sim, receiver: Receiver) -> None:
        """Each event as its fault says."""
        subscribe(sim, receiver, "git.push")
        repo = sim.repository(sim.project())
        clone = repo.clone()
        clone.commit({"a": "a"})
        sim.fault("HOOK git.push", "drop_hook")
        clone.push("main:dropped")
        sim.fault("HOOK git.push", "duplicate_hook")
        clone.push("main:twice")
        sim.fault("HOOK git.push", "delay_hook", seconds=0.3)
        clone.push("main:late")
        clone.push("main:prompt")
        bodies = receiver.waited(4)
        names = [body["resource"]["refUpdates"][0]["name"].removeprefix("refs/heads/") for body in bodies]
        assert sorted(names) == ["late", "prompt", "twice", "twice"]
        assert names[-1] == "late"
        assert [one["hits"] for one in sim.sim("faults", method="GET")["value"]] == [1, 1, 1]

    def test_hooks_can_arrive_newest_first(self, sim: Sim, receiver: Receiver) -> None:
        """All that are held are sent together, the last one first."""
        subscribe(sim, receiver, "git.push")
        repo = sim.repository(sim.project())
        clone = repo.clone()
        clone.commit({"a": "a"})
        sim.fault("HOOK git.push", "reorder_hooks", seconds=1.5, count=3)
        for name in ("one", "two", "three"):
            clone.push(f"main:{name}")
        bodies = receiver.waited(3)
        numbers = [body["notificationId"] for body in bodies]
        assert len(numbers) == 3
        assert sorted(numbers) == [1, 2, 3]

    def test_past_hooks_can_be_sent_again_in_another_order(self, sim: Sim, receiver: Receiver) -> None:
        """Three times in reverse, with the same notification numbers."""
        made = subscribe(sim, receiver, "git.push")
        clone = sim.repository(sim.project()).started()
        clone.push("main:second")
        receiver.waited(2)
        wanted = {"times": 2, "order": "reverse", "subscriptionId": made["id"]}
        assert sim.sim("hooks/redeliver", wanted)["delivered"] == 4
        assert [body["notificationId"] for body in receiver.bodies[2:]] == [2, 1, 2, 1]
        assert sim.sim("hooks/redeliver")["sent"] == 2
        assert sim.sim("hooks/redeliver", {"order": "random", "seed": 1})["sent"] == 2
        assert sim.call("POST", "_sim/hooks/redeliver", {"order": "odd"}).status_code == 400


def test_a_burst_of_pull_requests_is_told_of_once_each(sim: Sim, receiver: Receiver) -> None:
    """Forty: none lost, none twice."""
    subscribe(sim, receiver, CREATED)
    repo = sim.repository(sim.project())
    clone = repo.started()
    names = [f"t{number}" for number in range(40)]
    for name in names:
        clone.branch(name)
        clone.commit({f"{name}.txt": name})
    clone.push(*names)
    pulls: list[Pull] = [repo.pull_request(name) for name in names]
    bodies = receiver.waited(40)
    assert sorted(body["resource"]["pullRequestId"] for body in bodies) == [pull.id for pull in pulls]
