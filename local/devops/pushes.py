"""What a push does: refs move, pull requests get iterations, merges are computed anew, hooks are told."""

from dataclasses import replace

from local.devops.events import publish
from local.devops.merges import compute_merge, queued
from local.devops.pull_request_events import pushed, updated
from local.devops.records import ZERO_SHA, Identity, Iteration, PullRequest, Push, RefUpdate, Repository
from local.devops.state import Organisation


def take_in_push(organisation: Organisation, repository_id: str, pusher: Identity) -> Push | None:
    """Compare a repository's refs with what is remembered of them, and act on the difference.

    Called after every push, and at the start for pushes whose process was killed before it could.

    Args:
        organisation: where.
        repository_id: which repository.
        pusher: who pushed.

    Returns:
        The push, or nothing when no ref moved.

    Raises:
        ServiceError: 404 when there is no such repository.
    """
    with organisation.git_lock(repository_id):
        refs = organisation.git(repository_id).refs()
        with organisation.store.change():
            repository = organisation.repository_by_id(repository_id)
            updates = _difference(repository.refs, refs)
            if not updates:
                return None
            push = _remember(organisation, repository, refs, updates, pusher)
            affected = _move_pull_requests(organisation, push)
    for number in affected:
        if not organisation.merge_delay_seconds:
            compute_merge(organisation, number)
    return push


def _difference(before: dict[str, str], after: dict[str, str]) -> tuple[RefUpdate, ...]:
    names = sorted(before.keys() | after.keys())
    moved = (RefUpdate(name, before.get(name, ZERO_SHA), after.get(name, ZERO_SHA)) for name in names)
    return tuple(update for update in moved if update.old != update.new)


def _remember(
    organisation: Organisation,
    repository: Repository,
    refs: dict[str, str],
    updates: tuple[RefUpdate, ...],
    pusher: Identity,
) -> Push:
    number = organisation.next_number(f"push/{repository.id}")
    push = Push(number, repository.id, pusher, organisation.clock.stamp(), updates)
    organisation.pushes.put(f"{repository.id}:{number}", push)
    default = repository.default_branch
    if default is None:
        # The first branch that is pushed becomes the default; main is preferred when several come at once.
        branches = sorted((name for name in refs if name.startswith("refs/heads/")), key=_least_like_main)
        default = branches[0] if branches else None
        if default:
            organisation.git(repository.id).set_default(default)
    organisation.repositories.put(repository.id, replace(repository, refs=refs, default_branch=default))
    publish(organisation, pushed(organisation, push))
    return push


def _least_like_main(ref: str) -> tuple[int, str]:
    order = {"refs/heads/main": 0, "refs/heads/master": 1}
    return order.get(ref, 2), ref


def _move_pull_requests(organisation: Organisation, push: Push) -> list[int]:
    # Returns the numbers of the pull requests whose merge is now queued.
    moved = {update.name: update.new for update in push.updates if update.new != ZERO_SHA}
    affected = []
    for pull_request in organisation.pull_requests.all():
        if pull_request.status != "active":
            continue
        changed = pull_request
        if pull_request.source_repository_id == push.repository_id and pull_request.source_ref in moved:
            changed = _new_source(organisation, changed, moved[pull_request.source_ref], push)
        if pull_request.repository_id == push.repository_id and pull_request.target_ref in moved:
            changed = queued(organisation, changed, changed.merge_source, moved[pull_request.target_ref])
        if changed is not pull_request:
            organisation.pull_requests.put(changed.id, changed)
            affected.append(changed.id)
            if len(changed.iterations) != len(pull_request.iterations):
                text = f"{push.pusher.display_name} updated the source branch of pull request {changed.id}"
                publish(organisation, updated(organisation, changed, text, "PushNotification"))
    return affected


def _new_source(organisation: Organisation, pull_request: PullRequest, source: str, push: Push) -> PullRequest:
    git = organisation.git(pull_request.source_repository_id)
    old = pull_request.merge_source
    reason = "push" if git.commit_of(old) and git.contains(old, source) else "forcePush"
    return add_iteration(organisation, pull_request, reason, source, push.pusher, push_id=push.id)


def add_iteration(
    organisation: Organisation,
    pull_request: PullRequest,
    reason: str,
    source: str,
    author: Identity,
    *,
    push_id: int | None = None,
    new_target_ref: str | None = None,
) -> PullRequest:
    """Return a pull request with one more iteration and its merge queued.

    Args:
        organisation: where.
        pull_request: which.
        reason: create, push, forcePush or retarget.
        source: the source branch's commit.
        author: who caused it.
        push_id: the push that did.
        new_target_ref: the new target branch, for a retarget.
    """
    target_ref = new_target_ref or pull_request.target_ref
    target = organisation.repository_by_id(pull_request.repository_id).refs.get(target_ref, pull_request.merge_target)
    iteration = Iteration(
        id=len(pull_request.iterations) + 1,
        reason=reason,
        source=source,
        target=target,
        common=common_commit(organisation, pull_request, source, target),
        created=organisation.clock.stamp(),
        author=author,
        push_id=push_id,
        old_target_ref=pull_request.target_ref if new_target_ref else None,
        new_target_ref=new_target_ref,
    )
    moved = replace(pull_request, target_ref=target_ref, iterations=(*pull_request.iterations, iteration))
    return queued(organisation, moved, source, target)


def common_commit(organisation: Organisation, pull_request: PullRequest, source: str, target: str) -> str:
    """Return where a source branched off its target; the target itself for unrelated histories.

    Args:
        organisation: where.
        pull_request: says which repositories they lie in.
        source: commit in the source repository.
        target: commit in the target repository.
    """
    git = organisation.git(pull_request.repository_id)
    lent = {}
    if pull_request.is_fork:
        lent["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(
            organisation.git(pull_request.source_repository_id).path / "objects"
        )
    return git.run("merge-base", source, target, extra=lent, accept=(0, 1)).decode().strip() or target
