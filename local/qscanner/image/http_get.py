"""One HTTP GET at a time: https, or plain http to this machine; no redirect is followed unseen."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.client import HTTPException, HTTPMessage
from typing import IO, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from local.qscanner.image.manifests import unreadable
from local.qscanner.image.reference import is_loopback

TIMEOUT_SECONDS = 30.0


class Answer(NamedTuple):
    """What a server answered: any status, its headers, and its body to be read."""

    status: int
    headers: HTTPMessage
    body: IO[bytes]

    def content(self, most_bytes: int, what: str) -> bytes:
        """Read the whole body.

        Args:
            most_bytes: The largest body that is read.
            what: What it should be, for the error.

        Returns:
            The body.

        Raises:
            ScanError: With code 6 for a larger body, or one that breaks off.
        """
        content = b"".join(self.chunks(most_bytes + 1))
        if len(content) > most_bytes:
            raise unreadable(f"the {what} is larger than {most_bytes} bytes")
        return content

    def chunks(self, most_bytes: int, chunk_bytes: int = 256 * 1024) -> Iterator[bytes]:
        """Read the body in pieces, and no more than so many bytes of it.

        Raises:
            ScanError: With code 6 where it breaks off.
        """
        left = most_bytes
        try:
            while left > 0 and (chunk := self.body.read(min(chunk_bytes, left))):
                left -= len(chunk)
                yield chunk
        except (OSError, HTTPException) as error:
            raise unreadable(f"the registry's answer broke off: {type(error).__name__}") from error


def host_of(url: str) -> str:
    """Give a URL's host and port, as far as they tell one server from another."""
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{(parts.hostname or '').lower()}:{parts.port or default}"


def is_safe(url: str, *, loopback: bool) -> bool:
    """Tell whether a URL may be asked: https, or http on this machine where the registry is on this machine too."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or not port_is_fine or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback and is_loopback(parts.hostname))


@contextmanager
def get(url: str, headers: dict[str, str]) -> Iterator[Answer]:
    """Ask a server.

    Args:
        url: A URL that ``is_safe``.
        headers: What to send along.

    Yields:
        The answer, whatever its status.

    Raises:
        ScanError: With code 6 where nobody answers.
    """
    host = urlsplit(url).hostname or ""
    opener = _opener(direct=is_loopback(host))
    try:
        response = opener.open(Request(url, headers=headers), timeout=TIMEOUT_SECONDS)
        status = int(response.status)
    except HTTPError as error:
        response, status = error, error.code
    except (URLError, HTTPException, OSError, ValueError) as error:
        raise unreadable(f"{host} cannot be asked: {_reason(error)}") from error
    with response:
        yield Answer(status, response.headers, response)


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, ssl.SSLError):
        return "its certificate or TLS is not accepted"
    return cause.strerror or type(cause).__name__ if isinstance(cause, OSError) else type(cause).__name__


class _Unfollowed(HTTPRedirectHandler):
    """Leaves redirects to the caller, who knows what must not be sent on."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


@cache  # each reads the machine's certificates anew, which takes longer than the request
def _opener(*, direct: bool) -> OpenerDirector:
    """Build an opener; proxies are taken from the environment, but never to reach this machine."""
    return build_opener(_Unfollowed, *([ProxyHandler({})] if direct else []))
