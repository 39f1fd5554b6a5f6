"""Messages that failed again and again, put aside: container ``gates``, folder ``poison``, a blob for each message.

A blob is named after what its message says, so that one that comes back is counted and not kept twice. They go with
the container's other blobs, by the storage account's lifecycle rule.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.queue import QueueClient, QueueMessage
from pydantic import ValidationError

from scan_core.model.value import Moment, Value
from scan_core.store.connection import Storage

_CONTAINER = "gates"
_FOLDER = "poison"
_SUFFIX = "-poison"
_NEVER = -1
_MOST_PEEKED = 32
_ID_DIGITS = 16
_HIDDEN_SECONDS = 60
_TRIES = 20


class PoisonQueue(StrEnum):
    """The queues whose messages can be put aside."""

    REQUESTS = "scan-requests"
    RESULTS = "scan-results"


class PutAside(Value):
    """A message that was put aside."""

    message_id: str
    """16 hex digits of the hash of queue and body."""
    queue: PoisonQueue
    body: str
    """As it stood in the queue, in Base64."""
    first_at: Moment
    last_at: Moment
    times: int = 1
    """How often it was put aside."""
    is_handled: bool = True
    """Whether those who wait were told; False for one that still stands in the poison queue."""

    @property
    def content(self) -> bytes:
        """What the message says."""
        return base64.b64decode(self.body)


def put_aside_at(queue: PoisonQueue, content: bytes, now: Moment) -> PutAside:
    """Describe a message that is put aside for the first time.

    Args:
        queue: The queue that it comes from.
        content: What it says.
        now: The time.

    Returns:
        The description.
    """
    return PutAside(
        message_id=hashlib.sha256(queue.encode() + b"\0" + content).hexdigest()[:_ID_DIGITS],
        queue=queue,
        body=base64.b64encode(content).decode(),
        first_at=now,
        last_at=now,
    )


class PoisonStore:
    """What was put aside, and what the poison queues still hold."""

    def __init__(self, storage: Storage) -> None:
        """Use the blobs and queues of an account.

        Args:
            storage: The account.
        """
        self._blobs = storage.blobs.get_container_client(_CONTAINER)
        self._queues = storage.queues

    def keep(self, queue: PoisonQueue, content: bytes, now: Moment) -> PutAside:
        """Keep a message, or count it where it was kept before.

        Args:
            queue: The queue that it comes from.
            content: What it says.
            now: The time.

        Returns:
            What stands there now.

        Raises:
            azure.core.exceptions.AzureError: It could not be kept.
        """
        fresh = put_aside_at(queue, content, now)
        for _ in range(_TRIES):
            known, etag = self._read(_path(fresh))
            counted = fresh if known is None else _again(known, now)
            try:
                self._blobs.upload_blob(_path(fresh), counted.model_dump_json().encode(), **_unless_changed(etag))
            except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
                continue
            return counted
        return fresh

    def kept(self) -> list[PutAside]:
        """List what was put aside.

        Returns:
            The messages, the latest first. A blob that cannot be read is left out.
        """
        found = (self._read(blob.name)[0] for blob in self._blobs.list_blobs(name_starts_with=f"{_FOLDER}/"))
        return sorted((each for each in found if each is not None), key=lambda each: each.last_at, reverse=True)

    def forget(self, message: PutAside) -> None:
        """Let go of a message, if it is there.

        Args:
            message: Which.
        """
        try:
            self._blobs.delete_blob(_path(message))
        except ResourceNotFoundError:
            return

    def waiting(self) -> list[PutAside]:
        """Peek at the poison queues, which the app empties as long as it runs; this takes nothing out of them.

        Returns:
            The first 32 messages of each (Microsoft, "Peek Messages").
        """
        return [each for queue in PoisonQueue for each in self._peeked(queue)]

    def resend(self, message: PutAside) -> None:
        """Put a message back into its queue.

        Args:
            message: Which; its body as it shall stand there.
        """
        self._queues.get_queue_client(message.queue).send_message(message.body, time_to_live=_NEVER)

    def take_out(self, message: PutAside) -> None:
        """Delete a message from its poison queue; others that are met on the way are seen again at once.

        Args:
            message: Which.
        """
        client = self._poison_queue(message.queue)
        others = []
        try:
            for received in client.receive_messages(messages_per_page=_MOST_PEEKED, visibility_timeout=_HIDDEN_SECONDS):
                if _content_of(received) == message.content:
                    client.delete_message(received)
                else:
                    others.append(received)
        except ResourceNotFoundError:
            return
        for received in others:
            _show_again(client, received)

    def _peeked(self, queue: PoisonQueue) -> Iterator[PutAside]:
        try:
            messages = self._poison_queue(queue).peek_messages(_MOST_PEEKED)
        except ResourceNotFoundError:  # made by the Functions host when it is first needed
            return
        for message in messages:
            described = put_aside_at(queue, _content_of(message), message.inserted_on or datetime.now(UTC))
            yield described.model_copy(update={"is_handled": False})

    def _poison_queue(self, queue: PoisonQueue) -> QueueClient:
        return self._queues.get_queue_client(f"{queue}{_SUFFIX}")

    def _read(self, path: str) -> tuple[PutAside | None, str | None]:
        """Read a blob and its version; the version of one that cannot be read too, so that it is written over."""
        try:
            download = self._blobs.download_blob(path)
        except ResourceNotFoundError:
            return None, None
        etag = str(download.properties.etag)
        try:
            return PutAside.model_validate_json(download.readall()), etag
        except ValidationError:
            return None, etag


def _unless_changed(etag: str | None) -> dict[str, Any]:
    if etag is None:
        return {"overwrite": False}
    return {"overwrite": True, "match_condition": MatchConditions.IfNotModified, "etag": etag}


def _again(known: PutAside, now: Moment) -> PutAside:
    return known.model_copy(update={"last_at": max(now, known.last_at), "times": known.times + 1})


def _path(message: PutAside) -> str:
    return f"{_FOLDER}/{message.queue}/{message.message_id}.json"


def _content_of(message: QueueMessage) -> bytes:
    """Decode a message as the queue trigger does; one that is not Base64 stands there as it is."""
    try:
        return base64.b64decode(message.content, validate=True)
    except (binascii.Error, ValueError):
        return str(message.content).encode()


def _show_again(client: QueueClient, received: QueueMessage) -> None:
    try:
        client.update_message(received, visibility_timeout=0)
    except HttpResponseError:  # it has been hidden for so long that somebody else has it
        return
