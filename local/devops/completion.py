"""Completing pull requests: what must hold, the merge into the target branch, and auto-complete."""

from dataclasses import replace
from typing import Any, Final

from local.devops.errors import ServiceError, invalid_argument
from local.devops.evaluation import Evaluation, evaluations
from local.devops.events import publish
from local.devops.git import BareRepository
from local.devops.merges import compute_merge, merge_ref, queued
from local.devops.pull_request_events import updated
from local.devops.pushes import take_in_push
from local.devops.records import Identity, PullRequest, Token
from local.devops.state import Organisation

STRATEGIES: Final = ("noFastForward", "squash", "rebase", "rebaseMerge")


def complete(organisation: Organisation, number: int, wanted: dict[str, Any], token: Token) -> PullRequest:
    """Complete a pull request.

    Args:
        organisation: where.
        number: its id.
        wanted: must carry ``lastMergeSourceCommit``; may carry ``completionOptions``.
        token: the caller's.

    Returns:
        The pull request: completed, or still active with ``mergeStatus`` conflicts.

    Raises:
        ServiceError: 400 for a draft or closed one, 403 while a policy blocks, 409 when the source moved.
    """
    seen = compute_merge(organisation, number)
    _demand_completable(organisation, seen, wanted)
    options = {**(seen.completion_options or {}), **wanted.get("completionOptions", {})}
    if options.get("mergeStrategy", "noFastForward") not in STRATEGIES:
        raise invalid_argument("mergeStrategy", f"The strategy must be one of {', '.join(STRATEGIES)}.")
    if not (options.get("bypassPolicy") is True and "bypass_completion" in token.rights):
        _demand_policies(organisation, seen)
    return _merge_into_target(organisation, seen, options, token.identity)


def complete_if_wanted(organisation: Organisation, number: int) -> None:
    """Complete a pull request that is set to auto-complete, if nothing stands in the way any more.

    Args:
        organisation: where.
        number: its id.
    """
    seen = organisation.pull_request(number)
    setter = seen.auto_complete_set_by
    if seen.status != "active" or seen.is_draft or setter is None or why_not(organisation, seen):
        return
    _merge_into_target(organisation, seen, seen.completion_options or {}, setter)


def why_not(organisation: Organisation, pull_request: PullRequest) -> list[str]:
    """Return every reason for which a pull request cannot be completed now, in words.

    Args:
        organisation: where.
        pull_request: which.
    """
    reasons = []
    if pull_request.status != "active":
        reasons.append(f"it is {pull_request.status}")
    if pull_request.is_draft:
        reasons.append("it is a draft")
    if pull_request.merge_status != "succeeded":
        reasons.append(f"its merge is {pull_request.merge_status}")
    blocking = [found for found in evaluations(organisation, pull_request) if found.blocks]
    return reasons + [found.reason for found in blocking]


def _demand_completable(organisation: Organisation, seen: PullRequest, wanted: dict[str, Any]) -> None:
    if seen.status != "active":
        message = "TF401181: The pull request cannot be edited due to its state."
        raise ServiceError(400, "GitPullRequestNotEditableException", message)
    if seen.is_draft:
        raise invalid_argument("status", "A draft pull request cannot be completed.")
    commit = wanted.get("lastMergeSourceCommit", {}).get("commitId")
    if not commit:
        raise invalid_argument("lastMergeSourceCommit", "The last merge source commit is required to complete.")
    if commit != seen.merge_source:
        message = (
            "TF401192: The pull request source branch was modified since the last merge attempt. "
            "Please refresh and try again."
        )
        raise ServiceError(409, "GitPullRequestStaleException", message)
    if seen.source_ref not in organisation.repository_by_id(seen.source_repository_id).refs:
        message = "TF401398: The pull request cannot be completed because the source branch no longer exists."
        raise ServiceError(400, "GitPullRequestCannotBeActivated", message)


def _demand_policies(organisation: Organisation, seen: PullRequest) -> None:
    blocking: list[Evaluation] = [found for found in evaluations(organisation, seen) if found.blocks]
    if blocking:
        branch = seen.target_ref.removeprefix("refs/heads/")
        message = f"The policies of {branch} are not satisfied: {'; '.join(found.reason for found in blocking)}."
        raise ServiceError(403, "GitPullRequestUpdateRejectedByPolicyException", message)


def _merge_into_target(
    organisation: Organisation, seen: PullRequest, options: dict[str, Any], by: Identity
) -> PullRequest:
    if seen.merge_commit is None:
        return seen
    with organisation.git_lock(seen.repository_id):
        git = organisation.git(seen.repository_id)
        commit = _final_commit(git, seen, options, by)
        if commit is None or git.commit_of(seen.target_ref) != seen.merge_target:
            return _conflicted(organisation, seen)
        with organisation.store.change():
            current = organisation.pull_request(seen.id)
            if current.merge_id != seen.merge_id or current.status != "active":
                return current
            git.set_ref(seen.target_ref, commit, seen.merge_target)
            git.set_ref(merge_ref(seen.id), commit)
            done = _closed(organisation, current, commit, options, by)
        take_in_push(organisation, seen.repository_id, by)
    if options.get("deleteSourceBranch") is True:
        _delete_source(organisation, done, by)
    return done


def _final_commit(git: BareRepository, seen: PullRequest, options: dict[str, Any], by: Identity) -> str | None:
    # Returns nothing when the commits cannot be replayed one by one.
    merge = git.info(seen.merge_commit or seen.merge_source)
    strategy = options.get("mergeStrategy") or ("squash" if options.get("squashMerge") else "noFastForward")
    message = options.get("mergeCommitMessage") or f"Merged PR {seen.id}: {seen.title}"
    if strategy == "squash":
        return git.commit(merge.tree, (seen.merge_target,), message, by)
    if strategy == "noFastForward":
        return git.commit(merge.tree, (seen.merge_target, seen.merge_source), message, by)
    replayed = git.rebase(seen.merge_source, seen.merge_target, by).commit
    if replayed is None or strategy == "rebase":
        return replayed
    return git.commit(git.info(replayed).tree, (seen.merge_target, replayed), message, by)


def _conflicted(organisation: Organisation, seen: PullRequest) -> PullRequest:
    with organisation.store.change():
        current = organisation.pull_request(seen.id)
        changed = replace(current, merge_status="conflicts", merge_commit=None)
        return organisation.pull_requests.put(seen.id, changed)


def _closed(
    organisation: Organisation, current: PullRequest, commit: str, options: dict[str, Any], by: Identity
) -> PullRequest:
    done = replace(
        queued(organisation, current, current.merge_source, current.merge_target),
        status="completed",
        merge_status="succeeded",
        merge_commit=commit,
        merge_due=None,
        closed=organisation.clock.stamp(),
        closed_by=by,
        completion_options=options or None,
    )
    organisation.pull_requests.put(done.id, done)
    text = f"{by.display_name} marked the pull request as completed"
    publish(organisation, updated(organisation, done, text, "StatusUpdateNotification"))
    return done


def _delete_source(organisation: Organisation, done: PullRequest, by: Identity) -> None:
    with organisation.git_lock(done.source_repository_id):
        organisation.git(done.source_repository_id).delete_ref(done.source_ref)
        take_in_push(organisation, done.source_repository_id, by)
