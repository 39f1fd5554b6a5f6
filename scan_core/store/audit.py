"""Container ``audit``: one JSON line for each verdict, override and report; a blob a day and instance."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient
from pydantic import JsonValue


class AuditTrail:
    """Appends lines; never changes one."""

    def __init__(self, blobs: BlobServiceClient, instance: str) -> None:
        """Use the blobs of an account.

        Args:
            blobs: The account's blobs.
            instance: A name for this process, so that no two append to one blob.
        """
        self._container = blobs.get_container_client("audit")
        self._instance = instance

    def append(self, now: datetime, what: str, fields: Mapping[str, JsonValue]) -> None:
        """Write one line.

        Args:
            now: When it happened.
            what: What happened, in a word.
            fields: Who, which, why; JSON values without secrets.
        """
        line = json.dumps({"at": now.isoformat(), "what": what, **fields}, ensure_ascii=False) + "\n"
        blob = self._container.get_blob_client(f"{now:%Y-%m-%d}/{self._instance}.jsonl")
        try:
            blob.append_block(line.encode())
        except ResourceNotFoundError:
            self._create(blob)
            blob.append_block(line.encode())

    def _create(self, blob: BlobClient) -> None:
        with suppress(ResourceExistsError, ResourceModifiedError):
            blob.create_append_blob(match_condition=MatchConditions.IfMissing)
