"""Pushes as hooks tell of them, and what the service knows of branches and commits afterwards."""

from typing import Any

from tests.local.devops.driver import ZERO, Receiver, Sim, git, subscribe


def moved(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return what a push moved: name to old and new commit."""
    return {one["name"]: (one["oldObjectId"], one["newObjectId"]) for one in body["resource"]["refUpdates"]}


class TestEvents:
    def test_one_push_of_several_refs_is_one_event(self, sim: Sim, receiver: Receiver) -> None:
        """Created, updated and deleted branches and tags together, zeros for what is not there."""
        clone = sim.repository(sim.project()).started()
        first = clone.head()
        clone.push("main:gone")
        second = clone.commit({"a": "a"})
        git(clone.folder, "tag", "-a", "v1", "-m", "one")
        subscribe(sim, receiver, "git.push")
        clone.push("main", "main:made", ":gone", "v1")
        (body,) = receiver.waited(1)
        told = moved(body)
        assert told["refs/heads/main"] == (first, second)
        assert told["refs/heads/made"] == (ZERO, second)
        assert told["refs/heads/gone"] == (first, ZERO)
        assert told["refs/tags/v1"][0] == ZERO
        assert body["resource"]["commits"][0]["commitId"] == second
        assert body["resource"]["pushedBy"]["uniqueName"] == "admin@example.com"

    def test_branches_moved_by_the_rest_api_are_one_push(self, sim: Sim, receiver: Receiver) -> None:
        """As by git."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        clone.push("main:old")
        subscribe(sim, receiver, "git.push")
        repo.push(release__1=clone.head(), old=None)
        (body,) = receiver.waited(1)
        assert moved(body) == {
            "refs/heads/old": (clone.head(), ZERO),
            "refs/heads/release/1": (ZERO, clone.head()),
        }

    def test_less_may_be_told(self, sim: Sim, receiver: Receiver) -> None:
        """No commits by a fault; only ids, or nothing, as the subscription asks."""
        repo = sim.repository(sim.project())
        clone = repo.clone()
        clone.commit({"a": "a"})
        whole = subscribe(sim, receiver, "git.push")
        for details in ("minimal", "none"):
            subscribe(sim, receiver, "git.push", consumer={"resourceDetailsToSend": details})
        sim.fault("HOOK git.push", "without_commits")
        clone.push("main")
        bodies = {body["subscriptionId"]: body for body in receiver.waited(3)}
        full = bodies.pop(whole["id"])
        assert "commits" not in full["resource"]
        assert moved(full) == {"refs/heads/main": (ZERO, clone.head())}
        minimal, nothing = sorted(bodies.values(), key=lambda body: "resource" not in body)
        assert "resource" not in nothing
        assert minimal["resource"].keys() == {"repository", "pushId", "url"}
        assert minimal["resource"]["repository"]["id"] == repo.json["id"]


class TestReading:
    def test_branches_are_listed_in_pages_with_their_commits(self, sim: Sim) -> None:
        """And the repository names its default branch."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        clone.push("main:a", "main:b", "main:c")
        git(clone.folder, "tag", "v1")
        clone.push("v1")
        names, query = [], {"filter": "heads/", "$top": "3"}
        while True:
            answer = sim.call("GET", f"{repo.path}/refs", params=query)
            names += [one["name"] for one in answer.json()["value"]]
            assert {one["objectId"] for one in answer.json()["value"]} == {clone.head()}
            if "x-ms-continuationtoken" not in answer.headers:
                break
            query["continuationToken"] = answer.headers["x-ms-continuationtoken"]
        assert names == [f"refs/heads/{name}" for name in ("a", "b", "c", "main")]
        listed = sim.get(f"{repo.json['project']['id']}/_apis/git/repositories")["value"]
        assert {one.get("defaultBranch") for one in listed} == {None, "refs/heads/main"}
        assert sim.get(f"{repo.path}/commits/{clone.head()}")["commitId"] == clone.head()

    def test_commit_statuses_are_paged_and_told_by_their_latest(self, sim: Sim) -> None:
        """Newest first in every case; each genre and name once when only the latest are wanted."""
        repo = sim.repository(sim.project())
        sha = repo.started().head()
        image = {"context": {"genre": "scangate", "name": "image"}}
        for state, more in (("pending", {}), ("failed", image), ("succeeded", {})):
            assert repo.commit_status(sha, state, **more).status_code == 201
        assert [one["state"] for one in repo.commit_statuses(sha)] == ["succeeded", "failed", "pending"]
        latest = repo.commit_statuses(sha, latestOnly="true")
        assert [(one["context"]["name"], one["state"]) for one in latest] == [
            ("source", "succeeded"),
            ("image", "failed"),
        ]
        assert [one["state"] for one in repo.commit_statuses(sha, top="1", skip="1")] == ["failed"]
        weak = sim.as_other(without=["code_write", "pull_request_contribute"])
        assert weak.call("POST", f"{repo.path}/commits/{sha}/statuses", {}).status_code == 403
