"""The proxy in front of storage breaks what it says: each fault really happens, and what is to be whole is whole."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError, ServiceResponseError
from azure.data.tables import TableClient, TableServiceClient
from azure.storage.blob import BlobClient, BlobServiceClient
from azure.storage.queue import QueueServiceClient

from scan_core.store.connection import Storage, from_connection_string
from tests.faults import storage_proxy
from tests.faults.storage_proxy import StorageFault, StorageProxy

NO_RETRIES: dict[str, Any] = {"retry_total": 0, "connection_timeout": 2, "read_timeout": 1}
STATUSES = ("409", "412", "429", "500", "503")
BODY = bytes(range(256)) * 1024


@pytest.fixture
def proxy(storage: Storage, storage_connection: str) -> Iterator[StorageProxy]:
    """A proxy in front of the tests' account."""
    with StorageProxy(storage_connection) as running:
        yield running


@pytest.fixture
def name() -> str:
    """A name that nothing has yet."""
    return f"proxied-{uuid4().hex}"


@pytest.fixture
def blob(proxy: StorageProxy, name: str) -> Iterator[BlobClient]:
    """A blob that is not there yet, through the proxy, by a client that tries once."""
    with BlobServiceClient.from_connection_string(proxy.connection_string, **NO_RETRIES) as service:
        yield service.get_blob_client("scans", name)


@pytest.fixture
def table(proxy: StorageProxy) -> Iterator[TableClient]:
    """A table through the proxy, by a client that tries once."""
    with TableServiceClient.from_connection_string(proxy.connection_string, **NO_RETRIES) as service:
        yield service.get_table_client("gates")


def entity(name: str) -> dict[str, str]:
    """A row."""
    return {"PartitionKey": "proxied", "RowKey": name}


class TestWhatIsNotBroken:
    def test_arrives_whole(
        self, proxy: StorageProxy, blob: BlobClient, table: TableClient, storage: Storage, name: str
    ) -> None:
        """Uploads, downloads, looks at the head alone, rows, queries and messages."""
        blob.upload_blob(BODY)
        assert blob.download_blob().readall() == BODY
        assert blob.get_blob_properties().size == len(BODY)
        assert blob.exists()
        table.create_entity(entity(name))
        assert [row["RowKey"] for row in table.query_entities(f"RowKey eq '{name}'")] == [name]
        table.delete_entity("proxied", name)
        with QueueServiceClient.from_connection_string(proxy.connection_string, **NO_RETRIES) as queues:
            queues.get_queue_client("scan-results").send_message(name)
        received = storage.queues.get_queue_client("scan-results").receive_message()
        assert received is not None
        assert received.content == name
        assert proxy.struck == 0

    def test_is_refused_as_storage_refuses_it(self, blob: BlobClient, table: TableClient) -> None:
        """What Azurite says of its own accord comes as it is."""
        with pytest.raises(ResourceNotFoundError):
            blob.download_blob()
        with pytest.raises(ResourceNotFoundError):
            table.get_entity("proxied", "nothing")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
class TestAnAnswer:
    @pytest.mark.parametrize("status", STATUSES)
    def test_of_blobs_has_the_status(
        self, status: str, after: bool, proxy: StorageProxy, blob: BlobClient, storage: Storage
    ) -> None:
        """Before it, nothing was done; where only the answer is wrong, the blob stands."""
        proxy.strike(StorageFault(status, after=after))
        with pytest.raises(HttpResponseError) as refused:
            blob.upload_blob(BODY)
        assert refused.value.status_code == int(status)
        assert storage.blobs.get_blob_client("scans", blob.blob_name).exists() is after
        assert proxy.struck == 1

    @pytest.mark.parametrize("status", STATUSES)
    def test_of_tables_has_the_status(
        self, status: str, after: bool, proxy: StorageProxy, table: TableClient, storage: Storage, name: str
    ) -> None:
        """The same for rows."""
        proxy.strike(StorageFault(status, after=after))
        with pytest.raises(HttpResponseError) as refused:
            table.create_entity(entity(name))
        assert refused.value.status_code == int(status)
        assert self._stands(storage, name) is after

    @pytest.mark.parametrize("status", ["429", "500", "503"])
    def test_of_queues_has_the_status(self, status: str, after: bool, proxy: StorageProxy, storage: Storage) -> None:
        """The same for messages."""
        proxy.strike(StorageFault(status, after=after))
        with (
            QueueServiceClient.from_connection_string(proxy.connection_string, **NO_RETRIES) as queues,
            pytest.raises(HttpResponseError) as refused,
        ):
            queues.get_queue_client("scan-results").send_message("proxied")
        assert refused.value.status_code == int(status)
        arrived = storage.queues.get_queue_client("scan-results").get_queue_properties().approximate_message_count
        assert arrived == int(after)

    @pytest.mark.parametrize("kind", ["reset", "silent"])
    def test_never_comes(self, kind: str, after: bool, proxy: StorageProxy, blob: BlobClient, storage: Storage) -> None:
        """The connection ends, or stays and says nothing; the work is done or not, as asked."""
        proxy.strike(StorageFault(kind, after=after))
        with pytest.raises(ServiceResponseError):
            blob.upload_blob(BODY)
        assert storage.blobs.get_blob_client("scans", blob.blob_name).exists() is after

    @staticmethod
    def _stands(storage: Storage, name: str) -> bool:
        rows = storage.tables.get_table_client("gates").query_entities(f"RowKey eq '{name}'")
        return bool(list(rows))


def test_a_slow_answer_comes_late_and_whole(
    proxy: StorageProxy, blob: BlobClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an answer all the same."""
    monkeypatch.setattr(storage_proxy, "_SLOW_SECONDS", 0.2)
    proxy.strike(StorageFault("slow"))
    began = time.monotonic()
    blob.upload_blob(BODY)
    assert time.monotonic() - began >= 0.2
    assert blob.download_blob().readall() == BODY


@dataclass
class Upstream:
    """Stands in for an account that only listens, and keeps what arrived on each connection."""

    arrived: list[bytes] = field(default_factory=list)
    was_reset: threading.Event = field(default_factory=threading.Event)

    def listen(self, listener: socket.socket) -> None:
        """Take connections until there are no more."""
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        self.arrived.append(b"")
        try:
            while piece := connection.recv(65536):
                self.arrived[-1] += piece
        except ConnectionResetError:
            self.was_reset.set()


class TestAnUploadThatIsCut:
    def test_ends_with_a_reset_in_its_middle_on_both_sides(self) -> None:
        """Storage got the head and about half of the body; neither side is told why."""
        upstream = Upstream()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=upstream.listen, args=(listener,), daemon=True).start()
            port = listener.getsockname()[1]
            with StorageProxy(f"BlobEndpoint=http://127.0.0.1:{port}/account;") as proxy:
                proxy.strike(StorageFault("cut"))
                where = int(proxy.connection_string.rpartition(":")[2].partition("/")[0])
                head = b"PUT /account/scans/x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(BODY)
                with closing(socket.create_connection(("127.0.0.1", where))) as client:
                    client.sendall(head + BODY)
                    with pytest.raises(ConnectionResetError):
                        client.recv(1)
            assert upstream.was_reset.wait(10)
            listener.shutdown(socket.SHUT_RDWR)
        (arrived,) = upstream.arrived
        assert arrived.startswith(head[:20])
        assert len(arrived) <= len(head) + len(BODY) // 2

    def test_leaves_nothing_in_the_account(self, proxy: StorageProxy, blob: BlobClient, storage: Storage) -> None:
        """Half a blob is none."""
        proxy.strike(StorageFault("cut"))
        with pytest.raises(ServiceResponseError):
            blob.upload_blob(BODY)
        assert not storage.blobs.get_blob_client("scans", blob.blob_name).exists()
        assert proxy.struck == 1


class TestAFault:
    def test_strikes_as_often_as_asked_and_then_no_more(self, proxy: StorageProxy, blob: BlobClient) -> None:
        """Then everything is well by itself."""
        proxy.strike(StorageFault("500", times=2))
        for _ in range(2):
            with pytest.raises(HttpResponseError):
                blob.upload_blob(BODY)
        blob.upload_blob(BODY)
        assert proxy.struck == 2

    def test_lasts_until_it_is_healed(self, proxy: StorageProxy, blob: BlobClient) -> None:
        """An outage has no end of its own."""
        proxy.strike(StorageFault("reset", times=-1))
        for _ in range(5):
            with pytest.raises(AzureError):
                blob.upload_blob(BODY)
        proxy.heal()
        blob.upload_blob(BODY)
        assert proxy.struck == 5

    def test_is_outlived_by_the_apps_own_client_where_it_is_short(self, proxy: StorageProxy, name: str) -> None:
        """Its retries are what a single fault meets; more of them than it tries are an outage to it."""
        storage = from_connection_string(proxy.connection_string)
        proxy.strike(StorageFault("503", times=1))
        storage.blobs.get_blob_client("scans", name).upload_blob(BODY)
        assert proxy.struck == 1
        for client in (storage.blobs, storage.queues, storage.tables):
            client.close()
