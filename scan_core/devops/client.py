"""The adapter: one organisation of Azure DevOps, asked through the SDK's generated operations."""

from typing import Annotated, Any

from pydantic import TypeAdapter

from scan_core.devops.asking import MAX_PAGES, ask, ask_list
from scan_core.devops.caller import Caller
from scan_core.devops.identity import Authorization
from scan_core.devops.naming import branch_name, shown
from scan_core.devops.pipelines import Builds, Checks
from scan_core.devops.pipelines_sdk import Build
from scan_core.devops.pull_requests import IterationRead, PullRequest, StatusRead
from scan_core.devops.pull_requests_reading import iteration_from, pull_request_from, status_from
from scan_core.devops.reading import malformed, readable
from scan_core.devops.repositories import Repositories, file_in
from scan_core.devops.sdk import Git, models
from scan_core.devops.transport import Errand
from scan_core.model.gate import Status
from scan_core.model.ids import BranchRef, Guid, Iteration, OrganisationName, ProjectId, RepositoryId
from scan_core.model.subject import PullRequestRef

PAGE_SIZE = 100

_guid: TypeAdapter[str] = TypeAdapter(Annotated[str, Guid])


class DevOps(Caller):
    """What the gates ask. Satisfies `DevOpsApi`; other exceptions are for arguments that no caller should pass."""

    def __init__(
        self,
        organisation: OrganisationName,
        url: str,
        authorization: Authorization,
        *,
        connect_seconds: float = 5.0,
        read_seconds: float = 20.0,
        total_seconds: float = 30.0,
    ) -> None:
        """Prepare to call; nothing is sent yet.

        Args:
            organisation: The organisation's name.
            url: Its URL, such as ``https://dev.azure.com/contoso``.
            authorization: Gives the ``Authorization`` header for each request.
            connect_seconds: How long a connection may take to stand.
            read_seconds: How long Azure DevOps may be silent.
            total_seconds: How long one call may take in all.

        Raises:
            ValueError: The URL is not a plain http or https URL.
        """
        super().__init__(
            url,
            authorization,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            total_seconds=total_seconds,
        )
        self._organisation = organisation
        self._git = Git(self._url, self._transport)
        self.repositories = Repositories(self._git)
        self.builds = Builds(Build(self._url, self._transport), organisation)
        self.checks = Checks(self._url, self._transport)

    def clone_url(self, project_id: ProjectId, repository_id: RepositoryId) -> str:
        """Say where a repository is cloned from, made from configuration and ids alone.

        Args:
            project_id: The project's id.
            repository_id: The repository's id.

        Returns:
            The URL, without credentials.

        Raises:
            ValueError: An id is not a GUID in lower case.
        """
        return f"{self._url}/{_guid.validate_python(project_id)}/_git/{_guid.validate_python(repository_id)}"

    def pull_request(self, ref: PullRequestRef) -> PullRequest:
        """Read a pull request as it is now.

        Args:
            ref: Which one.

        Returns:
            The pull request.

        Raises:
            DevOpsError: The call failed; MALFORMED also where the answer is about another pull request.
            ValueError: The pull request is of another organisation.
        """
        ids = self._ids(ref)
        doing = f"reading pull request {ref.pull_request_id}"
        answer = ask(Errand(doing), lambda: self._git.get_pull_request(**ids))
        found = pull_request_from(answer, self._organisation, doing)
        if found.ref != ref:
            raise malformed(doing, "Azure DevOps answered about another pull request, repository or project")
        return found

    def latest_iteration(self, ref: PullRequestRef) -> IterationRead | None:
        """Read the last iteration of a pull request.

        Args:
            ref: Which pull request.

        Returns:
            The iteration with the highest number; None where there is none.

        Raises:
            DevOpsError: The call failed.
            ValueError: The pull request is of another organisation.
        """
        ids = self._ids(ref)
        doing = f"reading the iterations of pull request {ref.pull_request_id}"
        answer = ask_list(Errand(doing), lambda: self._git.get_pull_request_iterations(**ids))
        iterations = [iteration_from(model, doing) for model in answer]
        return max(iterations, key=lambda iteration: iteration.number, default=None)

    def active_pull_requests(self, project_id: ProjectId) -> tuple[PullRequest, ...]:
        """List every active pull request of a project. One that cannot be read is left out and logged.

        Args:
            project_id: The project's id.

        Returns:
            The pull requests, in Azure DevOps' order.

        Raises:
            DevOpsError: A call failed; MALFORMED also where the answer is about another project, or does not end.
            ValueError: The id is not a GUID in lower case.
        """
        _guid.validate_python(project_id)
        doing = f"listing the active pull requests of project {project_id}"
        found: list[PullRequest] = []
        seen: set[Any] = set()
        read = 0
        for _ in range(MAX_PAGES):
            page = self._page_of_pull_requests(project_id, read, doing)
            # Pull requests that close in between move the pages, so one may come twice; a page with nothing new is
            # past the end. That a page is short says nothing: what may not be seen can be missing from it.
            new = [model for model in page if getattr(model, "pull_request_id", None) not in seen]
            if not new:
                return tuple(found)
            seen.update(getattr(model, "pull_request_id", None) for model in new)
            found += self._readable(new, project_id, doing)
            read += len(page)
        raise malformed(doing, f"the list did not end within {MAX_PAGES} pages")

    def _page_of_pull_requests(self, project_id: ProjectId, skip: int, doing: str) -> list[Any]:
        criteria = models.GitPullRequestSearchCriteria(status="active")
        return ask_list(
            Errand(doing),
            lambda: self._git.get_pull_requests_by_project(project_id, criteria, top=PAGE_SIZE, skip=skip),
        )

    def _readable(self, page: list[Any], project_id: ProjectId, doing: str) -> tuple[PullRequest, ...]:
        # One that is left out is read again by its own hook or at its next listing.
        found = readable(page, lambda model: pull_request_from(model, self._organisation, doing), "pull request")
        if any(one.ref.project_id != project_id for one in found):
            raise malformed(doing, "Azure DevOps answered about another project")
        return found

    def file_on_branch(
        self, project_id: ProjectId, repository_id: RepositoryId, branch: BranchRef, path: str, max_bytes: int
    ) -> bytes | None:
        """Read a file at the tip of a branch.

        Args:
            project_id: The project's id.
            repository_id: The repository's id.
            branch: The branch, such as ``refs/heads/main``; may hold anything that git allows, and more.
            path: The file's path from the repository's root.
            max_bytes: The largest content taken.

        Returns:
            The content; None only where Azure DevOps says that the branch has no such file.

        Raises:
            DevOpsError: The call failed, the branch does not exist (NOT_FOUND), the name is not that of a branch or the
                file is larger than allowed (REJECTED).
            ValueError: An id is not a GUID in lower case.
        """
        _guid.validate_python(project_id)
        _guid.validate_python(repository_id)
        place = f"on branch {shown(branch)}"
        name = branch_name(branch, f"reading {shown(path)} {place}")
        version = models.GitVersionDescriptor(version=name, version_type="branch")
        return file_in(self._git, project_id, repository_id, version, path, max_bytes, place)

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
        """Post a status. Statuses are appended; the latest of a genre and name counts, so posting twice is harmless.

        Args:
            ref: On which pull request.
            iteration: On which iteration; 0 for the pull request as a whole, where it keeps no iterations.
            status: State and description.
            target_url: The link that the status shows.
            genre: The status' genre.
            name: The status' name.

        Raises:
            DevOpsError: The call failed; whether the status arrived is then told by `statuses` only.
            ValueError: The pull request is of another organisation.
        """
        ids = self._ids(ref)
        doing = f"posting status {status.state} on pull request {ref.pull_request_id}"
        content = models.GitPullRequestStatus(
            state=status.state.value,
            description=status.description,
            target_url=target_url,
            context=models.GitStatusContext(genre=genre, name=name),
        )
        if iteration == 0:
            answer = ask(Errand(doing), lambda: self._git.create_pull_request_status(content, **ids))
        else:
            answer = ask(
                Errand(f"{doing}, iteration {iteration}"),
                lambda: self._git.create_pull_request_iteration_status(content, iteration_id=iteration, **ids),
            )
        status_from(answer, doing)

    def statuses(self, ref: PullRequestRef) -> tuple[StatusRead, ...]:
        """List every status of a pull request, of all iterations and everyone's.

        Args:
            ref: Which pull request.

        Returns:
            The statuses, the oldest first.

        Raises:
            DevOpsError: The call failed.
            ValueError: The pull request is of another organisation.
        """
        ids = self._ids(ref)
        doing = f"reading the statuses of pull request {ref.pull_request_id}"
        answer = ask_list(Errand(doing), lambda: self._git.get_pull_request_statuses(**ids))
        return tuple(sorted((status_from(model, doing) for model in answer), key=lambda status: status.id))

    def _ids(self, ref: PullRequestRef) -> dict[str, Any]:
        if ref.organisation != self._organisation:
            raise ValueError(f"{self._organisation} was asked about a pull request of {ref.organisation}")
        return {
            "project": ref.project_id,
            "repository_id": ref.repository_id,
            "pull_request_id": ref.pull_request_id,
        }
