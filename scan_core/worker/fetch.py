"""The fetch step: claim one attempt, fetch its source, and leave ``fetch.json`` whatever happens."""

import logging
from dataclasses import dataclass
from typing import Final

from scan_core.model.attempt import AttemptError, AttemptErrorKind, AttemptMessage, FetchOutcome, FetchState
from scan_core.store.attempt_links import AttemptLinkClient, StorageFailed
from scan_core.worker import credential, git_failures
from scan_core.worker.claim import AttemptQueue, claim_next
from scan_core.worker.environment import FetchEnvironment
from scan_core.worker.folder import WorkerFolder
from scan_core.worker.git import Checkout, FetchFailed
from scan_core.worker.heartbeat import HeartbeatThread
from scan_core.worker.stopping import Clock, StopSign

_BEAT_SECONDS: Final = 10.0
"""For how long one heartbeat is tried."""
_log = logging.getLogger(__name__)


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
        error = None if message is None else self._fetch(message)
        outcome = FetchOutcome(
            state=_state(message, error),
            execution=self.settings.execution,
            started_at=started,
            finished_at=self.now(),
            message=None if message is None else without_claim(message),
            error=error,
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

    def _fetch(self, message: AttemptMessage) -> AttemptError | None:
        _log.info("claimed attempt %s of scan %s", message.spec.attempt, message.spec.scan_id)
        beat = (self.settings.execution, "fetch")
        links = AttemptLinkClient(deadline_seconds=_BEAT_SECONDS)
        try:
            with HeartbeatThread(links, message, beat, self.stop, self.now):
                self._check_out(message)
        except FetchFailed as failure:
            return failure.error
        except Exception as error:  # noqa: BLE001 - the scan step has to be told, whatever it was
            # Its name only: the text of an unforeseen error could hold anything.
            _log.error("the fetch failed unforeseen: %s", type(error).__name__)
            return git_failures.fetch_failed("The source could not be fetched")
        return self.stop.reason

    def _check_out(self, message: AttemptMessage) -> None:
        if self.stop.reason is not None:
            return
        if not credential.address_allowed(message.spec.clone_url, self.settings.origins):
            raise FetchFailed(_FOREIGN_ADDRESS)
        Checkout(message.spec, self._folder, self.settings, self.stop).make(self._authorisation())

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


_FOREIGN_ADDRESS: Final = AttemptError(
    kind=AttemptErrorKind.ACCESS_REFUSED,
    sentence="The repository's address is not one that the fetch step may show its credential to: "
    "add its organisation to SCANGATE_DEVOPS_ORIGINS.",
)
_NO_TOKEN: Final = AttemptError(
    kind=AttemptErrorKind.ACCESS_REFUSED,
    sentence="The fetch step's managed identity gave no token for Azure DevOps: check that it is assigned to the job.",
)
