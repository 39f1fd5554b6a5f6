"""The adapter against the Azure DevOps simulator: real git, real iterations, real refusals."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.devops.server import serve
from local.devops.state import Config
from scan_core.devops.client import DevOps
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.identity import personal_access_token
from scan_core.devops.pull_requests import MergeStatus, PullRequestStatus
from scan_core.model.gate import Status, StatusState
from scan_core.model.ids import BranchRef, Iteration, OrganisationName, ProjectId, PullRequestId, RepositoryId
from scan_core.model.subject import PullRequestRef
from tests.devops.samples import MAIN, PENDING, RULES
from tests.local.devops.driver import ORGANISATION, TOKEN, Clone, Pull, Repo, Sim, git, wait_until

PAGE = "https://gate.example/api/gates/1"
NAME = OrganisationName(ORGANISATION.lower())


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Sim]:
    """An organisation without a project."""
    with serve(Config(data=tmp_path / "data", organisation=ORGANISATION, tokens=(TOKEN,))) as running:
        driver = Sim(running.url, tmp_path)
        with closing(driver):
            yield driver


@pytest.fixture
def devops(sim: Sim) -> Iterator[DevOps]:
    """The adapter, as one who may do everything."""
    with closing(DevOps(NAME, sim.url, personal_access_token(TOKEN))) as adapter:
        yield adapter


@pytest.fixture
def proposed(sim: Sim) -> tuple[Clone, Pull]:
    """A working copy and a pull request of one commit."""
    return sim.repository(sim.project()).proposed()


def ids(repo: Repo) -> tuple[ProjectId, RepositoryId]:
    """Name a repository as the adapter does."""
    return ProjectId(repo.json["project"]["id"]), RepositoryId(repo.json["id"])


def named(pull: Pull) -> PullRequestRef:
    """Name a pull request as the adapter does."""
    project_id, repository_id = ids(pull.repo)
    return PullRequestRef(
        organisation=NAME, project_id=project_id, repository_id=repository_id, pull_request_id=PullRequestId(pull.id)
    )


def test_a_pull_request_is_followed_from_push_to_completion(devops: DevOps, proposed: tuple[Clone, Pull]) -> None:
    """Its commits and iterations are those that git knows."""
    clone, pull = proposed
    ref = named(pull)
    wait_until(lambda: devops.pull_request(ref).merge_commit, "the trial merge")
    found = devops.pull_request(ref)
    assert (found.status, found.merge_status, found.is_fork) == (PullRequestStatus.ACTIVE, MergeStatus.SUCCEEDED, False)
    assert (found.source_commit, found.source_ref, found.target_ref) == (clone.head(), "refs/heads/topic", MAIN)

    second = clone.commit({"file.txt": "two\n"})
    clone.push("topic")
    latest = devops.latest_iteration(ref)
    assert latest is not None
    assert (latest.number, latest.source_commit) == (2, second)
    assert latest.target_commit == git(clone.folder, "rev-parse", "main").stdout.strip()

    assert [one.ref for one in devops.active_pull_requests(ref.project_id)] == [ref]
    assert pull.change(status="abandoned").ok
    assert devops.pull_request(ref).status is PullRequestStatus.ABANDONED
    assert devops.active_pull_requests(ref.project_id) == ()


def test_a_status_is_posted_and_read_back(devops: DevOps, proposed: tuple[Clone, Pull]) -> None:
    """With the identity that a policy would be bound to as its author."""
    ref = named(proposed[1])
    devops.post_status(ref, Iteration(1), PENDING, target_url=PAGE)
    passed = Status(state=StatusState.SUCCEEDED, description="Keine Befunde – alles gut")
    devops.post_status(ref, Iteration(1), passed, target_url=PAGE)
    first, second = devops.statuses(ref)
    assert (first.state, second.state) == (PENDING.state, passed.state)
    assert (second.description, second.genre, second.name) == (passed.description, "scangate", "source")
    assert (second.iteration, second.author_id) == (1, devops.authenticated_id())
    assert second.created_at is not None


def test_a_status_without_iteration_is_refused_under_a_policy_that_resets(
    devops: DevOps, sim: Sim, proposed: tuple[Clone, Pull]
) -> None:
    """The 403 that would leave a pull request waiting for ever."""
    pull = proposed[1]
    settings = {"statusName": "source", "statusGenre": "scangate", "invalidateOnSourceUpdate": True}
    sim.policy(pull.repo.json["project"], settings)
    with pytest.raises(DevOpsError) as caught:
        devops.post_status(named(pull), Iteration(0), PENDING, target_url=PAGE)
    assert (caught.value.kind, caught.value.type_key) == (
        DevOpsErrorKind.FORBIDDEN,
        "GitPullRequestStatusRejectedByPolicyException",
    )
    devops.post_status(named(pull), Iteration(1), PENDING, target_url=PAGE)
    assert [status.iteration for status in devops.statuses(named(pull))] == [1]


def test_a_status_goes_on_the_whole_pull_request_where_no_policy_resets(
    devops: DevOps, proposed: tuple[Clone, Pull]
) -> None:
    """As pull requests without iterations need it."""
    ref = named(proposed[1])
    devops.post_status(ref, Iteration(0), PENDING, target_url=PAGE)
    assert [status.iteration for status in devops.statuses(ref)] == [None]


@pytest.mark.parametrize("branch", ["fix/#1", "a&path=evil.yml", "50%25", "naïve+ветка", "x;y=z"])
def test_a_file_is_read_from_the_very_branch(branch: str, devops: DevOps, sim: Sim) -> None:
    """Each of these names is one that git allows."""
    repo = sim.repository(sim.project())
    clone = repo.started()
    clone.commit({RULES: "enabled: false\n", "evil.yml": "evil\n"})
    clone.push("main")
    clone.branch(branch)
    clone.commit({RULES: f"# {branch}\n"})
    clone.push(branch)
    project_id, repository_id = ids(repo)
    content = devops.file_on_branch(project_id, repository_id, BranchRef(f"refs/heads/{branch}"), RULES, 1000)
    assert content == f"# {branch}\n".encode()
    with pytest.raises(DevOpsError, match="larger than the 3 bytes"):
        devops.file_on_branch(project_id, repository_id, MAIN, RULES, 3)


def test_only_a_file_that_is_not_there_is_none(devops: DevOps, proposed: tuple[Clone, Pull]) -> None:
    """A branch or repository that is not there is an error."""
    project_id, repository_id = ids(proposed[1].repo)
    other = RepositoryId("00000000-0000-0000-0000-000000000001")
    assert devops.file_on_branch(project_id, repository_id, MAIN, RULES, 1000) is None
    for repository, branch in ((repository_id, BranchRef("refs/heads/gone")), (other, MAIN)):
        with pytest.raises(DevOpsError) as caught:
            devops.file_on_branch(project_id, repository, branch, RULES, 1000)
        assert caught.value.kind is DevOpsErrorKind.NOT_FOUND


def test_a_pull_request_that_is_not_there_is_not_found(devops: DevOps, proposed: tuple[Clone, Pull]) -> None:
    """And no reason to ask again."""
    ref = named(proposed[1]).model_copy(update={"pull_request_id": PullRequestId(999)})
    with pytest.raises(DevOpsError) as caught:
        devops.pull_request(ref)
    assert (caught.value.kind, caught.value.transient) == (DevOpsErrorKind.NOT_FOUND, False)


def test_a_wrong_token_is_signed_out(sim: Sim, proposed: tuple[Clone, Pull]) -> None:
    """The service answers 203 with a page, also in place of a file."""
    project_id, repository_id = ids(proposed[1].repo)
    with closing(DevOps(NAME, sim.url, personal_access_token("wrong"))) as stranger:
        for call in (
            stranger.authenticated_id,
            lambda: stranger.pull_request(named(proposed[1])),
            lambda: stranger.file_on_branch(project_id, repository_id, MAIN, RULES, 10_000),
        ):
            with pytest.raises(DevOpsError) as caught:
                call()
            assert caught.value.kind is DevOpsErrorKind.SIGNED_OUT


def test_more_pull_requests_than_a_page_are_all_listed(devops: DevOps, proposed: tuple[Clone, Pull]) -> None:
    """In one project, each once."""
    clone, pull = proposed
    branches = [f"more-{number}" for number in range(105)]
    for branch in branches:
        git(clone.folder, "branch", branch, "topic")
    clone.push(*branches)
    expected = {pull.id} | {pull.repo.pull_request(branch).id for branch in branches}
    found = [one.ref.pull_request_id for one in devops.active_pull_requests(named(pull).project_id)]
    assert len(found) == len(expected)
    assert set(found) == expected


def test_a_repository_is_cloned_from_its_clone_url(devops: DevOps, proposed: tuple[Clone, Pull]) -> None:
    """The URL holds ids only, and git fetches from it."""
    clone, pull = proposed
    listed = clone.remote_git("ls-remote", devops.clone_url(*ids(pull.repo)), "refs/heads/topic").stdout
    assert listed.split()[0] == clone.head()


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("status", {"status": 500}, DevOpsErrorKind.UNAVAILABLE),
        ("status", {"status": 429, "seconds": 9}, DevOpsErrorKind.THROTTLED),
        ("reset", {}, DevOpsErrorKind.UNREACHABLE),
        ("html203", {}, DevOpsErrorKind.SIGNED_OUT),
        ("redirect302", {}, DevOpsErrorKind.SIGNED_OUT),
        ("malformed", {}, DevOpsErrorKind.MALFORMED),
    ],
)
def test_a_fault_strikes_once_and_the_next_call_is_well(
    kind: str, more: dict[str, int], expected: DevOpsErrorKind, devops: DevOps, sim: Sim, proposed: tuple[Clone, Pull]
) -> None:
    """Nothing is repeated behind the caller's back."""
    ref = named(proposed[1])
    sim.fault("GET .*/pullrequests/", kind, **more)
    with pytest.raises(DevOpsError) as caught:
        devops.pull_request(ref)
    assert caught.value.kind is expected
    assert devops.pull_request(ref).ref == ref


def test_retry_after_on_a_success_is_heard(devops: DevOps, sim: Sim, proposed: tuple[Clone, Pull]) -> None:
    """The answer counts, and the next call should wait."""
    sim.fault("GET .*/pullrequests/", "retry_after_200", seconds=60)
    assert devops.pull_request(named(proposed[1])).status is PullRequestStatus.ACTIVE
    assert devops.slow_down_seconds() > 0
