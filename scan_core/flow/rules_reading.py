"""Reading rules where they hold: at the tip of a branch, or at one commit."""

import hashlib

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow.services import Services
from scan_core.model.ids import BranchRef, CommitSha, OrganisationName, ProjectId, RepositoryId
from scan_core.model.rules import RulesRead
from scan_core.rules.rules_file import read_rules

RULES_PATH = "/.scangate.yml"
_RULES_BYTES = 4 * 1024 * 1024
"""What is fetched at most; `read_rules` refuses a file long before."""


class NotYet(Exception):
    """Something that a gate needs has not been worked out, or cannot be had yet; the message says what."""

    def __init__(self, sentence: str, *, retry_after: float | None = None) -> None:
        """Say what is not there.

        Args:
            sentence: In words.
            retry_after: Seconds that whoever has it asks to wait.
        """
        super().__init__(sentence)
        self.retry_after = retry_after


def rules_on_branch(
    services: Services,
    organisation: OrganisationName,
    project_id: ProjectId,
    repository_id: RepositoryId,
    branch: BranchRef,
    commit: CommitSha | None,
) -> RulesRead:
    """Read the rules at the tip of a branch.

    Args:
        services: The doors to the outside.
        organisation: The project's organisation.
        project_id: The repository's project.
        repository_id: The repository.
        branch: The branch.
        commit: Its tip, where that is known.

    Returns:
        The rules as they are now; the organisation's defaults where the branch has no file.

    Raises:
        RulesUnreadable: There is a file, and it cannot be understood.
        NotYet: There is no such branch, or it may not be read.
        DevOpsError: It could not be read.
    """
    try:
        body = services.devops(organisation).file_on_branch(project_id, repository_id, branch, RULES_PATH, _RULES_BYTES)
    except DevOpsError as error:
        if error.kind is DevOpsErrorKind.NOT_FOUND:
            # Not what the rules are for, which was there a moment ago: the branch, or the right to read it.
            raise NotYet(error.sentence) from error
        raise
    return _rules_in(services, body, branch, commit)


def rules_at_commit(
    services: Services,
    organisation: OrganisationName,
    project_id: ProjectId,
    repository_id: RepositoryId,
    branch: BranchRef,
    commit: CommitSha,
) -> RulesRead:
    """Read the rules that a commit brings with it.

    Args:
        services: The doors to the outside.
        organisation: The project's organisation.
        project_id: The repository's project.
        repository_id: The repository.
        branch: The branch it was pushed to.
        commit: The commit.

    Returns:
        Its rules; the organisation's defaults where it has no file.

    Raises:
        RulesUnreadable: There is a file, and it cannot be understood.
        DevOpsError: It could not be read.
    """
    repositories = services.devops(organisation).repositories
    body = repositories.file_at_commit(project_id, repository_id, commit, RULES_PATH, _RULES_BYTES)
    return _rules_in(services, body, branch, commit)


def _rules_in(services: Services, body: bytes | None, branch: BranchRef, commit: CommitSha | None) -> RulesRead:
    return RulesRead(
        rules=services.default_rules if body is None else read_rules(body, services.default_rules),
        branch=branch,
        commit=commit,
        file_sha256=None if body is None else hashlib.sha256(body).hexdigest(),
    )
