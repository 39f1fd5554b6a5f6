"""A server in storage's place that takes connections and does not answer, or only byte by byte."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ACCOUNT = "AccountName=one;AccountKey=bm90IGEgcmVhbCBrZXk="


def connection_to(address: str) -> str:
    """Make a connection string to a server that stands in for all of storage."""
    kinds = ("Blob", "Queue", "Table")
    endpoints = ";".join(f"{kind}Endpoint=http://{address}/one" for kind in kinds)
    return f"DefaultEndpointsProtocol=http;{_ACCOUNT};{endpoints};"


@contextmanager
def hanging(*, drips: bool = False) -> Iterator[str]:
    """Serve nothing on a port of this machine.

    Args:
        drips: Whether an answer comes a byte at a time and has no end.

    Yields:
        Host and port.
    """
    over = threading.Event()
    held: list[socket.socket] = []

    def drip(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 201 Created\r\n")
            while not over.wait(0.05):
                connection.sendall(b"x-more: y\r\n")

    def hold() -> None:
        with suppress(OSError):
            while not over.is_set():
                connection, _ = server.accept()
                held.append(connection)
                if drips:
                    threading.Thread(target=drip, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        holding = threading.Thread(target=hold, daemon=True)
        holding.start()
        host, port = server.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()
            holding.join()
