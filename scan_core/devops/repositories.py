"""The adapter's repositories: branches, files of a commit, statuses of a commit."""

from typing import Annotated, Any

from pydantic import TypeAdapter

from scan_core.devops.asking import ask, ask_pages
from scan_core.devops.builds import BranchTip
from scan_core.devops.builds_reading import branch_tip_from
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.naming import branch_name, is_unicode, shown
from scan_core.devops.reading import at, lower, malformed, number_from
from scan_core.devops.sdk import Git, models
from scan_core.devops.transport import Errand
from scan_core.model.gate import Status
from scan_core.model.ids import BranchRef, CommitSha, Guid, ProjectId, RepositoryId

FILE_NOT_FOUND = "GitItemNotFoundException"
_PAGE_SIZE = 1000
_HEADS = "refs/heads/"

_guid: TypeAdapter[str] = TypeAdapter(Annotated[str, Guid])


class Repositories:
    """The repositories of one organisation. Satisfies `RepositoriesApi`; may be used by several threads at once."""

    def __init__(self, git: Git) -> None:
        """Use the SDK's client.

        Args:
            git: Hardened.
        """
        self._git = git

    def default_branch(self, project_id: ProjectId, repository_id: RepositoryId) -> BranchRef | None:
        """Read a repository's default branch.

        Args:
            project_id: The project's id.
            repository_id: The repository's id.

        Returns:
            Its full ref name; None where it has none yet.

        Raises:
            DevOpsError: The call failed; MALFORMED also where the answer is about another repository.
            ValueError: An id is not a GUID in lower case.
        """
        ids = _ids(project_id, repository_id)
        doing = f"reading repository {repository_id}"
        model = ask(Errand(doing), lambda: self._git.get_repository(**ids))
        if (lower(at(model, "project", "id")), lower(at(model, "id"))) != (project_id, repository_id):
            raise malformed(doing, "Azure DevOps answered about another repository or project")
        name = at(model, "default_branch")
        if name is None:
            return None
        if not isinstance(name, str) or not name.startswith(_HEADS):
            raise malformed(doing, "Azure DevOps gave no branch for defaultBranch")
        return BranchRef(name)

    def branch_tip(self, project_id: ProjectId, repository_id: RepositoryId, branch: BranchRef) -> CommitSha | None:
        """Read which commit a branch points to.

        Args:
            project_id: The project's id.
            repository_id: The repository's id.
            branch: Its full ref name; may hold anything that git allows, and more.

        Returns:
            The commit; None where there is no such branch.

        Raises:
            DevOpsError: The call failed, or the name is not that of a branch (REJECTED).
            ValueError: An id is not a GUID in lower case.
        """
        doing = f"reading branch {shown(branch)}"
        branch_name(branch, doing)  # refuses what is none
        # The filter is for beginnings of names: the branch itself is one of those that begin so.
        tips = self._tips(project_id, repository_id, branch.removeprefix("refs/"), doing)
        return next((tip.commit for tip in tips if tip.ref == branch), None)

    def branches(self, project_id: ProjectId, repository_id: RepositoryId) -> tuple[BranchTip, ...]:
        """List every branch.

        Args:
            project_id: The project's id.
            repository_id: The repository's id.

        Returns:
            The branches and where they point to.

        Raises:
            DevOpsError: A call failed.
            ValueError: An id is not a GUID in lower case.
        """
        return self._tips(project_id, repository_id, "heads/", f"listing the branches of repository {repository_id}")

    def file_at_commit(
        self, project_id: ProjectId, repository_id: RepositoryId, commit: CommitSha, path: str, max_bytes: int
    ) -> bytes | None:
        """Read a file as it is in a commit.

        Args:
            project_id: The project's id.
            repository_id: The repository's id.
            commit: The commit.
            path: The file's path from the repository's root.
            max_bytes: The largest content taken.

        Returns:
            The content; None only where Azure DevOps says that the commit has no such file.

        Raises:
            DevOpsError: The call failed, or the file is larger than allowed (REJECTED).
            ValueError: An id is not a GUID in lower case.
        """
        version = models.GitVersionDescriptor(version=commit, version_type="commit")
        return file_in(self._git, project_id, repository_id, version, path, max_bytes, f"in commit {commit[:12]}")

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
        """Post a status of our genre on a commit. The latest of a name counts, so posting twice is harmless.

        Args:
            project_id: The project's id.
            repository_id: The repository's id.
            commit: The commit.
            status: State and description.
            target_url: The link that the status shows.
            name: The status' name.

        Raises:
            DevOpsError: The call failed.
            ValueError: An id is not a GUID in lower case.
        """
        ids = _ids(project_id, repository_id)
        content = models.GitStatus(
            state=status.state.value,
            description=status.description,
            target_url=target_url,
            context=models.GitStatusContext(genre="scangate", name=name),
        )
        doing = f"posting status {status.state} on commit {commit[:12]}"
        # Nobody compares what a commit shows later, so an answer that is none is a status that was not posted.
        number_from(ask(Errand(doing), lambda: self._git.create_commit_status(content, commit, **ids)), "id", doing)

    def _tips(
        self, project_id: ProjectId, repository_id: RepositoryId, beginning: str, doing: str
    ) -> tuple[BranchTip, ...]:
        ids = _ids(project_id, repository_id)
        found = ask_pages(
            Errand(doing),
            lambda token: self._git.get_refs(filter=beginning, top=_PAGE_SIZE, continuation_token=token, **ids),
        )
        return tuple(branch_tip_from(model, doing) for model in found)


def file_in(
    git: Git,
    project_id: ProjectId,
    repository_id: RepositoryId,
    version: Any,  # noqa: ANN401 (SDK model)
    path: str,
    max_bytes: int,
    place: str,
) -> bytes | None:
    """Read a file of a repository in some version of it.

    Args:
        git: The SDK's client.
        project_id: The project's id.
        repository_id: The repository's id.
        version: The SDK's GitVersionDescriptor.
        path: The file's path from the repository's root.
        max_bytes: The largest content taken.
        place: Where the file is, in words for an error.

    Returns:
        The content; None only where Azure DevOps says that there is no such file in that version.

    Raises:
        DevOpsError: The call failed, the version does not exist (NOT_FOUND), or the file is larger than allowed
            (REJECTED).
        ValueError: An id is not a GUID in lower case.
    """
    ids = _ids(project_id, repository_id)
    doing = f"reading {shown(path)} {place}"
    if not is_unicode(path):
        raise DevOpsError(DevOpsErrorKind.REJECTED, f"{doing}: the path is not valid Unicode")
    try:
        return ask(
            Errand(doing, max_bytes=max_bytes, content=True),
            lambda: b"".join(git.get_item_content(path=path, version_descriptor=version, **ids)),
        )
    except DevOpsError as error:
        if error.kind is DevOpsErrorKind.NOT_FOUND and error.type_key == FILE_NOT_FOUND:
            return None
        raise


def _ids(project_id: ProjectId, repository_id: RepositoryId) -> dict[str, str]:
    return {
        "project": _guid.validate_python(project_id),
        "repository_id": _guid.validate_python(repository_id),
    }
