"""What service hooks are told of pull requests, pushes and comments."""

from local.devops.events import Event, branch_names
from local.devops.records import ZERO_SHA, Comment, Identity, PullRequest, Push, Thread
from local.devops.render import commit_json, push_json, repository_url
from local.devops.render_pull_requests import comment_json, pull_request_json, pull_request_url
from local.devops.state import Organisation

_COMMITS_TOLD = 25
"""The newest commits of a push that an event lists."""

MERGE_RESULTS = {"succeeded": "Succeeded", "conflicts": "Conflicts", "failure": "Failure"}


def created(organisation: Organisation, pull_request: PullRequest) -> Event:
    """Return the event of a new pull request."""
    who = pull_request.created_by.display_name
    return _of(organisation, pull_request, "created", f"{who} created pull request {pull_request.id}")


def updated(organisation: Organisation, pull_request: PullRequest, text: str, notification_type: str | None) -> Event:
    """Return the event of a change to a pull request.

    Args:
        organisation: where.
        pull_request: as it is now.
        text: who did what.
        notification_type: the filter value that matches; nothing for a change that no filter names, which reaches
            only subscriptions without that filter.
    """
    facts: dict[str, tuple[str, ...]] = {"notificationType": (notification_type,)} if notification_type else {}
    return _of(organisation, pull_request, "updated", text, facts)


def merge_attempted(organisation: Organisation, pull_request: PullRequest) -> Event:
    """Return the event of a merge that was computed, whether or not it succeeded."""
    result = MERGE_RESULTS.get(pull_request.merge_status, "Unsuccessful")
    facts = (result,) if result == "Succeeded" else (result, "Unsuccessful")
    text = f"{pull_request.created_by.display_name} has created a pull request merge commit"
    return _of(organisation, pull_request, "merged", text, {"mergeResult": facts})


def _of(
    organisation: Organisation,
    pull_request: PullRequest,
    what: str,
    text: str,
    facts: dict[str, tuple[str, ...]] | None = None,
) -> Event:
    repository = organisation.repository_by_id(pull_request.repository_id)
    return Event(
        kind=f"git.pullrequest.{what}",
        project_id=repository.project_id,
        resource=pull_request_json(organisation, pull_request),
        minimal={"pullRequestId": pull_request.id, "url": pull_request_url(organisation, pull_request)},
        text=text,
        facts=_common_facts(pull_request) | (facts or {}),
    )


def _common_facts(pull_request: PullRequest) -> dict[str, tuple[str, ...]]:
    return {
        "repository": (pull_request.repository_id,),
        "branch": branch_names(pull_request.target_ref),
        "pullrequestCreatedBy": (pull_request.created_by.id,),
        "pullrequestReviewersContains": tuple(reviewer.identity.id for reviewer in pull_request.reviewers),
    }


def commented(
    organisation: Organisation, pull_request: PullRequest, thread: Thread, comment: Comment, by: Identity
) -> Event:
    """Return the event of a comment that was made, edited or deleted.

    Args:
        organisation: where.
        pull_request: on what.
        thread: in which thread; its id stands only in the comment's links.
        comment: as it is now.
        by: who did it.
    """
    repository = organisation.repository_by_id(pull_request.repository_id)
    thread_url = f"{pull_request_url(organisation, pull_request)}/threads/{thread.id}"
    told = comment_json(organisation, comment, thread_url)
    done = "deleted" if comment.deleted else ("edited" if comment.updated != comment.published else "made")
    return Event(
        kind="ms.vss-code.git-pullrequest-comment-event",
        project_id=repository.project_id,
        resource={"comment": told, "pullRequest": pull_request_json(organisation, pull_request)},
        older=told,
        minimal={
            "comment": {"id": comment.id, "_links": told["_links"]},
            "pullRequest": {"pullRequestId": pull_request.id, "url": pull_request_url(organisation, pull_request)},
        },
        text=f"{by.display_name} has {done} a pull request comment",
        facts=_common_facts(pull_request),
    )


def pushed(organisation: Organisation, push: Push) -> Event:
    """Return the event of a push, with the newest commits of the first branch that it moved."""
    repository = organisation.repository_by_id(push.repository_id)
    git = organisation.git(repository.id)
    resource = push_json(organisation, push)
    moved = next((update for update in push.updates if update.new != ZERO_SHA), None)
    if moved and git.commit_of(moved.new):
        before = moved.old if moved.old != ZERO_SHA and git.commit_of(moved.old) else None
        commits = git.history(moved.new, limit=_COMMITS_TOLD, skip=0, end=before)
        resource["commits"] = [commit_json(organisation, repository, commit, whole=False) for commit in commits]
    return Event(
        kind="git.push",
        project_id=repository.project_id,
        resource=resource,
        minimal={
            "repository": {"id": repository.id, "url": repository_url(organisation, repository)},
            "pushId": push.id,
            "url": f"{repository_url(organisation, repository)}/pushes/{push.id}",
        },
        text=f"{push.pusher.display_name} pushed updates to {repository.name}",
        facts={
            "repository": (repository.id,),
            "branch": tuple(name for update in push.updates for name in branch_names(update.name)),
            "pushedBy": (push.pusher.id,),
        },
    )
