"""From what an attempt left to a result that a gate may be judged by: nothing is believed that is not proven."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import BinaryIO

from pydantic import ValidationError

from scan_core.flow.services import Services
from scan_core.model.attempt import Artifact, AttemptError, AttemptErrorKind, Manifest
from scan_core.model.finding import FoundSecret
from scan_core.model.ids import AttemptNumber
from scan_core.model.scan import Conclusion, Scan
from scan_core.model.signing import attempt_secret, signature_holds
from scan_core.model.target import ScanType
from scan_core.model.verdict import ScanResult
from scan_core.qscanner.exit_codes import error_of, policy_of
from scan_core.qscanner.inventory import read_secrets
from scan_core.qscanner.sarif import Report, ReportUnreadable, read_sarif
from scan_core.qscanner.secret_fields import InventoryUnreadable
from scan_core.store.attempts import TooLarge

_KEPT = 4
_CHUNK = 1024 * 1024
_kept: OrderedDict[tuple[str, int, str], ScanResult] = OrderedDict()
_kept_lock = Lock()


class NotConclusive(Exception):
    """An attempt ended without a result that counts."""

    def __init__(self, error: AttemptError) -> None:
        """Say why.

        Args:
            error: What happened and what to do.
        """
        super().__init__(error.sentence)
        self.error = error


def end_of(services: Services, scan: Scan, attempt: AttemptNumber) -> Conclusion | None:
    """Find out how an attempt ended.

    Args:
        services: The doors to the outside.
        scan: The attempt's scan.
        attempt: Its number.

    Returns:
        The conclusive end; None where it has not ended.

    Raises:
        NotConclusive: It ended without a result that counts.
    """
    body = _manifest_bytes(services, scan, attempt)
    if body is None:
        return None
    manifest = _proven(services, scan, attempt, body)
    if manifest.error is not None:
        raise NotConclusive(manifest.error)
    conclusion = Conclusion(
        attempt=attempt,
        manifest_sha256=hashlib.sha256(body).hexdigest(),
        scanner_version=manifest.scanner_version or "unknown",
        execution=manifest.execution,
        started_at=manifest.started_at,
        finished_at=min(manifest.finished_at, services.now()),
    )
    _kept_result(services, scan, conclusion, lambda: manifest)
    return conclusion


def result_of(services: Services, scan: Scan, conclusion: Conclusion) -> ScanResult:
    """Read the result that a conclusion names.

    Args:
        services: The doors to the outside.
        scan: The scan.
        conclusion: Which attempt, and the hash its manifest must have.

    Returns:
        The findings and the policy decision.

    Raises:
        NotConclusive: What stands in storage is not what was concluded, or cannot be read.
    """
    return _kept_result(services, scan, conclusion, lambda: _concluded(services, scan, conclusion))


def _kept_result(
    services: Services, scan: Scan, conclusion: Conclusion, manifest: Callable[[], Manifest]
) -> ScanResult:
    """Read a result by its proven manifest, unless it was read a moment ago."""
    key = (scan.scan_id, conclusion.attempt, conclusion.manifest_sha256)
    with _kept_lock:
        if key in _kept:
            return _kept[key]
    result = _read(services, scan, conclusion, manifest())
    with _kept_lock:
        _kept[key] = result
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return result


def _concluded(services: Services, scan: Scan, conclusion: Conclusion) -> Manifest:
    """Read the manifest that a conclusion names, and no other."""
    body = _manifest_bytes(services, scan, conclusion.attempt)
    if body is None or hashlib.sha256(body).hexdigest() != conclusion.manifest_sha256:
        raise _tampered("The stored manifest is not the one the result was taken from.")
    return _proven(services, scan, conclusion.attempt, body)


def _read(services: Services, scan: Scan, conclusion: Conclusion, manifest: Manifest) -> ScanResult:
    if manifest.exit_code is None:
        raise _tampered("The manifest claims a result without an exit code.")
    inconclusive = error_of(manifest.exit_code)
    if inconclusive is not None:
        raise NotConclusive(inconclusive)
    report = _report(services, scan, manifest)
    return ScanResult(
        scan_id=scan.scan_id,
        attempt=conclusion.attempt,
        policy=policy_of(manifest.exit_code, scan.profile.mode),
        findings=report.findings,
        secrets=_secrets(services, scan, manifest),
        scanner_version=conclusion.scanner_version,
        finished_at=conclusion.finished_at,
    )


def _manifest_bytes(services: Services, scan: Scan, attempt: AttemptNumber) -> bytes | None:
    try:
        return services.attempts.manifest(scan.scan_id, attempt)
    except TooLarge:
        raise _tampered("The manifest is larger than any that a worker writes.") from None


def _proven(services: Services, scan: Scan, attempt: AttemptNumber, body: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(body)
    except ValidationError:
        raise _tampered("The manifest cannot be read.") from None
    if (manifest.scan_id, manifest.attempt) != (scan.scan_id, attempt):
        raise _tampered("The manifest is another attempt's.")
    keys = (key.get_secret_value().encode() for key in services.settings.signing_keys)
    if not any(signature_holds(manifest, attempt_secret(key, scan.scan_id, attempt)) for key in keys):
        raise _tampered("The manifest was not signed by this attempt's worker.")
    return manifest


def _report(services: Services, scan: Scan, manifest: Manifest) -> Report:
    with _verified(services, scan, manifest, Artifact.SARIF) as stream:
        try:
            return read_sarif(stream)
        except ReportUnreadable as unreadable:
            raise _unreadable(unreadable.sentence) from unreadable


def _secrets(services: Services, scan: Scan, manifest: Manifest) -> tuple[FoundSecret, ...]:
    named = any(file.name is Artifact.INVENTORY for file in manifest.files)
    if not named and ScanType.SECRET not in scan.profile.scan_types:
        return ()  # where secrets were asked for, a missing inventory is not a clean one
    with _verified(services, scan, manifest, Artifact.INVENTORY) as stream:
        try:
            return read_secrets(stream)
        except InventoryUnreadable as unreadable:
            raise _unreadable(unreadable.sentence) from unreadable


@contextmanager
def _verified(services: Services, scan: Scan, manifest: Manifest, artifact: Artifact) -> Iterator[BinaryIO]:
    """Open an artifact whose bytes are those its manifest names."""
    named = next((file for file in manifest.files if file.name is artifact), None)
    if named is None:
        sentence = f"The scanner ended well but left no {artifact}. Scan again; if it stays so, read the scanner's log."
        raise NotConclusive(AttemptError(kind=AttemptErrorKind.REPORT_MISSING, sentence=sentence))
    most = services.settings.artifact_limit_bytes
    try:
        with services.attempts.artifact(scan.scan_id, manifest.attempt, artifact, most) as stream:
            if stream is None or _sha256(stream) != named.sha256:
                raise _tampered(f"The stored {artifact} is not the one the worker wrote.")
            yield stream
    except TooLarge:
        raise _tampered(f"The stored {artifact} is larger than any that a worker may write.") from None


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    stream.seek(0)
    return digest.hexdigest()


def _unreadable(sentence: str) -> NotConclusive:
    return NotConclusive(AttemptError(kind=AttemptErrorKind.REPORT_UNREADABLE, sentence=sentence[:500]))


def _tampered(sentence: str) -> NotConclusive:
    return NotConclusive(AttemptError(kind=AttemptErrorKind.TAMPERED, sentence=sentence))
