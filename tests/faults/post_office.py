"""The queues: real storage keeps the messages, the test's clock says when one is seen again."""

import base64
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from azure.storage.queue import QueueServiceClient

from scan_core.model.attempt import AttemptMessage
from scan_core.model.request import Request, RequestMessage
from scan_core.store.attempt_links import AttemptLinkClient, Received
from scan_core.store.connection import QUEUES, Storage
from scan_core.store.queues import Queues
from tests.flow.fakes import Clock

REQUESTS: Final = "scan-requests"
ATTEMPTS: Final = "scan-attempts"
RESULTS: Final = "scan-results"
CLAIM_SECONDS: Final = 60
"""For how long a worker hides an attempt's message while it claims it."""


@dataclass(eq=False)
class Letter:
    """A message that waits to be taken."""

    text: str
    due_at: datetime
    taken: int = 0
    """How often it was taken without being finished with."""

    @property
    def body(self) -> bytes:
        """What the trigger hands over."""
        return self.text.encode()


class PostOffice:
    """Takes what really arrived in the queues and keeps it until it is finished with, by the test's clock.

    Hidden messages come back by the wall clock in Azurite, which no test can wait for. So each message is collected as
    soon as it stands in its queue, whatever its sender came to know, and its delay or lease ends by the test's clock.
    """

    def __init__(self, queues: QueueServiceClient, clock: Clock) -> None:
        """Open for the queues of an account, reached without a toll."""
        self._clients = {name: queues.get_queue_client(name) for name in QUEUES}
        self._clock = clock
        self._lock = threading.Lock()
        self._delays: dict[str, int] = {}
        self.letters: dict[str, list[Letter]] = {name: [] for name in QUEUES}

    def expect(self, text: str, delay_seconds: int) -> None:
        """Know how long a message shall be hidden that is about to be sent."""
        self._delays[text] = delay_seconds

    def collect(self) -> None:
        """Take whatever arrived."""
        with self._lock:
            for name, client in self._clients.items():
                while found := list(client.receive_messages(max_messages=32)):
                    for received in found:
                        text = base64.b64decode(received.content).decode()
                        due_at = self._clock() + timedelta(seconds=self._delays.get(text, 0))
                        self.letters[name].append(Letter(text, due_at))
                        client.delete_message(received)

    def due(self, queue: str) -> list[Letter]:
        """List the messages of a queue that can be seen now."""
        return [letter for letter in self.letters[queue] if letter.due_at <= self._clock()]

    def hide(self, letter: Letter, seconds: float) -> None:
        """Keep a message from being seen for a while."""
        letter.due_at = self._clock() + timedelta(seconds=seconds)

    def finish(self, queue: str, letter: Letter) -> None:
        """Be done with a message."""
        if letter in self.letters[queue]:
            self.letters[queue].remove(letter)

    def clear(self) -> None:
        """Forget every message."""
        self.collect()
        for letters in self.letters.values():
            letters.clear()


class TimedQueues(Queues):
    """The app's own queues; what it sends is collected at once, with the delay it asked for."""

    def __init__(self, storage: Storage, office: PostOffice) -> None:
        """Use the queues of an account."""
        super().__init__(storage)
        self._office = office

    def send_request(self, request: Request, delay_seconds: int = 0) -> None:
        """Queue a request."""
        self._office.expect(RequestMessage.dump_json(request).decode(), delay_seconds)
        try:
            super().send_request(request)
        finally:  # also where the sender died or was told that it failed: what arrived has arrived
            self._office.collect()

    def send_attempt(self, message: AttemptMessage) -> None:
        """Queue an attempt."""
        try:
            super().send_attempt(message)
        finally:
            self._office.collect()

    def attempts_waiting(self) -> bool:
        """Ask storage, which may fail, and answer from what was collected."""
        super().attempts_waiting()
        return bool(self._office.due(ATTEMPTS))


@dataclass
class AttemptCounter:
    """The queue of attempts as a worker reaches it; it has the methods of `scan_core.worker.claim.AttemptQueue`.

    Each call is made at the real queue too, from which the office has collected everything: there it can fail.
    """

    links: AttemptLinkClient
    office: PostOffice
    address: str
    _taken: dict[str, Letter] = field(default_factory=dict)

    def receive(self) -> Received | None:
        """Take one message; it is hidden for a while."""
        self.links.receive_message(self.address, CLAIM_SECONDS)
        for letter in self.office.due(ATTEMPTS):
            self.office.hide(letter, CLAIM_SECONDS)
            self._taken[str(id(letter))] = letter
            return Received(base64.b64encode(letter.body).decode(), str(id(letter)), "receipt")
        return None

    def delete(self, message: Received) -> None:
        """Delete a message that was received."""
        self.links.delete_message(self.address, message)
        self.office.finish(ATTEMPTS, self._taken.pop(message.message_id))
