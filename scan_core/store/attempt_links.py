"""The worker's side of an attempt's links: plain HTTP to Azure Storage, and nothing but what a link permits.

Written on the standard library because two short processes a scan pay for whatever is imported here: measured as CPU
time of one process, urllib costs 15 ms, httpx2 120 ms and azure-storage-blob 250 ms. Operations, headers and answers:
Azure Storage REST API, "Put Blob", "Get Blob", "Put Message", "Get Messages", "Delete Message".
"""

import base64
import hashlib
import http.client
import io
import os
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import IO, Final
from urllib.error import URLError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

_API_VERSION: Final = "2023-11-03"
_SOCKET_SECONDS: Final = 30.0
"""How long one read or write may stand still."""
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 5.0
_CHUNK_BYTES: Final = 1024 * 1024
_TRANSIENT: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_MESSAGE_GONE: Final = {"MessageNotFound", "PopReceiptMismatch", "QueueNotFound"}
_ALREADY_THERE: Final = {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}


class StorageFailed(Exception):
    """Storage did not do what it was asked to. No message of these errors holds a link."""


class StorageRefused(StorageFailed):
    """Storage answered that it will not, and asking again will not help: the link is expired, forged or not enough.

    Attributes:
        status: The HTTP status.
        code: Azure's name for the error, from ``x-ms-error-code``; empty where it gave none.
    """

    def __init__(self, action: str, status: int, code: str) -> None:
        """Say what was refused.

        Args:
            action: What was asked for, such as ``create a blob``.
            status: The HTTP status.
            code: Azure's name for the error.
        """
        super().__init__(f"storage refused to {action}: {status} {code}".rstrip())
        self.status = status
        self.code = code


class StorageUnreachable(StorageFailed):
    """Storage did not answer, or only with passing errors, until the time for it was over."""


class AlreadyThere(StorageFailed):
    """A blob that was to be created stands already; it may be our own from a try whose answer was lost."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message taken from a queue, hidden from others until its visibility ends."""

    text: str
    message_id: str
    pop_receipt: str


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    code: str
    body: bytes


@dataclass(frozen=True, slots=True)
class AttemptLinkClient:
    """Uses links. Safe to share between threads.

    Attributes:
        deadline_seconds: For how long a call goes on trying.
        pause: Waits for a number of seconds between two tries.
    """

    deadline_seconds: float = 60.0
    pause: Callable[[float], None] = time.sleep
    _opener: OpenerDirector = field(default_factory=lambda: _opener(), repr=False)  # noqa: PLW0108 - defined below

    def create_blob(self, url: str, source: Path | bytes) -> None:
        """Create a blob in one Put Blob, the only upload that a create-only link allows.

        Args:
            url: A link with the permission to create.
            source: What it shall hold.

        Raises:
            AlreadyThere: A blob stands there.
            StorageFailed: It could not be created.
        """
        answer = self._send("create a blob", "PUT", url, source, {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"})
        # A link without the right to write is refused as such where a blob stands; only a look tells that from a link
        # that is not good at all.
        if answer.status in _ALREADY_THERE or (answer.status == HTTPStatus.FORBIDDEN and self._stands(url)):
            raise AlreadyThere("a blob stands there already")
        _expect(answer, HTTPStatus.CREATED, "create a blob")

    def settle_blob(self, url: str, source: Path | bytes) -> bool:
        """Create a blob, or find that exactly it stands there already.

        Args:
            url: A link with the permissions to create and to read.
            source: What it shall hold.

        Returns:
            Whether the blob now holds `source`; False where something else stood there before.

        Raises:
            StorageFailed: It could be neither created nor read.
        """
        try:
            self.create_blob(url, source)
        except AlreadyThere:
            answer = self._send("read a blob", "GET", url, None, {}, read=_sha256)
            _expect(answer, HTTPStatus.OK, "read a blob")
            with _opened(source) as body:
                return answer.body == _sha256(body)
        return True

    def write_blob(self, url: str, data: bytes) -> None:
        """Write a blob, whatever it held before.

        Args:
            url: A link with the permission to write.
            data: What it shall hold.

        Raises:
            StorageFailed: It could not be written.
        """
        answer = self._send("write a blob", "PUT", url, data, {"x-ms-blob-type": "BlockBlob"})
        _expect(answer, HTTPStatus.CREATED, "write a blob")

    def read_blob(self, url: str) -> bytes | None:
        """Read a blob.

        Args:
            url: A link with the permission to read.

        Returns:
            What it holds; None where there is none.

        Raises:
            StorageFailed: It could not be read.
        """
        answer = self._send("read a blob", "GET", url, None, {})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        _expect(answer, HTTPStatus.OK, "read a blob")
        return answer.body

    def add_message(self, url: str, text: str) -> None:
        """Add a message to a queue. After a lost answer it may stand there twice.

        Args:
            url: A link to the queue with the permission to add.
            text: The message; it is put into Base64, as the queue triggers of Azure Functions expect.

        Raises:
            StorageFailed: It could not be added.
        """
        encoded = base64.b64encode(text.encode()).decode()
        body = f"<QueueMessage><MessageText>{escape(encoded)}</MessageText></QueueMessage>".encode()
        answer = self._send("add a message", "POST", _messages(url), body, {"Content-Type": "application/xml"})
        _expect(answer, HTTPStatus.CREATED, "add a message")

    def receive_message(self, url: str, visibility_seconds: int, bearer: str | None = None) -> Received | None:
        """Take one message from a queue.

        Args:
            url: A link to the queue with the permission to process, or its plain address.
            visibility_seconds: For how long nobody else gets the message.
            bearer: An Entra token for storage, with a plain address.

        Returns:
            The message, its text as it stands in the queue; None where there is none.

        Raises:
            StorageFailed: The queue could not be read.
        """
        action = "receive a message"
        query = f"numofmessages=1&visibilitytimeout={visibility_seconds}"
        answer = self._send(action, "GET", _messages(url, query=query), None, _authorisation(bearer))
        _expect(answer, HTTPStatus.OK, action)
        try:
            # The answer of our own storage account over a connection that was authenticated; not a stranger's document.
            message = ET.fromstring(answer.body).find("QueueMessage")  # noqa: S314
        except ET.ParseError:
            raise StorageFailed("what answers for the queue is not Azure Storage") from None
        if message is None:
            return None
        parts = [message.findtext(name) or "" for name in ("MessageText", "MessageId", "PopReceipt")]
        return Received(*parts)

    def delete_message(self, url: str, message: Received, bearer: str | None = None) -> None:
        """Delete a message that was received.

        Args:
            url: As for `receive_message`.
            message: The message. One that somebody else received since is left to them.
            bearer: As for `receive_message`.

        Raises:
            StorageFailed: It could not be deleted.
        """
        query = f"popreceipt={quote(message.pop_receipt, safe='')}"
        address = _messages(url, message.message_id, query)
        answer = self._send("delete a message", "DELETE", address, None, _authorisation(bearer))
        if answer.code not in _MESSAGE_GONE:
            _expect(answer, HTTPStatus.NO_CONTENT, "delete a message")

    def _stands(self, url: str) -> bool:
        return self._send("look for a blob", "HEAD", url, None, {}).status == HTTPStatus.OK

    def _send(
        self,
        action: str,
        method: str,
        url: str,
        source: Path | bytes | None,
        headers: Mapping[str, str],
        read: Callable[[IO[bytes]], bytes] = lambda response: response.read(),
    ) -> _Answer:
        """Send one request until it is answered with something that will not pass by itself."""
        ends = time.monotonic() + self.deadline_seconds
        tries = 0
        with _opened(source) as body:
            while True:
                try:
                    answer = self._once(method, url, body, headers, read)
                    problem = f"it answered {answer.status} {answer.code}".rstrip()
                    if answer.status not in _TRANSIENT and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                        return answer
                except (OSError, http.client.HTTPException) as error:
                    problem = _named(error)
                wait = min(_FIRST_PAUSE_SECONDS * 2**tries, _LONGEST_PAUSE_SECONDS)
                wait *= random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries; nothing secret
                tries += 1
                if time.monotonic() + wait > ends:
                    # Without the cause: exceptions of the HTTP library hold the address, and so the link.
                    raise StorageUnreachable(f"storage could not {action}: {problem}, after {tries} tries") from None
                self.pause(wait)

    def _once(
        self, method: str, url: str, body: IO[bytes], headers: Mapping[str, str], read: Callable[[IO[bytes]], bytes]
    ) -> _Answer:
        size = body.seek(0, os.SEEK_END)
        body.seek(0)
        sent = {"x-ms-version": _API_VERSION, "x-ms-date": formatdate(usegmt=True), **headers}
        if method in {"PUT", "POST"}:
            sent = {"Content-Length": str(size), "Content-Type": "application/octet-stream", **sent}
        # The opener knows http and https alone, so the link cannot name a file.
        request = Request(url, data=body if "Content-Length" in sent else None, headers=sent, method=method)  # noqa: S310
        response = self._opener.open(request, timeout=_SOCKET_SECONDS)
        if response is None:
            raise StorageFailed("a link is not an http or https address")
        with response:
            content = read(response) if response.status == HTTPStatus.OK else response.read()
            return _Answer(response.status, response.headers.get("x-ms-error-code", ""), content)


class _Https(HTTPSHandler):
    """HTTPS whose certificates are read when they are first needed: 30 ms that a local trial does not pay."""

    def https_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(http.client.HTTPSConnection, req, context=_tls())


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _opener() -> OpenerDirector:
    """An opener that follows no redirects and takes every status as an answer."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), _Https()):
        opener.add_handler(handler)
    return opener


def _opened(source: Path | bytes | None) -> IO[bytes]:
    """What is sent, to be read as often as it is tried; a file is never held in memory."""
    return source.open("rb") if isinstance(source, Path) else io.BytesIO(source or b"")


def _sha256(stream: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.digest()


def _messages(url: str, message_id: str = "", query: str = "") -> str:
    """The address of a queue's messages, or of one of them, from the queue's own."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/messages" + (f"/{quote(message_id, safe='')}" if message_id else "")
    return urlunsplit(parts._replace(path=path, query="&".join(filter(None, (query, parts.query)))))


def _authorisation(bearer: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {bearer}"} if bearer else {}


def _expect(answer: _Answer, wanted: HTTPStatus, action: str) -> None:
    if answer.status != wanted:
        raise StorageRefused(action, answer.status, answer.code)


def _named(error: Exception) -> str:
    """Name a failed connection without its text, which may hold the link."""
    reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    return f"the connection failed with {type(reason).__name__}"
