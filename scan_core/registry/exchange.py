"""One HTTP request and its answer, whole and of bounded size, or a typed refusal."""

import http.client
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from scan_core.registry.access import Address
from scan_core.registry.addresses import Reach
from scan_core.registry.network import Deadline, Network, TimedSocket
from scan_core.registry.refusals import LONGEST_WAIT_SECONDS, RefusalKind, RegistryRefused, shown

_CHUNK_BYTES: Final = 64 * 1024

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask, and how much may come back."""

    doing: str
    """In words for a refusal's sentence, such as ``reading the manifest of contoso.azurecr.io/app``."""
    address: Address
    max_bytes: int
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    too_large: RefusalKind = RefusalKind.MALFORMED
    """What it is when more comes back."""
    allowed: Collection[Reach] = frozenset({Reach.PUBLIC})
    """How far the host's addresses may reach."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage = field(repr=False)
    body: bytes = field(repr=False)
    """Whole for a success; not read for anything else."""

    @property
    def redirects(self) -> bool:
        """Whether it sends elsewhere."""
        return self.status in _REDIRECTS


def ask(network: Network, question: Question, deadline: Deadline) -> Answer:
    """Make one request on a connection of its own.

    Args:
        network: The way out.
        question: What to ask.
        deadline: When the answer has to be there.

    Returns:
        The answer, whatever its status.

    Raises:
        RegistryRefused: No whole answer came (unreachable), its body is too large, or its host may not be connected to.
    """
    try:
        connection = network.connect(question.address.origin, question.allowed, deadline)
        try:
            return _converse(connection, question)
        finally:
            connection.close()
    except ssl.SSLCertVerificationError:
        raise _unreachable(question, "its certificate is not trusted; check it, and the trusted authorities") from None
    except TimeoutError:
        raise _unreachable(question, "no answer in time; it is tried again") from None
    except (OSError, http.client.HTTPException) as error:
        # The name of the error only: some of these messages repeat what was sent.
        problem = f"no connection, or one that broke ({type(error).__name__}); check that it can be reached from here"
        raise _unreachable(question, problem) from None


def require_success(question: Question, answer: Answer) -> None:
    """Turn what is no success, and not of interest to whoever asked, into a refusal.

    Args:
        question: What was asked.
        answer: What came back.

    Raises:
        RegistryRefused: The status is not 200.
    """
    if answer.status == HTTPStatus.OK:
        return
    wait = retry_after_seconds(answer.headers, datetime.now(UTC))
    kind, advice = _meaning(answer, wait)
    raise RegistryRefused(
        kind, f"{question.doing}: {shown(question.address.origin.authority)} {advice}", retry_after=wait
    )


def retry_after_seconds(headers: Mapping[str, str] | http.client.HTTPMessage, now: datetime) -> float | None:
    """Read how long to wait from an answer's headers.

    Args:
        headers: The answer's headers.
        now: The present moment, for a Retry-After that gives a date.

    Returns:
        Seconds from 0 to LONGEST_WAIT_SECONDS; None where ``Retry-After`` is absent or senseless (RFC 9110, 10.2.3).
    """
    text = (headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _converse(connection: TimedSocket, question: Question) -> Answer:
    _send(connection, question)
    response = http.client.HTTPResponse(connection, method=question.method)  # type: ignore[arg-type]  # all it needs of one
    with response:
        response.begin()
        body = _read(response, question) if response.status == HTTPStatus.OK else b""
        return Answer(response.status, response.headers, body)


def _send(connection: TimedSocket, question: Question) -> None:
    origin = question.address.origin
    sender = http.client.HTTPConnection(origin.host, origin.port)
    sender.sock = connection
    headers = {
        "Host": origin.authority,
        "User-Agent": "scangate",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **question.headers,
    }
    sender.request(question.method, question.address.target, body=question.body, headers=headers)


def _read(response: http.client.HTTPResponse, question: Question) -> bytes:
    """Read a body. One that ends before its announced length is a broken connection, not an answer."""
    if (response.headers.get("Content-Encoding") or "identity").strip().lower() != "identity":
        raise RegistryRefused(
            RefusalKind.MALFORMED, f"{question.doing}: the answer is compressed, which nobody asked for."
        )
    body = bytearray()
    while len(body) <= question.max_bytes and (response.length or 0) <= question.max_bytes:
        piece = response.read1(_CHUNK_BYTES)
        if not piece and response.length:
            raise http.client.IncompleteRead(b"")
        if not piece:
            return bytes(body)
        body += piece
    raise _too_large(question)


def _meaning(answer: Answer, wait: float | None) -> tuple[RefusalKind, str]:
    status = answer.status
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        advice = (
            f"refuses it ({status}); give the identity or user that Scangate signs in with the right to pull there."
        )
        return RefusalKind.REFUSED, advice
    if status == HTTPStatus.NOT_FOUND:
        return RefusalKind.NOT_FOUND, "does not have it (404); check the name and that it was pushed."
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None):
        return RefusalKind.THROTTLED, f"limits the rate of calls ({status}); it is asked again later."
    if answer.redirects:
        return RefusalKind.REDIRECTED, f"redirects ({status}), which is not followed here; list the registry it means."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RefusalKind.UNREACHABLE, f"is not available ({status}); it is asked again later."
    return RefusalKind.MALFORMED, f"answered {status}; check that it is a registry with the distribution API."


def _too_large(question: Question) -> RegistryRefused:
    megabytes = question.max_bytes / (1024 * 1024)
    size = f"{megabytes:g} MiB" if megabytes >= 1 else f"{question.max_bytes // 1024} KiB"
    return RegistryRefused(question.too_large, f"{question.doing}: it is larger than the {size} that are read.")


def _unreachable(question: Question, problem: str) -> RegistryRefused:
    return RegistryRefused(
        RefusalKind.UNREACHABLE,
        f"{question.doing}: {shown(question.address.origin.authority)} cannot be reached: {problem}.",
    )
