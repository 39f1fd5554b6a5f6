"""The scan step: run QScanner on what the fetch step left, and report how the attempt ended, whatever that was."""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from scan_core.model.attempt import (
    AttemptError,
    AttemptErrorKind,
    AttemptMessage,
    FetchOutcome,
    FetchState,
    Manifest,
)
from scan_core.qscanner.scrub import token_secrets
from scan_core.store.attempt_links import AttemptLinkClient, StorageFailed
from scan_core.worker import artifacts, delivery
from scan_core.worker.artifacts import Prepared
from scan_core.worker.environment import ScanEnvironment
from scan_core.worker.folder import OutcomeUnreadable, WorkerFolder, remove
from scan_core.worker.heartbeat import HeartbeatThread
from scan_core.worker.scanner import Scanned, scan
from scan_core.worker.stopping import Clock, StopSign

_BEAT_SECONDS: Final = 10.0
"""For how long one heartbeat is tried."""
_UNFORESEEN: Final = AttemptError(
    kind=AttemptErrorKind.LOST, sentence="The worker failed while it handled the scan; it is tried again."
)
_TOKEN_SPENT: Final = AttemptError(
    kind=AttemptErrorKind.LOST,
    sentence="The worker was started again after its token to pull the image was spent; it is tried again.",
)
_TOKEN_ENDED: Final = AttemptError(
    kind=AttemptErrorKind.FETCH_FAILED,
    sentence="The registry's token to pull the image ended before the scan could begin; it is tried again. If that "
    "repeats, have the registry give tokens that last longer, and have its clock looked at.",
)
_ENDED_MEANWHILE: Final = (
    "The registry's token to pull the image ended before QScanner did: have the registry give tokens that last longer."
)
_LONGEST_SENTENCE: Final = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScanStep:
    """One run of the scan step.

    Attributes:
        settings: What it was told.
        now: Tells the time.
        stop: Whether to stop.
    """

    settings: ScanEnvironment
    now: Clock
    stop: StopSign

    def run(self) -> int:
        """Do the step.

        Returns:
            The exit code: 0 where there was nothing to do or the attempt's end is reported, 1 where it could not be.
        """
        folder = self._folder
        try:
            outcome = folder.read_outcome()
        except OutcomeUnreadable as error:
            _log.error("%s", error)
            return 1
        if outcome.message is None:
            return 0
        if outcome.registry_token is not None:
            # QScanner runs beside this file, and a token is good for one run: what is left says so.
            folder.write_outcome(_without_token(outcome))
        try:
            self._report(outcome, outcome.message)
        except StorageFailed as error:
            _log.error("the attempt's end could not be reported: %s", error)
            return 1
        finally:
            self._clean()
        # Started once more, this step would find nothing to do.
        folder.write_outcome(
            _without_token(outcome).model_copy(update={"state": FetchState.NOTHING, "message": None, "error": None})
        )
        return 0

    @property
    def _folder(self) -> WorkerFolder:
        return WorkerFolder(self.settings.folder)

    def _report(self, outcome: FetchOutcome, message: AttemptMessage) -> None:
        links = AttemptLinkClient()
        if not delivery.manifest_stands(links, message):
            beat = (self.settings.execution, "scan")
            beating = AttemptLinkClient(deadline_seconds=_BEAT_SECONDS)
            with HeartbeatThread(beating, message, beat, self.stop, self.now):
                manifest = self._deliver(links, outcome, message)
            delivery.conclude(links, message, manifest)
            _log.info("attempt %s of scan %s: %s", manifest.attempt, manifest.scan_id, _in_a_word(manifest))
        delivery.announce(links, message)

    def _deliver(self, links: AttemptLinkClient, outcome: FetchOutcome, message: AttemptMessage) -> Manifest:
        """Scan and upload; give the manifest that is still to be left."""
        scanned, prepared = self._outcome_of_scan(outcome, message)
        files = delivery.upload(links, message, prepared.files)
        return Manifest(
            scan_id=message.spec.scan_id,
            attempt=message.spec.attempt,
            execution=self.settings.execution,
            exit_code=scanned.exit_code if scanned else None,
            error=files if isinstance(files, AttemptError) else prepared.error,
            scanner_version=prepared.scanner_version,
            started_at=outcome.started_at,
            fetched_at=outcome.finished_at if outcome.state is FetchState.READY else None,
            finished_at=self.now(),
            files=() if isinstance(files, AttemptError) else files,
        )

    def _outcome_of_scan(self, outcome: FetchOutcome, message: AttemptMessage) -> tuple[Scanned | None, Prepared]:
        if outcome.error is not None:
            return None, Prepared(error=outcome.error)
        if self.stop.reason is not None:
            return None, Prepared(error=self.stop.reason)
        if self._has_ended(outcome):
            return None, Prepared(error=_TOKEN_ENDED)
        pull_token = outcome.registry_token
        try:
            scanned = scan(message.spec, self._folder, self.settings, self.stop, pull_token)
            scanned = self._explained(outcome, scanned)
            tokens = {self.settings.token, *(token_secrets(pull_token) if pull_token else ())}
            return scanned, artifacts.prepare(message, self._folder, scanned, tokens)
        except Exception as error:  # noqa: BLE001 - the attempt has to be reported, whatever it was
            # Its name only: the text of an unforeseen error could hold anything.
            _log.error("the scan failed unforeseen: %s", type(error).__name__)
            return None, Prepared(error=_UNFORESEEN)

    def _has_ended(self, outcome: FetchOutcome) -> bool:
        """Tell whether the token that the image is pulled with is good for nothing any more."""
        return outcome.registry_token_ends_at is not None and outcome.registry_token_ends_at <= self.now()

    def _explained(self, outcome: FetchOutcome, scanned: Scanned) -> Scanned:
        """Say why a scan may have failed whose token ended before it did: QScanner itself can only say that it did."""
        error = scanned.error
        if error is None or error.kind is not AttemptErrorKind.SCANNER_FAILED or not self._has_ended(outcome):
            return scanned
        sentence = f"{error.sentence} {_ENDED_MEANWHILE}"[:_LONGEST_SENTENCE]
        return replace(scanned, error=AttemptError(kind=error.kind, sentence=sentence))

    def _clean(self) -> None:
        """Delete the source and everything unscrubbed."""
        folder = self._folder
        for place in (folder.source, folder.run, folder.upload, folder.notes):
            with suppress(OSError):
                remove(place)


def _without_token(outcome: FetchOutcome) -> FetchOutcome:
    spent = {"registry_token": None, "registry_token_ends_at": None}
    return outcome.model_copy(update={"state": FetchState.FAILED, "error": _TOKEN_SPENT, **spent})


def _in_a_word(manifest: Manifest) -> str:
    return manifest.error.kind if manifest.error else f"conclusive, exit code {manifest.exit_code}"
