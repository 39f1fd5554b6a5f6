"""HTTP triggers: finds the function whose route a request matches, runs it, and answers with what it returned."""

import asyncio
import hmac
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.host.bindings import AuthLevel, Function, HttpTrigger
from local.host.datums import TriggerInput, http_input
from local.host.engine import Invoke
from local.host.routes import RouteTemplate, parse_route, split_path

_log = logging.getLogger("local.host")

# "Azure Functions HTTP trigger": a request is at most 100 MB, changed by the app setting
# FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, and the load balancer waits 230 seconds for the answer.
BODY_LIMIT_BYTES = 104_857_600
ANSWER_LIMIT_S = 230.0


class _TooLarge(Exception):
    """The body of a request is over the limit."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The largest request body in bytes, and the longest time to an answer in seconds."""

    body_bytes: int = BODY_LIMIT_BYTES
    answer_s: float = ANSWER_LIMIT_S


@dataclass(frozen=True, slots=True)
class _Route:
    template: RouteTemplate
    function: Function
    trigger: HttpTrigger


class HttpTriggers:
    """An ASGI application that serves the HTTP functions of an app."""

    def __init__(
        self, functions: Iterable[Function], prefix: str, invoke: Invoke, key: str | None, limits: HttpLimits
    ) -> None:
        """Build the table of routes.

        Args:
            functions: the functions of the app; those with another trigger are passed over.
            prefix: what stands before every route, without slashes around it; may be empty.
            invoke: runs a function.
            key: the key that functions above the anonymous level ask for; without one they refuse everybody.
            limits: of a request.
        """
        self._invoke = invoke
        self._key = key
        self._limits = limits
        self._routes = sorted(_routes(functions, prefix), key=lambda route: route.template.rank)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        found = self._find(request)
        if found is None:
            return Response(status_code=404)
        route, values = found
        if route.trigger.auth is not AuthLevel.ANONYMOUS and not holds_key(request, self._key):
            return Response(status_code=401)
        try:
            body = await self._body(request)
        except _TooLarge:
            return Response(status_code=413, headers={"connection": "close"})
        given = http_input(
            method=request.method,
            url=_address(request),
            headers=_joined(request.headers.items()),
            query=_joined(request.query_params.multi_items()),
            route_values=values,
            body=body,
        )
        return await self._run(route.function, given)

    def _find(self, request: Request) -> tuple[_Route, Mapping[str, str]] | None:
        path = split_path(_raw_path(request))
        for route in self._routes:
            methods = route.trigger.methods
            if methods is not None and request.method not in methods:
                continue
            values = route.template.match(path)
            if values is not None:
                return route, values
        return None

    async def _body(self, request: Request) -> bytes:
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > self._limits.body_bytes:
            raise _TooLarge
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._limits.body_bytes:
                raise _TooLarge
        return bytes(body)

    async def _run(self, function: Function, given: TriggerInput) -> Response:
        running = asyncio.ensure_future(self._invoke(function, given))
        # As behind Azure's load balancer: the caller is told, and the function goes on.
        done, _ = await asyncio.wait({running}, timeout=self._limits.answer_s)
        if not done:
            _log.warning("%s did not answer within %d seconds", function.name, self._limits.answer_s)
            return Response(status_code=504)
        outcome = running.result()
        return _response(outcome.returned) if outcome.succeeded else Response(status_code=500)


def holds_key(request: Request, key: str | None) -> bool:
    """Tell whether a request carries the host's key, in the header x-functions-key or as `code` in the query.

    Args:
        request: the request.
        key: the key; None accepts nobody.
    """
    given = request.headers.get("x-functions-key") or request.query_params.get("code") or ""
    return bool(key) and hmac.compare_digest(given.encode(), (key or "").encode())


def _routes(functions: Iterable[Function], prefix: str) -> Iterable[_Route]:
    for function in functions:
        if isinstance(function.trigger, HttpTrigger):
            route = f"{prefix}/{function.trigger.route}" if prefix else function.trigger.route
            _log.info("%s serves /%s", function.name, route)
            yield _Route(parse_route(route), function, function.trigger)


def _raw_path(request: Request) -> str:
    """The path as it was sent, still percent-encoded."""
    return str(request.scope["raw_path"].decode("ascii", errors="replace"))


def _address(request: Request) -> str:
    query = request.scope["query_string"].decode("ascii", errors="replace")
    address = f"http://{request.headers.get('host', '')}{_raw_path(request)}"
    return f"{address}?{query}" if query else address


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values of equal names are joined with commas, as the Functions host hands them to the worker."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def _response(returned: Any) -> Response:  # noqa: ANN401 - the engine's Datum
    if returned.type != "http":
        return Response(_content(returned), media_type="text/plain")
    answer = returned.value
    response = Response(_content(answer["body"]), status_code=int(answer["status_code"].value))
    for name, value in answer["headers"].items():
        # The server counts the bytes itself.
        if name.lower() != "content-length":
            response.headers[name] = value.value
    for cookies in answer["cookies"] or ():
        for morsel in cookies.values():
            response.headers.append("set-cookie", morsel.OutputString())
    return response


def _content(datum: Any) -> bytes:  # noqa: ANN401 - the engine's Datum
    value = datum.value
    return value if isinstance(value, bytes) else str(value).encode()
