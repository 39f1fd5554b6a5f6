"""The doors to the outside with a toll at each: storage, Azure DevOps, a worker's links."""

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote, urlsplit
from urllib.request import OpenerDirector

import requests
from azure.core.pipeline.transport import HttpRequest, RequestsTransport

from scan_core.devops.client import DevOps
from scan_core.devops.deadline import DeadlineAdapter
from scan_core.devops.identity import personal_access_token
from scan_core.model.ids import OrganisationName
from scan_core.store import attempt_links, connection
from scan_core.store.attempt_links import AttemptLinkClient
from scan_core.store.connection import Storage
from tests.faults.toll import Toll

QUICK_TIMES = {"read_timeout": 1.5, "connection_timeout": 1.5, "retry_backoff_factor": 0.01}
"""Seconds. The retries stay as many as they are; nobody waits long between them."""
QUICK_PAUSES = {"initial_backoff": 0.02, "increment_base": 0, "random_jitter_range": 0.01}
_ENDPOINT = re.compile(r"(Blob|Queue|Table)Endpoint=http://127\.0\.0\.1:(\d+)/")
_LINK_SECONDS = 2.0
_OPENER = attempt_links._opener
_SOCKET = "_SOCKET_SECONDS"

type Note = Callable[[requests.PreparedRequest], None]


def services_of(connection_string: str) -> dict[int, str]:
    """Tell from a connection string which service listens at which port."""
    return {int(port): kind.lower() for kind, port in _ENDPOINT.findall(connection_string)}


def name_of(method: str, url: str, services: dict[int, str]) -> str:
    """Name a call to storage without what differs from run to run: service, method, place."""
    parts = urlsplit(url)
    kind = services.get(parts.port or 0, "?")
    place = unquote(parts.path).split("/")[2:]
    if kind == "table":
        table = place[0].partition("(")[0] if place else ""
        row = "agenda" if "agenda" in unquote(parts.path) else "row" if "(" in "".join(place) else "rows"
        return f"table {method} {table} {row}"
    if kind == "queue":
        return f"queue {method} {place[0] if place else ''}"
    return f"blob {method} {place[0] if place else ''}/{_last(place)}"


def _last(place: list[str]) -> str:
    last = place[-1] if len(place) > 1 else ""
    return re.sub(r"[0-9a-f]{12,}|\d{4}-.*|.*\.jsonl", "…", last)


class TolledTransport(RequestsTransport):  # type: ignore[misc]  # the SDK exports it without its type
    """Carries storage's requests."""

    def __init__(self, toll: Toll, who: str, services: dict[int, str]) -> None:
        """Name whose calls these are."""
        super().__init__()
        self._toll = toll
        self._who = who
        self._services = services

    def send(self, request: HttpRequest, **options: Any) -> Any:
        """Send a request."""
        label = f"{self._who} {name_of(request.method, request.url, self._services)}"
        send = super().send
        return self._toll.pay(label, lambda: send(request, **options))


def tolled_storage(connection_string: str, toll: Toll, who: str) -> Storage:
    """Reach an account as the app does, with a toll at each request and short waits between retries."""
    transport = TolledTransport(toll, who, services_of(connection_string))
    with (
        patch.dict(connection._TIMES, {**QUICK_TIMES, "transport": transport}),
        patch.dict(connection._PAUSES, QUICK_PAUSES),
    ):
        return connection.from_connection_string(connection_string)


def close_storage(storage: Storage) -> None:
    """Give an account's connections back."""
    for client in (storage.tables, storage.blobs, storage.queues):
        client.close()


class _TolledAdapter(DeadlineAdapter):
    """Carries requests to Azure DevOps."""

    def __init__(self, toll: Toll, note: Note) -> None:
        super().__init__(connections=8)
        self._toll = toll
        self._note = note

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request, of which somebody keeps record."""
        send = super().send

        def noted() -> requests.Response:
            self._note(request)
            return send(request, *args, **options)

        path = unquote(urlsplit(request.url or "").path)
        place = re.sub(r"[0-9a-f-]{36,40}", "…", path.partition("/_apis/")[2])
        return self._toll.pay(f"app devops {request.method} {re.sub(r'/[0-9]+', '/N', place)}", noted)


def tolled_devops(
    toll: Toll, note: Note, organisation: OrganisationName, url: str, token: str, *, seconds: float
) -> DevOps:
    """Make the real adapter, with a toll at each request.

    Args:
        toll: The toll.
        note: Keeps record of each request right before it is sent.
        organisation: Which organisation.
        url: Where it is.
        token: What it is reached with.
        seconds: How long a call may take.
    """
    adapter = DevOps(organisation, url, personal_access_token(token), total_seconds=seconds)
    adapter._transport._session.mount(url, _TolledAdapter(toll, note))
    return adapter


class _TolledOpener(OpenerDirector):
    """Carries the requests that a worker makes with its links."""

    def __init__(self, toll: Toll, who: str, services: dict[int, str]) -> None:
        super().__init__()
        self._inner = _OPENER()
        self._toll = toll
        self._who = who
        self._services = services

    def open(self, fullurl: Any, data: Any = None, timeout: Any = None) -> Any:
        """Send a request."""
        label = f"{self._who} {name_of(fullurl.get_method(), fullurl.full_url, self._services)}"
        return self._toll.pay(label, lambda: self._inner.open(fullurl, data, timeout))


def tolled_links(connection_string: str, toll: Toll, who: str) -> AttemptLinkClient:
    """Make a worker's own client of storage, with a toll at each request and short waits between retries."""
    opener = _TolledOpener(toll, who, services_of(connection_string))
    return AttemptLinkClient(deadline_seconds=_LINK_SECONDS, pause=lambda _: None, _opener=opener)
