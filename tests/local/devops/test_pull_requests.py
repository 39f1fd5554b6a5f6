"""Pull requests as their callers meet them."""

from typing import Any

import pytest

from tests.local.devops.driver import Repo, Sim, git, wait_until


class TestOpening:
    def test_a_new_pull_request_is_answered_with_its_merge_queued(self, sim: Sim) -> None:
        """The answer to a creation comes before the merge; a later look shows it."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        clone.branch("topic")
        source = clone.commit({"a.txt": "a"})
        clone.push("topic")
        wanted = {"sourceRefName": "refs/heads/topic", "targetRefName": "refs/heads/main", "title": "T"}
        answer = sim.call("POST", f"{repo.path}/pullrequests", wanted)
        opened = answer.json()
        assert answer.status_code == 201
        assert opened["mergeStatus"] == "queued"
        assert "lastMergeCommit" not in opened
        assert opened["lastMergeSourceCommit"]["commitId"] == source
        later = sim.get(f"{repo.path}/pullRequests/{opened['pullRequestId']}")
        assert later["mergeStatus"] == "succeeded"
        assert later["createdBy"]["uniqueName"] == "admin@example.com"
        assert later["supportsIterations"] is True

    def test_the_merge_commit_is_real_and_can_be_fetched_by_its_sha(self, sim: Sim) -> None:
        """Both parents and the ref are where Azure Repos has them."""
        repo = sim.repository(sim.project())
        clone, pull = repo.proposed()
        merge = pull.json()["lastMergeCommit"]["commitId"]
        clone.remote_git("fetch", "-q", "origin", merge)
        parents = git(clone.folder, "log", "-1", "--format=%P", "FETCH_HEAD").stdout.split()
        json = pull.json()
        assert parents == [json["lastMergeTargetCommit"]["commitId"], json["lastMergeSourceCommit"]["commitId"]]
        listed = clone.remote_git("ls-remote", "origin", f"refs/pull/{pull.id}/merge").stdout
        assert listed.startswith(merge)

    def test_what_cannot_be_opened_is_refused_in_the_services_words(self, sim: Sim) -> None:
        """A missing branch, a second pull request, a missing title and a branch into itself each have their refusal."""
        repo = sim.repository(sim.project())
        repo.proposed()
        path = f"{repo.path}/pullrequests"

        def refused(**more: Any) -> tuple[int, str]:
            wanted = {"sourceRefName": "refs/heads/topic", "targetRefName": "refs/heads/main", "title": "T", **more}
            answer = sim.call("POST", path, wanted)
            return answer.status_code, answer.json()["typeKey"]

        assert refused() == (409, "GitPullRequestExistsException")
        assert refused(sourceRefName="refs/heads/none") == (400, "GitPullRequestCannotBeActivated")
        assert refused(sourceRefName="topic") == (400, "GitPullRequestInvalidParametersException")
        assert refused(sourceRefName="refs/heads/main") == (400, "GitPullRequestInvalidParametersException")
        assert refused(title="") == (400, "InvalidArgumentValueException")
        assert refused(title="x" * 401) == (400, "InvalidArgumentValueException")
        assert refused(reviewers=[{"id": "nobody"}]) == (400, "GitPullRequestInvalidReviewer")

    def test_a_queued_merge_is_seen_while_it_is_delayed(self, sim: Sim) -> None:
        """With a delay, readers meet a pull request without a merge commit, and later one with it."""
        sim.sim("settings", {"mergeDelaySeconds": 0.4})
        _, pull = sim.repository(sim.project()).proposed()
        assert pull.json()["mergeStatus"] == "queued"
        assert "lastMergeCommit" not in pull.json()
        wait_until(lambda: pull.json()["mergeStatus"] == "succeeded", "the delayed merge")


class TestIterations:
    def test_push_force_push_and_retarget_make_iterations_and_a_target_push_does_not(self, sim: Sim) -> None:
        """Each says why it is there; a push to the target only computes the merge anew."""
        clone, pull = sim.repository(sim.project()).proposed()
        first = clone.head()
        second = clone.commit({"file.txt": "two\n"})
        clone.push("topic")
        clone.branch("topic", "main")
        third = clone.commit({"other.txt": "three\n"})
        clone.push("--force", "topic")
        before = pull.json()["mergeId"]
        clone.branch("main", "main")
        target = clone.commit({"README.md": "moved\n"})
        clone.push("main", "main:refs/heads/release")
        assert pull.json()["mergeId"] != before
        assert pull.json()["lastMergeTargetCommit"]["commitId"] == target
        assert pull.change(targetRefName="refs/heads/release").status_code == 200
        iterations = pull.iterations()
        assert [one["reason"] for one in iterations] == ["create", "push", "forcePush", "retarget"]
        assert [one["sourceRefCommit"]["commitId"] for one in iterations] == [first, second, third, third]
        assert iterations[3]["oldTargetRefName"] == "refs/heads/main"
        assert iterations[3]["newTargetRefName"] == "refs/heads/release"
        assert pull.sim.get(f"{pull.path}/iterations/2")["id"] == 2
        assert pull.sim.call("GET", f"{pull.path}/iterations/9").status_code == 404
        commits = pull.sim.get(f"{pull.path}/commits")["value"]
        assert [one["commitId"] for one in commits] == [third]

    def test_changes_are_listed_in_pages_with_kinds_and_tracking_ids(self, sim: Sim) -> None:
        """Added, edited, deleted and renamed files; the next page is named until there is none."""
        repo = sim.repository(sim.project())
        clone = repo.clone()
        clone.commit({"edit.txt": "1\n", "gone.txt": "bye\n", "old name.txt": "long enough to be found again\n" * 9})
        clone.push("main")
        clone.branch("topic")
        git(clone.folder, "rm", "-q", "gone.txt")
        git(clone.folder, "mv", "old name.txt", "new näme.txt")
        clone.commit({"edit.txt": "2\n", "added.txt": "new\n"})
        clone.push("topic")
        path = f"{repo.pull_request('topic').path}/iterations/1/changes"
        page = sim.get(path, params={"$top": 3})
        assert (page["nextSkip"], page["nextTop"]) == (3, 1)
        rest = sim.get(path, params={"$top": 3, "$skip": 3})
        assert (rest["nextSkip"], rest["nextTop"]) == (0, 0)
        entries = page["changeEntries"] + rest["changeEntries"]
        found = {one["item"]["path"]: one["changeType"] for one in entries}
        assert found == {"/added.txt": "add", "/edit.txt": "edit", "/gone.txt": "delete", "/new näme.txt": "rename"}
        assert [one["changeTrackingId"] for one in entries] == [1, 2, 3, 4]
        assert next(one for one in entries if one["changeType"] == "rename")["originalPath"] == "/old name.txt"
        assert sim.call("GET", path, params={"$compareTo": 5}).status_code == 404
        assert sim.get(path, params={"$compareTo": 1})["changeEntries"] == []

    def test_changes_of_pruned_commits_are_not_available(self, sim: Sim) -> None:
        """A commit that a force-push left unreachable is gone after pruning, to git and to the listing."""
        clone, pull = sim.repository(sim.project()).proposed()
        gone = clone.head()
        clone.branch("topic", "main")
        clone.commit({"b.txt": "b\n"})
        clone.push("--force", "topic")
        assert clone.remote_git("fetch", "-q", "origin", gone).returncode == 0
        sim.sim("prune", {"repositoryId": pull.repo.json["id"]})
        other = pull.repo.clone("other")
        assert other.remote_git("fetch", "-q", "origin", gone, check=False).returncode != 0
        answer = sim.call("GET", f"{pull.path}/iterations/1/changes")
        assert (answer.status_code, answer.json()["typeKey"]) == (404, "GitPullRequestChangesNotAvailableException")


class TestStates:
    def test_an_abandoned_pull_request_ignores_pushes_until_it_is_taken_up_again(self, sim: Sim) -> None:
        """What was pushed meanwhile becomes an iteration at reactivation."""
        clone, pull = sim.repository(sim.project()).proposed()
        assert pull.change(status="abandoned").json()["status"] == "abandoned"
        moved = clone.commit({"later.txt": "x\n"})
        clone.push("topic")
        assert len(pull.iterations()) == 1
        assert pull.change(status="abandoned").json()["typeKey"] == "GitPullRequestNotEditableException"
        again = pull.change(status="active").json()
        assert again["lastMergeSourceCommit"]["commitId"] == moved
        assert len(pull.iterations()) == 2
        pull.change(status="abandoned")
        assert pull.change(status="active").status_code == 200
        assert len(pull.iterations()) == 2

    def test_a_conflicting_pull_request_has_no_merge_commit(self, sim: Sim) -> None:
        """Neither the field nor the ref is there, and completing leaves it open."""
        clone, pull = sim.repository(sim.project()).proposed()
        clone.branch("main", "main")
        clone.commit({"file.txt": "other\n"})
        clone.push("main")
        json = pull.json()
        assert json["mergeStatus"] == "conflicts"
        assert "lastMergeCommit" not in json
        assert "file.txt" in json["mergeFailureMessage"]
        assert clone.remote_git("ls-remote", "origin", "refs/pull/*").stdout == ""
        assert pull.complete().json()["status"] == "active"

    def test_unrelated_histories_fail_to_merge(self, sim: Sim) -> None:
        """The merge status is failure, as git refuses."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        git(clone.folder, "checkout", "-q", "--orphan", "alone")
        clone.commit({"alone.txt": "x\n"})
        clone.push("alone")
        assert repo.pull_request("alone").json()["mergeStatus"] == "failure"

    def test_a_draft_is_published_without_an_iteration(self, sim: Sim) -> None:
        """A draft cannot be completed; publishing changes nothing else."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        clone.branch("topic")
        clone.commit({"a.txt": "a\n"})
        clone.push("topic")
        pull = repo.pull_request("topic", isDraft=True, description="why")
        assert pull.complete().status_code == 400
        published = pull.change(isDraft=False, title="Better", description="because").json()
        assert (published["isDraft"], published["title"], published["description"]) == (False, "Better", "because")
        assert len(pull.iterations()) == 1
        assert pull.change(status="everything").status_code == 400
        assert pull.change(targetRefName="refs/heads/none").status_code == 400

    def test_lists_filter_and_page(self, sim: Sim) -> None:
        """By state and branch, newest first, by repository and by project."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        pulls = []
        for name in ("one", "two", "three"):
            clone.branch(name)
            clone.commit({f"{name}.txt": name})
            clone.push(name)
            pulls.append(repo.pull_request(name, description="x" * 900))
        pulls[0].change(status="abandoned")
        project = repo.json["project"]["id"]

        def ids(path: str, **query: Any) -> list[int]:
            return [one["pullRequestId"] for one in sim.get(path, params=query)["value"]]

        assert ids(f"{repo.path}/pullrequests") == [pulls[2].id, pulls[1].id]
        everything = {"searchCriteria.status": "all"}
        assert ids(f"{project}/_apis/git/pullrequests", **everything, **{"$top": 1, "$skip": 1}) == [pulls[1].id]
        assert ids(f"{repo.path}/pullrequests", **{"searchCriteria.status": "abandoned"}) == [pulls[0].id]
        assert ids(f"{repo.path}/pullrequests", **{"searchCriteria.sourceRefName": "refs/heads/two"}) == [pulls[1].id]
        assert sim.call("GET", f"{repo.path}/pullrequests?searchCriteria.status=odd").status_code == 400
        assert sim.get(f"{project}/_apis/git/pullrequests/{pulls[1].id}")["title"] == "A change"
        assert sim.get(f"_apis/git/pullrequests/{pulls[1].id}")["pullRequestId"] == pulls[1].id
        listed = sim.get(f"{repo.path}/pullrequests")["value"][0]
        assert len(listed["description"]) == 400
        other = sim.project("Other")
        assert sim.call("GET", f"{other['id']}/_apis/git/pullrequests/{pulls[1].id}").status_code == 404


class TestCompleting:
    def test_completing_really_merges(self, sim: Sim) -> None:
        """The target has a merge commit, the source branch goes where it was asked to."""
        clone, pull = sim.repository(sim.project()).proposed()
        done = pull.complete(deleteSourceBranch=True).json()
        assert (done["status"], done["mergeStatus"]) == ("completed", "succeeded")
        clone.remote_git("fetch", "-q", "origin", "main")
        assert git(clone.folder, "rev-parse", "FETCH_HEAD").stdout.strip() == done["lastMergeCommit"]["commitId"]
        assert len(git(clone.folder, "log", "-1", "--format=%P", "FETCH_HEAD").stdout.split()) == 2
        refs = sim.get(f"{pull.repo.path}/refs", params={"filter": "heads/"})["value"]
        assert [one["name"] for one in refs] == ["refs/heads/main"]
        assert pull.change(status="active").json()["typeKey"] == "GitPullRequestNotEditableException"
        assert pull.complete().json()["typeKey"] == "GitPullRequestNotEditableException"

    @pytest.mark.parametrize(("strategy", "parents"), [("squash", 1), ("rebase", 1), ("rebaseMerge", 2)])
    def test_strategies_shape_the_history(self, sim: Sim, strategy: str, parents: int) -> None:
        """A squash and a rebase leave a straight line; the others a merge."""
        clone, pull = sim.repository(sim.project()).proposed()
        clone.branch("main", "main")
        clone.commit({"elsewhere.txt": "x\n"})
        clone.push("main")
        done = pull.complete(mergeStrategy=strategy).json()
        assert done["status"] == "completed"
        clone.remote_git("fetch", "-q", "origin", "main")
        assert len(git(clone.folder, "log", "-1", "--format=%P", "FETCH_HEAD").stdout.split()) == parents
        assert git(clone.folder, "show", "FETCH_HEAD:file.txt").stdout == "one\n"

    def test_commits_that_cannot_be_replayed_leave_it_open(self, sim: Sim) -> None:
        """The whole merges cleanly, but one commit on the way does not."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        clone.branch("topic")
        clone.commit({"README.md": "there\n"})
        clone.commit({"README.md": "hello\n"})
        clone.push("topic")
        clone.branch("main", "main")
        clone.commit({"README.md": "elsewhere\n"})
        clone.push("main")
        pull = repo.pull_request("topic")
        assert pull.json()["mergeStatus"] == "succeeded"
        left = pull.complete(mergeStrategy="rebase").json()
        assert (left["status"], left["mergeStatus"]) == ("active", "conflicts")

    def test_a_stale_or_missing_source_commit_is_refused(self, sim: Sim) -> None:
        """Whoever completes must name the commit that they looked at."""
        clone, pull = sim.repository(sim.project()).proposed()
        seen = clone.head()
        clone.commit({"more.txt": "x\n"})
        clone.push("topic")
        stale = pull.change(status="completed", lastMergeSourceCommit={"commitId": seen})
        assert (stale.status_code, stale.json()["typeKey"]) == (409, "GitPullRequestStaleException")
        assert pull.change(status="completed").status_code == 400
        assert pull.complete(mergeStrategy="octopus").status_code == 400
        clone.push(":topic")
        assert pull.complete().json()["typeKey"] == "GitPullRequestCannotBeActivated"

    def test_auto_complete_waits_for_the_policies(self, sim: Sim) -> None:
        """The status that satisfies the last policy completes the pull request."""
        project = sim.project()
        sim.policy(project, {"statusName": "source", "statusGenre": "scangate"})
        _, pull = sim.repository(project).proposed()
        me = sim.get("_apis/ConnectionData", params={"api-version": "7.1-preview"})["authenticatedUser"]["id"]
        waiting = pull.change(autoCompleteSetBy={"id": me}, completionOptions={"mergeStrategy": "squash"}).json()
        assert (waiting["status"], waiting["autoCompleteSetBy"]["id"]) == ("active", me)
        cleared = pull.change(autoCompleteSetBy={"id": "00000000-0000-0000-0000-000000000000"}).json()
        assert "autoCompleteSetBy" not in cleared
        pull.change(autoCompleteSetBy={"id": me})
        assert pull.status("succeeded").status_code == 200
        assert pull.json()["status"] == "completed"


class TestForks:
    def test_a_forks_commit_is_out_of_reach_but_for_the_merge_commit(self, sim: Sim) -> None:
        """The target repository has the fork's objects only through a merge that succeeded."""
        project = sim.project()
        repo = sim.repository(project)
        repo.started()
        parent = {"id": repo.json["id"], "project": {"id": project["id"]}}
        made = sim.post(
            f"{project['id']}/_apis/git/repositories",
            {"name": "web fork", "project": {"id": project["id"]}, "parentRepository": parent},
        )
        assert made["isFork"] is True
        assert made["parentRepository"]["id"] == repo.json["id"]
        assert made["defaultBranch"] == "refs/heads/main"
        fork = Repo(sim, made)
        clone = fork.clone("fork")
        clone.remote_git("fetch", "-q", "origin")
        git(clone.folder, "checkout", "-q", "-b", "clash", "origin/main")
        clashing = clone.commit({"README.md": "mine\n"})
        clone.push("clash")
        pull = repo.pull_request("clash", forkSource={"repository": {"id": made["id"]}})
        json = pull.json()
        assert json["forkSource"]["repository"]["id"] == made["id"]
        reader = repo.clone("reader")
        reader.remote_git("fetch", "-q", "origin", json["lastMergeCommit"]["commitId"])
        assert git(reader.folder, "rev-parse", "FETCH_HEAD^2").stdout.strip() == clashing
        owner = repo.clone("owner")
        owner.remote_git("pull", "-q", "origin", "main")
        owner.commit({"README.md": "theirs\n"})
        owner.push("main")
        sim.sim("prune", {"repositoryId": repo.json["id"]})
        assert pull.json()["mergeStatus"] == "conflicts"
        latest = clone.commit({"README.md": "mine again\n"})
        clone.push("clash")
        assert [one["reason"] for one in pull.iterations()] == ["create", "push"]
        assert repo.clone("late").remote_git("fetch", "-q", "origin", latest, check=False).returncode != 0

    def test_only_a_fork_of_the_target_can_be_a_source(self, sim: Sim) -> None:
        """Another repository of the project is refused."""
        project = sim.project()
        repo, other = sim.repository(project), sim.repository(project, "other")
        repo.started()
        other.started("other")
        wanted = {
            "sourceRefName": "refs/heads/main",
            "targetRefName": "refs/heads/main",
            "title": "T",
            "forkSource": {"repository": {"id": other.json["id"]}},
        }
        assert sim.call("POST", f"{repo.path}/pullrequests", wanted).status_code == 400
