"""A worker is killed with everything in its session while it scans."""

import re

from tests.e2e.polling import until
from tests.e2e.scanner import Hold
from tests.e2e.site import CLEAN, Site

_LOST = '"kind": "lost"'


def test_a_killed_worker_is_followed_by_another_attempt(breakable: Site) -> None:
    """The lost attempt is found out by its silence, the next one gives the verdict, and the page tells of both."""
    repository = breakable.new_repository()
    hold = breakable.scanner.hold(repository.id)
    pull_request = repository.propose({**CLEAN, **hold.files})
    lost = breakable.log().count(_LOST)
    _kill_scan(breakable, hold, 1)
    until(lambda: breakable.log().count(_LOST) > lost, "the watch's own timer to find the attempt lost")
    _await_attempt(breakable, hold, 2)
    hold.release()
    assert pull_request.await_state("succeeded")["description"] == "Passed: no findings"
    assert breakable.scanner.runs()[pull_request.commit] == 1
    assert re.search(r"gave no sign of life for \d+ seconds", pull_request.page())


def test_a_scan_whose_every_worker_is_killed_ends_in_an_error(breakable: Site) -> None:
    """After three lost attempts the gate says so, and a push has another try."""
    repository = breakable.new_repository()
    hold = breakable.scanner.hold(repository.id)
    pull_request = repository.propose({**CLEAN, **hold.files})
    for attempt in (1, 2, 3):
        _await_attempt(breakable, hold, attempt)
        _kill_scan(breakable, hold, attempt)
    status = pull_request.await_state("error", hurried=True)
    assert "Attempt 3 was lost: its worker gave no sign of life for" in status["description"]
    assert pull_request.commit not in breakable.scanner.runs()
    hold.release()
    repository.push({"more.txt": "more"}, start="change")
    assert pull_request.await_state("succeeded")


def _kill_scan(site: Site, hold: Hold, attempt: int) -> None:
    hold.await_begun(attempt)
    site.kill_workers()
    assert hold.begun == attempt


def _await_attempt(site: Site, hold: Hold, attempt: int) -> None:
    def look() -> bool:
        site.look_round()
        return hold.begun >= attempt

    until(look, f"attempt {attempt} to begin")
