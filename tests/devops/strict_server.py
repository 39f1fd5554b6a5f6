"""A small server on loopback that says byte by byte what it is told to, and keeps what it was asked."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

TLS_GREETING = b"\x16"


@dataclass(frozen=True)
class Received:
    """One request, as it came over the wire."""

    method: str
    target: str
    """Path and query, undecoded."""
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Line:
    """One connection, from the server's side: an answer may be written to it in any way, or not at all."""

    def __init__(self, open_socket: socket.socket, stopping: threading.Event) -> None:
        self.socket = open_socket
        self.stopping = stopping

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def reset(self) -> None:
        """Close so that the other side sees a reset and not an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def hang(self) -> None:
        """Say nothing more until the other side leaves or the server stops."""
        self.socket.settimeout(0.05)
        while not self.stopping.is_set():
            try:
                if not self.socket.recv(1024):
                    return
            except TimeoutError:
                continue

    def drip(self, piece: bytes, every_seconds: float) -> None:
        """Send the same piece again and again, until the other side leaves or the server stops."""
        while not self.stopping.wait(every_seconds):
            self.socket.sendall(piece)


type Answer = bytes | Callable[[Line], None]
"""The whole answer, or what to do with the connection; after the latter the connection is closed."""
type Handler = Callable[[Received], Answer]


class StrictServer:
    """Answers each request with its handler's answer; keeps connections open between requests."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self._tls = tls
        self.received: list[Received] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/contoso"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
            self._start(self._serve, accepted)

    def _serve(self, accepted: socket.socket) -> None:
        # The other side may leave at any moment, which ends this connection and nothing else.
        with contextlib.suppress(OSError), contextlib.closing(self._greeted(accepted)) as line:
            with self._lock:
                self._open.add(line)
            try:
                self._converse(line)
            finally:
                with self._lock:
                    self._open.discard(line)

    def _greeted(self, accepted: socket.socket) -> socket.socket:
        if self._tls is None:
            return accepted
        # Greeting takes the socket over, also where it fails.
        return self._tls.wrap_socket(accepted, server_side=True)

    def _converse(self, accepted: socket.socket) -> None:
        with accepted.makefile("rb") as stream:
            for request in _requests(stream):
                with self._lock:
                    self.received.append(request)
                answer = self.handler(request)
                if not isinstance(answer, bytes):
                    answer(Line(accepted, self._stopping))
                    return
                accepted.sendall(answer)


def _requests(stream: Any) -> Iterator[Received]:
    # A TLS greeting has no lines; where it is not expected it ends the connection.
    while stream.peek(1)[:1] not in {b"", TLS_GREETING}:
        method, target, _ = stream.readline().decode("latin-1").split(" ")
        headers: dict[str, str] = {}
        while (header := stream.readline().decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            assert name.lower() not in headers, f"{name} was sent twice"
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", "0")))
        yield Received(method, target, headers, body)


def reply(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """Write an answer that says how long it is."""
    lines = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(body))} | (headers or {})
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode("latin-1") + b"\r\n" + body


def json_reply(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    """Write a JSON answer."""
    return reply(status, json.dumps(document).encode(), headers)


def chunked_reply(pieces: list[bytes], content_type: str = "application/json") -> bytes:
    """Write an answer in chunks."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def refusal_reply(status: int, type_key: str, message: str, headers: dict[str, str] | None = None) -> bytes:
    """Write an error in Azure DevOps' own form."""
    document = {
        "$id": "1",
        "innerException": None,
        "message": message,
        "typeName": f"Microsoft.TeamFoundation.Git.Server.{type_key}, Microsoft.TeamFoundation.Git.Server",
        "typeKey": type_key,
        "errorCode": 0,
        "eventId": 3000,
    }
    return json_reply(document, status, headers)


def page_reply(status: int, headers: dict[str, str] | None = None) -> bytes:
    """Write the kind of page that a browser would be sent to."""
    page = b"<!DOCTYPE html><html><title>Azure DevOps Services | Sign In</title></html>"
    return reply(status, page, {"Content-Type": "text/html; charset=utf-8"} | (headers or {}))
