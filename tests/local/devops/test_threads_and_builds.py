"""Discussion threads, and builds."""

from typing import Any

import pytest

from tests.local.devops.driver import Sim, wait_until
from tests.local.devops.pipelines import JSON_PATCH


def test_threads_hold_comments_of_many_kinds(sim: Sim) -> None:
    """Made, listed, answered, edited by their author only, deleted; properties come back with their types."""
    _, pull = sim.repository(sim.project()).proposed()
    path = f"{pull.path}/threads"
    context = {
        "filePath": "/file.txt",
        "rightFileStart": {"line": 1, "offset": 1},
        "rightFileEnd": {"line": 1, "offset": 2},
    }
    thread = sim.post(
        path,
        {
            "comments": [{"parentCommentId": 0, "content": "first", "commentType": 1}],
            "status": 4,
            "properties": {"mark": "x", "number": {"$type": "System.Int32", "$value": 3}},
            "threadContext": context,
            "pullRequestThreadContext": {"changeTrackingId": 1},
        },
    )
    assert (thread["status"], thread["comments"][0]["commentType"]) == ("closed", "text")
    assert thread["properties"]["number"] == {"$type": "System.Int32", "$value": 3}
    one = f"{path}/{thread['id']}"
    answer = sim.post(f"{one}/comments", {"content": "second", "parentCommentId": 1})
    edited = sim.patch(f"{one}/comments/{answer['id']}", {"content": "better"})
    assert edited["content"] == "better"
    other = sim.as_other()
    refused = other.call("PATCH", f"{one}/comments/1", {"content": "mine"})
    assert (refused.status_code, refused.json()["typeKey"]) == (403, "GitPullRequestCommentCannotBeUpdatedException")
    assert sim.call("DELETE", f"{one}/comments/{answer['id']}").status_code == 200
    assert sim.get(f"{one}/comments/2")["isDeleted"] is True
    assert [comment.get("content") for comment in sim.get(f"{one}/comments")["value"]] == ["first", None]
    changed = sim.patch(one, {"status": "Fixed", "properties": {"mark": "y"}})
    assert (changed["status"], changed["properties"]["mark"]["$value"]) == ("fixed", "y")
    assert sim.get(one)["id"] == sim.get(path)["value"][0]["id"]
    assert sim.call("GET", f"{path}/99").status_code == 404
    assert sim.call("GET", f"{one}/comments/99").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"comments": []},
        {"comments": ["text"]},
        {"comments": [{"content": ""}]},
        {"comments": [{"content": "x" * 150_001}]},
        {"comments": [{"content": "x", "parentCommentId": 5}]},
        {"comments": [{"content": "x", "commentType": "shout"}]},
        {"status": 99},
        {"properties": "all"},
        {"threadContext": {"filePath": "file.txt"}},
        {"threadContext": {"filePath": "/f", "rightFileStart": {"line": 1, "offset": 1}}},
        {"threadContext": {"filePath": "/f", "leftFileStart": {"line": 1}, "leftFileEnd": {"line": 1}}},
        {"threadContext": "/f"},
    ],
)
def test_wrong_threads_are_refused(sim: Sim, wrong: dict[str, Any]) -> None:
    """With 400 and nothing kept."""
    _, pull = sim.repository(sim.project()).proposed()
    body = {"comments": [{"content": "x"}], **wrong}
    assert sim.call("POST", f"{pull.path}/threads", body).status_code == 400
    assert sim.get(f"{pull.path}/threads")["count"] == 0


def test_builds_are_queued_moved_along_and_tagged(sim: Sim) -> None:
    """With properties by JSON patch, and the orchestration plan that checks need."""
    project = sim.project()
    repo = sim.repository(project)
    path = f"{project['id']}/_apis/build/builds"
    build = sim.post(
        path,
        {
            "definition": {"id": 3},
            "repository": {"id": repo.json["id"]},
            "sourceBranch": "refs/pull/1/merge",
            "reason": "pullRequest",
            "triggerInfo": {"pr.number": "1"},
        },
    )
    one = f"{path}/{build['id']}"
    assert (build["status"], build["repository"]["name"]) == ("notStarted", "web")
    assert build["orchestrationPlan"]["planId"]
    assert sim.patch(one, {"status": "completed"})["result"] == "succeeded"
    assert sim.get(one)["finishTime"]
    assert sim.call("PUT", f"{one}/tags/scangate-passed").json()["value"] == ["scangate-passed"]
    assert sim.post(f"{one}/tags", ["b", "b"])["value"] == ["scangate-passed", "b"]
    assert sim.call("DELETE", f"{one}/tags/b").json()["value"] == ["scangate-passed"]
    assert sim.get(f"{one}/tags")["count"] == 1
    patch = [{"op": "add", "path": "/a~1b", "value": "1"}, {"op": "add", "path": "/c", "value": "2"}]
    sim.patch(f"{one}/properties", patch, headers=JSON_PATCH)
    sim.patch(f"{one}/properties", [{"op": "remove", "path": "/c"}], headers=JSON_PATCH)
    assert sim.get(f"{one}/properties") == {
        "count": 1,
        "value": {"a/b": {"$type": "System.String", "$value": "1"}},
    }
    assert sim.get(path, params={"branchName": "refs/pull/1/merge", "definitions": "3"})["count"] == 1
    assert sim.get(path, params={"definitions": "4"})["count"] == 0


def test_wrong_builds_are_refused(sim: Sim) -> None:
    """Without a definition, with wrong states, tags, patches, or rights."""
    project = sim.project()
    path = f"{project['id']}/_apis/build/builds"
    one = f"{path}/{sim.post(path, {'definition': {'id': 1}})['id']}"
    assert sim.call("POST", path, {}).status_code == 400
    assert sim.call("PATCH", one, {"status": "odd"}).status_code == 400
    assert sim.call("PATCH", one, {"result": "odd"}).status_code == 400
    assert sim.call("POST", f"{one}/tags", {}).status_code == 400
    assert sim.call("POST", f"{one}/tags", ["a<b"]).status_code == 400
    patches: list[Any] = [{}, [{"op": "test", "path": "/a"}], ["odd"]]
    for wrong in patches:
        refused = sim.call("PATCH", f"{one}/properties", wrong, headers=JSON_PATCH)
        assert (refused.status_code, "Content-Type" in refused.text) == (400, False)
    assert sim.call("GET", f"{path}/99").status_code == 404
    assert sim.as_other(without=["builds_write"]).call("PUT", f"{one}/tags/x").status_code == 403
    assert wait_until(lambda: sim.as_other(without=["builds_read"]).call("GET", one).status_code, "an answer") == 403
