"""Builds: what they build, their tags, properties, logs and listing, and what hooks are told of them."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.local.devops.driver import Receiver, Sim, subscribe
from tests.local.devops.pipelines import BuildRun


class TestTrigger:
    def test_a_build_of_a_branch_builds_its_newest_commit(self, sim: Sim) -> None:
        """And says which push it is of; what the caller says wins."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        shown = sim.build(repo).json()
        assert (shown["sourceBranch"], shown["sourceVersion"]) == ("refs/heads/main", clone.head())
        assert shown["triggerInfo"] == {
            "ci.sourceBranch": "refs/heads/main",
            "ci.sourceSha": clone.head(),
            "ci.message": "change",
            "ci.triggerRepository": repo.json["id"],
        }
        own = sim.build(repo, sourceVersion="1" * 40, triggerInfo={"ci.message": "mine"}).json()
        assert (own["sourceVersion"], own["triggerInfo"]["ci.message"]) == ("1" * 40, "mine")
        assert sim.build(repo, reason="manual").json()["triggerInfo"] == {}
        assert sim.build(repo, sourceBranch="refs/heads/none").json()["sourceVersion"] == ""

    def test_a_build_of_a_pull_request_builds_the_merge(self, sim: Sim) -> None:
        """With the source's commit and the pull request's number in its trigger."""
        clone, pull = sim.repository(sim.project()).proposed()
        branch = f"refs/pull/{pull.id}/merge"
        shown = sim.build(pull.repo, reason="pullRequest", sourceBranch=branch).json()
        assert shown["sourceVersion"] == pull.json()["lastMergeCommit"]["commitId"]
        info = shown["triggerInfo"]
        assert (info["pr.number"], info["pr.sourceSha"]) == (str(pull.id), clone.head())
        assert (info["pr.sourceBranch"], info["pr.isFork"]) == ("refs/heads/topic", "False")
        assert sim.build(pull.repo, sourceBranch="refs/pull/99/merge").json()["triggerInfo"] == {}


class TestTagsAndProperties:
    def test_the_rest_api_takes_colons_where_a_job_may_not_print_them(self, build: BuildRun) -> None:
        """The logging command is refused in the log, and the tag is not set."""
        assert build.tag("image:shop") == ["image:shop"]
        build.say("building")
        build.say("##vso[build.addbuildtag]image=shop")
        build.say("##vso[build.addbuildtag]image:other")
        build.say("##vso[build.addbuildtag]a<b")
        assert build.tags() == ["image:shop", "image=shop"]
        log = build.log()
        assert log[:3] == ["building", "##vso[build.addbuildtag]image=shop", "##vso[build.addbuildtag]image:other"]
        assert [line.startswith("##[error]") for line in log] == [False, False, False, True, False, True]
        assert [one["log"] is not None for one in build.records()] == [False, False, True]

    def test_tags_are_changed_together(self, build: BuildRun) -> None:
        """Added and removed at once, or not at all."""
        build.tag("scangate-failed")
        path = f"{build.path}/tags"
        wanted = {"tagsToAdd": ["scangate-passed"], "tagsToRemove": ["scangate-failed", "none"]}
        assert build.sim.patch(path, wanted)["value"] == ["scangate-passed"]
        wrong = {"tagsToAdd": ["a<b"], "tagsToRemove": ["scangate-passed"]}
        assert build.sim.call("PATCH", path, wrong).status_code == 400
        assert build.tags() == ["scangate-passed"]

    @pytest.mark.parametrize("tag", ["image:shop", "a*b", "50%", "a?b"])
    def test_tags_with_special_characters_do_not_travel_in_a_path(self, build: BuildRun, tag: str) -> None:
        """However they are encoded there; those that a tag may have at all go in a body."""
        place = f"{build.path}/tags/{quote(tag, safe='')}"
        for method in ("PUT", "DELETE"):
            refused = build.sim.call(method, place)
            assert refused.status_code == 400
            assert "potentially dangerous Request.Path" in refused.json()["message"]
        assert build.tag("image:shop", "a*b") == ["image:shop", "a*b"]
        wanted = {"tagsToAdd": [], "tagsToRemove": ["image:shop"]}
        assert build.sim.patch(f"{build.path}/tags", wanted)["value"] == ["a*b"]

    def test_a_patch_of_properties_has_its_own_content_type(self, build: BuildRun) -> None:
        """A refusal names those that would do; nothing is changed."""
        steps = [{"op": "add", "path": "/a", "value": "b"}]
        refused = build.sim.call("PATCH", f"{build.path}/properties", steps)
        assert (refused.status_code, refused.json()["typeKey"]) == (400, "VssRequestContentTypeNotSupportedException")
        assert refused.json()["message"].endswith("for this method are: application/json-patch+json.")
        assert build.properties() == {}

    def test_properties_can_be_asked_for_by_name(self, build: BuildRun) -> None:
        """Several at once."""
        build.set_properties(*({"op": "add", "path": f"/{name}", "value": name} for name in ("a", "b", "c")))
        found = build.sim.get(f"{build.path}/properties", params={"filter": "a, c,x"})
        assert set(found["value"]) == {"a", "c"}
        assert build.properties() == {"a": "a", "b": "b", "c": "c"}


class TestEnd:
    @pytest.mark.parametrize(
        "wanted", [{"result": "failed"}, {"status": "inProgress"}, {"status": "completed", "result": "failed"}]
    )
    def test_a_finished_build_stays_as_it_ended(self, build: BuildRun, wanted: dict[str, str]) -> None:
        """Nobody outside changes its result; it can be tagged, and told again what it is."""
        build.complete("succeeded")
        refused = build.sim.call("PATCH", build.path, wanted)
        assert (refused.status_code, refused.json()["typeKey"]) == (400, "BuildStatusInvalidChangeException")
        assert (build.json()["status"], build.complete("succeeded")["result"]) == ("completed", "succeeded")
        assert build.tag("late") == ["late"]


class TestTimeline:
    def test_the_job_stands_as_the_build_does(self, build: BuildRun) -> None:
        """Pending, running, ended; and it stays as it ended."""

        def states() -> set[tuple[str, str | None]]:
            return {(one["state"], one["result"]) for one in build.records()}

        assert states() == {("pending", None)}
        build.sim.patch(build.path, {"status": "inProgress"})
        assert states() == {("inProgress", None)}
        build.complete("partiallySucceeded")
        assert states() == {("completed", "succeededWithIssues")}
        assert build.sim.call("PATCH", build.path, {"status": "completed", "result": "failed"}).status_code == 400
        assert states() == {("completed", "succeededWithIssues")}
        assert [one["type"] for one in build.records()] == ["Stage", "Phase", "Job"]

    def test_what_is_not_there(self, build: BuildRun) -> None:
        """Another timeline is no content, another log is not found, and reading is a right."""
        timeline = build.sim.get(f"{build.path}/timeline")
        assert build.sim.get(f"{build.path}/timeline/{timeline['id']}")["records"]
        assert build.sim.call("GET", f"{build.path}/timeline/{build.project_id}").status_code == 204
        assert build.sim.call("GET", f"{build.path}/timeline?planId={build.project_id}").status_code == 204
        assert build.sim.call("GET", f"{build.path}/logs/1").status_code == 404
        assert build.sim.as_other(without=["builds_read"]).call("GET", f"{build.path}/logs").status_code == 403


class TestListing:
    def test_builds_are_found_by_what_they_are(self, sim: Sim, build: BuildRun) -> None:
        """State, result, reason, tags, ids, repository and time, newest first unless asked otherwise."""
        path, repository = f"{build.project_id}/_apis/build/builds", build.json()["repository"]["id"]
        other = sim.build(project={"id": build.project_id}, reason="manual")
        build.complete("failed")
        build.tag("x", "y")

        def ids(**query: Any) -> list[int]:
            return [one["id"] for one in sim.get(path, params=query)["value"]]

        assert ids() == [other.id, build.id]
        assert ids(queryOrder="queueTimeAscending") == [build.id, other.id]
        assert ids(statusFilter="all") == [other.id, build.id]
        assert ids(statusFilter="completed") == [build.id]
        assert ids(statusFilter="inProgress,notStarted") == [other.id]
        assert ids(resultFilter="failed") == [build.id]
        assert ids(reasonFilter="manual") == [other.id]
        assert ids(tagFilters="x,y") == [build.id]
        assert ids(tagFilters="x,z") == []
        assert ids(buildIds=f"{build.id},99") == [build.id]
        assert ids(repositoryId=repository, repositoryType="TfsGit") == [build.id]
        assert ids(minTime="2020-01-01T00:00:00Z", queryOrder="finishTimeDescending") == [build.id]
        assert ids(maxTime="2020-01-01T00:00:00Z") == []
        for wrong in ({"repositoryId": repository}, {"queryOrder": "odd"}, {"minTime": "odd"}):
            assert sim.call("GET", path, params=wrong).status_code == 400


class TestHooks:
    def test_both_versions_tell_of_a_completed_build(self, sim: Sim, receiver: Receiver, build: BuildRun) -> None:
        """1.0 has the result as status and no branch of its own; 2.0 is the whole build."""
        subscribe(sim, receiver, "build.complete", resourceVersion="1.0")
        subscribe(sim, receiver, "build.complete")
        build.tag("image=shop")
        build.complete()
        bodies = {body["resourceVersion"]: body["resource"] for body in receiver.waited(2)}
        shown, old = build.json(), bodies["1.0"]
        assert bodies["2.0"] == shown
        assert (shown["status"], shown["result"], shown["tags"]) == ("completed", "succeeded", ["image=shop"])
        assert (old["status"], old["id"]) == ("succeeded", build.id)
        assert old["sourceGetVersion"] == f"LG:refs/heads/main:{shown['sourceVersion']}"
        assert old.keys().isdisjoint({"sourceBranch", "repository", "result", "tags"})

    def test_little_or_nothing_may_be_told(self, sim: Sim, receiver: Receiver, build: BuildRun) -> None:
        """Minimal is id and address; what is canceled is stopped to the filter."""
        for details in ("minimal", "none"):
            consumer = {"resourceDetailsToSend": details}
            subscribe(sim, receiver, "build.complete", consumer=consumer, publisher={"buildStatus": "stopped"})
        subscribe(sim, receiver, "build.complete", publisher={"buildStatus": "succeeded"})
        build.complete("canceled")
        bodies = sorted(receiver.waited(2), key=lambda body: "resource" in body)
        assert "resource" not in bodies[0]
        assert bodies[1]["resource"].keys() == {"id", "url"}
