"""What holds for every test: how Hypothesis looks for examples, and real storage for whoever asks."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from local.storage import azurite
from scan_core.store.connection import QUEUES, TABLES, Storage, ensure, from_connection_string

LIVE_ACCOUNT = "SCANGATE_TEST_STORAGE"
"""A connection string here lets the storage tests run on a live account instead of Azurite."""

# The same examples on every run and no clock: a busy machine must not decide whether a test passes.
settings.register_profile(
    "scangate",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("scangate")


@pytest.fixture(scope="session")
def storage_connection() -> Iterator[str]:
    """Serve one storage account for all tests of this process."""
    live = os.environ.get(LIVE_ACCOUNT)
    if live:
        yield live
        return
    with azurite.start(None) as running:
        yield running.connection_string


@pytest.fixture
def storage(storage_connection: str) -> Storage:
    """Give a test storage with empty tables and queues; blobs of other tests are told apart by their names."""
    found = from_connection_string(storage_connection)
    ensure(found)
    for name in TABLES:
        table = found.tables.get_table_client(name)
        for entity in table.list_entities(select=["PartitionKey", "RowKey"]):
            table.delete_entity(entity["PartitionKey"], entity["RowKey"])
    for name in QUEUES:
        found.queues.get_queue_client(name).clear_messages()
    return found
