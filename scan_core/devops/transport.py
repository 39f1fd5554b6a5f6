"""The one way out to Azure DevOps: each call is one HTTP request, and ends as an answer or as a DevOpsError."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self

import requests
from msrest.pipeline import HTTPSender, Request, Response
from msrest.universal_http import ClientRequest
from msrest.universal_http.requests import RequestsClientResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from scan_core.devops.deadline import Deadline, DeadlineAdapter
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.identity import Authorization
from scan_core.devops.pace import Pace
from scan_core.devops.refusals import kind_of, refusal

MAX_CONNECTIONS = 16
"""As many as the function app's worker has threads; more are opened where needed, and not kept."""
MAX_JSON_BYTES = 16 * 1024 * 1024
"""A page of 100 pull requests with descriptions of 4,000 characters stays far below."""

_MAX_COMPLAINT_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_CONTINUATION = "X-MS-ContinuationToken"

_logger = logging.getLogger(__name__)


class NextPage:
    """Where a list that comes in pages goes on: a header says it, and the SDK drops it."""

    token: str | None = None
    """As the last answer gave it; None after the last page."""


@dataclass(frozen=True)
class Errand:
    """What the calls of a ``with errand(...)`` block are made for."""

    doing: str
    """In words for an error's sentence, such as ``reading pull request 7``."""
    max_bytes: int = MAX_JSON_BYTES
    """The largest body taken, after decompression."""
    content: bool = False
    """Whether the answer is a file's content, and not JSON."""
    nothing: bool = False
    """Whether the status is all the answer that is wanted, as of a deletion."""
    next_page: NextPage | None = None
    """Where to note the continuation token, for a list that comes in pages."""


_errand: ContextVar[Errand] = ContextVar("errand", default=Errand("calling Azure DevOps"))  # noqa: B039 (it is frozen)


@contextmanager
def errand(purpose: Errand) -> Iterator[None]:
    """Say what this thread's calls are for; the SDK hands nothing of that through.

    Args:
        purpose: What is being done and how much may come back.

    Yields:
        Once, for the calls.
    """
    outer = _errand.set(purpose)
    try:
        yield
    finally:
        _errand.reset(outer)


class Clocks(NamedTuple):
    """How long one call may take, in seconds."""

    connect: float
    """Until the connection stands."""
    read: float
    """From one piece of the answer to the next."""
    total: float
    """Until the answer is complete."""


class _Session(requests.Session):
    """Without redirects, cookies, retries, proxies and netrc."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = DeadlineAdapter(MAX_CONNECTIONS)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 (as in the class it refines)
        # Even when told not to follow, requests reads the whole body of a redirect to prepare the next request.
        return None


class _Count(threading.local):
    """A number that each thread has for itself."""

    sent = 0


class Transport(HTTPSender[ClientRequest, RequestsClientResponse]):
    """Sends what the SDK prepared. May be used by several threads at once."""

    def __init__(self, authorization: Authorization, pace: Pace, clocks: Clocks) -> None:
        self._authorization = authorization
        self._pace = pace
        self._clocks = clocks
        self._session = _Session()
        self._count = _Count()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def signed_by(self, authorization: Authorization) -> Self:
        """Make another that sends with somebody else's credential, over the same connections and at the same pace.

        Args:
            authorization: Gives the ``Authorization`` header for each request.

        Returns:
            The other; what this one closes, it loses too.
        """
        other = copy(self)
        other._authorization = authorization  # noqa: SLF001 - of its own kind
        return other

    def requests_sent(self) -> int:
        """Count requests.

        Returns:
            How many this thread has sent through here, whatever became of them.
        """
        return self._count.sent

    def send(
        self,
        request: Request[ClientRequest],
        **_: Any,  # noqa: ANN401 (msrest's own options)
    ) -> Response[ClientRequest, RequestsClientResponse]:
        """Make one request, once.

        Args:
            request: msrest's request.

        Returns:
            msrest's response, with the body read and, unless the errand is for content, parsed as JSON.

        Raises:
            DevOpsError: Anything else than a complete, successful answer of the kind expected.
        """
        purpose = _errand.get()
        authorization = _as_header(self._authorization(), purpose)
        self._count.sent += 1
        with Deadline(self._clocks.total) as deadline:
            try:
                response, body = self._exchange(request.http_request, authorization, purpose)
            except (OSError, HTTPError) as error:
                # The cause is left out: requests repeats header values in some of its messages.
                raise _broken(purpose, error, expired=deadline.expired) from None
            if deadline.expired:
                # A body that ends with its connection looks whole when the connection was cut.
                raise _broken(purpose, None, expired=True)
        secret = authorization.partition(" ")[2]
        document = self._judge(response, body, purpose, secret)
        answer = RequestsClientResponse(request.http_request, response)  # type: ignore[no-untyped-call]  # msrest's
        return Response(request, answer, {"deserialized_data": document})

    def _exchange(
        self, prepared: ClientRequest, authorization: str, purpose: Errand
    ) -> tuple[requests.Response, bytes | None]:
        headers = {name: value for name, value in prepared.headers.items() if name.lower() != "content-length"}
        response = self._session.request(
            prepared.method,
            prepared.url,
            headers={**headers, "Authorization": authorization},
            data=prepared.data,
            timeout=(self._clocks.connect, min(self._clocks.read, self._clocks.total)),
            allow_redirects=False,
            stream=True,
        )
        try:
            refused = kind_of(response.status_code, response.headers) is not None
            body = _read(response, _MAX_COMPLAINT_BYTES if refused else purpose.max_bytes)
        finally:
            response.close()
        return _detached(response, body or b""), body

    def _judge(self, response: requests.Response, body: bytes | None, purpose: Errand, secret: str) -> Any:  # noqa: ANN401 (parsed JSON)
        retry_after = self._pace.note(response.status_code, response.headers)
        kind = kind_of(response.status_code, response.headers)
        if kind is not None:
            raise refusal(kind, purpose.doing, response.status_code, body, retry_after=retry_after, secret=secret)
        if purpose.nothing:
            return None
        if purpose.content:
            _require_whole_file(response, body, purpose)
            return None
        if purpose.next_page is not None:
            purpose.next_page.token = response.headers.get(_CONTINUATION) or None
        elif _CONTINUATION in response.headers:
            _logger.warning(
                "%s: Azure DevOps has more than it sent, where none of its pages is expected", purpose.doing
            )
        return _document(response.status_code, body, purpose)


def _as_header(value: str, purpose: Errand) -> str:
    if value and value.isascii() and value.isprintable():
        return value
    raise DevOpsError(
        DevOpsErrorKind.SIGNED_OUT,
        f"{purpose.doing}: the credential holds characters that a header cannot; check how it was copied",
    )


def _read(response: requests.Response, max_bytes: int) -> bytes | None:
    """Read a body piece by piece; None where it is larger than it may be."""
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        return None
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            return None
    return bytes(body)


def _detached(response: requests.Response, body: bytes) -> requests.Response:
    """Give the SDK the body as if it had read it, and no header that it would act on."""
    response._content = body  # noqa: SLF001 (as requests' own tests do; there is no other way to set it)
    response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001 (as above; missing in its types)
    # The SDK keeps the session id it is given for all its clients, of whatever organisation.
    response.headers.pop("X-TFS-Session", None)
    # Where this stands, the SDK parses the body a second time.
    response.headers.pop("Transfer-Encoding", None)
    return response


def _broken(purpose: Errand, error: Exception | None, *, expired: bool) -> DevOpsError:
    if expired:
        return DevOpsError(DevOpsErrorKind.TIMED_OUT, f"{purpose.doing}: the answer was not complete in time")
    name = type(error).__name__
    if isinstance(error, requests.Timeout) or _is_read_timeout(error):
        return DevOpsError(DevOpsErrorKind.TIMED_OUT, f"{purpose.doing}: Azure DevOps did not answer in time ({name})")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return DevOpsError(DevOpsErrorKind.MALFORMED, f"{purpose.doing}: the answer cannot be decompressed")
    return DevOpsError(
        DevOpsErrorKind.UNREACHABLE, f"{purpose.doing}: no connection to Azure DevOps, or one that broke ({name})"
    )


def _is_read_timeout(error: Exception | None) -> bool:
    """Whether a body stalled: requests then raises a ConnectionError around urllib3's own."""
    return error is not None and any(isinstance(cause, ReadTimeoutError) for cause in error.args)


def _require_whole_file(response: requests.Response, body: bytes | None, purpose: Errand) -> None:
    """Refuse a file's content that is too large or not known to be whole: half a rules file is a weaker one."""
    if body is None:
        raise DevOpsError(
            DevOpsErrorKind.REJECTED,
            f"{purpose.doing}: the file is larger than the {purpose.max_bytes} bytes allowed for it",
            status=response.status_code,
        )
    whole = "Content-Length" in response.headers or bool(getattr(response.raw, "chunked", False))
    if response.status_code != HTTPStatus.OK or not whole:
        _malformed(purpose, response.status_code, "an answer that does not say where the file ends")


def _document(status: int, body: bytes | None, purpose: Errand) -> Any:  # noqa: ANN401 (parsed JSON)
    if body is None:
        _malformed(purpose, status, f"more than {purpose.max_bytes} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        _malformed(purpose, status, "something else than JSON")
    if not isinstance(document, dict | list):
        _malformed(purpose, status, "JSON without an object")
    return document


def _malformed(purpose: Errand, status: int, what: str) -> NoReturn:
    raise DevOpsError(
        DevOpsErrorKind.MALFORMED, f"{purpose.doing}: Azure DevOps answered {status} with {what}", status=status
    )
