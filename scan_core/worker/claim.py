"""Taking one attempt from the queue, so that nobody else works on it."""

import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from scan_core.model.attempt import AttemptMessage, Claim
from scan_core.store.attempt_links import AlreadyThere, AttemptLinkClient, Received, StorageFailed, StorageRefused
from scan_core.worker.stopping import Clock

_VISIBILITY_SECONDS: Final = 60
"""How long a message is hidden: many times as long as a claim takes. After a death before the claim it comes back."""
_MOST_MESSAGES: Final = 200
"""How many messages one worker looks at; a bound, in case the queue is filled faster than it is emptied."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AttemptQueue:
    """The queue ``scan-attempts``, as the fetch step reaches it.

    Attributes:
        links: Reaches storage.
        address: The queue: a link, or its plain address.
        token: Gives an Entra token for a plain address; None for a link.
    """

    links: AttemptLinkClient
    address: str
    token: Callable[[], str] | None = None

    def receive(self) -> Received | None:
        """Take one message; it is hidden from others for a while.

        Returns:
            The message; None where there is none.
        """
        return self.links.receive_message(self.address, _VISIBILITY_SECONDS, self.token and self.token())

    def delete(self, message: Received) -> None:
        """Delete a message that was received.

        Args:
            message: Which.
        """
        self.links.delete_message(self.address, message, self.token and self.token())


def claim_next(queue: AttemptQueue, execution: str, now: Clock) -> AttemptMessage | None:
    """Claim the first attempt in the queue that can still be claimed; drop the messages of those that cannot.

    Args:
        queue: The queue.
        execution: Who claims.
        now: Tells the time.

    Returns:
        The attempt that is ours now; None where there was none.

    Raises:
        StorageFailed: The queue or a claim could not be reached; a message that was taken comes back by itself.
    """
    for _ in range(_MOST_MESSAGES):
        received = queue.receive()
        if received is None:
            return None
        message = _parsed(received.text)
        is_ours = message is not None and _claimed(queue.links, message, execution, now)
        _delete(queue, received, is_ours=is_ours)
        if message is not None and is_ours:
            return message
    return None


def _parsed(text: str) -> AttemptMessage | None:
    try:
        return AttemptMessage.model_validate_json(base64.b64decode(text, validate=True))
    except (binascii.Error, ValidationError):
        # Not the message and not pydantic's account of it: links and a secret may be in them.
        _log.warning("dropped a message that is not an attempt")
        return None


def _claimed(links: AttemptLinkClient, message: AttemptMessage, execution: str, now: Clock) -> bool:
    """Try to claim an attempt. False where that is settled for good, so that its message can go."""
    name = f"attempt {message.spec.attempt} of scan {message.spec.scan_id}"
    if message.expires_at <= now():
        _log.info("dropped %s: it has expired", name)
        return False
    try:
        if links.read_blob(message.links.cancel) is not None:
            _log.info("dropped %s: it was cancelled", name)
            return False
        return _create_claim(links, message.links.claim, Claim(execution=execution, claimed_at=now()), name)
    except StorageRefused as error:
        _log.warning("dropped %s: %s", name, error)
        return False


def _create_claim(links: AttemptLinkClient, url: str, claim: Claim, name: str) -> bool:
    try:
        links.create_blob(url, claim.model_dump_json().encode())
    except AlreadyThere:
        if _execution_at(links, url) != claim.execution:
            _log.info("dropped %s: another worker has it", name)
            return False
        # Ours, from a try whose answer was lost, or from before this execution was started again.
    return True


def _execution_at(links: AttemptLinkClient, url: str) -> str | None:
    try:
        return Claim.model_validate_json(links.read_blob(url) or b"").execution
    except ValidationError:
        return None


def _delete(queue: AttemptQueue, received: Received, *, is_ours: bool) -> None:
    """Delete a settled message. Where that fails it comes back, and whoever gets it finds the claim standing."""
    try:
        queue.delete(received)
    except StorageFailed as error:
        if not is_ours:
            raise
        _log.warning("the message of a claimed attempt could not be deleted: %s", error)
