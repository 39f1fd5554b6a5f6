"""A worker as a script: it claims and ends attempts through their links, as a real one does."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.storage.queue import QueueClient

from scan_core.model.attempt import (
    Artifact,
    AttemptError,
    AttemptMessage,
    Claim,
    Heartbeat,
    Manifest,
    ManifestFile,
    ResultMessage,
)
from scan_core.model.ids import AttemptNumber
from scan_core.model.signing import signed
from scan_core.store.attempt_links import AlreadyThere, AttemptLinkClient
from tests.qscanner.samples import result, rule, run, sarif

_links = AttemptLinkClient()
VERSION = "4.6.0"

CLEAN = sarif(run(results=[], rules=[]))
VULNERABLE = sarif(run(results=[result()], rules=[rule(severity=5)]))
"""One critical finding."""
MEDIUM = sarif(run(results=[result(level="warning")], rules=[rule(severity=3)]))


@dataclass(frozen=True)
class Ending:
    """How an attempt ends: what is uploaded, and what the manifest says."""

    report: Any = field(default_factory=lambda: CLEAN)
    """A SARIF document, bytes, or None for none."""
    exit_code: int | None = 0
    error: AttemptError | None = None
    inventory: Any = field(default_factory=dict)
    """The scanner's inventory, or None for none."""
    twist: Callable[[Manifest], Manifest] = lambda manifest: manifest
    """Changes the manifest before it is signed."""
    sign: Callable[[Manifest, str], Manifest] = signed
    withheld: frozenset[Artifact] = frozenset()
    """Artifacts that the manifest names and that are not uploaded."""


@dataclass
class ScriptedWorker:
    """Takes attempts from the queue."""

    queue: QueueClient
    now: Callable[[], datetime]
    claimed: list[AttemptMessage] = field(default_factory=list)

    def claim(self, execution: str = "worker-1") -> AttemptMessage | None:
        """Claim the next attempt that can be claimed, dropping those that cannot."""
        while (received := self.queue.receive_message()) is not None:
            message = AttemptMessage.model_validate_json(base64.b64decode(received.content))
            self.queue.delete_message(received)
            if _links.read_blob(message.links.cancel) is None and self._is_ours(message, execution):
                self.claimed.append(message)
                return message
        return None

    def beat(self, message: AttemptMessage, at: datetime | None = None) -> None:
        """Give a sign of life."""
        beat = Heartbeat(execution="worker-1", step="scan", beat_at=at or self.now())
        _links.write_blob(message.links.heartbeat, beat.model_dump_json().encode())

    def leave(self, message: AttemptMessage, ending: Ending) -> ResultMessage:
        """Leave an attempt's artifacts and manifest, and give the message that would be sent."""
        contents = {Artifact.SARIF: ending.report, Artifact.INVENTORY: ending.inventory}
        files = []
        for artifact, content in contents.items():
            if content is None:
                continue
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            if artifact not in ending.withheld:
                _links.create_blob(message.links.artifacts[artifact], body)
            files.append(ManifestFile(name=artifact, size=len(body), sha256=hashlib.sha256(body).hexdigest()))
        manifest = ending.twist(self._manifest(message, ending, tuple(files)))
        document = ending.sign(manifest, message.secret).model_dump_json().encode()
        _links.create_blob(message.links.artifacts[Artifact.MANIFEST], document)
        return ResultMessage(scan_id=message.spec.scan_id, attempt=AttemptNumber(message.spec.attempt))

    def announce(self, message: AttemptMessage, result: ResultMessage) -> None:
        """Send the message that an attempt ended."""
        _links.add_message(message.links.results, result.model_dump_json())

    def _is_ours(self, message: AttemptMessage, execution: str) -> bool:
        claim = Claim(execution=execution, claimed_at=self.now())
        try:
            _links.create_blob(message.links.claim, claim.model_dump_json().encode())
        except AlreadyThere:
            return False
        return True

    def _manifest(self, message: AttemptMessage, ending: Ending, files: tuple[ManifestFile, ...]) -> Manifest:
        return Manifest(
            scan_id=message.spec.scan_id,
            attempt=AttemptNumber(message.spec.attempt),
            execution="worker-1",
            exit_code=ending.exit_code,
            error=ending.error,
            scanner_version=VERSION,
            started_at=self.now(),
            finished_at=self.now(),
            files=files,
        )
