"""Messages stand as Functions reads them, and links to queues allow one thing."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.queue import QueueClient

from scan_core.model.attempt import AttemptLinks, AttemptMessage
from scan_core.model.request import LookRequest, RequestMessage
from scan_core.store.connection import Storage, from_connection_string
from scan_core.store.queues import Queues
from tests.builders import NOON, a_pull_request, a_spec


@pytest.fixture
def queues(storage: Storage) -> Queues:
    return Queues(storage)


def an_hour_from_now() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def a_message() -> AttemptMessage:
    links = AttemptLinks(claim="c", cancel="c", heartbeat="h", artifacts={}, results="r")
    return AttemptMessage(spec=a_spec(), links=links, secret="00", expires_at=NOON)


class TestRequests:
    def test_a_request_arrives_as_it_was_sent(self, storage: Storage, queues: Queues) -> None:
        """Base64 of JSON, which the queue trigger decodes by default."""
        request = LookRequest(request_id="r", of=a_pull_request(), accepted_at=NOON)
        queues.send_request(request)
        message = storage.queues.get_queue_client("scan-requests").receive_message()
        assert message is not None
        assert RequestMessage.validate_json(base64.b64decode(message.content)) == request

    def test_a_delayed_request_is_not_seen_before_its_time(self, storage: Storage, queues: Queues) -> None:
        """A retry waits in the queue."""
        queues.send_request(LookRequest(request_id="r", of=a_pull_request(), accepted_at=NOON), delay_seconds=600)
        assert storage.queues.get_queue_client("scan-requests").receive_message() is None


class TestAttempts:
    def test_it_tells_whether_a_worker_would_find_something(self, queues: Queues) -> None:
        """An empty queue needs no worker."""
        assert not queues.attempts_waiting()
        queues.send_attempt(a_message())
        assert queues.attempts_waiting()

    def test_a_missing_queue_has_nothing_waiting(self, storage_connection: str) -> None:
        """Before anything was ever queued there is nothing to do."""
        storage = from_connection_string(storage_connection)
        queues = Queues(storage)
        queues._attempts = storage.queues.get_queue_client("not-there")
        assert not queues.attempts_waiting()


class TestLinks:
    def test_the_attempts_link_takes_but_does_not_add(self, queues: Queues) -> None:
        """The fetch step may receive and delete, nothing else."""
        queues.send_attempt(a_message())
        with QueueClient.from_queue_url(queues.attempts_link(an_hour_from_now())) as client:
            message = client.receive_message()
            assert message is not None
            client.delete_message(message)
            with pytest.raises(HttpResponseError):
                client.send_message("x")

    def test_the_results_link_adds_but_does_not_take(self, queues: Queues) -> None:
        """A worker cannot read other workers' results."""
        with QueueClient.from_queue_url(queues.results_link(an_hour_from_now())) as client:
            client.send_message("x")
            with pytest.raises(HttpResponseError):
                client.receive_message()
