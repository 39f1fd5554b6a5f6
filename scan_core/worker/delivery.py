"""Delivering how an attempt ended: artifacts first, the signed manifest last, then the message that it is there."""

import hashlib
import logging
from pathlib import Path
from typing import Final

from scan_core.model.attempt import (
    Artifact,
    AttemptError,
    AttemptErrorKind,
    AttemptMessage,
    Manifest,
    ManifestFile,
    ResultMessage,
)
from scan_core.model.ids import AttemptNumber
from scan_core.model.signing import signed
from scan_core.store.attempt_links import AttemptLinkClient, StorageFailed

_log = logging.getLogger(__name__)

_TAMPERED: Final = AttemptError(
    kind=AttemptErrorKind.TAMPERED,
    sentence="The attempt's place in storage already held a file that this worker did not write; it is tried again.",
)


def manifest_stands(links: AttemptLinkClient, message: AttemptMessage) -> bool:
    """Tell whether the attempt was reported already, by this worker before it was started again.

    Args:
        links: Reaches storage.
        message: The attempt.

    Returns:
        Whether a manifest stands. False also where that cannot be read: creating it settles the question.
    """
    try:
        return links.read_blob(message.links.artifacts[Artifact.MANIFEST]) is not None
    except StorageFailed:
        return False


def upload(
    links: AttemptLinkClient, message: AttemptMessage, files: dict[Artifact, Path]
) -> tuple[ManifestFile, ...] | AttemptError:
    """Upload artifacts.

    Args:
        links: Reaches storage.
        message: The attempt.
        files: Scrubbed files by their names in storage.

    Returns:
        What the manifest says of them; an error where something else stood in the place of one.

    Raises:
        StorageFailed: One could not be uploaded.
    """
    described = []
    for artifact, path in files.items():
        if not links.settle_blob(message.links.artifacts[artifact], path):
            return _TAMPERED
        described.append(_described(artifact, path))
    return tuple(described)


def conclude(links: AttemptLinkClient, message: AttemptMessage, manifest: Manifest) -> None:
    """Leave the manifest and say so.

    Args:
        links: Reaches storage.
        message: The attempt.
        manifest: How it ended; it is signed here. One that stands already is left as it is.

    Raises:
        StorageFailed: The manifest could not be left.
    """
    document = signed(manifest, message.secret).model_dump_json().encode()
    if not links.settle_blob(message.links.artifacts[Artifact.MANIFEST], document):
        _log.warning("another manifest of this attempt stands already, and counts")


def announce(links: AttemptLinkClient, message: AttemptMessage) -> None:
    """Say that the attempt ended. Where that fails the manifest is found without it, only later.

    Args:
        links: Reaches storage.
        message: The attempt.
    """
    spec = message.spec
    result = ResultMessage(scan_id=spec.scan_id, attempt=AttemptNumber(spec.attempt))
    try:
        links.add_message(message.links.results, result.model_dump_json())
    except StorageFailed as error:
        _log.warning("the end of the attempt could not be announced: %s", error)


def _described(artifact: Artifact, path: Path) -> ManifestFile:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return ManifestFile(name=artifact, size=path.stat().st_size, sha256=sha256)
