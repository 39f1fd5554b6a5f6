"""Queues ``scan-requests``, ``scan-attempts`` and ``scan-results``: who sends what, as Functions reads it.

Messages are base64, as the Functions queue trigger expects by default (Microsoft, "Azure Queue storage trigger").
"""

import base64
from datetime import UTC, datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueSasPermissions, QueueServiceClient, generate_queue_sas

from scan_core.model.attempt import AttemptMessage
from scan_core.model.request import Request, RequestMessage
from scan_core.store.connection import Storage

_MOST_PEEKED = 32
_NEVER = -1
"""Messages wait for ever: giving up is a decision of the clocks, not of the queue."""


class Queues:
    """Sends messages."""

    def __init__(self, storage: Storage) -> None:
        """Use the queues of an account.

        Args:
            storage: The account.
        """
        self._storage = storage
        self._service: QueueServiceClient = storage.queues
        self._requests = self._service.get_queue_client("scan-requests")
        self._attempts = self._service.get_queue_client("scan-attempts")

    def send_request(self, request: Request, delay_seconds: int = 0) -> None:
        """Queue a request. One durable write.

        Args:
            request: What is asked for.
            delay_seconds: For how long nobody shall see it, at most seven days.
        """
        text = base64.b64encode(RequestMessage.dump_json(request)).decode()
        self._requests.send_message(text, visibility_timeout=delay_seconds, time_to_live=_NEVER)

    def send_attempt(self, message: AttemptMessage) -> None:
        """Queue an attempt for whichever worker comes first.

        Args:
            message: What the worker needs. It goes from the queue by itself when its links end.
        """
        text = base64.b64encode(message.model_dump_json().encode()).decode()
        remaining = int((message.expires_at - datetime.now(UTC)).total_seconds())
        self._attempts.send_message(text, time_to_live=max(1, remaining))

    def attempts_waiting(self) -> int:
        """Count for how many workers there is something to do.

        Returns:
            The visible messages in ``scan-attempts``, 32 at most (Microsoft, "Peek Messages").
        """
        try:
            return len(self._attempts.peek_messages(_MOST_PEEKED))
        except ResourceNotFoundError:
            return 0

    def attempts_link(self, expires: datetime) -> str:
        """Make the link by which a local fetch step takes attempts from the queue.

        Args:
            expires: When it ends.

        Returns:
            The queue's URL with a signature that allows receiving and deleting messages, nothing else.

        Raises:
            ValueError: The account is reached by identity; then the fetch step has an identity of its own.
        """
        return self._link("scan-attempts", QueueSasPermissions(process=True), expires)

    def results_link(self, expires: datetime) -> str:
        """Make the link by which a worker says that its attempt ended.

        Args:
            expires: When it ends.

        Returns:
            The URL of ``scan-results`` with a signature that allows adding messages, nothing else.
        """
        return self._link("scan-results", QueueSasPermissions(add=True), expires)

    def _link(self, queue: str, permission: QueueSasPermissions, expires: datetime) -> str:
        name = str(self._service.account_name)
        if self._storage.account_key is not None:
            token = generate_queue_sas(name, queue, self._storage.account_key, permission=permission, expiry=expires)
        else:
            key = self._service.get_user_delegation_key(expiry=expires)
            token = generate_queue_sas(name, queue, permission=permission, expiry=expires, user_delegation_key=key)
        return f"{self._service.get_queue_client(queue).url}?{token}"
