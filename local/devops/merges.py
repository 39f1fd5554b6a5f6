"""Merge commits of pull requests: queued, computed with git, kept under ``refs/pull/N/merge``."""

import threading
import uuid
from dataclasses import replace

from local.devops.events import publish
from local.devops.pull_request_events import merge_attempted
from local.devops.records import Identity, PullRequest
from local.devops.state import Organisation

MERGER = "Microsoft.VisualStudio.Services.TFS"
_LONGEST_NAP_SECONDS = 1.0


def merge_ref(number: int) -> str:
    """Return the ref that keeps a pull request's merge commit.

    Args:
        number: the pull request's id.
    """
    return f"refs/pull/{number}/merge"


def queued(organisation: Organisation, pull_request: PullRequest, source: str, target: str) -> PullRequest:
    """Return a pull request whose merge of two commits is to be computed.

    Args:
        organisation: tells the delay before it is.
        pull_request: which.
        source: the source branch's commit.
        target: the target branch's commit.
    """
    return replace(
        pull_request,
        merge_source=source,
        merge_target=target,
        merge_id=str(uuid.uuid4()),
        merge_status="queued",
        merge_commit=None,
        merge_failure=None,
        merge_due=organisation.clock.now() + organisation.merge_delay_seconds,
    )


def compute_merge(organisation: Organisation, number: int) -> PullRequest:
    """Compute a queued merge now; nothing happens when none is queued.

    Git works outside of the state's lock. When the pull request moved on meanwhile, the result is dropped and the
    newer merge is computed.

    Args:
        organisation: where.
        number: the pull request's id.

    Returns:
        The pull request as it is then.

    Raises:
        ServiceError: 404 when there is no such pull request.
    """
    while True:
        seen = organisation.pull_request(number)
        if seen.merge_due is None or seen.status != "active":
            return seen
        done = _merged(organisation, seen)
        with organisation.store.change():
            current = organisation.pull_request(number)
            if current.merge_id == seen.merge_id and current.merge_due is not None:
                changed = replace(
                    current,
                    merge_due=None,
                    merge_status=done.merge_status,
                    merge_commit=done.merge_commit,
                    merge_failure=done.merge_failure,
                )
                organisation.pull_requests.put(number, changed)
                publish(organisation, merge_attempted(organisation, changed))


def _merged(organisation: Organisation, pull_request: PullRequest) -> PullRequest:
    lender = organisation.git(pull_request.source_repository_id).path if pull_request.is_fork else None
    message = (
        f"Merge pull request {pull_request.id} from {_short(pull_request.source_ref)} "
        f"into {_short(pull_request.target_ref)}"
    )
    with organisation.git_lock(pull_request.repository_id):
        git = organisation.git(pull_request.repository_id)
        merger = Identity("", MERGER, "tfs@example.com")
        merge = git.merge(pull_request.merge_target, pull_request.merge_source, message, merger, lender)
        if merge.commit:
            git.set_ref(merge_ref(pull_request.id), merge.commit)
        elif git.commit_of(merge_ref(pull_request.id)):
            # An outdated merge commit must not be taken for the present one.
            git.delete_ref(merge_ref(pull_request.id))
    return replace(
        pull_request,
        merge_status=merge.problem or "succeeded",
        merge_commit=merge.commit,
        merge_failure=merge.details or None,
    )


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


class MergeQueue:
    """Computes merges that were queued with a delay, also those that a killed process left."""

    def __init__(self, organisation: Organisation) -> None:
        """Prepare; nothing is computed before ``start``.

        Args:
            organisation: whose pull requests.
        """
        self._organisation = organisation
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, name="merges", daemon=True)

    def start(self) -> None:
        """Begin to compute."""
        self._worker.start()

    def stop(self) -> None:
        """End, after the merge under way; harmless when it was never started."""
        self._stopping.set()
        if self._worker.is_alive():
            self._worker.join()

    def _work(self) -> None:
        while not self._stopping.wait(self._nap()):
            now = self._organisation.clock.now()
            for found in self._organisation.pull_requests.all():
                if found.merge_due is not None and found.merge_due <= now and found.status == "active":
                    compute_merge(self._organisation, found.id)

    def _nap(self) -> float:
        now = self._organisation.clock.now()
        moments = [found.merge_due for found in self._organisation.pull_requests.all() if found.merge_due is not None]
        return min(max(min(moments, default=now + _LONGEST_NAP_SECONDS) - now, 0.02), _LONGEST_NAP_SECONDS)
