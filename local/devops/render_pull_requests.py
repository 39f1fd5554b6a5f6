"""Pull requests, iterations, statuses and threads as the JSON of the REST API (7.1 specification of the git area)."""

from local.devops.git_objects import Change
from local.devops.records import (
    Comment,
    Iteration,
    PullRequest,
    Repository,
    Reviewer,
    Status,
    Thread,
)
from local.devops.render import (
    Json,
    commit_reference_json,
    identity_json,
    link,
    repository_json,
    repository_url,
    web_url,
)
from local.devops.state import Organisation


def pull_request_url(organisation: Organisation, pull_request: PullRequest) -> str:
    """Return a pull request's REST address."""
    repository = organisation.repository_by_id(pull_request.repository_id)
    return f"{repository_url(organisation, repository)}/pullRequests/{pull_request.id}"


def pull_request_page(organisation: Organisation, pull_request: PullRequest) -> str:
    """Return where people see a pull request."""
    repository = organisation.repository_by_id(pull_request.repository_id)
    return f"{web_url(organisation, repository)}/pullrequest/{pull_request.id}"


def artifact_id(organisation: Organisation, pull_request: PullRequest) -> str:
    """Return the name under which the policy area knows a pull request's code review."""
    project = organisation.repository_by_id(pull_request.repository_id).project_id
    return f"vstfs:///CodeReview/CodeReviewId/{project}/{pull_request.id}"


def pull_request_json(organisation: Organisation, pull_request: PullRequest) -> Json:
    """Render a pull request in full."""
    repository = organisation.repository_by_id(pull_request.repository_id)
    url = pull_request_url(organisation, pull_request)
    rendered: Json = {
        "repository": repository_json(organisation, repository, parent=False),
        "pullRequestId": pull_request.id,
        "codeReviewId": pull_request.id,
        "status": pull_request.status,
        "createdBy": identity_json(organisation, pull_request.created_by),
        "creationDate": pull_request.created,
        "title": pull_request.title,
        "sourceRefName": pull_request.source_ref,
        "targetRefName": pull_request.target_ref,
        "mergeStatus": pull_request.merge_status,
        "isDraft": pull_request.is_draft,
        "mergeId": pull_request.merge_id,
        "lastMergeSourceCommit": commit_reference_json(organisation, repository, pull_request.merge_source),
        "lastMergeTargetCommit": commit_reference_json(organisation, repository, pull_request.merge_target),
        "reviewers": [reviewer_json(organisation, pull_request, reviewer) for reviewer in pull_request.reviewers],
        "url": url,
        "_links": {
            "self": link(url),
            "repository": link(repository_url(organisation, repository)),
            "web": link(pull_request_page(organisation, pull_request)),
            "statuses": link(f"{url}/statuses"),
            "iterations": link(f"{url}/iterations"),
        },
        "supportsIterations": pull_request.supports_iterations,
        "artifactId": artifact_id(organisation, pull_request).replace("CodeReviewId", "PullRequestId"),
    }
    _add_what_is_there(organisation, pull_request, repository, rendered)
    return rendered


def _add_what_is_there(
    organisation: Organisation, pull_request: PullRequest, repository: Repository, rendered: Json
) -> None:
    # Fields that the service leaves out while they have no value.
    if pull_request.description is not None:
        rendered["description"] = pull_request.description
    if pull_request.merge_commit:
        rendered["lastMergeCommit"] = commit_reference_json(organisation, repository, pull_request.merge_commit)
    if pull_request.merge_failure:
        rendered["mergeFailureMessage"] = pull_request.merge_failure
    if pull_request.closed and pull_request.closed_by:
        rendered["closedDate"] = pull_request.closed
        rendered["closedBy"] = identity_json(organisation, pull_request.closed_by)
    if pull_request.completion_options is not None:
        rendered["completionOptions"] = pull_request.completion_options
    if pull_request.auto_complete_set_by:
        rendered["autoCompleteSetBy"] = identity_json(organisation, pull_request.auto_complete_set_by)
    if pull_request.is_fork:
        source = organisation.repository_by_id(pull_request.source_repository_id)
        rendered["forkSource"] = {
            "name": pull_request.source_ref,
            "objectId": pull_request.merge_source,
            "url": f"{repository_url(organisation, source)}/refs",
            "repository": repository_json(organisation, source),
        }


def reviewer_json(organisation: Organisation, pull_request: PullRequest, reviewer: Reviewer) -> Json:
    """Render a reviewer with the vote."""
    url = pull_request_url(organisation, pull_request)
    return {
        **identity_json(organisation, reviewer.identity),
        "reviewerUrl": f"{url}/reviewers/{reviewer.identity.id}",
        "vote": reviewer.vote,
        "hasDeclined": False,
        "isRequired": reviewer.required,
        "isFlagged": False,
    }


def iteration_json(organisation: Organisation, pull_request: PullRequest, iteration: Iteration) -> Json:
    """Render an iteration."""
    repository = organisation.repository_by_id(pull_request.repository_id)
    url = f"{pull_request_url(organisation, pull_request)}/iterations/{iteration.id}"
    rendered: Json = {
        "id": iteration.id,
        "description": "",
        "author": identity_json(organisation, iteration.author),
        "createdDate": iteration.created,
        "updatedDate": iteration.created,
        "sourceRefCommit": commit_reference_json(organisation, repository, iteration.source),
        "targetRefCommit": commit_reference_json(organisation, repository, iteration.target),
        "commonRefCommit": commit_reference_json(organisation, repository, iteration.common),
        "hasMoreCommits": False,
        "reason": iteration.reason,
        "_links": {
            "self": link(url),
            "statuses": link(f"{url}/statuses"),
        },
    }
    if iteration.push_id is not None:
        rendered["push"] = {"pushId": iteration.push_id}
    if iteration.new_target_ref:
        rendered["oldTargetRefName"] = iteration.old_target_ref
        rendered["newTargetRefName"] = iteration.new_target_ref
    return rendered


def change_json(organisation: Organisation, repository: Repository, number: int, change: Change) -> Json:
    """Render one changed file of an iteration.

    Args:
        organisation: where it is.
        repository: of which repository.
        number: its id for inline comments, the same within one iteration.
        change: what git says.
    """
    url = f"{repository_url(organisation, repository)}/items"
    rendered: Json = {
        "changeTrackingId": number,
        "changeId": number,
        "item": {"objectId": change.sha, "path": f"/{change.path}", "url": url},
        "changeType": change.kind,
    }
    if change.kind != "add":
        rendered["item"]["originalObjectId"] = change.old_sha
    if change.old_path is not None:
        rendered["originalPath"] = f"/{change.old_path}"
    return rendered


def status_json(organisation: Organisation, status: Status, url: str) -> Json:
    """Render a status of a pull request or commit.

    Args:
        organisation: where it is.
        status: the status.
        url: address of the list that it stands in.
    """
    rendered: Json = {
        "id": status.id,
        "state": status.state,
        "description": status.description,
        "context": {"name": status.name, "genre": status.genre},
        "creationDate": status.created,
        "updatedDate": status.created,
        "createdBy": identity_json(organisation, status.author),
        "targetUrl": status.target_url,
        "_links": {"self": link(f"{url}/{status.id}")},
    }
    if status.iteration is not None:
        rendered["iterationId"] = status.iteration
    return rendered


def comment_json(organisation: Organisation, comment: Comment, thread_url: str) -> Json:
    """Render a comment; a deleted one has no content.

    Args:
        organisation: where it is.
        comment: the comment.
        thread_url: address of its thread.
    """
    rendered: Json = {
        "id": comment.id,
        "parentCommentId": comment.parent_id,
        "author": identity_json(organisation, comment.author),
        "publishedDate": comment.published,
        "lastUpdatedDate": comment.updated,
        "lastContentUpdatedDate": comment.updated,
        "commentType": comment.kind,
        "usersLiked": [],
        "_links": {
            "self": link(f"{thread_url}/comments/{comment.id}"),
            "repository": link(thread_url.partition("/pullRequests/")[0]),
            "threads": link(thread_url),
        },
    }
    if comment.deleted:
        rendered["isDeleted"] = True
    else:
        rendered["content"] = comment.content
    return rendered


def thread_json(organisation: Organisation, pull_request: PullRequest, thread: Thread) -> Json:
    """Render a thread with its comments."""
    url = f"{pull_request_url(organisation, pull_request)}/threads/{thread.id}"
    rendered: Json = {
        "id": thread.id,
        "publishedDate": thread.published,
        "lastUpdatedDate": thread.updated,
        "comments": [comment_json(organisation, comment, url) for comment in thread.comments],
        "threadContext": thread.context,
        "pullRequestThreadContext": thread.iteration_context,
        "properties": {name: _property_json(value) for name, value in thread.properties.items()},
        "identities": None,
        "isDeleted": all(comment.deleted for comment in thread.comments),
        "_links": {"self": link(url)},
    }
    if thread.status is not None:
        rendered["status"] = thread.status
    return rendered


def _property_json(value: object) -> Json:
    # Properties come back with the name of their .NET type.
    kinds = {bool: "System.Boolean", int: "System.Int32", float: "System.Double"}
    return {"$type": kinds.get(type(value), "System.String"), "$value": value}
