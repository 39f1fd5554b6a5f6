"""Table ``gates``: the projects that are looked after without any hook, and the pull requests followed in each."""

from contextlib import suppress
from typing import Annotated

from azure.data.tables import TableServiceClient
from pydantic import Field

from scan_core.model.ids import Guid, Organisation, OrganisationName, ProjectId
from scan_core.model.subject import Branch, PullRequestRef
from scan_core.model.value import Moment, Value
from scan_core.store.rows import Conflict, Rows, Versioned

_PROJECTS = "projects"


class Project(Value):
    """A project that an authenticated request named."""

    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    next_at: Moment
    """When its turn comes; whoever moves this on has the turn."""
    failures: int = Field(default=0, ge=0)
    """How many of its latest turns in a row failed."""
    builds_until: Moment | None = None
    """Until when its completed builds were gone through; None while no hook told of any."""


class Followed(Value):
    """A pull request that has had a gate and is open, as far as is known."""

    pull_request: PullRequestRef
    next_at: Moment
    """When what Azure DevOps shows is compared with its gate again."""
    seen_status: int = Field(default=0, ge=0)
    """The highest id among its statuses that were looked at."""


class FollowedBranch(Value):
    """A branch whose pushes are judged."""

    branch: Branch
    next_at: Moment
    """When the commit that it points to is compared with its gate again."""


class ProjectStore:
    """Enrolled projects and followed pull requests."""

    def __init__(self, tables: TableServiceClient) -> None:
        """Use the table of an account.

        Args:
            tables: The account's tables.
        """
        table = tables.get_table_client("gates")
        self._projects = Rows(table, Project)
        self._followed = Rows(table, Followed)
        self._branches = Rows(table, FollowedBranch)
        self._known: set[tuple[OrganisationName, ProjectId]] = set()
        self._with_builds: set[tuple[OrganisationName, ProjectId]] = set()

    def enrol(self, project: Project) -> None:
        """Remember a project for ever. After the first time in a process this costs nothing.

        Args:
            project: The project, with its first turn; a row that stands keeps its own.
        """
        key = (project.organisation, project.project_id)
        if key in self._known:
            return
        with suppress(Conflict):
            self._projects.insert(_PROJECTS, _row(project), project)
        self._known.add(key)

    def enrolled(self) -> list[Versioned[Project]]:
        """List every project.

        Returns:
            The projects, in no order that means anything.
        """
        return [project for _, project in self._projects.partition(_PROJECTS)]

    def write(self, old: Versioned[Project], project: Project) -> Versioned[Project]:
        """Write a project over the version read.

        Args:
            old: What was read.
            project: What shall stand.

        Returns:
            The project with its new version.

        Raises:
            Conflict: It changed meanwhile.
        """
        return self._projects.replace(_PROJECTS, _row(project), old, project)

    def follow(self, followed: Followed) -> None:
        """Remember a pull request until it is let go of.

        Args:
            followed: The pull request, with its first comparison; a row that stands keeps its own.
        """
        with suppress(Conflict):
            self._followed.insert(_place(followed.pull_request), followed.pull_request.subject, followed)

    def followed(self, organisation: OrganisationName, project_id: ProjectId) -> list[Versioned[Followed]]:
        """List the pull requests followed in a project.

        Args:
            organisation: The project's organisation.
            project_id: The project.

        Returns:
            The pull requests, in no order that means anything.
        """
        return [followed for _, followed in self._followed.partition(_name(organisation, project_id))]

    def note(self, old: Versioned[Followed], followed: Followed) -> None:
        """Write a followed pull request over the version read; where another was quicker, that stands.

        Args:
            old: What was read.
            followed: What shall stand.
        """
        with suppress(Conflict):
            self._followed.replace(_place(followed.pull_request), followed.pull_request.subject, old, followed)

    def follow_branch(self, followed: FollowedBranch) -> None:
        """Remember a branch until it is let go of.

        Args:
            followed: The branch, with its first comparison; a row that stands keeps its own.
        """
        with suppress(Conflict):
            self._branches.insert(_place(followed.branch), followed.branch.subject, followed)

    def followed_branches(
        self, organisation: OrganisationName, project_id: ProjectId
    ) -> list[Versioned[FollowedBranch]]:
        """List the branches followed in a project.

        Args:
            organisation: The project's organisation.
            project_id: The project.

        Returns:
            The branches, in no order that means anything.
        """
        return [branch for _, branch in self._branches.partition(_name(organisation, project_id))]

    def note_branch(self, old: Versioned[FollowedBranch], followed: FollowedBranch) -> Versioned[FollowedBranch] | None:
        """Write a followed branch over the version read.

        Args:
            old: What was read.
            followed: What shall stand.

        Returns:
            The branch with its new version; None where another was quicker.
        """
        try:
            return self._branches.replace(_place(followed.branch), followed.branch.subject, old, followed)
        except Conflict:
            return None

    def let_go_of_branch(self, old: Versioned[FollowedBranch]) -> None:
        """Forget a branch, unless its row changed since it was read.

        Args:
            old: What was read.
        """
        self._branches.delete(_place(old.value.branch), old.value.branch.subject, old)

    def go_through_builds(self, organisation: OrganisationName, project_id: ProjectId, since: Moment) -> None:
        """Remember that a project's builds are told of. After the first time in a process this costs nothing.

        Args:
            organisation: The project's organisation.
            project_id: The project, which is enrolled.
            since: The moment from which they are gone through; one that stands is kept.
        """
        key = (organisation, project_id)
        if key in self._with_builds:
            return
        row = self._projects.read(_PROJECTS, _name(organisation, project_id))
        if row is None:
            return
        if row.value.builds_until is None:
            with suppress(Conflict):  # else at the next build
                self.write(row, row.value.model_copy(update={"builds_until": since}))
                self._with_builds.add(key)
        else:
            self._with_builds.add(key)

    def let_go(self, old: Versioned[Followed]) -> None:
        """Forget a pull request, unless its row changed since it was read.

        Args:
            old: What was read.
        """
        self._followed.delete(_place(old.value.pull_request), old.value.pull_request.subject, old)


def _row(project: Project) -> str:
    return _name(project.organisation, project.project_id)


def _place(followed: PullRequestRef | Branch) -> str:
    """The partition of its project."""
    return _name(followed.organisation, followed.project_id)


def _name(organisation: OrganisationName, project_id: ProjectId) -> str:
    return f"{organisation}.{project_id}"
