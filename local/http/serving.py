"""Serves an application on this machine: in a thread for as long as a block lasts, or until a signal ends it."""

import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from local.http.connections import WithConnection

HOST: Final = "127.0.0.1"
KEEP_ALIVE_SECONDS: Final = 240
"""A client must not meet a connection that ends just as it is used again; front doors keep them for minutes."""
_BACKLOG: Final = 512
_GRACE_SECONDS: Final = 2


class _Server(uvicorn.Server):
    """Tells when it is ready to answer."""

    def __init__(self, application: ASGIApp, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                WithConnection(application),
                http="h11",
                ws="none",
                lifespan="on",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


@contextmanager
def in_thread(application: ASGIApp, sockets: list[socket.socket], name: str) -> Iterator[Callable[[], None]]:
    """Serve in a thread for as long as the block lasts.

    Args:
        application: what answers.
        sockets: where it listens.
        name: what it is, such as ``registry``; for the thread and for the error.

    Yields:
        What ends it and waits for the end; twice is harmless.

    Raises:
        RuntimeError: when it does not start.
    """
    up_or_over = threading.Event()
    server = _Server(application, up_or_over.set)

    def run_it() -> None:
        # uvicorn ends a failed start by leaving the interpreter, which a thread cannot do.
        with contextlib.suppress(SystemExit):
            server.run(sockets=sockets)
        up_or_over.set()

    thread = threading.Thread(target=run_it, name=name, daemon=True)
    thread.start()
    up_or_over.wait()
    if not server.started:
        raise RuntimeError(f"the {name} did not start; its log says why")

    def stop() -> None:
        server.should_exit = True
        thread.join()

    try:
        yield stop
    finally:
        stop()


def in_foreground(application: ASGIApp, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
    """Serve until a signal ends it.

    Args:
        application: what answers.
        sockets: where it listens.
        ready: called once requests are answered.
    """
    _Server(application, ready).run(sockets=sockets)


def as_program(run: Callable[[], None], place: str) -> int:
    """Run a server that is its program's one job; a signal ends the server alone.

    Args:
        run: serves in the foreground.
        place: where it is to listen, for the complaint.

    Returns:
        The exit code: 0 after an orderly end, 1 when the port is taken.
    """
    # The server ends in order and then raises the signal again; that must not look like a crash.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        run()
    except OSError as problem:
        print(f"cannot listen on {place}: {problem.strerror}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def listening(port: int, host: str = HOST) -> Iterator[socket.socket]:
    """Listen for as long as the block lasts.

    Args:
        port: 0 for any free one.
        host: an address of this machine.

    Yields:
        The socket.

    Raises:
        OSError: when the port is taken.
    """
    with bound(port, host) as listener:
        listener.listen(_BACKLOG)
        yield listener


def bound(port: int, host: str = HOST) -> socket.socket:
    """Take a port, on which nothing is listened for yet.

    Args:
        port: 0 for any free one.
        host: an address of this machine.

    Returns:
        The socket; the caller closes it.

    Raises:
        OSError: when the port is taken.
    """
    # The protocol is named because asyncio switches off Nagle's algorithm only where it is; answers would take 40 ms.
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # What was killed must be able to start again on its port at once.
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError:
        taken.close()
        raise
    return taken
