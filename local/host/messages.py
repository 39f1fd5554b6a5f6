"""A storage queue as the host sees it: take, keep hidden, give back, remove, set aside."""

import asyncio
import base64
import binascii
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

# The client repeats a call itself for about a second; after that the host's own patience begins.
_RETRIES: dict[str, Any] = {"retry_total": 2, "initial_backoff": 0.2, "increment_base": 1, "random_jitter_range": 0}
_TIMEOUTS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 30}


class MessageLost(Exception):
    """A message is no longer ours: its lease ran out and another took it, or it was deleted."""


@dataclass(slots=True)
class Message:
    """A message taken from a queue; its pop receipt changes whenever it is hidden for longer."""

    id: str
    content: str
    dequeue_count: int
    pop_receipt: str
    inserted_on: datetime | None
    expires_on: datetime | None
    next_visible_on: datetime | None

    def body(self, *, base64_encoded: bool) -> bytes | None:
        """Decode the content.

        Args:
            base64_encoded: host.json's messageEncoding.

        Returns:
            The bytes, or None when the content is not base64.
        """
        if not base64_encoded:
            return self.content.encode()
        try:
            return base64.b64decode(self.content, validate=True)
        except (binascii.Error, ValueError):
            return None

    def metadata(self) -> dict[str, str]:
        """List what the trigger tells a function besides the body; source: the page "Azure Queue storage trigger"."""
        times = {
            "InsertionTime": self.inserted_on,
            "ExpirationTime": self.expires_on,
            "NextVisibleTime": self.next_visible_on,
        }
        known = {name: moment.isoformat() for name, moment in times.items() if moment is not None}
        return {"Id": self.id, "DequeueCount": str(self.dequeue_count), "PopReceipt": self.pop_receipt, **known}


class MessageQueue:
    """One queue, created when it is missing. Every call runs in a thread, for the SDK without aiohttp blocks.

    Raises:
        azure.core.exceptions.AzureError: from every call, when the storage cannot be reached or refuses.
    """

    def __init__(self, connection: str, name: str, threads: Executor) -> None:
        """Open a queue.

        Args:
            connection: the connection string of its account.
            name: its name.
            threads: where blocking calls run.
        """
        self.name = name
        # Contents are passed on as they are, so that a message set aside is the same message.
        self._client = QueueClient.from_connection_string(connection, name, **_RETRIES, **_TIMEOUTS)
        self._threads = threads

    async def take(self, count: int, hidden_s: int) -> list[Message]:
        """Take messages and hide them from others.

        Args:
            count: how many at most, 1 to 32.
            hidden_s: for how long, in seconds.

        Returns:
            The messages; none from a queue that has just been made.
        """
        return await self._blocking(lambda: self._take(count, hidden_s))

    async def keep_hidden(self, message: Message, hidden_s: int) -> None:
        """Hide a message for so many seconds from now, or 0 to give it back at once; its pop receipt changes.

        Raises:
            MessageLost: it is not ours any more.
        """
        await self._blocking(lambda: self._keep_hidden(message, hidden_s))

    async def remove(self, message: Message) -> None:
        """Delete a message that is done.

        Raises:
            MessageLost: it is not ours any more.
        """
        await self._blocking(lambda: self._remove(message))

    async def put(self, content: str) -> None:
        """Add a message with this content as it is."""
        await self._blocking(lambda: self._put(content))

    async def close(self) -> None:
        """Close the connections."""
        await self._blocking(self._client.close)

    def _take(self, count: int, hidden_s: int) -> list[Message]:
        pages = self._client.receive_messages(messages_per_page=count, visibility_timeout=hidden_s).by_page()
        try:
            # One page is one call: the next page would be another batch.
            page = list(next(pages, ()))
        except ResourceNotFoundError:
            self._create()
            return []
        return [
            Message(
                id=one.id,
                content=one.content,
                dequeue_count=one.dequeue_count or 0,
                pop_receipt=one.pop_receipt or "",
                inserted_on=one.inserted_on,
                expires_on=one.expires_on,
                next_visible_on=one.next_visible_on,
            )
            for one in page
        ]

    def _keep_hidden(self, message: Message, hidden_s: int) -> None:
        try:
            updated = self._client.update_message(message.id, message.pop_receipt, visibility_timeout=hidden_s)
        except ResourceNotFoundError as error:
            raise MessageLost(message.id) from error
        message.pop_receipt = updated.pop_receipt or message.pop_receipt

    def _remove(self, message: Message) -> None:
        try:
            self._client.delete_message(message.id, message.pop_receipt)
        except ResourceNotFoundError as error:
            raise MessageLost(message.id) from error

    def _put(self, content: str) -> None:
        try:
            self._client.send_message(content)
        except ResourceNotFoundError:
            self._create()
            self._client.send_message(content)

    def _create(self) -> None:
        try:
            self._client.create_queue()
        except ResourceExistsError:
            # Another host made it in the meantime.
            return

    async def _blocking[T](self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
