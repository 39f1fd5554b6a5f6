"""How storage is reached: one account, by connection string or by identity; and what has to exist in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

TABLES = ("gates", "scans")
QUEUES = ("scan-requests", "scan-attempts", "scan-results", "onboardings")
CONTAINERS = ("scans", "gates", "audit")

_TIMES: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 20, "retry_total": 3, "retry_backoff_factor": 0.4}
"""Seconds; a queue message is hidden for minutes, so a call that hangs must end long before."""
_PAUSES: dict[str, Any] = {"initial_backoff": 0.2, "increment_base": 1, "random_jitter_range": 0.2}
"""Blobs and queues have a back-off of their own, which by default makes a refused call last a minute (azure-storage's
`ExponentialRetry`): a hook has to be answered before its sender gives up. These are about 1.2 seconds, three times."""
_HURRIED: dict[str, Any] = {
    "connection_timeout": 1,
    "read_timeout": 1.2,
    "retry_total": 1,
    "initial_backoff": 0.1,
    "increment_base": 0,
    "random_jitter_range": 0.05,
}
"""Seconds, where somebody waits for an answer: a second try is over about when they are told to come again."""
_HURRIED_TABLES: dict[str, Any] = {
    "connection_timeout": 1,
    "read_timeout": 1.2,
    "retry_total": 1,
    "retry_backoff_factor": 0.1,
}
"""The same for tables, whose back-off has another name (azure-core's `RetryPolicy`)."""
_SINGLE_PUT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Storage:
    """The three service clients of one account; safe to share between threads."""

    tables: TableServiceClient
    blobs: BlobServiceClient
    queues: QueueServiceClient
    account_key: str | None
    """None where identity is used; then links are signed with a user-delegation key."""


def from_connection_string(connection: str, *, hurried: bool = False) -> Storage:
    """Reach an account by its key, as local runs on Azurite do.

    Args:
        connection: A storage connection string (Microsoft, "Configure Azure Storage connection strings").
        hurried: Whether a call to a queue or table that hangs shall end within about two seconds.

    Returns:
        Clients for tables, blobs and queues.

    Raises:
        ValueError: The string is not a connection string with an account key.
    """
    parts = dict(part.split("=", 1) for part in connection.split(";") if "=" in part)
    if "AccountKey" not in parts:
        message = "expected a storage connection string with AccountKey="
        raise ValueError(message)
    return Storage(
        tables=TableServiceClient.from_connection_string(connection, **_table_times(hurried=hurried)),
        blobs=BlobServiceClient.from_connection_string(
            connection, max_single_put_size=_SINGLE_PUT_BYTES, **_TIMES, **_PAUSES
        ),
        queues=QueueServiceClient.from_connection_string(connection, **_queue_times(hurried=hurried)),
        account_key=parts["AccountKey"],
    )


def from_identity(account: str, credential: TokenCredential, *, hurried: bool = False) -> Storage:
    """Reach an account without any key.

    Args:
        account: The storage account's name.
        credential: A managed identity, or another source of tokens.
        hurried: Whether a call to a queue or table that hangs shall end within about two seconds.

    Returns:
        Clients for tables, blobs and queues.
    """
    return Storage(
        tables=TableServiceClient(
            f"https://{account}.table.core.windows.net", credential=credential, **_table_times(hurried=hurried)
        ),
        blobs=BlobServiceClient(
            f"https://{account}.blob.core.windows.net",
            credential=credential,
            max_single_put_size=_SINGLE_PUT_BYTES,
            **_TIMES,
            **_PAUSES,
        ),
        queues=QueueServiceClient(
            f"https://{account}.queue.core.windows.net", credential=credential, **_queue_times(hurried=hurried)
        ),
        account_key=None,
    )


def _queue_times(*, hurried: bool) -> dict[str, Any]:
    return {**_TIMES, **_PAUSES, **(_HURRIED if hurried else {})}


def _table_times(*, hurried: bool) -> dict[str, Any]:
    return _HURRIED_TABLES if hurried else _TIMES


def ensure(storage: Storage) -> None:
    """Create the tables, queues and containers that are missing.

    Args:
        storage: Where.

    Raises:
        azure.core.exceptions.AzureError: Storage cannot be reached or refuses.
    """
    for name in TABLES:
        storage.tables.create_table_if_not_exists(name)
    for name in QUEUES:
        _unless_there(storage.queues.create_queue, name)
    for name in CONTAINERS:
        _unless_there(storage.blobs.create_container, name)


def _unless_there(create: Callable[[str], object], name: str) -> None:
    try:
        create(name)
    except ResourceExistsError:
        return
