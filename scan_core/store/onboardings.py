"""Container ``audit``: onboardings that were ordered from the app, one document each; and the queue of those."""

import base64

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from scan_core.model.onboarding import Onboarding, OnboardingId
from scan_core.store.connection import Storage
from scan_core.store.rows import Conflict, Versioned

_NEVER = -1
"""A message that waits for ever."""


class OnboardingStore:
    """Onboardings by id."""

    def __init__(self, storage: Storage) -> None:
        """Use the blobs and queues of an account.

        Args:
            storage: The account.
        """
        self._container = storage.blobs.get_container_client("audit")
        self._queue = storage.queues.get_queue_client("onboardings")

    def create(self, onboarding: Onboarding) -> None:
        """Keep a new one.

        Args:
            onboarding: The onboarding.

        Raises:
            Conflict: There is one of that id.
        """
        try:
            self._container.upload_blob(_path(onboarding.id), _line(onboarding), overwrite=False)
        except ResourceExistsError:
            raise Conflict from None

    def read(self, name: OnboardingId) -> Versioned[Onboarding] | None:
        """Read one.

        Args:
            name: Its id; it may be any text.

        Returns:
            The onboarding; None where there is none.
        """
        if len(name) > len("0" * 32) or not name.isalnum() or not name.isascii():
            return None
        try:
            blob = self._container.download_blob(_path(name))
            return Versioned(Onboarding.model_validate_json(blob.readall()), str(blob.properties.etag))
        except ResourceNotFoundError:
            return None

    def write(self, old: Versioned[Onboarding], new: Onboarding) -> Versioned[Onboarding]:
        """Replace one, unless somebody else changed it since it was read.

        Args:
            old: As it was read.
            new: As it shall be.

        Returns:
            As it stands now.

        Raises:
            Conflict: Somebody else changed it.
        """
        blob = self._container.get_blob_client(_path(new.id))
        try:
            answer = blob.upload_blob(
                _line(new), overwrite=True, etag=old.etag, match_condition=MatchConditions.IfNotModified
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            raise Conflict from None
        return Versioned(new, str(answer["etag"]))

    def send(self, name: OnboardingId, delay_seconds: int = 0) -> None:
        """Have one worked on.

        Args:
            name: Its id.
            delay_seconds: For how long nobody shall begin.
        """
        text = base64.b64encode(name.encode()).decode()
        self._queue.send_message(text, visibility_timeout=delay_seconds, time_to_live=_NEVER)


def _path(name: str) -> str:
    return f"onboarding/{name}.json"


def _line(onboarding: Onboarding) -> bytes:
    return (onboarding.model_dump_json() + "\n").encode()
