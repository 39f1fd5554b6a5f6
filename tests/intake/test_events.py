"""What is understood of a pull-request event, in every shape that is documented or was seen."""

import json
from typing import Any

import pytest

from scan_core.model.request import LookRequest, ProjectRequest
from scan_core.model.subject import PullRequestRef
from tests.intake.deliveries import OTHER_PROJECT, PROJECT, REPOSITORY, URL, Door, event, pull_request

NIL = "00000000-0000-0000-0000-000000000000"


def wanted(body: Any) -> tuple[str, str, int]:
    """Deliver and return the ids of the pull request that was queued."""
    door = Door()
    assert door.deliver(body).status == 202
    (request,) = door.queued
    assert isinstance(request, LookRequest)
    reference = request.of
    assert isinstance(reference, PullRequestRef)
    return reference.project_id, reference.repository_id, reference.pull_request_id


def reason(body: Any) -> str:
    """Deliver and return why nothing was queued."""
    door = Door()
    answer = door.deliver(body)
    assert answer.status == 200
    assert door.queued == []
    assert door.counted == [answer.body["reason"]]
    return str(answer.body["reason"])


class TestShapes:
    @pytest.mark.parametrize("kind", ["git.pullrequest.created", "git.pullrequest.updated"])
    def test_both_events(self, kind: str) -> None:
        """Created and updated are read alike."""
        assert wanted(event(pull_request(), eventType=kind)) == (PROJECT, REPOSITORY, 12)

    def test_the_second_resource_version(self) -> None:
        """The pull request may stand within the resource."""
        assert wanted(event({"pullRequest": pull_request()}, resourceVersion="2.0")) == (PROJECT, REPOSITORY, 12)

    def test_minimal_details(self) -> None:
        """Ids are taken from the URL where nothing else has them."""
        assert wanted(event({"url": URL})) == (PROJECT, REPOSITORY, 12)

    def test_minimal_details_with_an_id(self) -> None:
        """A bare id is the pull request's."""
        assert wanted(event({"id": "12", "repository": {"id": REPOSITORY}})) == (PROJECT, REPOSITORY, 12)

    @pytest.mark.parametrize(
        "url",
        [
            f"https://contoso.visualstudio.com/DefaultCollection/_apis/repos/git/repositories/{REPOSITORY}/pullRequests/12",
            f"https://dev.azure.com/contoso/{PROJECT}/_apis/git/repositories/{REPOSITORY}/pullRequests/12?x=1",
            f"/_apis/git/repositories/{REPOSITORY.upper()}/pullrequests/12/",
        ],
    )
    def test_forms_of_the_url(self, url: str) -> None:
        """With and without the collection, ``repos`` and the project, in any case."""
        assert wanted(event({"url": url})) == (PROJECT, REPOSITORY, 12)

    def test_the_project_from_the_url(self) -> None:
        """Where neither repository nor containers name it."""
        url = f"https://dev.azure.com/contoso/{PROJECT}/_apis/git/repositories/{REPOSITORY}/pullRequests/12"
        assert wanted(event({"url": url}, resourceContainers=None)) == (PROJECT, REPOSITORY, 12)

    def test_the_repositorys_own_project_comes_first(self) -> None:
        """The container may be another."""
        containers = {"project": {"id": OTHER_PROJECT}}
        assert wanted(event(pull_request(), resourceContainers=containers))[0] == PROJECT

    def test_ids_in_upper_case(self) -> None:
        """One pull request has one name."""
        repository = {"id": REPOSITORY.upper(), "project": {"id": PROJECT.upper()}}
        assert wanted(event(pull_request(repository=repository))) == (PROJECT, REPOSITORY, 12)

    def test_a_number_in_a_text(self) -> None:
        """Digits are a number to those who send them so."""
        assert wanted(event(pull_request(pullRequestId="12")))[2] == 12

    def test_a_byte_order_mark(self) -> None:
        """Some senders begin with one."""
        assert wanted(b"\xef\xbb\xbf" + json.dumps(event(pull_request())).encode())[2] == 12

    def test_fields_nobody_asks_for_may_be_anything(self) -> None:
        """Only what is needed is looked at."""
        odd = event(pull_request(title=["x"], reviewers=7), message=3, subscriptionId=[], id={}, resourceContainers="x")
        assert wanted(odd) == (PROJECT, REPOSITORY, 12)

    def test_not_a_number_elsewhere(self) -> None:
        """NaN is not JSON, but it does no harm where it is not read."""
        body = json.dumps(event(pull_request(x=float("nan"), y=10**40)))
        assert wanted(body.encode())[2] == 12


class TestNoDetails:
    @pytest.mark.parametrize("resource", [None, {}, {"pullRequest": None}, {"url": "https://elsewhere/1"}])
    def test_the_project_is_looked_at(self, resource: Any) -> None:
        """An event that does not say which pull request asks for all of its project's."""
        door = Door()
        assert door.deliver(event(resource)).status == 202
        (request,) = door.queued
        assert isinstance(request, ProjectRequest)
        assert (request.organisation, request.project_id) == ("contoso", PROJECT)

    def test_no_resource_field(self) -> None:
        """Absent is as good as null."""
        whole = event(None)
        del whole["resource"]
        assert Door().deliver(whole).status == 202

    def test_nothing_at_all(self) -> None:
        """Without a project there is nowhere to look."""
        assert reason(event(None, resourceContainers=None)) == "no_resource"
        assert reason(event({}, resourceContainers={"project": {}})) == "no_pull_request"
        assert reason(event({"url": URL}, resourceContainers={})) == "no_project"


class TestTests:
    @pytest.mark.parametrize(
        "changes",
        [
            {"subscriptionId": NIL},
            {"id": "2ab4e3d3-b7a6-425e-92b1-5a9982c1269e"},
            {"id": "AF07BE1B-F3AD-44C8-A7F1-C4835F2DF06B"},
            {"id": NIL},
            {"subscriptionId": NIL, "eventType": "build.complete"},
            {"resource": None, "resourceContainers": {"project": {"id": "be9b3917-87e6-42a4-a549-2bc06a7a878f"}}},
        ],
    )
    def test_the_envelope_tells(self, changes: dict[str, Any]) -> None:
        """No subscription, or a published sample's id or project."""
        assert reason(event(pull_request()) | changes) == "test"

    @pytest.mark.parametrize("repository", ["4bc14d40-c903-45e2-872e-0462c7748079", NIL])
    def test_the_repository_tells(self, repository: str) -> None:
        """Fabrikam's repository is nobody's."""
        url = (
            f"https://dev.azure.com/fabrikam/DefaultCollection/_apis/repos/git/repositories/{repository}/pullRequests/1"
        )
        assert reason(event({"url": url})) == "test"
        assert reason(event({"url": url}, resourceContainers=None)) == "test"


class TestNotUnderstood:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"\xff\xfe{}", b"null null", b"[" * 100_000, b'{"a":' * 10_000, b'{"n":' + b"9" * 9_999 + b"}"],
    )
    def test_malformed(self, body: bytes) -> None:
        """Broken, not UTF-8, nested without end, numbers without end."""
        assert reason(body) == "malformed_json"

    @pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"7", b"true", b"NaN"])
    def test_not_an_object(self, body: bytes) -> None:
        """An event is an object."""
        assert reason(body) == "not_an_object"

    @pytest.mark.parametrize("kind", [None, "", "git.repo.created", "git.pullrequest.merged", "<script>"])
    def test_other_events(self, kind: str | None) -> None:
        """Named by nothing that came in."""
        assert reason(event(pull_request(), eventType=kind)) == "unwanted_event"

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"eventType": 7}, "wrong_type:eventType"),
            ({"eventType": ["git.pullrequest.created"]}, "wrong_type:eventType"),
            ({"resource": "secret"}, "wrong_type:resource"),
            ({"resource": []}, "wrong_type:resource"),
            ({"resource": {"pullRequest": 3}}, "wrong_type:pullRequest"),
            ({"resource": {"url": 3}}, "wrong_type:url"),
            ({"resource": {}, "resourceContainers": "x"}, "wrong_type:resourceContainers"),
            ({"resource": {}, "resourceContainers": {"project": "x"}}, "wrong_type:project"),
            (
                {"resource": {}, "resourceContainers": {"project": {"id": 1}}},
                "wrong_type:resourceContainers.project.id",
            ),
            (
                {"resource": {}, "resourceContainers": {"project": {"id": "x"}}},
                "bad_value:resourceContainers.project.id",
            ),
            ({"resource": pull_request(repository=1)}, "wrong_type:repository"),
            ({"resource": pull_request(repository={"id": 1})}, "wrong_type:repository.id"),
            ({"resource": pull_request(repository={"id": "../x"})}, "bad_value:repository.id"),
            ({"resource": pull_request(repository={"id": REPOSITORY + "\n"})}, "bad_value:repository.id"),
            ({"resource": pull_request(pullRequestId=True)}, "wrong_type:pullRequestId"),
            ({"resource": pull_request(pullRequestId=1.5)}, "wrong_type:pullRequestId"),
            ({"resource": pull_request(pullRequestId="1 or 1")}, "wrong_type:pullRequestId"),
            ({"resource": pull_request(pullRequestId="\uff11\uff12")}, "wrong_type:pullRequestId"),
            ({"resource": pull_request(pullRequestId={})}, "wrong_type:pullRequestId"),
            ({"resource": pull_request(pullRequestId=0)}, "bad_value:pullRequestId"),
            ({"resource": pull_request(pullRequestId=-1)}, "bad_value:pullRequestId"),
            ({"resource": pull_request(pullRequestId=2**31)}, "bad_value:pullRequestId"),
            ({"resource": pull_request(pullRequestId=10**30)}, "bad_value:pullRequestId"),
        ],
    )
    def test_wrong_fields(self, changed: dict[str, Any], told: str) -> None:
        """The reason names the field and echoes nothing."""
        assert reason(event(pull_request()) | changed) == told
