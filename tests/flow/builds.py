"""Builds that made images: run, told of and served, and where their verdicts show."""

from typing import Any

from scan_core.model.gate import Gate
from scan_core.model.ids import BuildId, CommitSha, Iteration, ProjectId
from scan_core.model.image import image_reference
from scan_core.model.image_tag import encode_tag
from scan_core.model.place import BuildPlace, CommitPlace, PullRequestPlace
from scan_core.model.subject import BuildRef, StatusName
from scan_core.model.target import ImageTarget
from tests.flow.pushes import tip
from tests.flow.scripted_worker import VULNERABLE, Ending
from tests.flow.world import ORG, World
from tests.local.devops.driver import Pull, Repo
from tests.local.devops.pipelines import BuildRun

APP, BASE = "shop.azurecr.io/app:1", "shop.azurecr.io/base:1"
BAD = Ending(report=VULNERABLE)
GOOD = Ending()


def ref(build: BuildRun) -> BuildRef:
    """Name a build."""
    return BuildRef(organisation=ORG, project_id=ProjectId(build.project_id), build_id=BuildId(build.id))


def tag(image: str) -> str:
    """The tag that names an image."""
    return encode_tag(image_reference(image))


def built(world: World, repo: Repo, *images: str, ends: bool = True, **more: Any) -> BuildRun:
    """Run a build of main that names images by its tags."""
    known = {"sourceVersion": tip(repo), "sourceBranch": "refs/heads/main"}
    build = world.sim.build(repo, **{**known, **more})
    if images:
        build.tag(*map(tag, images))
    if ends:
        build.complete()
    return build


def of_pull_request(world: World, pull: Pull, *images: str, definition: int = 3, ends: bool = True) -> BuildRun:
    """Run a build of a pull request."""
    source = pull.json()["lastMergeSourceCommit"]["commitId"]
    return built(
        world,
        pull.repo,
        *images,
        ends=ends,
        definition={"id": definition, "name": f"ci-{definition}"},
        reason="pullRequest",
        sourceBranch=f"refs/pull/{pull.id}/merge",
        sourceVersion=pull.json()["lastMergeCommit"]["commitId"],
        triggerInfo={"pr.number": str(pull.id), "pr.sourceSha": source},
    )


def told(world: World, build: BuildRun) -> None:
    """Tell of a build, and serve it."""
    world.ask(ref(build))
    world.serve()


def gate_of(world: World, build: BuildRun) -> Gate:
    """Read the gate of a build."""
    gate = world.at(BuildPlace(build=ref(build), commit=None))
    assert gate is not None, "the build has no gate"
    return gate


def images_of(world: World, pull: Pull, iteration: int = 1) -> Gate:
    """Read the gate of the images of a pull request's iteration."""
    place = PullRequestPlace(
        name=StatusName.IMAGE,
        pull_request=world.ref(pull),
        iteration=Iteration(iteration),
        source_commit=CommitSha("0" * 40),
        commit=CommitSha("0" * 40),
        target_ref=world.branch(pull.repo).ref,
    )
    gate = world.at(place)
    assert gate is not None
    return gate


def images_on_main(world: World, repo: Repo) -> Gate:
    """Read the gate of the images of main's commit."""
    branch = world.branch(repo)
    place = CommitPlace(
        name=StatusName.IMAGE,
        organisation=branch.organisation,
        project_id=branch.project_id,
        repository_id=branch.repository_id,
        commit=CommitSha(tip(repo)),
    )
    gate = world.at(place)
    assert gate is not None
    return gate


def names(gate: Gate) -> set[str]:
    """The images that a gate judges."""
    return {target.repository for target in gate.targets if isinstance(target, ImageTarget)}


def on_commit(repo: Repo, commit: str) -> list[str]:
    """The states of the status of images on a commit."""
    found = [each for each in repo.commit_statuses(commit) if each["context"]["name"] == "image"]
    return [str(each["state"]) for each in sorted(found, key=lambda each: int(each["id"]))]


def on_pull_request(pull: Pull) -> list[tuple[int | None, str]]:
    """The statuses of images on a pull request, with their iteration; None where they stand on none."""
    found = [each for each in pull.repo.sim.get(f"{pull.path}/statuses")["value"] if each["context"]["name"] == "image"]
    return [(each.get("iterationId"), each["state"]) for each in sorted(found, key=lambda each: int(each["id"]))]
