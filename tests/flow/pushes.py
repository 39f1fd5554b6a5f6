"""Pushes to branches: told of and served, and what their commits show."""

from uuid import uuid4

from scan_core.model.gate import Gate
from scan_core.model.ids import BranchRef, CommitSha, ProjectId, RepositoryId
from scan_core.model.place import CommitPlace
from scan_core.model.request import PushRequest
from scan_core.model.subject import Branch
from tests.flow.world import ORG, World
from tests.local.devops.driver import Repo

LISTED = "branches: [release]\n"


def place(branch: Branch, commit: str) -> CommitPlace:
    """Where the gate of a pushed commit stands."""
    return CommitPlace(
        organisation=branch.organisation,
        project_id=branch.project_id,
        repository_id=branch.repository_id,
        commit=CommitSha(commit),
        ref=branch.ref,
    )


def tip(repo: Repo, name: str = "main") -> str:
    """The commit that a branch points to."""
    found = repo.sim.get(f"{repo.path}/refs?filter=heads/{name}")["value"]
    return next(str(each["objectId"]) for each in found if each["name"] == f"refs/heads/{name}")


def pushed(world: World, repo: Repo, name: str = "main") -> Gate | None:
    """Tell of a push, serve it, and give the gate of the branch's commit."""
    branch = world.branch(repo, name)
    world.ask(branch)
    world.serve()
    return world.at(place(branch, tip(repo, name)))


def shown(repo: Repo, commit: str) -> list[str]:
    """The states of our statuses on a commit, the oldest first."""
    found = [each for each in repo.commit_statuses(commit) if each["context"]["genre"] == "scangate"]
    return [str(each["state"]) for each in sorted(found, key=lambda each: int(each["id"]))]


def push(world: World, repo: Repo, refs: tuple[BranchRef, ...]) -> PushRequest:
    """A push that moved several branches."""
    return PushRequest(
        request_id=uuid4().hex,
        organisation=ORG,
        project_id=ProjectId(repo.json["project"]["id"]),
        repository_id=RepositoryId(repo.json["id"]),
        refs=refs,
        accepted_at=world.clock(),
    )
