"""What anybody on the network may send to the app."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.polling import until
from tests.e2e.site import CLEAN, Site


def test_wrong_and_missing_credentials_and_unknown_organisations_are_refused_alike(site: Site) -> None:
    """All get the same 401, whatever the body is, however large."""
    event, hooks = _event(str(uuid4()), str(uuid4()), 1), f"/api/hooks/{site.plan.org}"
    right = _basic(site.plan.hook_secret)
    answers = [
        site.ask("POST", hooks, content=event),
        site.ask("POST", hooks, content=event, headers=_basic("wrong")),
        site.ask("POST", hooks, content=event, headers=_basic("")),
        site.ask("POST", hooks, content=event, headers={"Authorization": f"Bearer {site.plan.hook_secret}"}),
        site.ask("POST", hooks, content=event, headers={"Authorization": "Basic %%%"}),
        site.ask("POST", f"{hooks}?code={site.plan.hook_secret}", content=event),
        site.ask("POST", hooks, content=b"{" * 5_000_000, headers=_basic("wrong")),
        site.ask("POST", "/api/hooks/somebody-else", content=event, headers=right),
        site.ask("POST", "/api/hooks/..%2Fhealth", content=event, headers=right),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Basic realm="scangate"'}


def test_the_organisation_s_name_is_taken_in_any_case(site: Site) -> None:
    """Azure DevOps does not tell its own names apart by case either."""
    assert _send(site, b"{}", site.plan.org.upper()).status_code == 200


def test_a_body_of_five_mebibytes_is_too_large(site: Site) -> None:
    """The limit is 4 MiB; what is under it is read."""
    assert _send(site, b" " * (5 * 1024 * 1024)).status_code == 413
    assert _send(site, b" " * (4 * 1024 * 1024 - 2) + b"{}").status_code == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed_json"),
        (b"\xff\xfe{", "malformed_json"),
        (b'{"eventType": "git.pullrequest.created"', "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"{}", "unwanted_event"),
        (b'{"eventType": 7}', "wrong_type:eventType"),
        (b'{"eventType": "git.repo.created", "resource": {}}', "unwanted_event"),
        (b'{"eventType": "git.push", "resource": {}}', "no_project"),
        (b'{"eventType": "build.complete"}', "no_resource"),
        (b'{"eventType": "git.pullrequest.created"}', "no_resource"),
        (b'{"eventType": "git.pullrequest.created", "resource": []}', "wrong_type:resource"),
        (b'{"eventType": "git.pullrequest.created", "resource": {"pullRequestId": {}}}', "wrong_type:pullRequestId"),
        (b'{"eventType": "git.pullrequest.created", "resource": {"pullRequestId": -1}}', "bad_value:pullRequestId"),
    ],
)
def test_what_is_not_understood_is_answered_with_a_reason(site: Site, body: bytes, reason: str) -> None:
    """It counts as delivered, so that Azure DevOps does not put the subscription on probation."""
    answer = _send(site, body)
    assert (answer.status_code, answer.json()) == (200, {"accepted": False, "reason": reason})
    assert '"event": "hook_received"' in site.log()
    assert f'"reason": "{reason}"' in site.log()


def test_the_portal_s_test_button_is_answered(site: Site) -> None:
    """Its canned data is taken for what it is, and nothing is looked at."""
    subscriptions = site.team.call("GET", "_apis/hooks/subscriptions")["value"]
    number = site.team.call("POST", "_apis/hooks/testNotifications", {"subscriptionId": subscriptions[0]["id"]})["id"]
    place = f"_apis/hooks/subscriptions/{subscriptions[0]['id']}/notifications/{number}"
    told = until(lambda: _completed(site.team.call("GET", place)), "the test notification to be delivered")
    assert told["result"] == "succeeded"
    assert '"reason": "test"' in told["details"]["response"].replace('":"', '": "')


def test_an_event_of_a_project_that_does_not_exist_is_dropped_and_audited(site: Site) -> None:
    """It is accepted, asked for a few times, and then let go: no loop, no gate."""
    project = str(uuid4())
    assert _send(site, _event(project, str(uuid4()), 7)).status_code == 202
    dropped = until(lambda: [line for line in site.audit("dropped") if line["project_id"] == project], "the drop")
    assert len(dropped) == 1
    assert "Azure DevOps does not have it or does not show it to this identity" in dropped[0]["why"]
    calls = _calls_about(site, project)
    assert 1 <= len(calls) <= 10
    site.look_round()
    site.look_round()
    until(site.is_idle, "the queue to be empty")
    assert _calls_about(site, project) == calls


def test_a_pull_request_that_does_not_exist_is_dropped(site: Site) -> None:
    """The project and the repository exist, the number does not."""
    repository = site.new_repository()
    assert _send(site, _event(repository.project, repository.id, 999_999)).status_code == 202
    until(lambda: [line for line in site.audit("dropped") if line["repository_id"] == repository.id], "the drop")


def test_an_event_that_names_a_pull_request_in_the_wrong_repository_reaches_nothing(site: Site) -> None:
    """Ids that do not belong together are not believed one by one."""
    repository, other = site.new_repository(), site.new_repository()
    pull_request = repository.propose(CLEAN)
    pull_request.await_final()
    told = len(pull_request.statuses())
    assert _send(site, _event(other.project, other.id, pull_request.number)).status_code == 202
    until(lambda: [line for line in site.audit("dropped") if line["repository_id"] == other.id], "the drop")
    assert len(pull_request.statuses()) == told


def test_an_event_without_details_has_the_project_looked_through(site: Site) -> None:
    """It says no more than where something happened; the pull requests there that have no gate get one."""
    project = site.team.make_project("Without any hook")
    repository = site.new_repository(project=project)
    pull_request = repository.propose(CLEAN)
    event = {"eventType": "git.pullrequest.updated", "resourceContainers": {"project": {"id": project}}}
    assert _send(site, json.dumps(event).encode()).status_code == 202
    assert pull_request.await_final()["state"] == "succeeded"


def test_other_methods_and_paths_are_not_there(site: Site) -> None:
    """Only what the contract names is served."""
    assert site.ask("GET", f"/api/hooks/{site.plan.org}").status_code in {404, 405}
    assert site.ask("POST", "/api/health").status_code in {404, 405}
    assert site.ask("GET", "/api/scans").status_code == 404
    assert site.ask("POST", "/admin/functions/watch", json={}).status_code == 401


def test_health_says_that_all_is_well(site: Site) -> None:
    """It tells nothing else to whoever asks."""
    answer = site.ask("GET", "/api/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def _send(site: Site, body: bytes, organisation: str = "") -> Any:
    path = f"/api/hooks/{organisation or site.plan.org}"
    return site.ask("POST", path, content=body, headers=_basic(site.plan.hook_secret))


def _basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()}


def _event(project: str, repository: str, number: int) -> bytes:
    resource = {"pullRequestId": number, "repository": {"id": repository, "project": {"id": project}}}
    return json.dumps({"id": str(uuid4()), "eventType": "git.pullrequest.created", "resource": resource}).encode()


def _completed(notification: dict[str, Any]) -> dict[str, Any] | None:
    return notification if notification["status"] == "completed" else None


def _calls_about(site: Site, project: str) -> list[dict[str, Any]]:
    return [call for call in site.simulate("GET", "calls")["value"] if project in call["path"]]
