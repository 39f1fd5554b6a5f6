"""What happens beside pull requests, in a project of its own: branches are pushed to, images built, stages checked."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from scan_core.intake.answers import Answer
from scan_core.model.ids import BranchRef, BuildId, ProjectId, RepositoryId
from scan_core.model.image import image_reference
from scan_core.model.image_tag import encode_tag
from scan_core.model.subject import Branch, BuildRef
from tests.faults.estate import Estate, Hook
from tests.faults.instance import CHECK_SECRET, HOOK_SECRET, Instance
from tests.faults.proposals import Proposal
from tests.flow.world import ORG
from tests.intake.deliveries import basic, event, push
from tests.intake.deliveries import build as build_resource
from tests.local.devops.driver import Receiver, Repo
from tests.local.devops.pipelines import BuildRun, Reached, asked

KEPT: Final = "kept"
"""A branch whose pushes are judged beside those of the default branch."""
NAMES_ITS_BUILD: Final = {"BuildId": "$(Build.BuildId)", "TimelineId": "$(system.TimelineId)"}
"""Headers that a check's author adds to those of the documentation, so that it can be judged."""
_PIPELINE: Final = {"id": 3, "name": "ci"}


@dataclass(eq=False)
class Pushed:
    """A branch whose pushes are judged, as whoever pushes knows it."""

    name: str
    commits: list[str] = field(default_factory=list)
    """Everything that it ever pointed to, the newest last."""
    told_at: dict[str, datetime] = field(default_factory=dict)
    """When the first event was taken after a commit came to be its newest."""
    is_deleted: bool = False
    is_unheard: bool = False
    """Whether the last event about it was lost, so that nobody but reconciling can know."""

    @property
    def ref(self) -> BranchRef:
        """Its full name."""
        return BranchRef(f"refs/heads/{self.name}")


@dataclass(eq=False)
class Made:
    """A build of a pull request, and what it made."""

    run: BuildRun
    proposal: Proposal
    iteration: int
    commit: str
    """The merge commit that was built."""
    images: dict[str, str]
    """The digest that each of its references stood for when it ended."""
    told_at: datetime | None = None

    @property
    def ref(self) -> BuildRef:
        """Its name in the app."""
        return BuildRef(organisation=ORG, project_id=ProjectId(self.run.project_id), build_id=BuildId(self.run.id))


@dataclass(eq=False)
class Waiting:
    """A stage whose check waits for its answer."""

    stage: Reached
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes
    images: dict[str, str]
    """What its build made, and so what it is about; none where it does not say which build it stands in."""
    told_at: datetime | None = None

    @property
    def token(self) -> str:
        """What answers it."""
        return self.headers["AuthToken"]

    @property
    def is_judged(self) -> bool:
        """Whether it says what it is about."""
        return "BuildId" in self.headers


class Workshop:
    """A project with one repository, its pipelines, and registries that they push to."""

    def __init__(self, estate: Estate, *natures: str) -> None:
        """Make the project, as the story's.

        Args:
            estate: The deployment.
            natures: How the commits are that will be pushed in it, in their order.
        """
        self._estate = estate
        self.repo, self._commits = estate.developers.elsewhere(*natures)
        self.main = Pushed("main")
        self.branches = [self.main]
        self.made: list[Made] = []
        self.waiting: list[Waiting] = []
        self.images: dict[str, str] = {}
        """The digest that each reference stands for now."""
        estate.workshop = self

    # ---------------------------------------------------------------------------------------- branches

    def branch(self, name: str) -> Pushed:
        """Take up one more branch."""
        made = Pushed(name)
        self.branches.append(made)
        return made

    def push(self, *moved: Pushed, deleted: tuple[Pushed, ...] = ()) -> Hook:
        """Push a new commit to each of some branches, and delete others, all in one push.

        Args:
            moved: Branches that get a commit each.
            deleted: Branches that go.

        Returns:
            The hook that tells of it.
        """
        commits = {one: self._commits.pop(0) for one in moved}
        found = self.repo.push(**{one.name: commits.get(one) for one in (*moved, *deleted)})
        assert all(each["success"] for each in found), found
        for one in deleted:
            one.is_deleted = True
        for one, commit in commits.items():
            one.commits.append(commit)
            one.is_unheard = True
        return self._hook_of_push((*moved, *deleted))

    def ref_of(self, branch: Pushed) -> Branch:
        """Name a branch as the app does."""
        return Branch(
            organisation=ORG,
            project_id=ProjectId(self.repo.json["project"]["id"]),
            repository_id=RepositoryId(self.repo.json["id"]),
            ref=branch.ref,
        )

    def _hook_of_push(self, branches: tuple[Pushed, ...]) -> Hook:
        resource = push(*(one.ref for one in branches), repository=self.repo.json, url=self.repo.json["url"])

        def accepted(at: datetime) -> None:
            for one in branches:
                one.is_unheard = False
                one.told_at.setdefault(one.commits[-1], at)

        return Hook(lambda instance: _deliver(instance, resource, "git.push"), accepted)

    # ---------------------------------------------------------------------------------------- pull requests

    def propose(self) -> Proposal:
        """Propose the next commit, of which no hook tells."""
        (update,) = self.repo.push(change=self._commits[0])
        assert update["success"], update
        pull = self.repo.pull_request("change")
        proposal = Proposal(pull, "change", self._commits.pop(0), is_unheard=True)
        self._estate.developers.proposals.append(proposal)
        return proposal

    def push_again(self, proposal: Proposal) -> None:
        """Push the next commit to a pull request, by force, and tell of it."""
        (update,) = self.repo.push(change=self._commits[0])
        assert update["success"], update
        proposal.commit = self._commits.pop(0)
        proposal.iteration += 1
        proposal.is_unheard = False
        self._estate.tell(proposal)

    # ---------------------------------------------------------------------------------------- images and builds

    def image(self, reference: str, nature: str) -> None:
        """Push an image under a reference, which stands for this one from now on."""
        digest = self._estate.registry.push(reference)
        self._estate.developers.nature[digest] = nature
        self.images[reference] = digest

    def build(self, proposal: Proposal, *references: str) -> Made:
        """Run a build of a pull request to its end, which names images by its tags."""
        known = proposal.pull.json()
        run = proposal.pull.sim.build(
            self.repo,
            definition=_PIPELINE,
            reason="pullRequest",
            sourceBranch=f"refs/pull/{proposal.pull.id}/merge",
            sourceVersion=known["lastMergeCommit"]["commitId"],
            triggerInfo={
                "pr.number": str(proposal.pull.id),
                "pr.sourceSha": known["lastMergeSourceCommit"]["commitId"],
            },
        )
        run.tag(*map(_tag, references))
        run.complete()
        images = {reference: self.images[reference] for reference in references}
        made = Made(run, proposal, proposal.iteration, known["lastMergeCommit"]["commitId"], images)
        self.made.append(made)
        return made

    def hook_of(self, made: Made) -> Hook:
        """Make the hook that tells of a build."""
        project = self.repo.json["project"]
        pipeline = {**_PIPELINE, "project": {"id": project["id"]}}
        resource = build_resource(id=made.run.id, url=made.run.json()["url"], project=project, definition=pipeline)

        def accepted(at: datetime) -> None:
            made.told_at = made.told_at or at

        return Hook(lambda instance: _deliver(instance, resource, "build.complete"), accepted)

    def texts(self) -> Iterator[str]:
        """Give every text that is shown on commits, builds and checks."""
        commits = {commit for branch in self.branches for commit in branch.commits}
        yield from _texts_of(self.repo, commits | {made.commit for made in self.made})
        for made in self.made:
            yield from (*made.run.tags(), *map(str, made.run.properties().values()))
        for waiting in self.waiting:
            yield from waiting.stage.check()["log"]

    # ---------------------------------------------------------------------------------------- checks

    def reach(self, receiver: Receiver, *references: str, headers: dict[str, str] | None = None) -> Hook:
        """Let a build push images and come to a stage whose check asks.

        Args:
            receiver: Takes the request that Azure Pipelines makes.
            references: The images.
            headers: What the check's author adds to the headers.

        Returns:
            The same request, to be made to the app.
        """
        run = self.repo.sim.build(self.repo, definition=_PIPELINE)
        if references:
            run.tag(*map(_tag, references))
        stage, sent = asked(run, receiver, key=CHECK_SECRET, headers=headers or {})
        waiting = Waiting(
            stage,
            sent,
            dict(parse_qsl(urlsplit(receiver.paths[-1]).query)),
            json.dumps(receiver.bodies[-1]).encode(),
            {reference: self.images[reference] for reference in references},
        )
        self.waiting.append(waiting)

        def accepted(at: datetime) -> None:
            waiting.told_at = waiting.told_at or at

        return Hook(lambda instance: _ask(instance, waiting), accepted, answer=200)


def _texts_of(repo: Repo, commits: Iterable[str]) -> Iterator[str]:
    for commit in commits:
        yield from (str(status["description"]) for status in repo.commit_statuses(commit))


def _ask(instance: Instance, waiting: Waiting) -> Answer:
    return instance.receive_check(waiting.headers, waiting.query, waiting.body)


def _deliver(instance: Instance, resource: dict[str, Any], kind: str) -> Answer:
    project = resource.get("project") or resource["repository"]["project"]
    told = event(resource, eventType=kind, resourceContainers={"project": {"id": project["id"]}})
    return instance.receive(basic(HOOK_SECRET), json.dumps(told).encode())


def _tag(reference: str) -> str:
    return encode_tag(image_reference(reference))
