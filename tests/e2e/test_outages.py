"""What everything depends on goes away for a while."""

import base64
import json

from tests.e2e.polling import until
from tests.e2e.site import CLEAN, VULNERABLE, Site


def test_a_verdict_reaches_azure_devops_when_it_is_back(breakable: Site) -> None:
    """It was down when the scan ended; the verdict is posted once it answers again."""
    repository = breakable.new_repository()
    hold = breakable.scanner.hold(repository.id)
    pull_request = repository.propose({**VULNERABLE, **hold.files})
    hold.await_begun()
    pull_request.await_state("pending")
    failures = breakable.log().count('"event": "status_not_posted"')
    breakable.stack.kill("devops")
    hold.release()
    until(lambda: breakable.log().count('"event": "status_not_posted"') > failures, "a status that is not taken")
    breakable.start("devops")
    assert pull_request.await_state("failed")["description"].startswith("Failed: 1 critical")
    assert breakable.scanner.runs()[pull_request.commit] == 1


def test_a_pull_request_is_looked_at_when_azure_devops_is_back(breakable: Site) -> None:
    """It went down between its hook and the first question; the gate opens and is judged once it answers again."""
    repository = breakable.new_repository()
    held = breakable.fault(r"^GET .*/pullRequests/\d+$", "hang", seconds=10)
    pull_request = repository.propose(CLEAN)
    held.await_hit()
    postponed = breakable.log().count('"event": "look_postponed"')
    breakable.stack.kill("devops")
    until(lambda: breakable.log().count('"event": "look_postponed"') > postponed, "the look to be postponed")
    breakable.start("devops")
    assert pull_request.await_state("succeeded")
    assert pull_request.states(1)[0] == "pending"


def test_what_comes_while_storage_is_down_is_not_lost(breakable: Site) -> None:
    """Hooks are answered 503 with Retry-After and health says why; what Azure DevOps sends again is gated."""
    repository = breakable.new_repository()
    repository.push(CLEAN)
    breakable.stop("storage")
    secret = base64.b64encode(f"any:{breakable.plan.hook_secret}".encode()).decode()
    event = {
        "eventType": "git.pullrequest.created",
        "resource": {"pullRequestId": 1, "repository": {"id": repository.id, "project": {"id": repository.project}}},
    }
    answer = breakable.ask(
        "POST",
        f"/api/hooks/{breakable.plan.org}",
        content=json.dumps(event),
        headers={"Authorization": f"Basic {secret}"},
    )
    assert (answer.status_code, answer.json()) == (503, {"accepted": False, "reason": "not_queued"})
    assert int(answer.headers["Retry-After"]) > 0
    health = breakable.ask("GET", "/api/health")
    assert (health.status_code, health.json()["status"]) == (503, "no_storage")
    page = breakable.ask("GET", "/api/gates/0123456789abcdef01234567-1?expires=1&signature=0")
    assert page.status_code in {403, 503}

    breakable.simulate("POST", "settings", {"timeScale": 0.2})  # hooks are sent again sooner
    refused = '"reason": "not_queued"'
    seen = breakable.log().count(refused)
    pull_request = repository.open()
    until(lambda: breakable.log().count(refused) > seen, "the pull request's own hook to be refused")
    breakable.start("storage")
    assert pull_request.await_state("succeeded")
    breakable.simulate("POST", "settings", {"timeScale": 1})
    assert breakable.ask("GET", "/api/health").status_code == 200


def test_an_app_that_starts_before_its_storage_serves_once_it_is_there(breakable: Site) -> None:
    """The order in which the parts come up does not matter."""
    repository = breakable.new_repository()
    breakable.stop("app")
    breakable.stop("storage")
    breakable.start("app")
    pull_request = repository.propose(CLEAN)
    assert breakable.ask("GET", "/api/health").json()["status"] == "no_storage"
    breakable.start("storage")
    assert pull_request.await_state("succeeded")
