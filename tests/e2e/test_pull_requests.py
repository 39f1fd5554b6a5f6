"""What becomes of a pull request besides pushes: shared work, retargeting, drafts, forks, conflicts, closing."""

from local.demo.files import RULES
from tests.e2e.polling import until
from tests.e2e.repository import PullRequest, Repository
from tests.e2e.site import CLEAN, VULNERABLE, Site

_LENIENT = "fail_on_severity: 0\n"
_DRAFTS_WAIT = f"{RULES}drafts: wait\n"


def test_two_pull_requests_with_one_commit_share_one_scan(site: Site) -> None:
    """Both are judged, by the result of a single run; so is a third one that comes when it has ended."""
    repository = site.new_repository()
    hold = site.scanner.hold(repository.id)
    first = repository.propose({**VULNERABLE, **hold.files})
    hold.await_begun()
    repository.copy.git("push", "--quiet", "origin", "HEAD:refs/heads/twin", "HEAD:refs/heads/triplet")
    second = repository.open("twin")
    second.await_state("pending")
    hold.release()
    assert first.await_final()["state"] == second.await_final()["state"] == "failed"
    third = repository.open("triplet")
    assert third.await_final()["state"] == "failed"
    assert hold.begun == site.scanner.runs()[first.commit] == 1


def test_a_retargeted_pull_request_is_judged_by_its_new_target(site: Site) -> None:
    """The rules of the new target branch hold, and the commit is not scanned again for them."""
    repository = site.new_repository()
    repository.branch("lenient", _LENIENT)
    pull_request = repository.propose(VULNERABLE)
    pull_request.await_state("failed")
    pull_request.change(targetRefName="refs/heads/lenient")
    status = pull_request.await_final()
    assert status["state"] == "succeeded"
    assert "1 critical" in status["description"]
    assert pull_request.states(1)[-1] == "failed"
    pull_request.change(targetRefName="refs/heads/main")
    assert pull_request.await_final()["state"] == "failed"
    assert site.scanner.runs()[pull_request.commit] == 1


def test_a_pull_request_cannot_bring_its_own_rules(site: Site) -> None:
    """The rules are the target branch's, whatever the source branch says."""
    pull_request = site.new_repository().propose({**VULNERABLE, ".scangate.yml": _LENIENT})
    assert pull_request.await_final()["state"] == "failed"


def test_unreadable_rules_are_an_error_that_says_where(site: Site) -> None:
    """File, line, key and the nearest known key are named, and nothing is scanned."""
    pull_request = site.new_repository("# ours\nfail_on_severty: high\n").propose(CLEAN)
    status = pull_request.await_state("error")
    for word in (".scangate.yml", "2", "fail_on_severty", "fail_on_severity"):
        assert word in status["description"]
    assert pull_request.commit not in site.scanner.runs()


def test_rules_can_switch_the_gate_off(site: Site) -> None:
    """The status says that it does not apply."""
    pull_request = site.new_repository("enabled: false\n").propose(VULNERABLE)
    assert pull_request.await_state("notApplicable")["description"].startswith("Not applicable")


def test_without_rules_the_defaults_hold(site: Site) -> None:
    """A repository without a rules file is gated all the same."""
    pull_request = site.new_repository(rules=None).propose(VULNERABLE)
    assert pull_request.await_state("failed")["description"].startswith("Failed: 1 critical finding")


def test_a_draft_waits_for_its_publication_where_the_rules_say_so(site: Site) -> None:
    """It is pending and not scanned; published, it is judged without another push."""
    pull_request = site.new_repository(_DRAFTS_WAIT).propose(CLEAN, isDraft=True)
    assert pull_request.await_state("pending")["description"] == "Draft: waits for publication"
    assert pull_request.commit not in site.scanner.runs()
    pull_request.change(isDraft=False)
    assert pull_request.await_final()["state"] == "succeeded"


def test_a_draft_is_gated_like_any_other_by_default(site: Site) -> None:
    """Nothing waits for its publication."""
    assert site.new_repository().propose(VULNERABLE, isDraft=True).await_final()["state"] == "failed"


def test_an_abandoned_pull_request_stops_its_scan_and_a_reactivated_one_is_judged(site: Site) -> None:
    """Abandoned, nobody waits and the worker ends; taken up again, the same commit is scanned anew."""
    repository = site.new_repository()
    hold = site.scanner.hold(repository.id)
    pull_request = repository.propose({**VULNERABLE, **hold.files})
    hold.await_begun()
    pull_request.await_state("pending")
    pull_request.change(status="abandoned")
    until(lambda: not site.workers(), "the worker to be stopped")
    hold.release()
    pull_request.change(status="active")
    assert pull_request.await_final()["state"] == "failed"
    assert pull_request.states(1)[-1] == "failed"
    assert site.scanner.runs()[pull_request.commit] == 1


def test_a_commit_that_is_forced_away_while_it_is_scanned_is_never_judged(site: Site) -> None:
    """Its gate is superseded and stays as it was; the commit in its place is judged."""
    repository = site.new_repository()
    hold = site.scanner.hold(repository.id)
    pull_request = repository.propose({**VULNERABLE, **hold.files})
    hold.await_begun()
    repository.push(CLEAN)
    hold.release()
    assert pull_request.await_final()["state"] == "succeeded"
    assert pull_request.states(1) == ["pending"]


def test_a_commit_that_is_gone_before_it_is_fetched_ends_without_a_red_status(site: Site) -> None:
    """It is forced away and collected while the worker asks for it, and no hook tells: the next one is judged alone."""
    repository = site.new_repository()
    slow = site.fault(rf"^POST .*/_git/{repository.id}/git-upload-pack", "delay", seconds=3)
    pull_request = repository.propose(VULNERABLE)
    slow.await_hit()
    site.fault("HOOK git.pullrequest.updated", "drop_hook")
    repository.push(CLEAN)
    site.simulate("POST", "prune", {"repositoryId": repository.id})
    assert pull_request.await_final()["state"] == "succeeded"
    assert f"Commit {pull_request.commit[:8]} is no longer in the repository" in site.log()
    assert pull_request.states(1) in ([], ["pending"])


def test_a_fork_is_judged_by_its_merge_into_the_target(site: Site) -> None:
    """What is scanned is the merge commit in the target repository, and the status stands on the fork's iteration."""
    _, pull_request = _forked(site, VULNERABLE)
    assert pull_request.await_final()["state"] == "failed"
    merge = _merge_commit(site, pull_request)
    assert site.scanner.runs()[merge] == 1
    assert pull_request.commit not in site.scanner.runs()


def test_a_fork_with_conflicts_is_told_to_resolve_them(site: Site) -> None:
    """There is no merge commit to scan; once there is one, it is judged."""
    fork, pull_request = _forked(site, {**CLEAN, "README.md": "# The fork's\n"}, {"README.md": "# The target's\n"})
    assert "resolve the conflicts" in pull_request.await_state("error")["description"]
    fork.copy.git(
        "pull",
        "--quiet",
        "--no-rebase",
        "--strategy-option",
        "theirs",
        f"{site.plan.organisation_url}/{site.project}/_git/{pull_request.repository.id}",
        "main",
    )
    fork.copy.git("push", "--quiet", "origin", "change")
    assert pull_request.await_state("succeeded")


def test_a_fork_whose_merge_takes_long_is_judged_when_it_is_there(site: Site) -> None:
    """While Azure DevOps computes the merge there is nothing to scan, and nothing is wrong."""
    site.simulate("POST", "settings", {"mergeDelaySeconds": 3})
    try:
        _, pull_request = _forked(site, CLEAN)
        assert pull_request.await_final()["state"] == "succeeded"
    finally:
        site.simulate("POST", "settings", {"mergeDelaySeconds": 0})
    assert set(pull_request.states(1)) <= {"pending", "succeeded"}


def test_a_pull_request_with_conflicts_of_its_own_is_judged_by_its_source(site: Site) -> None:
    """Within one repository the source commit is scanned, so conflicts do not matter here."""
    repository = site.new_repository()
    commit = repository.push({**VULNERABLE, "README.md": "# This\n"})
    repository.push({"README.md": "# That\n"}, "main")
    pull_request = repository.open()
    assert pull_request.await_final()["state"] == "failed"
    assert site.scanner.runs()[commit] == 1


def _forked(
    site: Site, files: dict[str, str], target_files: dict[str, str] | None = None
) -> tuple[Repository, PullRequest]:
    """Open a pull request from a fork of a repository whose main has moved on where files are given."""
    target = site.new_repository()
    fork = site.fork(target)
    commit = fork.push(files)
    if target_files:
        target.push(target_files, "main")
    pull_request = target.open(forkSource={"repository": {"id": fork.id}})
    pull_request.commit = commit
    return fork, pull_request


def _merge_commit(site: Site, pull_request: PullRequest) -> str:
    return str(site.team.call("GET", pull_request.place)["lastMergeCommit"]["commitId"])
