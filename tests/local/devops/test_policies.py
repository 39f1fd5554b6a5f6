"""Statuses, and the branch policies that read them."""

from typing import Any

import pytest

from tests.local.devops.driver import Pull, Sim

NAMED = {"statusName": "source", "statusGenre": "scangate"}
COMMENTS = "c6a1889d-b943-4856-b76f-9e46bb6b0df2"
REVIEWERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"


def standing(pull: Pull) -> list[str]:
    """Return the evaluations' statuses."""
    return [one["status"] for one in pull.evaluations()]


class TestStatuses:
    def test_statuses_are_appended_and_listed_by_iteration(self, sim: Sim) -> None:
        """Each has its own number; the list of an iteration has only its own."""
        _, pull = sim.repository(sim.project()).proposed()
        first = pull.status("pending", targetUrl="https://gate.example/1").json()
        second = pull.status("succeeded").json()
        loose = pull.status("failed", iteration=None).json()
        assert [first["id"], second["id"], loose["id"]] == [1, 2, 3]
        assert first["iterationId"] == 1
        assert first["context"] == {"name": "source", "genre": "scangate"}
        assert first["targetUrl"] == "https://gate.example/1"
        assert "iterationId" not in loose
        assert [one["id"] for one in sim.get(f"{pull.path}/statuses")["value"]] == [1, 2, 3]
        assert [one["id"] for one in sim.get(f"{pull.path}/iterations/1/statuses")["value"]] == [1, 2]
        assert sim.get(f"{pull.path}/statuses/2")["state"] == "succeeded"
        assert sim.call("GET", f"{pull.path}/statuses/9").json()["typeKey"] == "GitPullRequestStatusNotFoundException"

    def test_the_iteration_can_stand_in_the_body(self, sim: Sim) -> None:
        """The address without an iteration takes the one in the body."""
        _, pull = sim.repository(sim.project()).proposed()
        assert pull.status("succeeded", iteration=None, iterationId=1).json()["iterationId"] == 1
        assert pull.status("succeeded", iteration=None, iterationId="one").status_code == 400

    @pytest.mark.parametrize(
        "wrong",
        [
            {"state": "green"},
            {"context": None},
            {"context": {"genre": "scangate"}},
            {"context": {"name": ""}},
            {"context": {"name": "source", "genre": 7}},
            {"description": "x" * 4001},
            {"targetUrl": 5},
        ],
    )
    def test_a_wrong_status_is_refused(self, sim: Sim, wrong: dict[str, Any]) -> None:
        """With 400 and nothing kept."""
        _, pull = sim.repository(sim.project()).proposed()
        body = {"state": "succeeded", "context": {"name": "source"}, **wrong}
        answer = sim.call("POST", f"{pull.path}/iterations/1/statuses", body)
        assert (answer.status_code, answer.json()["typeKey"]) == (400, "InvalidArgumentValueException")
        assert sim.get(f"{pull.path}/statuses")["count"] == 0

    def test_an_unknown_iteration_is_not_found(self, sim: Sim) -> None:
        """For posting as for reading."""
        _, pull = sim.repository(sim.project()).proposed()
        answer = pull.status("succeeded", iteration=2)
        assert (answer.status_code, answer.json()["typeKey"]) == (404, "GitPullRequestIterationNotFoundException")
        assert sim.call("GET", f"{pull.path}/iterations/2/statuses").status_code == 404
        assert sim.call("GET", f"{pull.path}/iterations/x/statuses").status_code == 400

    def test_a_pull_request_too_large_for_iterations_refuses_their_statuses(self, sim: Sim) -> None:
        """With 403; a status on the pull request itself is taken."""
        _, pull = sim.repository(sim.project()).proposed()
        sim.sim("pullRequests", {"pullRequestId": pull.id, "supportsIterations": False})
        answer = pull.status("succeeded")
        assert (answer.status_code, answer.json()["typeKey"]) == (403, "GitPullRequestStatusCannotBeCreatedException")
        assert pull.status("succeeded", iteration=None).status_code == 200

    def test_commits_have_statuses_of_their_own(self, sim: Sim) -> None:
        """Created with 201, newest first; they satisfy no policy."""
        project = sim.project()
        sim.policy(project, NAMED)
        clone, pull = sim.repository(project).proposed()
        path = f"{pull.repo.path}/commits/{clone.head()}/statuses"
        for state in ("pending", "succeeded"):
            body = {"state": state, "context": {"genre": "scangate", "name": "source"}}
            assert sim.call("POST", path, body).status_code == 201
        assert [one["state"] for one in sim.get(path)["value"]] == ["succeeded", "pending"]
        assert [one["state"] for one in sim.get(path, params={"latestOnly": "true"})["value"]] == ["succeeded"]
        assert standing(pull) == ["queued"]
        assert sim.call("POST", f"{pull.repo.path}/commits/{'0' * 40}/statuses", {}).status_code == 400
        missing = sim.call("GET", f"{pull.repo.path}/commits/{'0' * 40}/statuses")
        assert (missing.status_code, missing.json()["typeKey"]) == (404, "GitUnresolvableToCommitException")


class TestStatusPolicy:
    def test_a_status_without_an_iteration_is_refused_under_a_resetting_policy(self, sim: Sim) -> None:
        """With the words of the real service; other names are taken."""
        project = sim.project()
        sim.policy(project, {**NAMED, "invalidateOnSourceUpdate": True})
        _, pull = sim.repository(project).proposed()
        answer = pull.status("succeeded", iteration=None)
        assert answer.status_code == 403
        assert answer.json()["typeKey"] == "GitPullRequestStatusRejectedByPolicyException"
        assert answer.json()["message"].endswith("Policy configuration requires status to be posted on iteration")
        assert pull.status("succeeded", iteration=None, context={"name": "source"}).status_code == 200
        assert pull.status("succeeded").status_code == 200

    def test_the_latest_status_of_the_name_decides(self, sim: Sim) -> None:
        """Through every state; and completing follows it."""
        project = sim.project()
        sim.policy(project, NAMED)
        _, pull = sim.repository(project).proposed()
        assert standing(pull) == ["queued"]
        for state, evaluated in (
            ("pending", "running"),
            ("failed", "rejected"),
            ("error", "rejected"),
            ("notSet", "queued"),
            ("notApplicable", "approved"),
        ):
            pull.status(state)
            assert standing(pull) == [evaluated]
        pull.status("failed")
        refused = pull.complete()
        assert refused.status_code == 403
        assert refused.json()["typeKey"] == "GitPullRequestUpdateRejectedByPolicyException"
        pull.status("succeeded", context={"genre": "other", "name": "source"})
        assert standing(pull) == ["rejected"]
        pull.status("succeeded")
        assert pull.complete().json()["status"] == "completed"

    def test_a_new_push_resets_only_under_a_resetting_policy(self, sim: Sim) -> None:
        """The one forgets the status of the earlier iteration, the other keeps it."""
        project = sim.project()
        sim.policy(project, {**NAMED, "invalidateOnSourceUpdate": True})
        sim.policy(project, NAMED)
        clone, pull = sim.repository(project).proposed()
        pull.status("succeeded")
        assert standing(pull) == ["approved", "approved"]
        clone.commit({"more.txt": "x"})
        clone.push("topic")
        assert standing(pull) == ["queued", "approved"]

    def test_only_the_authorised_author_counts(self, sim: Sim) -> None:
        """A status by somebody else is kept and does not count."""
        project = sim.project()
        gate = sim.as_other(displayName="Gate", uniqueName="gate@example.com")
        me = gate.get("_apis/ConnectionData", params={"api-version": "7.1-preview"})["authenticatedUser"]["id"]
        sim.policy(project, {**NAMED, "authorId": me})
        _, pull = sim.repository(project).proposed()
        pull.status("succeeded")
        assert standing(pull) == ["queued"]
        Pull(gate, pull.repo, pull.id).status("failed")
        pull.status("succeeded")
        assert standing(pull) == ["rejected"]

    def test_a_policy_that_applies_once_posted_waits_for_nothing(self, sim: Sim) -> None:
        """Until the first status it is not applicable, and shown only on request."""
        project = sim.project()
        sim.policy(project, {**NAMED, "policyApplicability": 1})
        _, pull = sim.repository(project).proposed()
        assert pull.evaluations() == []
        assert [one["status"] for one in pull.evaluations(includeNotApplicable="true")] == ["notApplicable"]
        pull.status("pending")
        assert standing(pull) == ["running"]

    def test_file_patterns_decide_whether_a_policy_applies(self, sim: Sim) -> None:
        """A pull request that touches no matching file is left alone."""
        project = sim.project()
        sim.policy(project, {**NAMED, "filenamePatterns": ["/src/*", "*.md"]})
        sim.policy(project, {**NAMED, "filenamePatterns": ["/*", "!/file.txt", "*.md"]})
        sim.policy(project, {**NAMED, "filenamePatterns": ["*.txt"]})
        _, pull = sim.repository(project).proposed()
        assert standing(pull) == ["queued"]

    @pytest.mark.parametrize(
        ("scope", "covered"),
        [
            ({"refName": "refs/heads/main", "matchKind": "Exact"}, True),
            ({"refName": "refs/heads/mai", "matchKind": "Exact"}, False),
            ({"refName": "refs/heads", "matchKind": "Prefix"}, True),
            ({"refName": "refs/heads/ma", "matchKind": "Prefix"}, False),
            ({"refName": None, "matchKind": "DefaultBranch"}, True),
            ({"refName": None}, True),
        ],
    )
    def test_a_scope_covers_branches(self, sim: Sim, scope: dict[str, Any], covered: bool) -> None:
        """Exactly, by folder, or whichever is the default."""
        project = sim.project()
        sim.policy(project, {**NAMED, "scope": [scope]})
        _, pull = sim.repository(project).proposed()
        assert bool(pull.evaluations()) is covered

    def test_a_scope_names_one_repository_or_all(self, sim: Sim) -> None:
        """A repository of its own is left alone by the policy of another."""
        project = sim.project()
        one, other = sim.repository(project, "one"), sim.repository(project, "other")
        scope = [{"repositoryId": one.json["id"], "refName": "refs/heads/main", "matchKind": "exact"}]
        sim.policy(project, {**NAMED, "scope": scope})
        assert one.proposed()[1].evaluations()
        assert not other.proposed("topic2")[1].evaluations()


class TestOtherPolicies:
    def test_bypassing_needs_the_right_and_the_wish(self, sim: Sim) -> None:
        """Neither alone gets past a policy."""
        project = sim.project()
        sim.policy(project, NAMED)
        _, pull = sim.repository(project).proposed()
        weak = Pull(sim.as_other(without=["bypass_completion"]), pull.repo, pull.id)
        assert pull.complete().status_code == 403
        assert weak.complete(bypassPolicy=True).status_code == 403
        assert pull.complete(bypassPolicy=True, bypassReason="now").json()["status"] == "completed"

    def test_comments_block_while_they_are_active(self, sim: Sim) -> None:
        """A closed thread, or one without a status, does not."""
        project = sim.project()
        sim.policy(project, {}, COMMENTS)
        _, pull = sim.repository(project).proposed()
        sim.post(f"{pull.path}/threads", {"comments": [{"content": "system"}]})
        assert standing(pull) == ["approved"]
        body = {"comments": [{"content": "look"}], "status": "active"}
        thread = sim.post(f"{pull.path}/threads", body)
        assert standing(pull) == ["rejected"]
        sim.patch(f"{pull.path}/threads/{thread['id']}", {"status": "closed"})
        assert standing(pull) == ["approved"]

    def test_reviewers_are_counted(self, sim: Sim) -> None:
        """The creator's own vote does not count, a rejection weighs more than approvals."""
        project = sim.project()
        sim.policy(project, {"minimumApproverCount": 1}, REVIEWERS)
        _, pull = sim.repository(project).proposed()

        def vote(as_who: Sim, value: int) -> Any:
            params = {"api-version": "7.1-preview"}
            me = as_who.get("_apis/ConnectionData", params=params)["authenticatedUser"]["id"]
            return as_who.call("PUT", f"{pull.path}/reviewers/{me}", {"vote": value}).status_code

        friend = sim.as_other(uniqueName="friend@example.com")
        assert vote(sim, 10) == 200
        assert standing(pull) == ["running"]
        assert vote(friend, 5) == 200
        assert standing(pull) == ["approved"]
        assert vote(friend, -10) == 200
        assert standing(pull) == ["rejected"]
        assert vote(friend, 7) == 400
        known = sim.get(f"{pull.path}/reviewers")["value"]
        assert sorted(one["vote"] for one in known) == [-10, 10]
        stranger = f"{pull.path}/reviewers/{'0' * 8}-0000-0000-0000-{'0' * 12}"
        assert sim.call("PUT", stranger, {"vote": 0}).status_code == 400
        for_another = f"{pull.path}/reviewers/{known[0]['id']}"
        assert friend.call("PUT", for_another, {"vote": 10}).status_code == 400

    def test_configurations_have_revisions_and_can_be_searched(self, sim: Sim) -> None:
        """Made, read, changed, listed by type, deleted."""
        project = sim.project()
        path = f"{project['id']}/_apis/policy/configurations"
        made = sim.policy(project, NAMED)
        changed = sim.call("PUT", f"{path}/{made['id']}", {**made, "isBlocking": False}).json()
        assert (made["revision"], changed["revision"], changed["isBlocking"]) == (1, 2, False)
        assert sim.get(f"{path}/{made['id']}")["type"]["displayName"] == "Status"
        assert sim.get(path, params={"policyType": COMMENTS})["count"] == 0
        assert sim.get(path, params={"policyType": made["type"]["id"].upper()})["count"] == 1
        assert sim.call("DELETE", f"{path}/{made['id']}").status_code == 204
        assert sim.call("GET", f"{path}/{made['id']}").status_code == 404
        types = sim.get(f"{project['id']}/_apis/policy/types")
        assert types["count"] == 3
        assert sim.get(f"{project['id']}/_apis/policy/types/{COMMENTS}")["displayName"] == "Comment requirements"
        assert sim.call("GET", f"{project['id']}/_apis/policy/types/none").status_code == 404

    @pytest.mark.parametrize(
        "settings",
        [
            None,
            {"scope": []},
            {"scope": "everything"},
            {"scope": [{"matchKind": "Regex"}]},
            {"scope": [{"refName": "main"}]},
            {"scope": [{"refName": "refs/heads/main"}]},
            {"scope": [{}], "statusName": "x", "policyApplicability": 2},
        ],
    )
    def test_wrong_settings_are_refused(self, sim: Sim, settings: Any) -> None:
        """With 400 and the reason."""
        project = sim.project()
        wanted = {"type": {"id": "cbdc66da-9728-4af8-aada-9a5a32e4a226"}, "settings": settings}
        answer = sim.call("POST", f"{project['id']}/_apis/policy/configurations", wanted)
        assert answer.status_code == 400
        assert answer.json()["typeKey"] in {"PolicySettingsFormatException", "InvalidArgumentValueException"}

    def test_wrong_types_repositories_and_artifacts_are_refused(self, sim: Sim) -> None:
        """A type or repository that is not there, reviewers without a number, an artifact of elsewhere."""
        project, other = sim.project(), sim.project("Other")
        path = f"{project['id']}/_apis/policy/configurations"
        assert sim.call("POST", path, {"type": {"id": "x"}}).status_code == 404
        scope = [{"repositoryId": "0" * 32}]
        status = {"id": "cbdc66da-9728-4af8-aada-9a5a32e4a226"}
        assert sim.call("POST", path, {"type": status, "settings": {"scope": scope}}).status_code == 404
        few = {"type": {"id": REVIEWERS}, "settings": {"scope": [{}]}}
        assert sim.call("POST", path, few).status_code == 400
        _, pull = sim.repository(project).proposed()
        evaluations = f"{other['id']}/_apis/policy/evaluations?api-version=7.1-preview&artifactId="
        artifact = f"vstfs:///CodeReview/CodeReviewId/{project['id']}/{pull.id}"
        assert sim.call("GET", evaluations + artifact).status_code == 400
        assert sim.call("GET", f"{evaluations}nonsense").status_code == 400

    def test_editing_policies_needs_the_right(self, sim: Sim) -> None:
        """Without it, the policy area's own refusal."""
        project = sim.project()
        weak = sim.as_other(without=["policies"])
        answer = weak.call("POST", f"{project['id']}/_apis/policy/configurations", {})
        assert (answer.status_code, answer.json()["typeKey"]) == (403, "PolicyNeedsPermissionException")
