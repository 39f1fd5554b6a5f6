"""Statuses on pull requests and commits: checked, appended, listed. None is ever changed."""

from dataclasses import replace
from typing import Any, Final

from local.devops.completion import complete_if_wanted
from local.devops.errors import ServiceError, invalid_argument, iteration_not_found
from local.devops.policies import STATUS_POLICY, applicable_policies
from local.devops.records import CommitStatuses, Identity, PullRequest, Repository, Status
from local.devops.shapes import Shape
from local.devops.state import Organisation

STATUS: Final[dict[str, Shape]] = {
    "state": str,
    "description": str,
    "targetUrl": str,
    "context": {"name": str, "genre": str},
    "iterationId": int,
}
"""The body that posts a status."""

STATES: Final = ("notSet", "pending", "succeeded", "failed", "error", "notApplicable")
LONGEST_DESCRIPTION: Final = 4000
"""Characters. The service's own limit is not published; this is what its other texts are held to."""


def post_status(
    organisation: Organisation, number: int, wanted: dict[str, Any], author: Identity, iteration: int | None
) -> Status:
    """Append a status to a pull request or one of its iterations.

    Args:
        organisation: where.
        number: the pull request's id.
        wanted: as the caller sent it; its ``iterationId`` counts when the address names none.
        author: who posts.
        iteration: the iteration that the address names.

    Raises:
        ServiceError: 400 for a bad status, 403 where a policy or the pull request's size refuses it, 404 for an
            iteration that is not there.
    """
    checked = _checked(wanted)
    with organisation.store.change():
        pull_request = organisation.pull_request(number)
        on = iteration if iteration is not None else wanted.get("iterationId")
        _demand_iteration(organisation, pull_request, checked, on)
        status = replace(
            checked,
            id=len(pull_request.statuses) + 1,
            author=author,
            created=organisation.clock.stamp(),
            iteration=on,
        )
        organisation.pull_requests.put(number, replace(pull_request, statuses=(*pull_request.statuses, status)))
    complete_if_wanted(organisation, number)
    return status


def _demand_iteration(
    organisation: Organisation, pull_request: PullRequest, status: Status, iteration: int | None
) -> None:
    if iteration is not None:
        if not pull_request.supports_iterations:
            message = "The pull request status cannot be created: the pull request does not support iterations."
            raise ServiceError(403, "GitPullRequestStatusCannotBeCreatedException", message)
        if not any(known.id == iteration for known in pull_request.iterations):
            raise iteration_not_found(iteration)
        return
    for policy in applicable_policies(organisation, pull_request):
        settings = policy.settings
        named = (settings.get("statusGenre") or "", settings.get("statusName")) == (status.genre or "", status.name)
        if policy.type_id == STATUS_POLICY and named and settings.get("invalidateOnSourceUpdate"):
            message = (
                "Pull request status rejected by status policy. "
                "Policy configuration requires status to be posted on iteration"
            )
            raise ServiceError(403, "GitPullRequestStatusRejectedByPolicyException", message)


def post_commit_status(
    organisation: Organisation, repository: Repository, commit: str, wanted: dict[str, Any], author: Identity
) -> Status:
    """Append a status to a commit.

    Args:
        organisation: where.
        repository: of the commit.
        commit: its SHA.
        wanted: as the caller sent it.
        author: who posts.

    Raises:
        ServiceError: 400 for a bad status, 404 for a commit that is not there.
    """
    checked = _checked(wanted)
    demand_commit(organisation, repository, commit)
    with organisation.store.change():
        known = commit_statuses(organisation, repository, commit)
        status = replace(checked, id=len(known) + 1, author=author, created=organisation.clock.stamp())
        key = _commit_key(repository, commit)
        organisation.commit_statuses.put(key, CommitStatuses(repository.id, commit.lower(), (*known, status)))
    return status


def commit_statuses(organisation: Organisation, repository: Repository, commit: str) -> tuple[Status, ...]:
    """Return a commit's statuses, oldest first.

    Args:
        organisation: where.
        repository: of the commit.
        commit: its SHA.
    """
    found = organisation.commit_statuses.get(_commit_key(repository, commit))
    return found.statuses if found else ()


def demand_commit(organisation: Organisation, repository: Repository, commit: str) -> str:
    """Return a commit's full SHA.

    Args:
        organisation: where.
        repository: in which repository.
        commit: as asked for.

    Raises:
        ServiceError: 404 when there is none.
    """
    looks_right = len(commit) == 40 and all(letter in "0123456789abcdef" for letter in commit.lower())
    found = organisation.git(repository.id).commit_of(commit.lower()) if looks_right else None
    if found is None:
        message = (
            f"TF401175: The version descriptor <Commit: {commit} > could not be resolved to a version in the "
            f"repository {repository.name}"
        )
        raise ServiceError(404, "GitUnresolvableToCommitException", message)
    return found


def latest_by_name(statuses: tuple[Status, ...]) -> tuple[Status, ...]:
    """Return the latest status of each genre and name.

    Args:
        statuses: oldest first.
    """
    return tuple({(status.genre or "", status.name): status for status in statuses}.values())


def _commit_key(repository: Repository, commit: str) -> str:
    return f"{repository.id}:{commit.lower()}"


def _checked(wanted: dict[str, Any]) -> Status:
    context = wanted.get("context")
    if context is None:
        raise invalid_argument("context", "The status context is required.")
    name, genre = context.get("name"), context.get("genre")
    if not name:
        raise invalid_argument("name", "Value cannot be null or empty.")
    state = wanted.get("state", "notSet")
    if state not in STATES:
        raise invalid_argument("state", f"The status state '{state}' is not valid.")
    for field in ("description", "targetUrl"):
        text = wanted.get(field)
        if text is not None and len(text) > LONGEST_DESCRIPTION:
            raise invalid_argument(field, f"It must be a text of at most {LONGEST_DESCRIPTION} characters.")
    nobody = Identity("", "", "")
    return Status(0, state, wanted.get("description"), genre, name, wanted.get("targetUrl"), nobody, "")
