"""The webhook's one write: in time, or refused."""

import base64
from threading import Event

import pytest
from azure.core.exceptions import AzureError, ServiceRequestTimeoutError

from scan_core.model.request import LookRequest, RequestMessage
from scan_core.store.connection import Storage, from_connection_string
from scan_core.store.hurried import HurriedQueues
from scan_core.store.queues import Queues
from tests.builders import NOON, a_pull_request
from tests.store.hanging import connection_to, hanging

REQUEST = LookRequest(request_id="r", of=a_pull_request(), accepted_at=NOON)


def test_a_request_is_queued(storage: Storage) -> None:
    """As by any other queue."""
    HurriedQueues(storage).send_request(REQUEST)
    message = storage.queues.get_queue_client("scan-requests").receive_message()
    assert message is not None
    assert RequestMessage.validate_json(base64.b64decode(message.content)) == REQUEST


def test_a_queue_that_is_missing_is_made(storage: Storage) -> None:
    """The first event may come before anybody has looked at a new account."""
    queues = HurriedQueues(storage)
    queues._requests = storage.queues.get_queue_client(f"new-{REQUEST.of.subject}")
    queues.send_request(REQUEST)
    assert queues._requests.receive_message() is not None
    queues._requests.delete_queue()


@pytest.mark.parametrize("drips", [False, True])
def test_storage_that_hangs_is_not_waited_for(drips: bool) -> None:
    """Not even where it goes on sending something, which no time-out of a socket ends."""
    with hanging(drips=drips) as address:
        queues = HurriedQueues(from_connection_string(connection_to(address), hurried=True), in_time_seconds=0.2)
        with pytest.raises(ServiceRequestTimeoutError):
            queues.send_request(REQUEST)


def test_calls_that_hang_end_by_themselves() -> None:
    """Their threads are needed again."""
    with hanging() as address:
        queues = HurriedQueues(from_connection_string(connection_to(address), hurried=True), in_time_seconds=60)
        with pytest.raises(AzureError) as caught:
            queues.send_request(REQUEST)
    assert not isinstance(caught.value, ServiceRequestTimeoutError)


def test_what_could_not_even_begin_is_given_up(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it any more when a thread becomes free."""
    over, sent = Event(), []

    def hang(_: Queues, request: LookRequest, __: int) -> None:
        sent.append(request.request_id)
        assert over.wait(60)

    monkeypatch.setattr("scan_core.store.hurried._AT_ONCE", 1)
    monkeypatch.setattr(Queues, "send_request", hang)
    queues = HurriedQueues(storage, in_time_seconds=0.1)
    for number in ("first", "second", "third"):
        with pytest.raises(ServiceRequestTimeoutError):
            queues.send_request(REQUEST.model_copy(update={"request_id": number}))
    over.set()
    queues._hurry.run(lambda: queues._send(REQUEST.model_copy(update={"request_id": "last"}), 0), 60)
    assert sent == ["first", "last"]
