"""Container ``gates``: each gate's verdicts, whole, one blob a decision, never changed."""

import hashlib

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from scan_core.model.ids import GateId
from scan_core.model.verdict import Verdict


class VerdictStore:
    """Verdicts by gate and hash."""

    def __init__(self, blobs: BlobServiceClient) -> None:
        """Use the blobs of an account.

        Args:
            blobs: The account's blobs.
        """
        self._container = blobs.get_container_client("gates")

    def write(self, gate_id: GateId, verdict: Verdict) -> str:
        """Keep a verdict.

        Args:
            gate_id: Its gate.
            verdict: The verdict.

        Returns:
            The SHA-256 of its JSON, by which it is found.
        """
        body = verdict.model_dump_json().encode()
        sha256 = hashlib.sha256(body).hexdigest()
        try:
            self._container.upload_blob(_path(gate_id, sha256), body, overwrite=False)
        except ResourceExistsError:
            return sha256
        return sha256

    def read(self, gate_id: GateId, sha256: str) -> Verdict | None:
        """Read a verdict.

        Args:
            gate_id: Its gate.
            sha256: What `write` gave.

        Returns:
            The verdict; None where it is gone (retention).
        """
        try:
            body = self._container.download_blob(_path(gate_id, sha256)).readall()
        except ResourceNotFoundError:
            return None
        return Verdict.model_validate_json(body)


def _path(gate_id: GateId, sha256: str) -> str:
    return f"{gate_id}/verdict-{sha256}.json"
