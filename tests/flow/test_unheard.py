"""Pushes of which no hook told: found at the pace that Azure DevOps allows, each by one instance."""

from uuid import uuid4

import pytest

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow import reconcile
from scan_core.flow.unheard import find_builds, find_pushes
from scan_core.model.ids import ProjectId
from scan_core.store.projects import Project
from tests.flow.fakes import Having, Meddling
from tests.flow.outages import with_repositories
from tests.flow.pushes import LISTED, pushed, shown, tip
from tests.flow.world import ORG, World
from tests.local.devops.driver import Repo


@pytest.fixture
def repo(world: World) -> Repo:
    """A repository in a project of its own, with a gated branch that moved on."""
    repo = world.repository(rules="branches: [release]\n", project=world.sim.project(f"Pushes {uuid4().hex}"))
    pushed(world, repo)
    pushed(world, repo, "release")
    newer = world.origin.commit({".scangate.yml": "branches: [release]\n", "newer.txt": "newer\n"})
    world.push(repo, f"+{newer}:refs/heads/main", "+topic:release")
    world.clock.advance(2 * world.services.settings.verify_seconds)
    return repo


def project_of(world: World, repo: Repo) -> Project:
    """The project, as it is when its turn comes."""
    project_id = ProjectId(repo.json["project"]["id"])
    return Project(organisation=ORG, project_id=project_id, next_at=world.clock())


def due(world: World, repo: Repo) -> int:
    """How many branches wait to be compared."""
    rows = world.services.projects.followed_branches(ORG, ProjectId(repo.json["project"]["id"]))
    return sum(row.value.next_at <= world.clock() for row in rows)


def test_each_branch_that_moved_is_asked_for_once(world: World, repo: Repo) -> None:
    """Then its next turn is an hour away."""
    assert find_pushes(world.services, project_of(world, repo)) == 2
    assert find_pushes(world.services, project_of(world, repo)) == 0
    assert due(world, repo) == 0


def test_where_azure_devops_asks_for_a_pause_the_rest_stays_due(world: World, repo: Repo) -> None:
    """It is compared at the project's next turn, and not an hour later."""
    pauses = iter([0.0, 30.0])
    paced = world.with_devops(lambda real: Having(real, slow_down_seconds=lambda: next(pauses)))
    assert find_pushes(paced.services, project_of(world, repo)) == 1
    assert due(world, repo) == 1


def test_a_throttled_call_ends_the_turn(world: World, repo: Repo) -> None:
    """The project comes back when it may."""
    throttled = with_repositories(world, "branch_tip", DevOpsErrorKind.THROTTLED)
    with pytest.raises(DevOpsError):
        find_pushes(throttled.services, project_of(world, repo))
    assert due(world, repo) == 1


def test_a_branch_that_cannot_be_read_does_not_keep_the_others(world: World, repo: Repo) -> None:
    """Its own time comes again."""
    odd = with_repositories(world, "branch_tip", DevOpsErrorKind.FORBIDDEN)
    assert find_pushes(odd.services, project_of(world, repo)) == 1


def test_a_branch_that_another_instance_has_is_left_to_it(world: World, repo: Repo) -> None:
    """Each call is made once."""
    quicker = Meddling(
        world.services.projects, "note_branch", before=lambda: find_pushes(world.services, project_of(world, repo))
    )
    assert find_pushes(world.having(projects=quicker).services, project_of(world, repo)) == 0
    assert len(world.queues.requests) == 2


def test_a_branch_that_comes_back_while_it_is_let_go_of_stays_followed(world: World, repo: Repo) -> None:
    """Else its later pushes would be lost with their hooks."""
    world.push(repo, ":release")
    world.ask(world.branch(repo, "release"))
    world.serve()
    world.clock.advance(2 * world.services.settings.verify_seconds)

    def come_back() -> None:
        world.push(repo, "release:release")
        pushed(world, repo, "release")

    meddled = Meddling(world.services.projects, "let_go_of_branch", before=come_back)
    find_pushes(world.having(projects=meddled).services, project_of(world, repo))
    rows = world.services.projects.followed_branches(ORG, ProjectId(repo.json["project"]["id"]))
    assert {row.value.branch.ref for row in rows} == {"refs/heads/main", "refs/heads/release"}


def test_builds_are_gone_through_only_where_hooks_tell_of_them(world: World, repo: Repo) -> None:
    """Most projects would be asked for nothing."""
    assert find_builds(world.services, project_of(world, repo)) == (0, None)


def quiet(world: World, repo: Repo, name: str = "main") -> Repo:
    """A branch that was told of, judged and left alone until its time to be compared comes again."""
    pushed(world, repo, name)
    world.run_until_quiet()
    world.clock.advance(2 * world.services.settings.verify_seconds)
    return repo


@pytest.mark.parametrize(("told", "never"), [("main", "release"), ("release", "main")])
def test_a_judged_branch_of_which_no_hook_ever_told_is_found(world: World, told: str, never: str) -> None:
    """It is followed by nobody, and found by the rules of the default branch, or as the default branch itself."""
    project = world.sim.project(f"Never {uuid4().hex}")
    repo = quiet(world, world.repository(rules="branches: [rel*]\n", project=project), told)
    assert shown(repo, tip(repo, never)) == []
    reconcile.reconcile(world.services)
    world.run_until_quiet()
    assert shown(repo, tip(repo, never)) == ["pending", "succeeded"]
    world.clock.advance(2 * world.services.settings.verify_seconds)
    assert find_pushes(world.services, project_of(world, repo)) == 0


@pytest.mark.parametrize(("kind", "goes_on"), [(DevOpsErrorKind.FORBIDDEN, True), (DevOpsErrorKind.THROTTLED, False)])
def test_where_it_cannot_be_found_out_what_is_judged_the_others_are_compared(
    world: World, kind: DevOpsErrorKind, goes_on: bool
) -> None:
    """Unless nobody is answered at all."""
    project = world.sim.project(f"Unsaid {uuid4().hex}")
    quiet(world, world.repository(rules=LISTED, project=project))
    repo = quiet(world, world.repository(rules=LISTED, project=project))
    unsaid = with_repositories(world, "default_branch", kind)
    if goes_on:
        assert find_pushes(unsaid.services, project_of(world, repo)) == 1
    else:
        with pytest.raises(DevOpsError):
            find_pushes(unsaid.services, project_of(world, repo))
    assert due(world, repo) == (0 if goes_on else 1)


def test_a_branch_whose_look_was_given_up_is_judged_when_it_can_be_read_again(world: World) -> None:
    """Its commit did not move, and no push will ask for it."""
    repo = quiet(world, world.repository(project=world.sim.project(f"Refused {uuid4().hex}")))
    world.push(repo, "topic:main")
    refused = with_repositories(world, "file_at_commit", DevOpsErrorKind.FORBIDDEN, times=10_000)
    refused.ask(world.branch(repo))
    for _ in range(40):
        refused.serve()
        refused.watch()
        world.clock.advance(120)
    assert shown(repo, tip(repo))[-1] == "error"
    assert find_pushes(world.services, project_of(world, repo)) == 1
    world.run_until_quiet()
    assert shown(repo, tip(repo))[-1] == "succeeded"
    world.clock.advance(2 * world.services.settings.verify_seconds)
    assert find_pushes(world.services, project_of(world, repo)) == 0
