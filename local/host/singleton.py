"""A lock that one host of several holds: a lease on a blob, as Azure's hosts do for their timers."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobLeaseClient, ContainerClient

from local.host.waiting import wait_unless

_log = logging.getLogger("local.host")

CONTAINER = "azure-webjobs-hosts"
# The shortest that Blob Storage grants: when a host is killed, another takes over after at most this time.
LEASE_S = 15
RENEW_EVERY_S = 5.0
ACQUIRE_EVERY_S = 1.0

# "Lease Blob" of the Blob Storage REST API: no such blob, another lease, or none at all.
_NOT_OURS = (404, 409, 412)

# The lease is tried again by our own loops; the client repeats a call only briefly.
_RETRIES: dict[str, Any] = {"retry_total": 1, "initial_backoff": 0.2, "increment_base": 1, "random_jitter_range": 0}
_TIMEOUTS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 10}


class SingletonLock:
    """One lock. A host that starts again under the same holder id takes its own lock back at once."""

    def __init__(self, connection: str, name: str, holder: str, threads: Executor) -> None:
        """Open a lock; nothing is asked of the storage yet.

        Args:
            connection: the connection string of the account.
            name: what is locked, the blob's name.
            holder: the GUID that this host leases under.
            threads: where blocking calls run.
        """
        self._container = ContainerClient.from_connection_string(connection, CONTAINER, **_RETRIES, **_TIMEOUTS)
        self._blob = self._container.get_blob_client(name)
        self._lease = BlobLeaseClient(self._blob, lease_id=holder)
        self._name = name
        self._threads = threads
        self._reachable = True

    async def acquire(self, stopping: asyncio.Event) -> bool:
        """Wait until the lock is ours.

        Args:
            stopping: gives up when it is set.

        Returns:
            Whether it is ours.
        """
        while not stopping.is_set():
            if await self._blocking(self._try_acquire):
                return True
            await wait_unless(ACQUIRE_EVERY_S, stopping)
        return False

    async def keep(self, lost: asyncio.Event, released: asyncio.Event) -> None:
        """Renew the lock until it is lost or released.

        Args:
            lost: set when the lock is not ours any more.
            released: ends the renewing.
        """
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while await wait_unless(RENEW_EVERY_S, released):
            asked = loop.time()
            answer = await self._blocking(self._try_renew)
            if answer:
                renewed = asked
            elif answer is False or loop.time() - renewed >= LEASE_S:
                _log.warning("the lock %s is lost", self._name)
                lost.set()
                return

    async def release(self) -> None:
        """Give the lock up, so that another host need not wait for the lease to end; failures do not matter."""
        await self._blocking(self._try_release)

    async def close(self) -> None:
        """Close the connections."""
        await self._blocking(self._container.close)

    def _try_acquire(self) -> bool:
        try:
            self._lease.acquire(lease_duration=LEASE_S)
        except ResourceNotFoundError:
            self._note_reachable(problem=None)
            return self._create()
        except ResourceExistsError:
            # Another host holds it.
            self._note_reachable(problem=None)
            return False
        except AzureError as error:
            self._note_reachable(problem=error)
            return False
        self._note_reachable(problem=None)
        return True

    def _try_renew(self) -> bool | None:
        """True when renewed, False when it is another's or gone, None when the storage did not say."""
        try:
            self._lease.renew()
        except HttpResponseError as error:
            return False if error.status_code in _NOT_OURS else None
        except AzureError:
            return None
        return True

    def _try_release(self) -> None:
        try:
            self._lease.release()
        except AzureError as error:
            _log.info("the lock %s was not released: %s", self._name, error)

    def _create(self) -> bool:
        """Make the blob; the next try leases it."""
        for make in (self._container.create_container, lambda: self._blob.upload_blob(b"")):
            try:
                make()
            except ResourceExistsError:
                continue
            except AzureError as error:
                self._note_reachable(problem=error)
        return False

    def _note_reachable(self, *, problem: AzureError | None) -> None:
        reachable = problem is None
        if reachable is self._reachable:
            return
        self._reachable = reachable
        if reachable:
            _log.info("the lock %s can be asked for again", self._name)
        else:
            _log.warning("the lock %s cannot be asked for, trying on: %s", self._name, problem)

    async def _blocking[T](self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
