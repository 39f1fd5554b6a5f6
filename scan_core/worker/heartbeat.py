"""Saying again and again that this worker lives, and looking whether its attempt was cancelled."""

import logging
import threading
from types import TracebackType
from typing import Final, Self

from scan_core.model.attempt import AttemptMessage, Heartbeat
from scan_core.store.attempt_links import AttemptLinkClient, StorageFailed
from scan_core.worker.stopping import CANCELLED, Clock, StopSign

_JOIN_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


class HeartbeatThread:
    """Beats in a thread of its own for as long as the block it surrounds runs.

    The first beat and the first look for a cancel are made before the block starts.
    """

    def __init__(
        self, links: AttemptLinkClient, message: AttemptMessage, beat: tuple[str, str], stop: StopSign, now: Clock
    ) -> None:
        """Prepare to beat.

        Args:
            links: Reaches storage; its deadline should be shorter than the pause between two beats.
            message: The attempt's message, for its links and its pace.
            beat: Which execution beats, and in which step.
            stop: Asked to stop where the attempt was cancelled.
            now: Tells the time.
        """
        self._links = links
        self._message = message
        self._execution, self._step = beat
        self._stop = stop
        self._now = now
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._beat()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        # A beat that is stuck must not hold the step up; the thread ends with the process.
        self._thread.join(_JOIN_SECONDS)

    def _beat_on(self) -> None:
        while not self._over.wait(self._message.spec.limits.heartbeat_seconds):
            self._beat()

    def _beat(self) -> None:
        """A failure costs one beat: whoever watches allows for several."""
        heartbeat = Heartbeat(execution=self._execution, step=self._step, beat_at=self._now())
        try:
            self._links.write_blob(self._message.links.heartbeat, heartbeat.model_dump_json().encode())
        except StorageFailed as error:
            _log.warning("a heartbeat was lost: %s", error)
        try:
            if self._links.read_blob(self._message.links.cancel) is not None:
                self._stop.ask(CANCELLED)
        except StorageFailed as error:
            _log.warning("whether the attempt was cancelled could not be read: %s", error)
