"""From the SDK's models of pull requests, their iterations and statuses to our values."""

from typing import Any

from scan_core.devops.pull_requests import IterationRead, MergeStatus, PullRequest, StatusRead
from scan_core.devops.reading import at, displayable, is_there, lower, value
from scan_core.devops.sdk import Unreadable
from scan_core.model.ids import OrganisationName


def pull_request_from(model: Any, organisation: OrganisationName, doing: str) -> PullRequest:  # noqa: ANN401 (SDK model)
    """Read a pull request.

    Args:
        model: The SDK's GitPullRequest.
        organisation: The organisation that was asked.
        doing: What is being done, in words for an error.

    Returns:
        The pull request, with the ids that the answer gives.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    supports_iterations = at(model, "supports_iterations")
    return value(
        PullRequest,
        doing,
        ref={
            "organisation": organisation,
            "project_id": lower(at(model, "repository", "project", "id")),
            "repository_id": lower(at(model, "repository", "id")),
            "pull_request_id": at(model, "pull_request_id"),
        },
        status=at(model, "status"),
        is_draft=at(model, "is_draft") or False,
        source_ref=at(model, "source_ref_name"),
        target_ref=at(model, "target_ref_name"),
        source_commit=lower(at(model, "last_merge_source_commit", "commit_id")),
        merge_commit=lower(at(model, "last_merge_commit", "commit_id")),
        merge_status=at(model, "merge_status") or MergeStatus.NOT_SET,
        is_fork=is_there(at(model, "fork_source")),
        supports_iterations=True if supports_iterations is None else supports_iterations,
        title=displayable(at(model, "title")),
    )


def iteration_from(model: Any, doing: str) -> IterationRead:  # noqa: ANN401 (SDK model)
    """Read an iteration.

    Args:
        model: The SDK's GitPullRequestIteration.
        doing: What is being done, in words for an error.

    Returns:
        The iteration.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    return value(
        IterationRead,
        doing,
        number=at(model, "id") or None,
        source_commit=lower(at(model, "source_ref_commit", "commit_id")),
        target_commit=lower(at(model, "target_ref_commit", "commit_id")),
    )


def status_from(model: Any, doing: str) -> StatusRead:  # noqa: ANN401 (SDK model)
    """Read a status.

    Args:
        model: The SDK's GitPullRequestStatus.
        doing: What is being done, in words for an error.

    Returns:
        The status.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    created_at = at(model, "creation_date")
    return value(
        StatusRead,
        doing,
        id=at(model, "id"),
        state=at(model, "state"),
        description=displayable(at(model, "description")),
        genre=displayable(at(model, "context", "genre")),
        name=displayable(at(model, "context", "name")),
        iteration=at(model, "iteration_id") or None,
        author_id=lower(at(model, "created_by", "id")),
        # Only shown, never decided upon; a date that cannot be read does not make the status unreadable.
        created_at=None if isinstance(created_at, Unreadable) else created_at,
    )
