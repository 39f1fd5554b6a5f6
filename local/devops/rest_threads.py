"""Discussion threads and comments over HTTP."""

from typing import Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection
from local.devops.records import PullRequest
from local.devops.render import Json
from local.devops.render_pull_requests import comment_json, pull_request_url, thread_json
from local.devops.rest_pull_requests import found
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.threads import (
    add_comment,
    change_comment,
    change_thread,
    comment_in,
    create_thread,
    thread,
    threads_of,
)

_P = "{project}/_apis/git/repositories/{repositoryId}/pullRequests/{pullRequestId}"
_T = f"{_P}/threads/{{threadId}}"
_C = f"{_T}/comments/{{commentId}}"
_THREADS = Resource("ab6e2e5d-a0b7-4153-b64a-a4efe0d49449", "git", "pullRequestThreads", _T)
_COMMENTS = Resource("965a3ec7-5ed8-455a-bdcb-835a5ea7fe7b", "git", "pullRequestThreadComments", _C)

_COMMENT: Final[dict[str, Shape]] = {"content": str, "parentCommentId": int, "commentType": (str, int)}
_POSITION: Final[dict[str, Shape]] = {"line": int, "offset": int}
_THREAD: Final[dict[str, Shape]] = {
    "comments": [_COMMENT],
    "status": (str, int),
    "properties": dict,
    "threadContext": {
        "filePath": str,
        "rightFileStart": _POSITION,
        "rightFileEnd": _POSITION,
        "leftFileStart": _POSITION,
        "leftFileEnd": _POSITION,
    },
    "pullRequestThreadContext": dict,
}


def _thread_url(call: Call, pull_request: PullRequest) -> str:
    return f"{pull_request_url(call.organisation, pull_request)}/threads/{call.route['threadId']}"


def _contributed(call: Call) -> PullRequest:
    pull_request = found(call)
    demand(call.token, "pull_request_contribute")
    return pull_request


def _list(call: Call) -> Answer:
    pull_request = found(call)
    threads = threads_of(call.organisation, pull_request.id)
    return collection([thread_json(call.organisation, pull_request, one) for one in threads])


def _create(call: Call) -> Answer:
    pull_request = _contributed(call)
    made = create_thread(call.organisation, pull_request.id, call.json(_THREAD), call.token.identity)
    return Answer(thread_json(call.organisation, pull_request, made))


def _get(call: Call) -> Answer:
    pull_request = found(call)
    shown = thread(call.organisation, pull_request.id, call.route_number("threadId"))
    return Answer(thread_json(call.organisation, pull_request, shown))


def _change(call: Call) -> Answer:
    pull_request = _contributed(call)
    changed = change_thread(call.organisation, pull_request.id, call.route_number("threadId"), call.json(_THREAD))
    return Answer(thread_json(call.organisation, pull_request, changed))


def _list_comments(call: Call) -> Answer:
    pull_request = found(call)
    shown = thread(call.organisation, pull_request.id, call.route_number("threadId"))
    url = _thread_url(call, pull_request)
    return collection([comment_json(call.organisation, comment, url) for comment in shown.comments])


def _add_comment(call: Call) -> Answer:
    pull_request = _contributed(call)
    number, wanted = call.route_number("threadId"), call.json(_COMMENT)
    comment = add_comment(call.organisation, pull_request.id, number, wanted, call.token.identity)
    return Answer(comment_json(call.organisation, comment, _thread_url(call, pull_request)))


def _get_comment(call: Call) -> Answer:
    pull_request = found(call)
    shown = thread(call.organisation, pull_request.id, call.route_number("threadId"))
    comment = comment_in(shown, call.route_number("commentId"))
    return Answer(comment_json(call.organisation, comment, _thread_url(call, pull_request)))


def _change_comment(call: Call) -> Answer:
    pull_request = _contributed(call)
    content = call.json(_COMMENT).get("content", "")
    return Answer(_changed(call, pull_request, content))


def _delete_comment(call: Call) -> Answer:
    pull_request = _contributed(call)
    _changed(call, pull_request, None)
    return Answer()


def _changed(call: Call, pull_request: PullRequest, content: str | None) -> Json:
    thread_id, comment_id = call.route_number("threadId"), call.route_number("commentId")
    by = call.token.identity
    comment = change_comment(call.organisation, pull_request.id, thread_id, comment_id, content, by)
    return comment_json(call.organisation, comment, _thread_url(call, pull_request))


ROUTES = (
    Route("GET", f"{_P}/threads", _THREADS, _list),
    Route("POST", f"{_P}/threads", _THREADS, _create),
    Route("GET", _T, _THREADS, _get),
    Route("PATCH", _T, _THREADS, _change),
    Route("GET", f"{_T}/comments", _COMMENTS, _list_comments),
    Route("POST", f"{_T}/comments", _COMMENTS, _add_comment),
    Route("GET", _C, _COMMENTS, _get_comment),
    Route("PATCH", _C, _COMMENTS, _change_comment),
    Route("DELETE", _C, _COMMENTS, _delete_comment),
)
