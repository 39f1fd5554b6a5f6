"""A scanner that hangs, floods, dies, lies or says that it failed: the gate is never green by it, and says why."""

import re
from dataclasses import dataclass

from tests.e2e.polling import until
from tests.e2e.repository import PullRequest
from tests.e2e.scanner import fault
from tests.e2e.site import CLEAN, Site

_POLICY = "mode: evaluate-policy\n"
_SECONDS = 4
_LATE = rf"not done within {_SECONDS} seconds and was stopped"


@dataclass(frozen=True)
class Case:
    """What the scanner does, under which rules, and what the status says of it after how many runs."""

    fault: str
    state: str
    words: str
    runs: int = 1
    rules: str = "fail_on_severity: high\n"


_ENDLESS = [Case("hang", "error", _LATE), Case("hang_ignoring_sigterm", "error", _LATE), Case("flood", "error", _LATE)]
_ENDING = [
    Case("killed", "error", r"ended from outside \(SIGKILL\)\. It may have run out of memory"),
    Case("no_sarif", "error", r"ended with 0 and left no SARIF report", 2),
    Case("half_sarif", "error", r"The report ends in the middle", 2),
    Case("other_sarif", "error", r"report was written before this scan began", 2),
    Case("symlink_out", "error", r"is not a regular file; it was not opened", 2),
    Case("exit:40", "error", r"did not obtain the vulnerability report.*\(exit code 40\)", 2),
    Case("exit:41", "error", r"did not obtain the policy result.*\(exit code 41\)", 2, _POLICY),
    Case("exit:43", "succeeded", r"nothing was evaluated.*AUDIT: no policy matched", 1, _POLICY),
    Case("exit:43", "failed", r"No Qualys policy matched", 1, f"{_POLICY}on_audit: fail\n"),
    Case("exit:99", "error", r"ended with code 99, which has no known meaning"),
    Case("exit:1", "succeeded", r"allowed on error by the rules.*failed without saying why", 1, "on_error: allow\n"),
]


def test_however_the_scanner_ends_the_status_says_it_in_words(site: Site) -> None:
    """Only conclusive ends decide; what may go better is tried again up to the cap; the rest is an error at once."""
    assert _gone_wrong(site, _ENDING) == []


def test_a_scanner_that_does_not_end_is_stopped(site: Site) -> None:
    """Whether it hangs, will not be told, or floods what it prints to: the gate says how long it was given."""
    site.restart_app(SCANGATE_SCAN_LIMIT_SECONDS=str(_SECONDS))
    try:
        assert _gone_wrong(site, _ENDLESS) == []
        until(lambda: not site.workers(), "the workers to end")
    finally:
        site.restart_app()


def _gone_wrong(site: Site, cases: list[Case]) -> list[tuple[object, ...]]:
    """Play all cases at once, and tell those that went otherwise than they should."""
    opened = [_open(site, case) for case in cases]
    until(lambda: _all_ended(site, opened), "every scan to end")
    return [found for case, pull_request in opened if (found := _wrong(site, case, pull_request))]


def _open(site: Site, case: Case) -> tuple[Case, PullRequest]:
    return case, site.new_repository(case.rules).propose({**CLEAN, **fault(case.fault)})


def _all_ended(site: Site, opened: list[tuple[Case, PullRequest]]) -> bool:
    site.look_round()
    statuses = [pull_request.status() for _, pull_request in opened]
    return all(status is not None and status["state"] != "pending" for status in statuses)


def _wrong(site: Site, case: Case, pull_request: PullRequest) -> tuple[object, ...] | None:
    """Say how a case went where it went otherwise than it should."""
    status = pull_request.status()
    assert status
    runs = site.scanner.runs()[pull_request.commit]
    right = (status["state"], runs) == (case.state, case.runs) and re.search(case.words, status["description"])
    return None if right else (case, status["state"], status["description"], runs)
