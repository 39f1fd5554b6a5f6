"""Hooks come several times, late and in the wrong order."""

from typing import Any

from tests.e2e.polling import until
from tests.e2e.repository import FINAL, PullRequest, Repository
from tests.e2e.site import CLEAN, VULNERABLE, Site

_RED = {"failed", "error"}


def test_hooks_that_come_three_times_and_backwards_change_nothing(site: Site) -> None:
    """A pull request with several pushes ends right on its last iteration, and stays so however often it is told."""
    repository, project = _in_own_project(site)
    hold = site.scanner.hold(repository.id)
    pull_request = repository.propose({**VULNERABLE, **hold.files})
    hold.await_begun()
    for number in range(3):
        repository.push({"number": str(number)}, start="change")
    last = repository.push({".hold": "free", "number": "last"}, start="change")
    _deliver_backwards(site, project)
    hold.release()
    (hold.folder / "free.released").touch()
    assert pull_request.await_final()["state"] == "failed"
    assert not _red_before_the_last(pull_request)

    told = len(pull_request.statuses())
    _deliver_backwards(site, project)
    until(site.is_idle, "the repeated requests to be served")
    assert len(pull_request.statuses()) == told
    assert site.scanner.runs()[last] == 1


def test_hooks_that_are_doubled_and_turned_round_by_the_network_change_nothing(site: Site) -> None:
    """The newest event comes first, each of them twice, and the last push is the one that is judged."""
    repository, _ = _in_own_project(site)
    site.fault("HOOK git.pullrequest", "reorder_hooks", seconds=1.5, count=3)
    site.fault("HOOK git.pullrequest", "duplicate_hook", count=-1)
    pull_request = repository.propose(VULNERABLE)
    repository.push(VULNERABLE | {"number": "1"}, start="change")
    repository.push(CLEAN, start="change")
    assert pull_request.await_final()["state"] == "succeeded"
    until(site.is_idle, "the last hook to be served")
    assert pull_request.states(3)[-1] == "succeeded"
    assert not _red_before_the_last(pull_request)


def test_a_push_whose_hook_is_lost_is_not_judged_by_the_older_commit(site: Site) -> None:
    """The verdict of a commit that is not the newest any more is not posted; the newest gets its own."""
    repository, _ = _in_own_project(site)
    hold = site.scanner.hold(repository.id)
    pull_request = repository.propose({**VULNERABLE, **hold.files})
    hold.await_begun()
    site.fault("HOOK git.pullrequest", "drop_hook", count=-1)
    repository.push({**CLEAN, ".hold": "free"}, start="change")
    (hold.folder / "free.released").touch()
    hold.release()
    assert pull_request.await_final()["state"] == "succeeded"
    assert pull_request.states(1) == ["pending"]


def _in_own_project(site: Site) -> tuple[Repository, str]:
    project = site.new_project()
    return site.new_repository(project=project), project


def _deliver_backwards(site: Site, project: str) -> None:
    """Send every event of a project three times over, the newest first."""
    subscriptions = site.team.call("GET", "_apis/hooks/subscriptions")["value"]
    for subscription in subscriptions:
        if subscription["publisherInputs"].get("projectId") == project:
            wanted = {"subscriptionId": subscription["id"], "order": "reverse", "times": 3}
            told: Any = site.simulate("POST", "hooks/redeliver", wanted)
            assert told["delivered"] == told["sent"]


def _red_before_the_last(pull_request: PullRequest) -> list[dict[str, Any]]:
    """List the red statuses of all iterations but the last."""
    last = max(int(status["iterationId"]) for status in pull_request.statuses())
    shown = [status for status in pull_request.statuses() if int(status["iterationId"]) < last]
    assert {status["state"] for status in shown} <= FINAL | {"pending"}
    return [status for status in shown if status["state"] in _RED]
