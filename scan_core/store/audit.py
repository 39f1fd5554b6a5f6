"""Container ``audit``: one JSON line for each verdict, override and report; a blob a day and instance.

docs/operations.md, "Audit", says what the lines hold.
"""

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

from scan_core.model.gate import AuditLine
from scan_core.model.ids import digest

_log = logging.getLogger(__name__)
_ID_DIGITS = 16


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
        """Write one line, once.

        Args:
            now: When it happened.
            what: What happened, in a word.
            fields: Who, which, why; JSON values without secrets.
        """
        said = digest([what, now.isoformat(), dict(fields)])
        self.keep(AuditLine(line_id=said[:_ID_DIGITS], at=now, what=what, fields=dict(fields)))

    def keep(self, line: AuditLine) -> bool:
        """Write one line, which its owner writes again where it was not kept.

        Args:
            line: The line.

        Returns:
            Whether it is kept; where not, it was logged.
        """
        named = {"id": line.line_id, "at": line.at.isoformat(), "what": line.what, "by": self._instance}
        text = json.dumps({**named, **line.fields}, ensure_ascii=False) + "\n"
        try:
            self._append(f"{line.at:%Y-%m-%d}/{self._instance}", text.encode())
        except AzureError as error:
            _log.error("an audit line could not be kept (%s): %s", type(error).__name__, text.rstrip())
            return False
        return True

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
