"""Pull requests, their iterations, statuses and reviewers over HTTP."""

from typing import Any, Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection
from local.devops.completion import complete, complete_if_wanted
from local.devops.errors import ServiceError, invalid_argument, iteration_not_found, pull_request_not_found
from local.devops.git import GitFailed
from local.devops.merges import compute_merge
from local.devops.pull_requests import abandon, create_pull_request, edit, reactivate, vote
from local.devops.records import PullRequest, Repository
from local.devops.render import commit_json
from local.devops.render_pull_requests import (
    change_json,
    iteration_json,
    pull_request_json,
    pull_request_url,
    reviewer_json,
    status_json,
)
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.statuses import STATUS, post_status

_R = "{project}/_apis/git/repositories/{repositoryId}"
_P = f"{_R}/pullRequests/{{pullRequestId}}"
_I = f"{_P}/iterations/{{iterationId}}"
_PULL_REQUESTS = Resource("9946fd70-0d40-406e-b686-b4744cbbcc37", "git", "pullRequests", _P)
_OF_PROJECT = Resource(
    "a5d28130-9cd2-40fa-9f08-902e7daa9efb", "git", "pullRequests", "{project}/_apis/git/pullRequests"
)
_BY_ID = Resource(
    "01a46dea-7d46-4d40-bc84-319e7c260d99", "git", "pullRequests", "{project}/_apis/git/pullRequests/{pullRequestId}"
)
_ITERATIONS = Resource("d43911ee-6958-46b0-a42b-8445b8a0d004", "git", "pullRequestIterations", _I)
_CHANGES = Resource("4216bdcf-b6b1-4d59-8b82-c34cc183fc8b", "git", "pullRequestIterationChanges", f"{_I}/changes")
_COMMITS = Resource("52823034-34a8-4576-922c-8d8b77e9e4c4", "git", "pullRequestCommits", f"{_P}/commits")
_STATUSES = Resource(
    "b5f6bb4f-8d1e-4d79-8d11-4c9172c99c35", "git", "pullRequestStatuses", f"{_P}/statuses/{{statusId}}"
)
_ITERATION_STATUSES = Resource(
    "75cf11c5-979f-4038-a76e-058a06adf2bf", "git", "pullRequestIterationStatuses", f"{_I}/statuses/{{statusId}}"
)
_REVIEWERS = Resource(
    "4b6702c7-aa35-4b89-9c96-b9abf6d3e540", "git", "pullRequestReviewers", f"{_P}/reviewers/{{reviewerId}}"
)

_PULL_REQUEST: Final[dict[str, Shape]] = {
    "sourceRefName": str,
    "targetRefName": str,
    "title": str,
    "description": str,
    "isDraft": bool,
    "status": str,
    "reviewers": [{"id": str, "isRequired": bool}],
    "forkSource": {"repository": {"id": str}},
    "lastMergeSourceCommit": {"commitId": str},
    "completionOptions": {
        "mergeStrategy": str,
        "mergeCommitMessage": str,
        "bypassPolicy": bool,
        "deleteSourceBranch": bool,
        "squashMerge": bool,
    },
    "autoCompleteSetBy": {"id": str},
}

_SHOWN = 100
_CHANGES_AT_MOST = 2000


def found(call: Call) -> PullRequest:
    """Return the pull request that a call's route names.

    Args:
        call: with ``pullRequestId`` and perhaps a repository or project in its route.

    Raises:
        ServiceError: 404 when it is not there, or not in that repository or project.
    """
    # The repository is looked for first, so that who may not see it learns nothing of its pull requests.
    named = call.repository if "repositoryId" in call.route else None
    pull_request = call.organisation.pull_request(call.route_number("pullRequestId"))
    if named:
        within = named.id == pull_request.repository_id
    else:
        repository = call.organisation.repository_by_id(pull_request.repository_id)
        may_read = "code_read" in call.token.rights
        within = may_read and call.optional_project in {None, call.organisation.project_of(repository)}
    if not within:
        raise pull_request_not_found()
    return pull_request


def _create(call: Call) -> Answer:
    repository = call.repository
    demand(call.token, "pull_request_contribute")
    opened = create_pull_request(call.organisation, repository, call.json(_PULL_REQUEST), call.token)
    # The service answers before the merge is computed.
    answer = Answer(pull_request_json(call.organisation, opened), status=201)
    if not call.organisation.merge_delay_seconds:
        compute_merge(call.organisation, opened.id)
    return answer


def _get(call: Call) -> Answer:
    return Answer(pull_request_json(call.organisation, found(call)))


def _list_of_repository(call: Call) -> Answer:
    return _listing(call, [call.repository])


def _list_of_project(call: Call) -> Answer:
    project = call.project
    if "code_read" not in call.token.rights:
        return collection([])
    return _listing(call, [one for one in call.organisation.repositories.all() if one.project_id == project.id])


def _listing(call: Call, repositories: list[Repository]) -> Answer:
    ids = {repository.id for repository in repositories}
    status = (call.text("searchCriteria.status") or "active").lower()
    if status not in {"active", "abandoned", "completed", "all", "notset"}:
        raise invalid_argument("searchCriteria.status", f"The value '{status}' is not valid for status.")
    wanted = {
        "source_ref": call.text("searchCriteria.sourceRefName"),
        "target_ref": call.text("searchCriteria.targetRefName"),
        "repository_id": call.text("searchCriteria.repositoryId"),
        "source_repository_id": call.text("searchCriteria.sourceRepositoryId"),
    }
    matching = [
        one
        for one in call.organisation.pull_requests.all()
        if one.repository_id in ids
        and (status == "all" or one.status == ("active" if status == "notset" else status))
        and all(value is None or getattr(one, name) == value for name, value in wanted.items())
    ]
    newest_first = sorted(matching, key=lambda one: one.id, reverse=True)
    # This listing pages by $top and $skip alone: the service gives no continuation token for it.
    top, skip = call.number("$top", _SHOWN, 1000), call.number("$skip", 0)
    return collection([_row(call, one) for one in newest_first[skip : skip + top]])


def _row(call: Call, one: PullRequest) -> dict[str, Any]:
    row = pull_request_json(call.organisation, one)
    del row["_links"], row["artifactId"]
    if row.get("description"):
        # Lists cut descriptions.
        row["description"] = row["description"][:400]
    return row


def _change(call: Call) -> Answer:
    pull_request = found(call)
    demand(call.token, "pull_request_contribute")
    wanted, by, organisation = call.json(_PULL_REQUEST), call.token.identity, call.organisation
    status = wanted.get("status")
    match status:
        case None | "active" if status is None or pull_request.status == "active":
            changed = edit(organisation, pull_request.id, wanted, by)
            complete_if_wanted(organisation, pull_request.id)
            changed = organisation.pull_request(changed.id)
        case "active":
            changed = reactivate(organisation, pull_request.id, by)
        case "abandoned":
            changed = abandon(organisation, pull_request.id, by)
        case "completed":
            changed = complete(organisation, pull_request.id, wanted, call.token)
        case _:
            raise invalid_argument("status", f"The value '{status}' is not valid for status.")
    return Answer(pull_request_json(organisation, changed))


def _list_iterations(call: Call) -> Answer:
    pull_request = found(call)
    return collection([iteration_json(call.organisation, pull_request, one) for one in pull_request.iterations])


def _iteration_number(call: Call, pull_request: PullRequest) -> int:
    number = call.route_number("iterationId")
    if not any(one.id == number for one in pull_request.iterations):
        raise iteration_not_found(number)
    return number


def _get_iteration(call: Call) -> Answer:
    pull_request = found(call)
    number = _iteration_number(call, pull_request)
    return Answer(iteration_json(call.organisation, pull_request, pull_request.iterations[number - 1]))


def _list_changes(call: Call) -> Answer:
    pull_request = found(call)
    iteration = pull_request.iterations[_iteration_number(call, pull_request) - 1]
    compare_to = call.number("$compareTo", 0)
    if compare_to > len(pull_request.iterations):
        raise iteration_not_found(compare_to)
    base = pull_request.iterations[compare_to - 1].source if compare_to else iteration.common
    git = call.organisation.git(pull_request.source_repository_id)
    try:
        changes = git.changes(base, iteration.source)
    except GitFailed:
        message = f"The changes of iteration {iteration.id} are not available."
        raise ServiceError(404, "GitPullRequestChangesNotAvailableException", message) from None
    top, skip = call.number("$top", _SHOWN, _CHANGES_AT_MOST) or _SHOWN, call.number("$skip", 0)
    repository = call.organisation.repository_by_id(pull_request.repository_id)
    left = len(changes) - skip - top
    entries = [
        change_json(call.organisation, repository, skip + place + 1, change)
        for place, change in enumerate(changes[skip : skip + top])
    ]
    following = {"nextSkip": skip + top, "nextTop": min(left, top)} if left > 0 else {"nextSkip": 0, "nextTop": 0}
    return Answer({"changeEntries": entries, **following})


def _list_commits(call: Call) -> Answer:
    pull_request = found(call)
    repository = call.organisation.repository_by_id(pull_request.source_repository_id)
    git = call.organisation.git(repository.id)
    latest = pull_request.latest
    commits = git.history(latest.source, limit=call.number("$top", _SHOWN), skip=0, end=latest.common)
    return collection([commit_json(call.organisation, repository, one, whole=False) for one in commits])


def _post_status(call: Call) -> Answer:
    pull_request = found(call)
    demand(call.token, "pull_request_contribute")
    named = call.route_number("iterationId") if "iterationId" in call.route else None
    status = post_status(call.organisation, pull_request.id, call.json(STATUS), call.token.identity, named)
    url = f"{pull_request_url(call.organisation, pull_request)}/statuses"
    return Answer(status_json(call.organisation, status, url))


def _list_statuses(call: Call) -> Answer:
    pull_request = found(call)
    shown = pull_request.statuses
    if "iterationId" in call.route:
        number = _iteration_number(call, pull_request)
        shown = tuple(status for status in shown if status.iteration == number)
    url = f"{pull_request_url(call.organisation, pull_request)}/statuses"
    return collection([status_json(call.organisation, status, url) for status in shown])


def _get_status(call: Call) -> Answer:
    pull_request, number = found(call), call.route_number("statusId")
    for status in pull_request.statuses:
        if status.id == number:
            url = f"{pull_request_url(call.organisation, pull_request)}/statuses"
            return Answer(status_json(call.organisation, status, url))
    message = f"The requested pull request status was not found: {number}."
    raise ServiceError(404, "GitPullRequestStatusNotFoundException", message)


def _list_reviewers(call: Call) -> Answer:
    pull_request = found(call)
    return collection([reviewer_json(call.organisation, pull_request, one) for one in pull_request.reviewers])


def _put_reviewer(call: Call) -> Answer:
    pull_request, wanted = found(call), call.json({"vote": int, "isRequired": bool})
    demand(call.token, "pull_request_contribute")
    identity = call.organisation.identities().get(call.route["reviewerId"].lower())
    if identity is None:
        raise ServiceError(400, "GitPullRequestInvalidReviewer", "The reviewer is not a known identity.")
    if wanted.get("vote") and identity.id != call.token.identity.id:
        raise ServiceError(400, "InvalidArgumentValueException", "You can only record votes for yourself.")
    reviewer = vote(call.organisation, pull_request.id, identity, wanted)
    complete_if_wanted(call.organisation, pull_request.id)
    return Answer(reviewer_json(call.organisation, pull_request, reviewer))


ROUTES = (
    Route("POST", f"{_R}/pullRequests", _PULL_REQUESTS, _create),
    Route("GET", f"{_R}/pullRequests", _PULL_REQUESTS, _list_of_repository),
    Route("GET", _P, _PULL_REQUESTS, _get),
    Route("PATCH", _P, _PULL_REQUESTS, _change),
    Route("GET", "{project}/_apis/git/pullRequests", _OF_PROJECT, _list_of_project),
    Route("GET", "{project}/_apis/git/pullRequests/{pullRequestId}", _BY_ID, _get),
    Route("GET", "_apis/git/pullRequests/{pullRequestId}", _BY_ID, _get),
    Route("GET", f"{_P}/iterations", _ITERATIONS, _list_iterations),
    Route("GET", _I, _ITERATIONS, _get_iteration),
    Route("GET", f"{_I}/changes", _CHANGES, _list_changes),
    Route("GET", f"{_P}/commits", _COMMITS, _list_commits),
    Route("POST", f"{_P}/statuses", _STATUSES, _post_status),
    Route("GET", f"{_P}/statuses", _STATUSES, _list_statuses),
    Route("GET", f"{_P}/statuses/{{statusId}}", _STATUSES, _get_status),
    Route("POST", f"{_I}/statuses", _ITERATION_STATUSES, _post_status),
    Route("GET", f"{_I}/statuses", _ITERATION_STATUSES, _list_statuses),
    Route("GET", f"{_I}/statuses/{{statusId}}", _ITERATION_STATUSES, _get_status),
    Route("GET", f"{_P}/reviewers", _REVIEWERS, _list_reviewers),
    Route("PUT", f"{_P}/reviewers/{{reviewerId}}", _REVIEWERS, _put_reviewer),
)
