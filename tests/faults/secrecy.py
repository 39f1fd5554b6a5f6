"""Promise 6: no secret in storage, in what was logged, or in what Azure DevOps shows."""

import logging
import re
from collections.abc import Iterator
from typing import Final

from tests.faults.estate import Estate
from tests.faults.instance import CHECK_SECRET, HOOK_SECRET, SEALING_KEY, SIGNING_KEY
from tests.faults.promises import Sight
from tests.local.devops.driver import TOKEN

_SIGNATURE: Final = re.compile(r"[?&]sig=[A-Za-z0-9%]")


def check_secrets(estate: Estate, logged: list[logging.LogRecord]) -> None:
    """Look for secrets everywhere but in the queue where an attempt's links have to stand.

    Args:
        estate: The deployment.
        logged: Everything that was logged.

    Raises:
        AssertionError: One was found.
    """
    key = re.search("AccountKey=([^;]+)", estate.connection)
    assert key is not None
    planted = {TOKEN, HOOK_SECRET, CHECK_SECRET, SIGNING_KEY, SEALING_KEY, key[1], *estate.crew.secrets}
    planted |= {waiting.token for waiting in estate.workshop.waiting} if estate.workshop else set()
    for place, text in _texts(estate, logged):
        found = {secret[:12] for secret in planted if secret in text}
        assert not found, f"{place} holds secrets that begin with {found}"
        assert not _SIGNATURE.search(text), f"{place} holds a link to storage"


def _texts(estate: Estate, logged: list[logging.LogRecord]) -> Iterator[tuple[str, str]]:
    yield from (("the log", record.getMessage()) for record in logged if record.name.startswith("scan"))
    for table in estate.storage.tables.list_tables():
        for entity in estate.storage.tables.get_table_client(table.name).list_entities():
            yield f"table {table.name}", str(dict(entity))
    for container in estate.storage.blobs.list_containers():
        client = estate.storage.blobs.get_container_client(container.name)
        for name in client.list_blob_names():
            yield f"blob {name}", client.download_blob(name).readall().decode(errors="replace")
    for name in ("scan-requests", "scan-results"):
        for letter in estate.office.letters[name]:
            yield f"queue {name}", letter.text
    for proposal in estate.developers.proposals:
        for status in Sight(estate, proposal).shown:
            yield "a status", str(status["description"])
    if estate.workshop is not None:
        yield from (("a commit, a build or a check", text) for text in estate.workshop.texts())
