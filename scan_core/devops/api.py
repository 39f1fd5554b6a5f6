"""All that can be asked of Azure DevOps, as the rooms above see it."""

from typing import Protocol

from scan_core.devops.pull_requests import IterationRead, PullRequest, StatusRead
from scan_core.model.gate import PullRequestRef, Status
from scan_core.model.ids import BranchRef, Iteration, ProjectId, RepositoryId


class DevOpsApi(Protocol):
    """One organisation. Every method that calls out makes each request once and raises DevOpsError on failure.

    `scan_core.devops.client.DevOps` is the real one and says what each method takes, returns and raises.
    """

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
