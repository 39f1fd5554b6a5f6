"""Pull requests: opened, edited, retargeted, abandoned, taken up again, published. Completing is a file of its own."""

from dataclasses import replace
from typing import Any

from local.devops.errors import ServiceError, invalid_argument, needs_permission
from local.devops.events import publish
from local.devops.merges import compute_merge, queued
from local.devops.pull_request_events import created, updated
from local.devops.pushes import add_iteration
from local.devops.records import Discussion, Identity, PullRequest, Repository, Reviewer, Token
from local.devops.state import Organisation

_LONGEST_TITLE = 400
_LONGEST_DESCRIPTION = 4000
_NOBODY = "00000000-0000-0000-0000-000000000000"


def create_pull_request(
    organisation: Organisation, repository: Repository, wanted: dict[str, Any], token: Token
) -> PullRequest:
    """Open a pull request.

    Args:
        organisation: where.
        repository: the target repository.
        wanted: as the caller sent it.
        token: the caller's.

    Returns:
        The pull request with its merge still queued, as the service answers a creation.

    Raises:
        ServiceError: 400, 403, 404 or 409 as the service does.
    """
    source_ref, target_ref = wanted.get("sourceRefName", ""), wanted.get("targetRefName", "")
    if not _is_branch(source_ref) or not _is_branch(target_ref):
        message = "TF401183: sourceRefName and targetRefName must be full names of branches (refs/heads/...)."
        raise ServiceError(400, "GitPullRequestInvalidParametersException", message)
    title, description = _text(wanted, "title", _LONGEST_TITLE), _text(wanted, "description", _LONGEST_DESCRIPTION)
    if not title:
        raise invalid_argument("title", "A title is required.")
    source = _source_repository(organisation, repository, wanted, token)
    reviewers = _reviewers(organisation, wanted.get("reviewers", []))
    if source.id == repository.id and source_ref == target_ref:
        message = "TF401184: The source and target branch of a pull request must differ."
        raise ServiceError(400, "GitPullRequestInvalidParametersException", message)
    with organisation.store.change():
        source, repository = organisation.repository_by_id(source.id), organisation.repository_by_id(repository.id)
        source_commit, target_commit = _tips(source, source_ref, repository, target_ref)
        _refuse_second(organisation, source.id, source_ref, repository.id, target_ref)
        number = organisation.next_number("pull request")
        blank = PullRequest(
            id=number,
            repository_id=repository.id,
            source_repository_id=source.id,
            title=title,
            description=description,
            source_ref=source_ref,
            target_ref=target_ref,
            created_by=token.identity,
            created=organisation.clock.stamp(),
            merge_id="",
            merge_source=source_commit,
            merge_target=target_commit,
            is_draft=wanted.get("isDraft") is True,
            reviewers=reviewers,
        )
        opened = add_iteration(organisation, blank, "create", source_commit, token.identity)
        organisation.pull_requests.put(number, opened)
        organisation.discussions.put(number, Discussion(number))
        publish(organisation, created(organisation, opened))
    return opened


def edit(organisation: Organisation, number: int, wanted: dict[str, Any], by: Identity) -> PullRequest:
    """Change title, description, draft state, target branch or auto-complete, whichever the caller sent.

    Args:
        organisation: where.
        number: the pull request's id.
        wanted: as the caller sent it.
        by: who changes it.

    Raises:
        ServiceError: 400 when the pull request is closed or a value is wrong, 409 for a second one.
    """
    with organisation.store.change():
        old = organisation.pull_request(number)
        changed = replace(
            old,
            title=_text(wanted, "title", _LONGEST_TITLE) or old.title,
            description=_text(wanted, "description", _LONGEST_DESCRIPTION)
            if "description" in wanted
            else old.description,
        )
        changed = _options_changed(organisation, changed, wanted, by)
        if wanted.get("isDraft", old.is_draft) != old.is_draft:
            changed = _draft_changed(organisation, changed, by, draft=wanted["isDraft"])
        target = wanted.get("targetRefName")
        if target and target != old.target_ref:
            changed = _retargeted(organisation, changed, target, by)
        if changed != old:
            organisation.pull_requests.put(number, changed)
    return _settled(organisation, changed)


def _options_changed(
    organisation: Organisation, pull_request: PullRequest, wanted: dict[str, Any], by: Identity
) -> PullRequest:
    changed = pull_request
    if "completionOptions" in wanted:
        changed = replace(changed, completion_options=wanted["completionOptions"])
    if "autoCompleteSetBy" in wanted:
        _demand_active(pull_request)
        who = wanted["autoCompleteSetBy"].get("id") or _NOBODY
        known = organisation.identities().get(who, by)
        changed = replace(changed, auto_complete_set_by=None if who == _NOBODY else known)
    return changed


def _draft_changed(organisation: Organisation, pull_request: PullRequest, by: Identity, *, draft: bool) -> PullRequest:
    # Publishing makes no iteration; hooks hear of it as a change of status.
    _demand_active(pull_request)
    changed = replace(pull_request, is_draft=draft)
    done = "marked the pull request as a draft" if draft else "published the pull request"
    publish(organisation, updated(organisation, changed, f"{by.display_name} {done}", "StatusUpdateNotification"))
    return changed


def _retargeted(organisation: Organisation, pull_request: PullRequest, target: str, by: Identity) -> PullRequest:
    _demand_active(pull_request)
    repository = organisation.repository_by_id(pull_request.repository_id)
    if not _is_branch(target) or target not in repository.refs or target == pull_request.source_ref:
        raise _cannot_be_activated()
    _refuse_second(organisation, pull_request.source_repository_id, pull_request.source_ref, repository.id, target)
    source = pull_request.merge_source
    changed = add_iteration(organisation, pull_request, "retarget", source, by, new_target_ref=target)
    text = f"{by.display_name} changed the target branch of pull request {pull_request.id}"
    # The documented filters do not name this change.
    publish(organisation, updated(organisation, changed, text, None))
    return changed


def abandon(organisation: Organisation, number: int, by: Identity) -> PullRequest:
    """Abandon a pull request.

    Args:
        organisation: where.
        number: its id.
        by: who does.

    Raises:
        ServiceError: 400 when it is not active.
    """
    with organisation.store.change():
        old = organisation.pull_request(number)
        _demand_active(old)
        now = organisation.clock.stamp()
        closed = replace(old, status="abandoned", closed=now, closed_by=by, merge_due=None, auto_complete_set_by=None)
        organisation.pull_requests.put(number, closed)
        text = f"{by.display_name} abandoned the pull request"
        publish(organisation, updated(organisation, closed, text, "StatusUpdateNotification"))
    return closed


def reactivate(organisation: Organisation, number: int, by: Identity) -> PullRequest:
    """Take up an abandoned pull request again; a source branch that moved meanwhile makes an iteration.

    Args:
        organisation: where.
        number: its id.
        by: who does.

    Raises:
        ServiceError: 400 when it is completed or a branch is gone, 409 when another one took its place.
    """
    with organisation.store.change():
        old = organisation.pull_request(number)
        if old.status != "abandoned":
            raise _not_editable()
        source, repository = (organisation.repository_by_id(i) for i in (old.source_repository_id, old.repository_id))
        source_commit, target_commit = _tips(source, old.source_ref, repository, old.target_ref)
        _refuse_second(organisation, source.id, old.source_ref, repository.id, old.target_ref)
        active = replace(old, status="active", closed=None, closed_by=None)
        if source_commit != old.latest.source:
            active = add_iteration(organisation, active, "push", source_commit, by)
        else:
            active = queued(organisation, active, source_commit, target_commit)
        organisation.pull_requests.put(number, active)
        text = f"{by.display_name} reactivated the pull request"
        publish(organisation, updated(organisation, active, text, "StatusUpdateNotification"))
    return _settled(organisation, active)


def vote(organisation: Organisation, number: int, identity: Identity, wanted: dict[str, Any]) -> Reviewer:
    """Add a reviewer, or change a vote.

    Args:
        organisation: where.
        number: the pull request's id.
        identity: whose vote.
        wanted: ``vote`` and ``isRequired``.

    Raises:
        ServiceError: 400 for a vote that does not exist or a pull request that is closed.
    """
    value = wanted.get("vote", 0)
    if value not in {10, 5, 0, -5, -10}:
        raise invalid_argument("vote", f"The vote {value!r} is not one of 10, 5, 0, -5, -10.")
    with organisation.store.change():
        old = organisation.pull_request(number)
        _demand_active(old)
        known = {reviewer.identity.id: reviewer for reviewer in old.reviewers}
        reviewer = Reviewer(identity, value, wanted.get("isRequired") is True)
        changed = replace(old, reviewers=tuple({**known, identity.id: reviewer}.values()))
        organisation.pull_requests.put(number, changed)
        kind = "ReviewerVoteNotification" if identity.id in known or value else "ReviewersUpdateNotification"
        text = f"{identity.display_name} changed the reviewer list or a vote"
        publish(organisation, updated(organisation, changed, text, kind))
    return reviewer


def _settled(organisation: Organisation, pull_request: PullRequest) -> PullRequest:
    if organisation.merge_delay_seconds:
        return pull_request
    return compute_merge(organisation, pull_request.id)


def _source_repository(
    organisation: Organisation, repository: Repository, wanted: dict[str, Any], token: Token
) -> Repository:
    named = ((wanted.get("forkSource") or {}).get("repository") or {}).get("id")
    if named is None:
        return repository
    if "code_read" not in token.rights:
        raise needs_permission(token.identity.id, "GenericRead")
    source = organisation.repository_by_id(named)
    if repository.id not in {source.id, source.parent_id}:
        message = "TF401398: The source repository is not a fork of the target repository."
        raise ServiceError(400, "GitPullRequestInvalidParametersException", message)
    return source


def _reviewers(organisation: Organisation, named: list[dict[str, Any]]) -> tuple[Reviewer, ...]:
    known = organisation.identities()
    missing = [entry.get("id") for entry in named if entry.get("id") not in known]
    if missing:
        raise ServiceError(400, "GitPullRequestInvalidReviewer", f"The reviewers {missing} are not known identities.")
    return tuple(Reviewer(known[entry["id"]], 0, entry.get("isRequired") is True) for entry in named)


def _tips(source: Repository, source_ref: str, target: Repository, target_ref: str) -> tuple[str, str]:
    if source_ref not in source.refs or target_ref not in target.refs:
        raise _cannot_be_activated()
    return source.refs[source_ref], target.refs[target_ref]


def _refuse_second(
    organisation: Organisation, source_id: str, source_ref: str, target_id: str, target_ref: str
) -> None:
    wanted = (source_id, source_ref, target_id, target_ref)
    for found in organisation.pull_requests.all():
        has = (found.source_repository_id, found.source_ref, found.repository_id, found.target_ref)
        if found.status == "active" and has == wanted:
            message = "TF401179: An active pull request for the source and target branch already exists."
            raise ServiceError(409, "GitPullRequestExistsException", message)


def _demand_active(pull_request: PullRequest) -> None:
    if pull_request.status != "active":
        raise _not_editable()


def _not_editable() -> ServiceError:
    message = "TF401181: The pull request cannot be edited due to its state."
    return ServiceError(400, "GitPullRequestNotEditableException", message)


def _cannot_be_activated() -> ServiceError:
    return ServiceError(
        400,
        "GitPullRequestCannotBeActivated",
        "TF401398: The pull request cannot be activated because the source and/or the target branch no longer exists, "
        "or the requested branches are not valid.",
    )


def _is_branch(ref: str) -> bool:
    return ref.startswith("refs/heads/") and len(ref) > len("refs/heads/")


def _text(wanted: dict[str, Any], name: str, longest: int) -> str | None:
    value: str | None = wanted.get(name)
    if value is None:
        return None
    if len(value) > longest:
        raise invalid_argument(name, f"The {name} must be a text of at most {longest} characters.")
    return value
