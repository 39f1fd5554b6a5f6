"""Container ``audit``: one JSON line for each verdict, override and report; a blob a day and instance."""

import itertools
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient
from pydantic import JsonValue

_log = logging.getLogger(__name__)


class AuditTrail:
    """Appends lines; never changes one. A line that cannot be kept is logged whole and stops nothing."""

    def __init__(self, blobs: BlobServiceClient, instance: str) -> None:
        """Use the blobs of an account.

        Args:
            blobs: The account's blobs.
            instance: A name for this process, so that no two append to one blob.
        """
        self._container = blobs.get_container_client("audit")
        self._instance = instance
        self._part = 0

    def append(self, now: datetime, what: str, fields: Mapping[str, JsonValue]) -> None:
        """Write one line.

        Args:
            now: When it happened.
            what: What happened, in a word.
            fields: Who, which, why; JSON values without secrets.
        """
        line = json.dumps({"at": now.isoformat(), "what": what, **fields}, ensure_ascii=False) + "\n"
        try:
            self._append(f"{now:%Y-%m-%d}/{self._instance}", line.encode())
        except AzureError as error:
            _log.error("an audit line could not be kept (%s): %s", type(error).__name__, line.rstrip())

    def _append(self, name: str, line: bytes) -> None:
        for part in itertools.count(self._part):
            blob = self._container.get_blob_client(f"{name}{f'-{part}' if part else ''}.jsonl")
            try:
                self._append_to(blob, line)
            except ResourceExistsError:  # 409: the blob has its 50,000 blocks (Microsoft, "Append Block")
                self._part = part + 1
            else:
                return

    def _append_to(self, blob: BlobClient, line: bytes) -> None:
        try:
            blob.append_block(line)
        except ResourceNotFoundError:
            self._create(blob)
            blob.append_block(line)

    def _create(self, blob: BlobClient) -> None:
        with suppress(ResourceExistsError, ResourceModifiedError):
            blob.create_append_blob(match_condition=MatchConditions.IfMissing)
