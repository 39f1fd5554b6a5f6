"""What developers do: branches, pushes and pull requests in the simulator, and what is true of each commit."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tests.flow.origin import Origin
from tests.local.devops.driver import Pull, Repo, Sim, git

TARGETS: Final = {
    "main": None,
    "lenient": "max_critical: -1\nmax_high: -1\n",
    "patient": "drafts: wait\n",
    "broken": "max_critical: many\n",
    "off": "enabled: false\n",
}
"""Target branches, and the rules file on each."""
_NO_COMMIT: Final = "0" * 40
_POOL: Final = 150
_numbers: Final = itertools.count(1)


def expected(nature: str, target: str, *, draft: bool = False) -> str:
    """Say what a pull request must show in the end.

    Args:
        nature: How its commit is: clean, vulnerable or error.
        target: Its target branch.
        draft: Whether it is a draft.

    Returns:
        The state of the last status.
    """
    if target == "broken":
        return "error"
    if target == "off":
        return "notApplicable"
    if target == "patient" and draft:
        return "pending"
    if nature == "vulnerable":
        return "succeeded" if target == "lenient" else "failed"
    return {"clean": "succeeded", "error": "error"}[nature]


def thing(target: object) -> str:
    """Name what a scan is of.

    Args:
        target: A commit's or an image's target.

    Returns:
        The commit, or the image's digest.
    """
    return str(getattr(target, "commit", None) or target.digest)  # type: ignore[attr-defined]  # it is one of the two


@dataclass(eq=False)
class Proposal:
    """A pull request as its author knows it."""

    pull: Pull
    branch: str
    commit: str
    target: str = "main"
    status: str = "active"
    draft: bool = False
    iteration: int = 1
    told_at: dict[int, datetime] = field(default_factory=dict)
    """When the first request was accepted after each iteration came to be."""
    is_unheard: bool = False
    """Whether the last event about it was lost, so that nobody but reconciling can know."""
    forged: set[int] = field(default_factory=set)
    """Statuses of our genre that somebody else wrote, by their ids."""
    is_forged: bool = False
    """Whether one was written since reconciling last had the time to see it."""

    @property
    def is_active(self) -> bool:
        """Whether it waits for an answer."""
        return self.status == "active"


class Developers:
    """One repository with rules on its branches, and a pool of commits to push."""

    def __init__(self, sim: Sim, origin: Origin, project: dict[str, Any]) -> None:
        """Make the repository.

        Args:
            sim: The simulator.
            origin: Where commits are made.
            project: The project to make it in.
        """
        self._sim = sim
        self._origin = origin
        self._project = project
        self._forger = sim.as_other(displayName="Mallory", uniqueName="mallory@example.com")
        self.nature: dict[str, str] = {}
        """How each commit is that was ever proposed, and each image that was ever built."""
        self.proposals: list[Proposal] = []
        self._rules = {name: _rules_commit(origin, text) for name, text in TARGETS.items()}
        self._fill()

    def open(self, nature: str, *, target: str = "main", draft: bool = False) -> Proposal:
        """Propose a new commit on a new branch."""
        branch, commit = f"change-{next(_numbers)}", self.commit(nature)
        self._move(branch, _NO_COMMIT, commit)
        pull = self._repo.pull_request(branch, target, isDraft=draft)
        proposal = Proposal(pull, branch, commit, target=target, draft=draft)
        self.proposals.append(proposal)
        return proposal

    def commit(self, nature: str) -> str:
        """Take a commit that nobody proposed yet."""
        if len(self._pool) < 2:
            self._fill()
        commit = self._pool.pop()
        self.nature[commit] = nature
        return commit

    def elsewhere(self, *natures: str) -> tuple[Repo, list[str]]:
        """Make a project with a repository, and in it a main branch and commits that are on no branch of note.

        Args:
            natures: How the commits are.

        Returns:
            The repository, and the commits in their order.
        """
        project = self._sim.project(f"Shop {next(_numbers)}")
        repo = self._sim.repository(project, f"shop {next(_numbers)}")
        commits = [self.commit(nature) for nature in natures]
        pooled = [f"{commit}:refs/heads/pool/{number}" for number, commit in enumerate(commits)]
        self._origin.push(repo.json["webUrl"], f"{self._rules['main']}:refs/heads/main", *pooled)
        return repo, commits

    def push(self, proposal: Proposal, commit: str) -> None:
        """Move a proposal's branch; by force, as no commit of the pool is the parent of another."""
        if commit == proposal.commit:
            return
        if not self._moves(proposal.branch, proposal.commit, commit):
            return  # another developer pushed to it at the same moment
        proposal.commit = commit
        if proposal.is_active:
            proposal.iteration += 1

    def retarget(self, proposal: Proposal, target: str) -> None:
        """Give a proposal another target branch."""
        if target != proposal.target:
            self._change(proposal, targetRefName=f"refs/heads/{target}")
            proposal.target = target
            proposal.iteration += 1

    def publish(self, proposal: Proposal) -> None:
        """Make a draft ready for review, or a draft again."""
        self._change(proposal, isDraft=not proposal.draft)
        proposal.draft = not proposal.draft

    def close(self, proposal: Proposal, status: str) -> None:
        """Complete or abandon a proposal."""
        if status == "completed":
            answer = proposal.pull.complete()
            assert answer.ok, answer.text
            assert proposal.pull.json()["status"] == "completed", "the test's own commits are in conflict"
        else:
            self._change(proposal, status=status)
        proposal.status = status

    def reactivate(self, proposal: Proposal) -> None:
        """Open an abandoned proposal again; what was pushed meanwhile makes an iteration."""
        before = proposal.pull.iterations()[-1]["sourceRefCommit"]["commitId"]
        self._change(proposal, status="active")
        proposal.status = "active"
        proposal.iteration += before != proposal.commit

    def forge(self, proposal: Proposal, state: str) -> None:
        """Write a status of our genre, as somebody who may."""
        forger = Pull(self._forger, proposal.pull.repo, proposal.pull.id)
        answer = forger.status(state, proposal.iteration)
        assert answer.ok, answer.text
        proposal.forged.add(int(answer.json()["id"]))
        proposal.is_forged = True

    def trust(self) -> None:
        """Take reconciling to have seen everything by now."""
        for proposal in self.proposals:
            proposal.is_unheard = proposal.is_forged = False

    def leave(self) -> None:
        """Abandon everything that is still open, and forget all commits: none is proposed to two deployments."""
        for proposal in self.proposals:
            if proposal.is_active:
                proposal.pull.change(status="abandoned")
                proposal.status = "abandoned"
        self.proposals.clear()
        self.nature.clear()

    @staticmethod
    def _change(proposal: Proposal, **wanted: Any) -> None:
        answer = proposal.pull.change(**wanted)
        assert answer.ok, answer.text

    def _move(self, branch: str, old: str, new: str) -> None:
        assert self._moves(branch, old, new), f"{branch} is not at {old}"

    def _moves(self, branch: str, old: str, new: str) -> bool:
        update = [{"name": f"refs/heads/{branch}", "oldObjectId": old, "newObjectId": new}]
        return bool(self._sim.post(f"{self._repo.path}/refs", update)["value"][0]["success"])

    def _fill(self) -> None:
        """Make a repository whose pool is full; the old one keeps its pull requests."""
        self._repo: Repo = self._sim.repository(self._project, f"shop {next(_numbers)}")
        self._pool = list(_fresh_commits(self._origin, _POOL))
        pushed = [f"{commit}:refs/heads/{name}" for name, commit in self._rules.items()]
        pooled = [f"{commit}:refs/heads/pool/{number}" for number, commit in enumerate(self._pool)]
        self._origin.push(self._repo.json["webUrl"], *pushed, *pooled)


def _rules_commit(origin: Origin, text: str | None) -> str:
    return origin.commits["main"] if text is None else origin.commit({".scangate.yml": text})


def _fresh_commits(origin: Origin, count: int) -> Iterator[str]:
    """Make many commits on top of main in one go, each with a file of its own."""
    first = next(_numbers)
    lines = []
    for number in range(count):
        text = f"commit {first}.{number}"
        lines += [
            f"commit refs/heads/fresh/{number}",
            "committer Dev <dev@example.com> 1700000000 +0000",
            f"data {len(text)}\n{text}",
            f"from {origin.commits['main']}",
            f"M 100644 inline {first}-{number}.txt\ndata {len(text)}\n{text}",
            "",
        ]
    origin._git("fast-import", "--quiet", "--force", text="\n".join(lines))
    listed = git(origin._folder, "for-each-ref", "--format=%(objectname)", "refs/heads/fresh").stdout
    yield from listed.split()
