"""A proxy in front of Azurite that breaks what it is told to: answers, connections, uploads in the middle."""

import contextlib
import os
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final, Self

_ENDPOINT: Final = re.compile(r"(Blob|Queue|Table)Endpoint=http://127\.0\.0\.1:(\d+)/")
_LINE: Final = 65536
_SILENCE_SECONDS: Final = 5.0
_SLOW_SECONDS: Final = 0.4
_BODILESS: Final = frozenset({204, 304})
_CODES: Final = {
    ("blob", 409, True): "BlobAlreadyExists",
    ("blob", 409, False): "ContainerBeingDeleted",
    ("blob", 412, True): "ConditionNotMet",
    ("blob", 412, False): "ConditionNotMet",
    ("queue", 409, True): "QueueAlreadyExists",
    ("queue", 409, False): "QueueBeingDeleted",
    ("table", 409, True): "EntityAlreadyExists",
    ("table", 409, False): "TableBeingDeleted",
    ("table", 412, True): "UpdateConditionNotSatisfied",
    ("table", 412, False): "UpdateConditionNotSatisfied",
}
"""By service, status, and whether the call was carried out: Azure's own names (REST reference, "error codes")."""
_PASSING: Final = {429: "TooManyRequests", 500: "InternalError", 503: "ServerBusy"}


@dataclass(frozen=True)
class StorageFault:
    """What goes wrong with the next requests."""

    kind: str
    """A status in digits, ``reset``, ``silent``, ``slow`` or ``cut`` (a reset in the middle of an upload)."""
    times: int = 1
    """How many requests it strikes; -1 for all until it is healed."""
    after: bool = False
    """Whether the request is carried out all the same, and only its answer fails."""


@dataclass(frozen=True)
class _Message:
    """A request or an answer, as it came."""

    head: bytes
    body: bytes
    first_line: str

    @property
    def method(self) -> str:
        return self.first_line.partition(" ")[0]

    @property
    def status(self) -> int:
        return int(self.first_line.split(" ")[1])


class StorageProxy:
    """Listens in place of an account's three services."""

    def __init__(self, connection_string: str) -> None:
        """Listen.

        Args:
            connection_string: The account behind it, on this machine.
        """
        self._lock = threading.Lock()
        self._fault: StorageFault | None = None
        self._left = 0
        self.struck = 0
        """How many requests were struck so far."""
        self._open: set[socket.socket] = set()
        self._listeners: list[socket.socket] = []
        self.connection_string = connection_string
        """What reaches the account through the proxy."""
        for service, port in _ENDPOINT.findall(connection_string):
            listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            self._listeners.append(listener)
            ours = f"{service}Endpoint=http://127.0.0.1:{listener.getsockname()[1]}/"
            theirs = f"{service}Endpoint=http://127.0.0.1:{port}/"
            self.connection_string = self.connection_string.replace(theirs, ours)
            self._start(self._accept, listener, int(port), service.lower())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and drop every connection."""
        for listener in self._listeners:
            # Closing alone does not wake a thread that waits in accept.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def strike(self, fault: StorageFault) -> None:
        """Break the next requests, whatever they are."""
        with self._lock:
            self._fault, self._left = fault, fault.times

    def heal(self) -> None:
        """Break nothing any more."""
        with self._lock:
            self._fault, self._left = None, 0

    # ------------------------------------------------------------------------------------------------ within

    @staticmethod
    def _start(target: object, *arguments: object) -> None:
        threading.Thread(target=target, args=arguments, daemon=True, name="storage-proxy").start()  # type: ignore[arg-type]  # any callable

    def _next_fault(self) -> StorageFault | None:
        with self._lock:
            if self._fault is None or self._left == 0:
                return None
            self._left -= 1 if self._left > 0 else 0
            self.struck += 1
            return self._fault

    def _accept(self, listener: socket.socket, port: int, service: str) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._start(self._serve, client, port, service)

    def _serve(self, client: socket.socket, port: int, service: str) -> None:
        """Hand requests through until either side has enough."""
        with self._kept(client), contextlib.suppress(OSError, ValueError):
            upstream = socket.create_connection(("127.0.0.1", port))
            with self._kept(upstream), client.makefile("rb") as asked, upstream.makefile("rb") as answered:
                while (request := _read(asked)) is not None:
                    fault = self._next_fault()
                    if fault is None or fault.kind == "slow":
                        if fault is not None:
                            threading.Event().wait(_SLOW_SECONDS)
                        client.sendall(_exchanged(upstream, answered, request))
                    elif not _broken(client, upstream, answered, request, fault, service):
                        return

    @contextlib.contextmanager
    def _kept(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(connection)
        try:
            with connection:
                yield
        finally:
            with self._lock:
                self._open.discard(connection)


def _broken(
    client: socket.socket,
    upstream: socket.socket,
    answered: BinaryIO,
    request: _Message,
    fault: StorageFault,
    service: str,
) -> bool:
    """Break one request. Returns whether the connection is still good."""
    if fault.kind == "cut":
        upstream.sendall(request.head + request.body[: len(request.body) // 2])
        _reset(upstream)
        _reset(client)
        return False
    if fault.after:
        _exchanged(upstream, answered, request)
    match fault.kind:
        case "reset":
            _reset(client)
            return False
        case "silent":
            client.settimeout(_SILENCE_SECONDS)
            client.recv(1)  # until the other side gives up
            return False
        case status:
            client.sendall(_refusal(service, int(status), after=fault.after, bodiless=request.method == "HEAD"))
            return True


def _exchanged(upstream: socket.socket, answered: BinaryIO, request: _Message) -> bytes:
    upstream.sendall(request.head + request.body)
    while True:
        answer = _read(answered, answers=request.method)
        if answer is None:
            raise ValueError("the account closed the connection")
        if answer.status >= 200:
            return answer.head + answer.body


def _read(stream: BinaryIO, answers: str | None = None) -> _Message | None:
    """Read a request, or the answer to a request of some method."""
    first = stream.readline(_LINE)
    if not first:
        return None
    head, length, is_chunked = [first], 0, False
    while (line := stream.readline(_LINE)) not in {b"\r\n", b""}:
        head.append(line)
        name, _, value = line.decode("latin-1").partition(":")
        length = int(value) if name.lower() == "content-length" else length
        is_chunked |= name.lower() == "transfer-encoding" and "chunked" in value.lower()
    head.append(b"\r\n")
    message = _Message(b"".join(head), b"", first.decode("latin-1").strip())
    if answers == "HEAD" or (answers is not None and (message.status in _BODILESS or message.status < 200)):
        return message
    body = _chunks(stream) if is_chunked else stream.read(length)
    return _Message(message.head, body, message.first_line)


def _chunks(stream: BinaryIO) -> bytes:
    """Read a chunked body as it stands, to its last chunk."""
    read = []
    while True:
        size = stream.readline(_LINE)
        read.append(size)
        piece = stream.read(int(size.partition(b";")[0], 16) + 2)
        read.append(piece)
        if piece == b"\r\n":
            return b"".join(read)


def _refusal(service: str, status: int, *, after: bool, bodiless: bool) -> bytes:
    code = _PASSING.get(status) or _CODES[service, status, after]
    if service == "table":
        media, text = "application/json", f'{{"odata.error":{{"code":"{code}","message":{{"value":"Asked for."}}}}}}'
    else:
        media = "application/xml"
        text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>Asked for.</Message></Error>'
    lines = [
        f"HTTP/1.1 {status} {code}",
        f"x-ms-error-code: {code}",
        f"Content-Type: {media}",
        f"Content-Length: {len(text)}",
        *(["Retry-After: 0"] if status in _PASSING else []),
        "",
        "" if bodiless else text,
    ]
    return "\r\n".join(lines).encode()


def _reset(connection: socket.socket) -> None:
    """Close with a TCP reset: lingering for no time."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # makefile holds the descriptor open; only detaching it closes at once.
        os.close(connection.detach())
