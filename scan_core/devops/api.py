"""All that can be asked of Azure DevOps, as the rooms above see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from scan_core.devops.builds import BranchTip, BuildRead
from scan_core.devops.pull_requests import IterationRead, PullRequest, StatusRead
from scan_core.model.gate import Status
from scan_core.model.ids import BranchRef, CommitSha, Iteration, ProjectId, RepositoryId
from scan_core.model.subject import BuildRef, Check, PullRequestRef


class RepositoriesApi(Protocol):
    """The repositories of one organisation; `scan_core.devops.repositories.Repositories` is the real one."""

    def default_branch(self, project_id: ProjectId, repository_id: RepositoryId) -> BranchRef | None:
        """Read a repository's default branch; None where it has none yet."""
        ...

    def branch_tip(self, project_id: ProjectId, repository_id: RepositoryId, branch: BranchRef) -> CommitSha | None:
        """Read which commit a branch points to; None where there is no such branch."""
        ...

    def branches(self, project_id: ProjectId, repository_id: RepositoryId) -> tuple[BranchTip, ...]:
        """List every branch."""
        ...

    def file_at_commit(
        self, project_id: ProjectId, repository_id: RepositoryId, commit: CommitSha, path: str, max_bytes: int
    ) -> bytes | None:
        """Read a file as it is in a commit; None only where Azure DevOps says that there is no such file."""
        ...

    def post_commit_status(
        self,
        project_id: ProjectId,
        repository_id: RepositoryId,
        commit: CommitSha,
        status: Status,
        *,
        target_url: str,
        name: str,
    ) -> None:
        """Post a status of our genre on a commit."""
        ...


class BuildsApi(Protocol):
    """The builds of one organisation; `scan_core.devops.pipelines.Builds` is the real one."""

    def read(self, ref: BuildRef) -> BuildRead:
        """Read a build as it is now."""
        ...

    def completed(self, project_id: ProjectId, since: datetime) -> tuple[BuildRead, ...]:
        """List a project's builds that completed since a moment, the oldest first."""
        ...

    def mark(
        self, ref: BuildRef, *, add_tags: Sequence[str], remove_tags: Sequence[str], properties: Mapping[str, str]
    ) -> None:
        """Set and take off tags of a build, and set properties."""
        ...


class ChecksApi(Protocol):
    """Checks that wait for their callback; `scan_core.devops.pipelines.Checks` is the real one."""

    def append_log(self, check: Check, token: str, log_id: int | None, lines: Sequence[str]) -> int:
        """Write lines into a check's log with its own token; returns the log's id, made where there was none."""
        ...

    def answer(self, check: Check, token: str, *, passed: bool) -> None:
        """Complete a check or agentless task with its own token."""
        ...


class DevOpsApi(Protocol):
    """One organisation. Every method that calls out makes each request once and raises DevOpsError on failure.

    `scan_core.devops.client.DevOps` is the real one and says what each method takes, returns and raises.
    """

    @property
    def repositories(self) -> RepositoriesApi:
        """Its repositories."""
        ...

    @property
    def builds(self) -> BuildsApi:
        """Its builds."""
        ...

    @property
    def checks(self) -> ChecksApi:
        """Its checks."""
        ...

    def pull_request(self, ref: PullRequestRef) -> PullRequest:
        """Read a pull request as it is now."""
        ...

    def latest_iteration(self, ref: PullRequestRef) -> IterationRead | None:
        """Read the iteration with the highest number; None where there is none."""
        ...

    def active_pull_requests(self, project_id: ProjectId) -> tuple[PullRequest, ...]:
        """List every active pull request of a project."""
        ...

    def file_on_branch(
        self, project_id: ProjectId, repository_id: RepositoryId, branch: BranchRef, path: str, max_bytes: int
    ) -> bytes | None:
        """Read a file at the tip of a branch; None only where Azure DevOps says that there is no such file."""
        ...

    def post_status(
        self,
        ref: PullRequestRef,
        iteration: Iteration,
        status: Status,
        *,
        target_url: str,
        genre: str = "scangate",
        name: str = "source",
    ) -> None:
        """Post a status on an iteration, or for iteration 0 on the pull request as a whole."""
        ...

    def statuses(self, ref: PullRequestRef) -> tuple[StatusRead, ...]:
        """List every status of a pull request, the oldest first."""
        ...

    def authenticated_id(self) -> str:
        """Say who Azure DevOps takes the caller for."""
        ...

    def clone_url(self, project_id: ProjectId, repository_id: RepositoryId) -> str:
        """Say where a repository is cloned from, without credentials."""
        ...

    def slow_down_seconds(self) -> float:
        """Say how many seconds a call that can wait should wait."""
        ...

    def requests_sent(self) -> int:
        """Say how many requests the calling thread has sent."""
        ...
