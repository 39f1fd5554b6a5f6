"""The app is killed at a moment that hurts and started again on the same data."""

from collections.abc import Callable

import pytest

from tests.e2e.polling import until
from tests.e2e.repository import PullRequest, Repository
from tests.e2e.site import CLEAN, VULNERABLE, Site

_READS = r"^GET .*/pullRequests/\d+$"
_POSTS = r"^POST .*/iterations/\d+/statuses$"


def _while_its_first_request_is_served(site: Site, repository: Repository) -> PullRequest:
    """The hook is accepted, and Azure DevOps has been asked but not answered."""
    held = site.fault(_READS, "hang", seconds=10)
    pull_request = repository.propose(VULNERABLE)
    held.await_hit()
    site.stack.kill("app")
    assert pull_request.status() is None
    return pull_request


def _when_pending_stands_but_was_not_answered(site: Site, repository: Repository) -> PullRequest:
    """Azure DevOps has taken the first status, and the app does not know."""
    site.fault(_POSTS, "hang", seconds=10, after=True)
    pull_request = repository.propose(VULNERABLE)
    pull_request.await_state("pending")
    site.stack.kill("app")
    return pull_request


def _while_the_scan_runs(site: Site, repository: Repository) -> PullRequest:
    """The scan ends while there is no app."""
    hold = site.scanner.hold(repository.id)
    pull_request = repository.propose({**VULNERABLE, **hold.files})
    hold.await_begun()
    pull_request.await_state("pending")
    site.stack.kill("app")
    hold.release()
    until(lambda: not site.workers(), "the worker to end without the app")
    return pull_request


def _before_the_verdict_is_posted(site: Site, repository: Repository) -> PullRequest:
    """The verdict is made, and its status is on the way."""
    held = site.fault(_POSTS, "hang", seconds=10, skip=1)
    pull_request = repository.propose(VULNERABLE)
    held.await_hit()
    site.stack.kill("app")
    pull_request.await_state("pending")
    return pull_request


def _when_the_verdict_stands_but_was_not_answered(site: Site, repository: Repository) -> PullRequest:
    """Azure DevOps has taken the verdict, and the app does not know."""
    site.fault(_POSTS, "hang", seconds=10, skip=1, after=True)
    pull_request = repository.propose(VULNERABLE)
    pull_request.await_state("failed")
    site.stack.kill("app")
    return pull_request


@pytest.mark.parametrize(
    "killed",
    [
        _while_its_first_request_is_served,
        _when_pending_stands_but_was_not_answered,
        _while_the_scan_runs,
        _before_the_verdict_is_posted,
        _when_the_verdict_stands_but_was_not_answered,
    ],
)
def test_a_killed_app_goes_on_where_it_was(breakable: Site, killed: Callable[[Site, Repository], PullRequest]) -> None:
    """Wherever it died, the right status follows, the scan is run once, and nothing wrong was ever shown."""
    pull_request = killed(breakable, breakable.new_repository())
    breakable.start("app")
    status = pull_request.await_state("failed", hurried=True)
    assert status["description"].startswith("Failed: 1 critical and 2 high findings")
    until(lambda: _is_settled(breakable, pull_request), "the gate's row to know what is posted")
    states = pull_request.states(1)
    assert states == sorted(states, key=["pending", "failed"].index), "pending was shown after the verdict"
    assert breakable.scanner.runs()[pull_request.commit] == 1


def test_an_app_killed_again_and_again_still_gates(breakable: Site) -> None:
    """A pull request whose app dies at every step of it is judged, and so is the push that comes while it is down."""
    repository = breakable.new_repository()
    pull_request = _while_its_first_request_is_served(breakable, repository)
    breakable.start("app")
    held = breakable.fault(_POSTS, "hang", seconds=10)
    held.await_hit()
    breakable.stack.kill("app")
    repository.push(CLEAN, start="change")
    breakable.start("app")
    assert pull_request.await_state("succeeded", hurried=True)["description"] == "Passed: no findings"
    assert "succeeded" not in pull_request.states(1)


def _is_settled(site: Site, pull_request: PullRequest) -> bool:
    """Whether the app knows that what it wants to be shown is shown, and so is done with the pull request."""
    site.look_round()
    rows = site.storage.tables.get_table_client("gates").query_entities("PartitionKey eq 'agenda'")
    return not list(rows)
