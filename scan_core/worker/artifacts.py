"""From what QScanner left to what may be stored: found, checked, and without secrets."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from scan_core.model.attempt import Artifact, AttemptError, AttemptErrorKind, AttemptMessage, AttemptSpec
from scan_core.model.target import ImageTarget, Target
from scan_core.qscanner.foreign import contradiction, image_contradiction, is_older_than_run, platform_contradiction
from scan_core.qscanner.outputs import Outputs, OutputsRefused, discover, open_output
from scan_core.qscanner.sarif import Report, ReportUnreadable, read_sarif
from scan_core.qscanner.scrub import Scrubber
from scan_core.qscanner.secret_fields import InventoryUnreadable, secret_values
from scan_core.worker.folder import WorkerFolder, fresh
from scan_core.worker.scanner import Scanned

_LONGEST_SENTENCE: Final = 500
_WITHHELD: Final = (
    "What QScanner printed is withheld: its list of secrets cannot be read, so they cannot be taken out.\n"
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What may be stored of a run.

    Attributes:
        files: Scrubbed files by their names in storage.
        error: Why there is no conclusive result; None where there is one, and then a report is among the files.
        scanner_version: What the report says wrote it; None where it does not say.
    """

    files: dict[Artifact, Path] = field(default_factory=dict)
    error: AttemptError | None = None
    scanner_version: str | None = None


class _Refused(Exception):
    def __init__(self, kind: AttemptErrorKind, sentence: str) -> None:
        super().__init__(sentence)
        self.error = AttemptError(kind=kind, sentence=sentence[:_LONGEST_SENTENCE])


def prepare(message: AttemptMessage, folder: WorkerFolder, scanned: Scanned, tokens: Collection[str]) -> Prepared:
    """Make what a run left fit to be stored.

    A run that is not conclusive leaves its log alone: half a result must not be taken for one.

    Args:
        message: The attempt, for its limits and its own secrets.
        folder: Where the worker keeps what.
        scanned: How the run ended.
        tokens: What QScanner was let in with, at Qualys and at a registry: it must appear nowhere.

    Returns:
        The files, in the worker's folder for uploads, and whether they are conclusive.
    """
    fresh(folder.upload)
    known = {*tokens, *_secrets_of(message)}
    log = scanned.log
    prepared = Prepared(error=scanned.error)
    try:
        outputs = discover(folder.output, message.spec.limits.artifact_bytes) if folder.output.is_dir() else Outputs()
        known |= _found_secrets(outputs, message.spec)
        if scanned.error is None:
            prepared = _conclusive(message.spec, folder, scanned, outputs, Scrubber(known))
    except InventoryUnreadable as unreadable:
        log = _WITHHELD.encode()
        prepared = _failed(scanned, AttemptErrorKind.REPORT_UNREADABLE, unreadable.sentence)
    except OutputsRefused as refused:
        # Refused before the secrets were known, or because of the file that lists them.
        log = _WITHHELD.encode()
        prepared = _failed(scanned, refused.error.kind, refused.error.sentence)
    except _Refused as refused:
        prepared = Prepared(error=refused.error)
    prepared.files[Artifact.LOG] = _log_file(folder, prepared.error, scanned, log, Scrubber(known))
    return prepared


def _conclusive(
    spec: AttemptSpec, folder: WorkerFolder, scanned: Scanned, outputs: Outputs, scrubber: Scrubber
) -> Prepared:
    if outputs.sarif is None:
        raise _Refused(
            AttemptErrorKind.REPORT_MISSING, f"QScanner ended with {scanned.exit_code} and left no SARIF report."
        )
    if is_older_than_run(outputs.sarif.lstat(), scanned.started_epoch_seconds):
        raise _Refused(AttemptErrorKind.REPORT_FOREIGN, "The report was written before this scan began.")
    files = {
        artifact: _scrubbed(path, folder.upload / artifact, spec, scrubber)
        for artifact, path in _artifacts(outputs)
        if path is not None
    }
    try:
        with files[Artifact.SARIF].open("rb") as stream:
            report = read_sarif(stream)
    except ReportUnreadable as unreadable:
        raise _Refused(AttemptErrorKind.REPORT_UNREADABLE, unreadable.sentence) from None
    if foreign := _foreign(report, spec.target):
        raise _Refused(AttemptErrorKind.REPORT_FOREIGN, foreign)
    return Prepared(files=files, scanner_version=report.scanner_version or None)


def _foreign(report: Report, target: Target) -> str | None:
    if isinstance(target, ImageTarget):
        return image_contradiction(report, {target.digest}) or platform_contradiction(report, target.platform)
    return contradiction(report, target.commit)


def _artifacts(outputs: Outputs) -> Iterator[tuple[Artifact, Path | None]]:
    yield Artifact.SARIF, outputs.sarif
    yield Artifact.SPDX, outputs.spdx
    yield Artifact.CYCLONEDX, outputs.cyclonedx
    yield Artifact.INVENTORY, outputs.inventory


def _scrubbed(path: Path, target: Path, spec: AttemptSpec, scrubber: Scrubber) -> Path:
    with open_output(path) as source, target.open("xb") as sink:
        _check_size(os.fstat(source.fileno()).st_size, target.name, spec)
        scrubber.scrub_stream(source, sink)
        _check_size(sink.tell(), target.name, spec)
    return target


def _check_size(size: int, name: str, spec: AttemptSpec) -> None:
    most = spec.limits.artifact_bytes
    if size > most:
        raise _Refused(
            AttemptErrorKind.ARTIFACT_TOO_LARGE, f"{name} is larger than the {most:,} bytes that a result may have."
        )


def _found_secrets(outputs: Outputs, spec: AttemptSpec) -> set[str]:
    if outputs.inventory is None:
        return set()
    with open_output(outputs.inventory) as stream:
        if os.fstat(stream.fileno()).st_size > spec.limits.artifact_bytes:
            raise OutputsRefused(AttemptErrorKind.ARTIFACT_TOO_LARGE, "The inventory is too large to be read.")
        return secret_values(stream)


def _secrets_of(message: AttemptMessage) -> Iterator[str]:
    """The attempt's own secrets: the key of its manifest, and the signatures of its links."""
    yield message.secret
    links = message.links
    for link in (links.cancel, links.heartbeat, links.results, *links.artifacts.values()):
        yield from parse_qs(urlsplit(link).query).get("sig", ())


def _failed(scanned: Scanned, kind: AttemptErrorKind, sentence: str) -> Prepared:
    """Why QScanner failed says more than why its leavings could not be read."""
    return Prepared(error=scanned.error or AttemptError(kind=kind, sentence=sentence[:_LONGEST_SENTENCE]))


def _log_file(
    folder: WorkerFolder, error: AttemptError | None, scanned: Scanned, log: bytes, scrubber: Scrubber
) -> Path:
    """Write the log, headed by what the worker itself has to say."""
    ended = "did not run to its end" if scanned.exit_code is None else f"ended with exit code {scanned.exit_code}"
    head = [f"Scangate: QScanner {ended}."]
    if error is not None:
        head.append(f"Scangate: {error.sentence}")
    if folder.notes.is_file():
        head += [f"Scangate: {line}" for line in folder.notes.read_text(encoding="utf-8").splitlines()]
    raw = folder.upload / "log.unscrubbed"
    raw.write_bytes("\n".join([*head, "", ""]).encode() + log)
    target = folder.upload / Artifact.LOG
    with raw.open("rb") as source, target.open("xb") as sink:
        scrubber.scrub_stream(source, sink)
    raw.unlink()
    return target
