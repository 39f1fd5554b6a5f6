"""A call ends when its time is over, wherever it stands: a server that drips cannot hold a thread.

Time-outs of sockets count from one byte to the next, so an answer that comes byte by byte never exceeds them. Here the
connection itself is shut down from outside. Name resolution and the TLS handshake come earlier and keep to the
resolver's and the connection's own time-outs.
"""

import contextlib
import socket
import threading
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse


class Deadline:
    """Holds for the one HTTP exchange that this thread makes inside its ``with`` block."""

    def __init__(self, seconds: float) -> None:
        self._expired = False
        self._lock = threading.Lock()
        self._connection: _Watched | None = None
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return self._expired

    def __enter__(self) -> Self:
        _current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _current.set(None)
        with self._lock:
            self._socket = None

    def watch(self, connection: "_Watched", open_socket: socket.socket) -> None:
        """Shut this connection down when the time is over.

        Args:
            connection: A connection whose request was sent and whose answer is about to be read.
            open_socket: Its socket. Kept, because a connection that ends with its answer forgets it earlier.
        """
        connection.watched_by = self
        with self._lock:
            self._connection = connection
            self._socket = open_socket
            if self._expired:
                self._cut()

    def _expire(self) -> None:
        with self._lock:
            self._expired = True
            self._cut()

    def _cut(self) -> None:
        # A connection that is back in the pool may already serve another call.
        if self._socket is None or self._connection is None or self._connection.watched_by is not self:
            return
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which takes the TLS state away from the thread that is reading.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class _Watched:
    """What a pooled connection needs to be ended by the deadline of the call it serves."""

    watched_by: Deadline | None = None

    def _watch(self, open_socket: socket.socket | None) -> None:
        deadline = _current.get()
        if deadline is not None and open_socket is not None:
            deadline.watch(self, open_socket)


class _WatchedConnection(_Watched, HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3, whose answer differs from http.client's
        self._watch(self.sock)
        return super().getresponse()


class _WatchedTlsConnection(_Watched, HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3, whose answer differs from http.client's
        self._watch(self.sock)
        return super().getresponse()


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


class DeadlineAdapter(HTTPAdapter):
    """Pooled connections without retries, each ended by the deadline of the call that uses it."""

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (handed through to requests as it is)
        """Make the pools as requests does, of connections that can be watched.

        Args:
            args: As requests gives them.
            kwargs: As requests gives them.
        """
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _WatchedPool, "https": _WatchedTlsPool}
