"""Builds with their tags and properties, and checks that wait for their callback, as the wire has them."""

import logging
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from scan_core.devops.client import DevOps
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.model.ids import BranchRef, BuildId, CommitSha, PullRequestId
from tests.devops.conftest import PAT, Calling
from tests.devops.pipeline_samples import BUILD, CHECK, LINES, MARKS, OTHER, PLAN, SINCE, TOKEN, build, mark, well
from tests.devops.samples import PROJECT, REPOSITORY, SOURCE, TARGET, listed
from tests.devops.strict_server import Received, json_reply, reply

BUILDS = f"/contoso/{PROJECT}/_apis/build/builds"
PLANS = f"/contoso/{PROJECT}/_apis/distributedtask/hubs/build/plans/{PLAN}"


def read(calling: Calling, **changes: Any) -> Any:
    """Read a build that differs from the usual one."""
    devops, _ = calling(lambda _: json_reply(build(**changes)))
    return devops.builds.read(BUILD)


class TestABuild:
    def test_is_read_with_all_that_is_judged_by(self, calling: Calling) -> None:
        """Ids in lower case, each plan once."""
        assert read(calling).model_dump(exclude={"finished_at"}) == {
            "ref": BUILD.model_dump(),
            "number": "20261123.1",
            "definition_id": 3,
            "definition_name": "ci",
            "plan_ids": (PLAN, "cccccccc-0000-0000-0000-000000000009"),
            "status": "completed",
            "result": "succeeded",
            "reason": "individualCI",
            "repository_id": REPOSITORY,
            "repository_name": "shop",
            "source_branch": "refs/heads/main",
            "source_version": SOURCE,
            "pull_request_id": None,
            "pull_request_commit": None,
            "tags": ("scangate-image.shop.azurecr.io~app=1",),
        }

    def test_that_is_hardly_there_yet_is_read(self, calling: Calling) -> None:
        """Most of it comes later."""
        bare = {"id": 12, "project": {"id": PROJECT}, "definition": {"id": 3}, "status": "notStarted"}
        devops, _ = calling(lambda _: json_reply(bare))
        found = devops.builds.read(BUILD)
        assert (found.plan_ids, found.tags, found.result, found.finished_at, found.repository_id) == (
            (),
            (),
            None,
            None,
            None,
        )

    @pytest.mark.parametrize(
        ("changes", "number", "commit"),
        [
            (
                {"sourceBranch": "refs/pull/7/merge", "triggerInfo": {"pr.number": "8", "pr.sourceSha": TARGET}},
                7,
                TARGET,
            ),
            ({"triggerInfo": {"pr.number": "8", "pr.sourceSha": TARGET.upper()}}, None, TARGET),
            ({"sourceBranch": "refs/pull/7/merge", "triggerInfo": {"pr.sourceSha": "HEAD"}}, 7, None),
            ({"sourceBranch": "refs/pull/0/merge"}, None, None),
            ({"sourceBranch": f"refs/pull/{'9' * 30}/merge"}, None, None),
            ({"sourceBranch": "refs/pull/7/head", "triggerInfo": None}, None, None),
            ({"sourceBranch": "refs/pull/7/merge/x"}, None, None),
        ],
    )
    def test_of_a_pull_request_says_which(
        self, changes: dict[str, Any], number: int | None, commit: str | None, calling: Calling
    ) -> None:
        """By the ref that was built: who queues a build may say anything else of it."""
        found = read(calling, **changes)
        assert found.pull_request_id == (None if number is None else PullRequestId(number))
        assert found.pull_request_commit == (None if commit is None else CommitSha(commit))

    @pytest.mark.parametrize("kind", ["GitHub", "TfsVersionControl", "Svn", None])
    def test_from_elsewhere_has_no_repository_of_ours(self, kind: str | None, calling: Calling) -> None:
        """Its id there is anything, and its version no commit that could carry a status."""
        found = read(calling, repository={"id": "$/Shop", "type": kind, "name": "octo/shop"}, sourceVersion="C123")
        assert (found.repository_id, found.source_version, found.repository_name) == (None, None, "octo/shop")

    @pytest.mark.parametrize("version", ["", "HEAD", "a" * 39, None])
    def test_without_a_commit_has_none(self, version: str | None, calling: Calling) -> None:
        """A build can be queued for a branch that is empty."""
        assert read(calling, sourceVersion=version).source_version is None

    @pytest.mark.parametrize(
        "changes",
        [
            {"project": {"id": OTHER}},
            {"project": None},
            {"id": 13},
            {"id": None},
            {"definition": None},
            {"status": None},
            {"repository": {"id": "shop", "type": "TfsGit"}},
            {"tags": "one"},
            {"tags": {"x": 1}},
            {"tags": [{"x": 1}]},
            {"plans": {"x": 1}},
            {"plans": "none"},
            {"triggerInfo": ["odd"]},
            {"triggerInfo": "odd"},
            {"sourceBranch": 7},
        ],
    )
    def test_that_is_another_or_none_is_malformed(self, changes: dict[str, Any], calling: Calling) -> None:
        """Nothing is guessed, and no other kind of error comes of it."""
        try:
            found = read(calling, **changes)
        except DevOpsError as error:
            assert error.kind is DevOpsErrorKind.MALFORMED  # noqa: PT017 - the other way out is asserted as well
        else:  # what the SDK itself makes a text of
            assert found.ref == BUILD
            assert all(isinstance(tag, str) for tag in found.tags)

    @pytest.mark.parametrize("changes", [{"project": {"id": OTHER}}, {"project": None}, {"id": 13}])
    def test_of_another_project_or_number_is_never_taken(self, changes: dict[str, Any], calling: Calling) -> None:
        """The good build of somebody else answers for nobody."""
        with pytest.raises(DevOpsError, match=r"another (project|build)"):
            read(calling, **changes)

    def test_that_never_ended_has_no_date(self, calling: Calling) -> None:
        """A date that cannot be read is no reason to leave the build unread."""
        assert read(calling, finishTime="yesterday").finished_at is None

    def test_with_a_name_that_cannot_be_shown_is_read(self, calling: Calling) -> None:
        """Halves of surrogate pairs are replaced."""
        found = read(calling, buildNumber="1\ud83d", definition={"id": 3, "name": None}, tags=["\ud83d"])
        assert (found.number, found.definition_name, found.tags) == ("1?", "", ("?",))


class TestCompletedBuilds:
    def test_are_asked_for_by_the_moment_they_ended(self, calling: Calling) -> None:
        """The oldest first, page by page."""
        pages = [
            json_reply({"value": [build(1)]}, headers={"x-ms-continuationtoken": "2026-11-23T08:01:00Z"}),
            listed(build(2)),
        ]
        devops, server = calling(lambda _: pages.pop(0))
        assert [one.ref.build_id for one in devops.builds.completed(PROJECT, SINCE)] == [1, 2]
        first, second = (dict(parse_qsl(urlsplit(request.target).query)) for request in server.received)
        assert first == {
            "minTime": "2026-11-23T08:00:00.000Z",
            "statusFilter": "completed",
            "queryOrder": "finishTimeAscending",
            "$top": "200",
        }
        assert second == {**first, "continuationToken": "2026-11-23T08:01:00Z"}

    def test_leave_out_the_one_that_cannot_be_read(self, calling: Calling, caplog: pytest.LogCaptureFixture) -> None:
        """The others shall not wait for it, every time anew."""
        devops, _ = calling(lambda _: listed(build(1), build(2, definition=None), build(3)))
        with caplog.at_level(logging.WARNING):
            found = devops.builds.completed(PROJECT, SINCE)
        assert [one.ref.build_id for one in found] == [1, 3]
        assert "left out one build" in caplog.text

    def test_of_another_project_are_malformed(self, calling: Calling) -> None:
        """An answer about something else is no answer."""
        devops, _ = calling(lambda _: listed(build(1), build(2, project={"id": OTHER})))
        with pytest.raises(DevOpsError, match="another project"):
            devops.builds.completed(PROJECT, SINCE)


class TestMarks:
    def test_are_properties_and_tags(self, calling: Calling) -> None:
        """A tag that is there is not added again, and one that is not there not taken off."""
        devops, server = calling(well)
        mark(devops)
        assert [(request.method, request.target.removeprefix(f"{BUILDS}/12")) for request in server.received] == [
            ("PATCH", "/properties"),
            ("GET", "/tags"),
            ("PUT", "/tags/scangate-failed"),
            ("DELETE", "/tags/scangate-passed"),
        ]
        patch = server.received[0]
        assert patch.headers["content-type"].startswith("application/json-patch+json")
        assert patch.document == [{"op": "add", "path": f"/{name}", "value": value} for name, value in MARKS.items()]

    def test_that_stand_already_cost_two_calls(self, calling: Calling) -> None:
        """Marking twice alike is harmless."""
        devops, server = calling(well)
        devops.builds.mark(BUILD, add_tags=("scangate-passed",), remove_tags=("scangate-failed",), properties=MARKS)
        assert [request.method for request in server.received] == ["PATCH", "GET"]

    @pytest.mark.parametrize("tag", ["a b", "ümläut", "a=b~c", "x;y", "a'b", "[1]", "a&b=c", "a#b", "a%2Fb", "a?b"])
    def test_with_special_characters_stay_one_tag(self, tag: str, calling: Calling) -> None:
        """Nothing of a tag becomes part of the path or the query."""

        def answer(request: Received) -> bytes:
            return listed("old " + tag) if request.method == "GET" else well(request)

        devops, server = calling(answer)
        devops.builds.mark(BUILD, add_tags=(tag,), remove_tags=("old " + tag,), properties=MARKS)
        put, delete = server.received[2:]
        for request, expected in ((put, tag), (delete, "old " + tag)):
            parts = urlsplit(request.target)
            assert (unquote(parts.path), parts.query) == (f"{BUILDS}/12/tags/{expected}", "")
            assert parts.path.count("/") == f"{BUILDS}/12/tags/x".count("/")


class TestChecks:
    def test_a_log_is_made_shown_and_written(self, calling: Calling) -> None:
        """With the check's own token, at the configured organisation, whatever a check says of addresses."""
        devops, server = calling(well)
        assert devops.checks.append_log(CHECK, TOKEN, None, LINES) == 5
        made, shown, written = server.received
        assert (made.method, made.target) == ("POST", f"{PLANS}/logs")
        assert made.document == {"path": f"logs\\{CHECK.task_id}"}
        assert (shown.method, shown.target) == ("PATCH", f"{PLANS}/timelines/{CHECK.timeline_id}/records")
        assert shown.document["count"] == 1
        assert shown.document["value"][0]["id"] == CHECK.task_id
        assert shown.document["value"][0]["log"]["id"] == 5
        assert (written.method, written.target) == ("POST", f"{PLANS}/logs/5")

    def test_a_log_that_stands_is_written_on(self, calling: Calling) -> None:
        """One call."""
        devops, server = calling(well)
        assert devops.checks.append_log(CHECK, TOKEN, 7, LINES) == 7
        assert [request.target for request in server.received] == [f"{PLANS}/logs/7"]

    def test_a_log_without_a_timeline_is_made_but_not_shown(self, calling: Calling) -> None:
        """The header may be absent."""
        devops, server = calling(well)
        devops.checks.append_log(CHECK.model_copy(update={"timeline_id": None}), TOKEN, None, LINES)
        assert [request.target for request in server.received] == [f"{PLANS}/logs", f"{PLANS}/logs/5"]

    def test_the_lines_are_sent_whole_with_their_length(self, calling: Calling) -> None:
        """Azure DevOps' own agents send it so; in chunks it would have no length."""
        devops, server = calling(well)
        devops.checks.append_log(CHECK, TOKEN, 5, ["Scangate: Прошло – 100 %", ""])
        (request,) = server.received
        expected = "Scangate: Прошло – 100 %\n\n".encode()
        assert request.body == expected
        assert request.headers["content-length"] == str(len(expected))
        assert "transfer-encoding" not in request.headers
        assert request.headers["content-type"].startswith("application/octet-stream")

    @pytest.mark.parametrize(("passed", "result"), [(True, "succeeded"), (False, "failed")])
    def test_the_answer_is_an_event_of_the_plan(self, passed: bool, result: str, calling: Calling) -> None:
        """Its task and its job, and how it ended."""
        devops, server = calling(well)
        devops.checks.answer(CHECK, TOKEN, passed=passed)
        (request,) = server.received
        assert (request.method, request.target) == ("POST", f"{PLANS}/events")
        assert request.document == {
            "name": "TaskCompleted",
            "taskId": CHECK.task_id,
            "jobId": CHECK.job_id,
            "result": result,
        }

    def test_only_its_own_calls_carry_its_token(self, calling: Calling) -> None:
        """Ours may do too much, and its may not be used for anything else."""
        devops, server = calling(well)
        devops.checks.append_log(CHECK, TOKEN, None, LINES)
        devops.builds.read(BUILD)
        devops.checks.answer(CHECK, TOKEN, passed=True)
        devops.checks.answer(CHECK, "another", passed=True)
        own = [request.headers["authorization"] for request in server.received]
        assert own[:3] == own[4:5] * 3 == [f"Bearer {TOKEN}"] * 3
        assert own[5] == "Bearer another"
        assert own[3].startswith("Basic ")
        assert TOKEN not in server.received[3].headers.values()

    def test_its_token_is_in_no_address_and_no_body(self, calling: Calling, caplog: pytest.LogCaptureFixture) -> None:
        """Nor in a log, at whatever level."""
        caplog.set_level(logging.DEBUG)
        devops, server = calling(well)
        devops.checks.append_log(CHECK, TOKEN, None, LINES)
        devops.checks.answer(CHECK, TOKEN, passed=True)
        for request in server.received:
            assert TOKEN not in request.target
            assert TOKEN.encode() not in request.body
        assert TOKEN not in caplog.text
        assert PAT not in caplog.text

    def test_its_calls_count_and_keep_the_pace_of_all(self, calling: Calling) -> None:
        """Azure DevOps limits callers, not tokens."""
        devops, server = calling(lambda _: reply(204, b"", {"Retry-After": "30"}))
        devops.checks.answer(CHECK, TOKEN, passed=True)
        assert devops.slow_down_seconds() > 0
        assert len(server.received) == 1


def test_the_parts_of_an_organisation_are_closed_with_it(calling: Calling) -> None:
    """And may be used again afterwards."""
    devops, server = calling(well)
    assert isinstance(devops, DevOps)
    devops.close()
    assert devops.builds.read(BUILD.model_copy(update={"build_id": BuildId(12)})).source_branch == BranchRef(
        "refs/heads/main"
    )
    assert len(server.received) == 1
