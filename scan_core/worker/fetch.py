"""The fetch step: claim one attempt, fetch what its scan needs, and leave ``fetch.json`` whatever happens."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from scan_core.model.attempt import (
    AttemptError,
    AttemptErrorKind,
    AttemptMessage,
    AttemptSpec,
    FetchOutcome,
    FetchState,
)
from scan_core.model.target import ImageTarget, SourceTarget
from scan_core.store.attempt_links import AttemptLinkClient, StorageFailed
from scan_core.worker import credential, git_failures
from scan_core.worker.claim import AttemptQueue, claim_next
from scan_core.worker.environment import FetchEnvironment
from scan_core.worker.fetch_failed import FetchFailed
from scan_core.worker.folder import WorkerFolder
from scan_core.worker.git import Checkout
from scan_core.worker.heartbeat import HeartbeatThread
from scan_core.worker.stopping import Clock, StopSign

if TYPE_CHECKING:
    from scan_core.registry.tokens import PullToken

_BEAT_SECONDS: Final = 10.0
"""For how long one heartbeat is tried."""
_log = logging.getLogger(__name__)


class _Fetched(NamedTuple):
    """How fetching ended.

    Attributes:
        error: Why the scan cannot begin; None where it can.
        token: What an image is pulled with; None for a source, or where everybody may pull.
    """

    error: AttemptError | None = None
    token: "PullToken | None" = None


@dataclass(frozen=True, slots=True)
class FetchStep:
    """One run of the fetch step.

    Attributes:
        settings: What it was told.
        now: Tells the time.
        stop: Whether to stop.
    """

    settings: FetchEnvironment
    now: Clock
    stop: StopSign

    def run(self) -> FetchOutcome:
        """Do the step.

        Returns:
            How it ended, which also stands in ``fetch.json``.
        """
        started = self.now()
        message = self._claim()
        fetched = _Fetched() if message is None else self._fetch(message)
        outcome = FetchOutcome(
            state=_state(message, fetched.error),
            execution=self.settings.execution,
            started_at=started,
            finished_at=self.now(),
            message=None if message is None else without_claim(message),
            error=fetched.error,
            registry_token=None if fetched.token is None else fetched.token.value,
            registry_token_ends_at=None if fetched.token is None else fetched.token.expires_at,
        )
        self._folder.write_outcome(outcome)
        return outcome

    @property
    def _folder(self) -> WorkerFolder:
        return WorkerFolder(self.settings.folder)

    def _claim(self) -> AttemptMessage | None:
        """Claim an attempt. A dependency that fails leaves it in the queue for another worker."""
        identity = self.settings.identity
        token = None if "sig=" in self.settings.queue else lambda: credential.storage_token(identity)
        queue = AttemptQueue(AttemptLinkClient(), self.settings.queue, token)
        try:
            return claim_next(queue, self.settings.execution, self.now)
        except (StorageFailed, credential.NoToken) as error:
            _log.error("no attempt could be claimed: %s", error)
        except Exception as error:  # noqa: BLE001 - as in `_fetch`
            _log.error("no attempt could be claimed: %s", type(error).__name__)
        return None

    def _fetch(self, message: AttemptMessage) -> _Fetched:
        _log.info("claimed attempt %s of scan %s", message.spec.attempt, message.spec.scan_id)
        beat = (self.settings.execution, "fetch")
        links = AttemptLinkClient(deadline_seconds=_BEAT_SECONDS)
        try:
            with HeartbeatThread(links, message, beat, self.stop, self.now):
                token = self._fetch_target(message.spec) if self.stop.reason is None else None
        except FetchFailed as failure:
            return _Fetched(failure.error)
        except Exception as error:  # noqa: BLE001 - the scan step has to be told, whatever it was
            # Its name only: the text of an unforeseen error could hold anything.
            _log.error("the fetch failed unforeseen: %s", type(error).__name__)
            return _Fetched(git_failures.fetch_failed(f"The {message.spec.target.kind} could not be fetched"))
        return _Fetched(token=token) if self.stop.reason is None else _Fetched(self.stop.reason)

    def _fetch_target(self, spec: AttemptSpec) -> "PullToken | None":
        target = spec.target
        if isinstance(target, ImageTarget):
            return self._permission_to_pull(spec, target)
        self._check_out(spec, target)
        return None

    def _check_out(self, spec: AttemptSpec, target: SourceTarget) -> None:
        if spec.clone_url is None or spec.registry is not None:
            raise FetchFailed(_UNFIT)
        if not credential.address_allowed(spec.clone_url, self.settings.origins):
            raise FetchFailed(_FOREIGN_ADDRESS)
        checkout = Checkout(target, spec.clone_url, spec.limits, self._folder, self.settings, self.stop)
        checkout.make(self._authorisation())

    def _permission_to_pull(self, spec: AttemptSpec, target: ImageTarget) -> "PullToken | None":
        if spec.clone_url is not None:
            raise FetchFailed(_UNFIT)
        from scan_core.worker.pull import Pull  # noqa: PLC0415 - a source does without, and pays for every import

        return Pull(spec, target, self._folder, self.settings, self.stop, self.now).token()

    def _authorisation(self) -> str:
        if self.settings.pat is not None:
            return credential.basic(self.settings.pat)
        try:
            return credential.devops_bearer(self.settings.identity)
        except credential.NoToken as error:
            _log.error("%s", error)
            raise FetchFailed(_NO_TOKEN) from None


def without_claim(message: AttemptMessage) -> AttemptMessage:
    """Take from an attempt's message what the scan step has no right to.

    Args:
        message: The message as it stood in the queue.

    Returns:
        The message without the link to claim.
    """
    return message.model_copy(update={"links": message.links.model_copy(update={"claim": ""})})


def _state(message: AttemptMessage | None, error: AttemptError | None) -> FetchState:
    if message is None:
        return FetchState.NOTHING
    return FetchState.READY if error is None else FetchState.FAILED


_UNFIT: Final = AttemptError(
    kind=AttemptErrorKind.FETCH_FAILED,
    sentence="The attempt does not say where its target is, or says it of another kind of target: "
    "the app and its workers may be of different versions.",
)
_FOREIGN_ADDRESS: Final = AttemptError(
    kind=AttemptErrorKind.ACCESS_REFUSED,
    sentence="The repository's address is not one that the fetch step may show its credential to: "
    "add its organisation to SCANGATE_DEVOPS_ORIGINS.",
)
_NO_TOKEN: Final = AttemptError(
    kind=AttemptErrorKind.ACCESS_REFUSED,
    sentence="The fetch step's managed identity gave no token for Azure DevOps: check that it is assigned to the job.",
)
