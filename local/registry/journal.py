"""The record of what was asked, for tests that have to know what a client sent where."""

import threading
from typing import Any


class Journal:
    """What was asked, in order, and whether credentials came along; never the credentials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[dict[str, Any]] = []

    def note(self, call: dict[str, Any]) -> None:
        """Keep a call.

        Args:
            call: its facts.
        """
        with self._lock:
            self._calls.append(call)

    def listing(self) -> list[dict[str, Any]]:
        """Return the calls so far: ``door`` (registry or data), ``method``, ``path``, ``credentials`` and ``status``.

        ``credentials`` is the scheme of Authorization, or nothing. A status of 0 stands for a connection that ended
        without an answer.
        """
        with self._lock:
            return list(self._calls)
