"""Messages that were put aside, and those that still stand in a poison queue."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient

from scan_core.store.connection import Storage
from scan_core.store.poison import PoisonQueue, PoisonStore, _show_again, put_aside_at
from tests.builders import NOON

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def poison(storage: Storage) -> Iterator[PoisonStore]:
    """Empty shelves and queues."""
    store = PoisonStore(storage)
    for message in store.kept():
        store.forget(message)
    names = [f"{queue}-poison" for queue in PoisonQueue]
    for name in names:
        storage.queues.create_queue(name)
    yield store
    for name in names:
        storage.queues.delete_queue(name)


def queue_of(storage: Storage, queue: PoisonQueue = PoisonQueue.REQUESTS) -> QueueClient:
    return storage.queues.get_queue_client(f"{queue}-poison")


def a_body() -> bytes:
    return f'{{"x": "{uuid4().hex}"}}'.encode()


class TestShelf:
    def test_a_message_is_kept_once_and_counted(self, poison: PoisonStore) -> None:
        """However often it comes back; the first time it came stands there, too."""
        body = a_body()
        assert poison.keep(PoisonQueue.REQUESTS, body, NOON).times == 1
        assert poison.keep(PoisonQueue.REQUESTS, body, LATER).times == 2
        (found,) = poison.kept()
        assert (found.times, found.first_at, found.last_at) == (2, NOON, LATER)
        assert (found.content, found.queue, found.is_handled) == (body, PoisonQueue.REQUESTS, True)

    def test_messages_of_two_queues_are_two(self, poison: PoisonStore) -> None:
        """Though they say the same; the latest comes first."""
        body = a_body()
        poison.keep(PoisonQueue.REQUESTS, body, NOON)
        poison.keep(PoisonQueue.RESULTS, body, LATER)
        assert [message.queue for message in poison.kept()] == [PoisonQueue.RESULTS, PoisonQueue.REQUESTS]

    def test_what_somebody_else_counts_meanwhile_is_counted(
        self, poison: PoisonStore, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two instances may get a message each."""
        body, other = a_body(), PoisonStore(storage)
        upload, rivals = poison._blobs.upload_blob, [0, 1]

        def overtaken(*arguments: object, **named: object) -> object:
            if rivals:
                rivals.pop()
                other.keep(PoisonQueue.REQUESTS, body, NOON)
            return upload(*arguments, **named)  # type: ignore[arg-type]  # handed through

        monkeypatch.setattr(poison._blobs, "upload_blob", overtaken)
        assert poison.keep(PoisonQueue.REQUESTS, body, LATER).times == 3

    def test_a_blob_that_cannot_be_read_is_written_over(self, poison: PoisonStore, storage: Storage) -> None:
        """Nothing on the shelf may keep the handler from its work."""
        body = a_body()
        kept = poison.keep(PoisonQueue.REQUESTS, body, NOON)
        path = f"poison/scan-requests/{kept.message_id}.json"
        storage.blobs.get_blob_client("gates", path).upload_blob(b"{", overwrite=True)
        assert poison.kept() == []
        assert poison.keep(PoisonQueue.REQUESTS, body, LATER).times == 1
        assert len(poison.kept()) == 1

    def test_a_message_is_forgotten_once(self, poison: PoisonStore) -> None:
        """Twice is harmless."""
        kept = poison.keep(PoisonQueue.REQUESTS, a_body(), NOON)
        poison.forget(kept)
        poison.forget(kept)
        assert poison.kept() == []


class TestQueues:
    def test_are_looked_into_without_taking_anything_out(self, poison: PoisonStore, storage: Storage) -> None:
        """Whatever stands there, Base64 or not."""
        body = a_body()
        queue_of(storage).send_message(base64.b64encode(body).decode())
        queue_of(storage, PoisonQueue.RESULTS).send_message("not base64!")
        for _ in range(2):
            assert [message.content for message in poison.waiting()] == [body, b"not base64!"]
        assert {message.is_handled for message in poison.waiting()} == {False}
        received = queue_of(storage).receive_message()
        assert received is not None
        assert received.dequeue_count == 1

    def test_that_do_not_exist_hold_nothing(self, storage: Storage) -> None:
        """The host makes them when they are first needed."""
        store = PoisonStore(storage)
        assert store.waiting() == []
        store.take_out(put_aside_at(PoisonQueue.REQUESTS, b"x", NOON))

    def test_give_out_one_message_and_keep_the_others(self, poison: PoisonStore, storage: Storage) -> None:
        """What is met on the way is seen again at once."""
        bodies = [a_body() for _ in range(3)]
        for body in bodies:
            queue_of(storage).send_message(base64.b64encode(body).decode())
        poison.take_out(put_aside_at(PoisonQueue.REQUESTS, bodies[1], NOON))
        assert sorted(message.content for message in poison.waiting()) == sorted([bodies[0], bodies[2]])

    def test_leave_to_others_what_they_took_meanwhile(
        self, poison: PoisonStore, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The app takes them out as well."""
        queue_of(storage).send_message(base64.b64encode(b"other").decode())
        monkeypatch.setattr("scan_core.store.poison._show_again", lambda client, message: None)
        poison.take_out(put_aside_at(PoisonQueue.REQUESTS, b"gone", NOON))
        assert poison.waiting() == []

    def test_a_message_that_was_taken_by_others_is_not_shown_again(self, poison: PoisonStore, storage: Storage) -> None:
        """Its receipt is not good any more."""
        queue_of(storage).send_message("x")
        received = queue_of(storage).receive_message(visibility_timeout=60)
        assert received is not None
        queue_of(storage).delete_message(received)
        _show_again(queue_of(storage), received)

    def test_a_message_goes_back_into_its_queue(self, poison: PoisonStore, storage: Storage) -> None:
        """As it was."""
        body = a_body()
        poison.resend(put_aside_at(PoisonQueue.RESULTS, body, NOON))
        message = storage.queues.get_queue_client("scan-results").receive_message()
        assert message is not None
        assert base64.b64decode(message.content) == body
