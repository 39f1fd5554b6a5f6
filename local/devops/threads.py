"""Discussion threads and their comments."""

from dataclasses import replace
from typing import Any, Final

from local.devops.completion import complete_if_wanted
from local.devops.errors import ServiceError, invalid_argument
from local.devops.events import publish
from local.devops.pull_request_events import commented
from local.devops.records import Comment, Discussion, Identity, PullRequest, Thread
from local.devops.state import Organisation

LONGEST_COMMENT: Final = 150_000
"""Characters, as integrators report."""

THREAD_STATUSES: Final = ("unknown", "active", "fixed", "wontFix", "closed", "byDesign", "pending")
_COMMENT_KINDS: Final = ("unknown", "text", "codeChange", "system")


def threads_of(organisation: Organisation, number: int) -> tuple[Thread, ...]:
    """Return a pull request's threads, oldest first.

    Args:
        organisation: where.
        number: the pull request's id.
    """
    found = organisation.discussions.get(number)
    return found.threads if found else ()


def thread(organisation: Organisation, number: int, thread_id: int) -> Thread:
    """Find a thread.

    Args:
        organisation: where.
        number: the pull request's id.
        thread_id: its number.

    Raises:
        ServiceError: 404 when it is not there.
    """
    found = next((one for one in threads_of(organisation, number) if one.id == thread_id), None)
    if found is None:
        message = f"The requested pull request comment thread was not found: {thread_id}."
        raise ServiceError(404, "GitPullRequestCommentThreadNotFoundException", message)
    return found


def create_thread(organisation: Organisation, number: int, wanted: dict[str, Any], author: Identity) -> Thread:
    """Open a thread with its first comments.

    Args:
        organisation: where.
        number: the pull request's id.
        wanted: as the caller sent it.
        author: who writes.

    Raises:
        ServiceError: 400 without a comment or with a wrong value.
    """
    comments = wanted.get("comments")
    if not comments:
        raise invalid_argument("comments", "A thread needs at least one comment.")
    with organisation.store.change():
        pull_request = organisation.pull_request(number)
        now = organisation.clock.stamp()
        written = tuple(_comment(place + 1, entry, author, now) for place, entry in enumerate(comments))
        made = Thread(
            id=organisation.next_number("thread"),
            status=_status(wanted),
            published=now,
            updated=now,
            comments=written,
            properties=_properties(wanted),
            context=_context(wanted),
            iteration_context=wanted.get("pullRequestThreadContext"),
        )
        _keep(organisation, pull_request, made)
        for comment in written:
            publish(organisation, commented(organisation, pull_request, made, comment, author))
    return made


def change_thread(organisation: Organisation, number: int, thread_id: int, wanted: dict[str, Any]) -> Thread:
    """Change a thread's status or properties.

    Args:
        organisation: where.
        number: the pull request's id.
        thread_id: its number.
        wanted: as the caller sent it.

    Raises:
        ServiceError: 400 for a wrong value, 404 when it is not there.
    """
    with organisation.store.change():
        old = thread(organisation, number, thread_id)
        changed = replace(
            old,
            status=_status(wanted) if "status" in wanted else old.status,
            properties={**old.properties, **_properties(wanted)},
            updated=organisation.clock.stamp(),
        )
        _keep(organisation, organisation.pull_request(number), changed)
    complete_if_wanted(organisation, number)
    return changed


def add_comment(
    organisation: Organisation, number: int, thread_id: int, wanted: dict[str, Any], author: Identity
) -> Comment:
    """Answer in a thread.

    Args:
        organisation: where.
        number: the pull request's id.
        thread_id: its number.
        wanted: as the caller sent it.
        author: who writes.

    Raises:
        ServiceError: 400 for a wrong value, 404 when the thread is not there.
    """
    with organisation.store.change():
        old = thread(organisation, number, thread_id)
        comment = _comment(len(old.comments) + 1, wanted, author, organisation.clock.stamp())
        _say(organisation, number, replace(old, comments=(*old.comments, comment)), comment, author)
    return comment


def change_comment(
    organisation: Organisation, number: int, thread_id: int, comment_id: int, content: str | None, by: Identity
) -> Comment:
    """Edit a comment, or delete it.

    Args:
        organisation: where.
        number: the pull request's id.
        thread_id: its thread.
        comment_id: its number.
        content: the new text, or nothing to delete it.
        by: who does; only the author may.

    Raises:
        ServiceError: 400 for a text too long, 403 for somebody else's comment, 404 when it is not there.
    """
    with organisation.store.change():
        old = thread(organisation, number, thread_id)
        comment = comment_in(old, comment_id)
        if comment.author.id != by.id:
            message = "The comment can only be changed by its author."
            raise ServiceError(403, "GitPullRequestCommentCannotBeUpdatedException", message)
        text = None if content is None else _content(content)
        now = organisation.clock.stamp()
        changed = replace(comment, content=text, deleted=content is None, updated=now)
        comments = tuple(changed if one.id == comment_id else one for one in old.comments)
        _say(organisation, number, replace(old, comments=comments), changed, by)
    return changed


def comment_in(found: Thread, comment_id: int) -> Comment:
    """Find a comment in a thread.

    Args:
        found: the thread.
        comment_id: its number.

    Raises:
        ServiceError: 404 when it is not there.
    """
    comment = next((one for one in found.comments if one.id == comment_id), None)
    if comment is None:
        message = f"The requested pull request comment was not found: {comment_id}."
        raise ServiceError(404, "GitPullRequestCommentNotFoundException", message)
    return comment


def _say(organisation: Organisation, number: int, changed: Thread, comment: Comment, by: Identity) -> None:
    pull_request = organisation.pull_request(number)
    _keep(organisation, pull_request, replace(changed, updated=comment.updated))
    publish(organisation, commented(organisation, pull_request, changed, comment, by))


def _keep(organisation: Organisation, pull_request: PullRequest, changed: Thread) -> None:
    known = {one.id: one for one in threads_of(organisation, pull_request.id)}
    threads = tuple({**known, changed.id: changed}.values())
    organisation.discussions.put(pull_request.id, Discussion(pull_request.id, threads))


def _comment(number: int, wanted: dict[str, Any], author: Identity, now: str) -> Comment:
    parent = wanted.get("parentCommentId") or 0
    if not 0 <= parent < number:
        raise invalid_argument("parentCommentId", f"The comment {parent!r} is not in this thread.")
    return Comment(number, parent, author, _content(wanted.get("content")), _kind(wanted), now, now)


def _content(value: str | None) -> str:
    if not value:
        raise invalid_argument("content", "Value cannot be null or empty.")
    if len(value) > LONGEST_COMMENT:
        raise invalid_argument("content", f"A comment may have at most {LONGEST_COMMENT} characters.")
    return value


def _kind(wanted: dict[str, Any]) -> str:
    return _named(wanted.get("commentType") or "text", _COMMENT_KINDS, "commentType")


def _status(wanted: dict[str, Any]) -> str | None:
    status = wanted.get("status")
    return None if status is None else _named(status, THREAD_STATUSES, "status")


def _named(value: str | int, names: tuple[str, ...], field: str) -> str:
    # Enumerations are taken by name or by number.
    if isinstance(value, int):
        if 0 <= value < len(names):
            return names[value]
    else:
        for name in names:
            if name.casefold() == value.casefold():
                return name
    raise invalid_argument(field, f"The value {value!r} is not one of {', '.join(names)}.")


def _properties(wanted: dict[str, Any]) -> dict[str, Any]:
    given = wanted.get("properties") or {}
    return {name: value.get("$value") if isinstance(value, dict) else value for name, value in given.items()}


def _context(wanted: dict[str, Any]) -> dict[str, Any] | None:
    context: dict[str, Any] | None = wanted.get("threadContext")
    if context is None:
        return None
    if not (context.get("filePath") or "").startswith("/"):
        raise invalid_argument("filePath", "The path must begin with a slash.")
    for side in ("right", "left"):
        ends = [context.get(f"{side}FileStart"), context.get(f"{side}FileEnd")]
        if any(ends) and not all(end and {"line", "offset"} <= end.keys() for end in ends):
            raise invalid_argument("threadContext", "Both positions must carry line and offset.")
    return context
