"""The host's own routes: its status, and running a function by hand, as `/admin` does in Azure.

Source: the page "Manually run a non HTTP-triggered function". Every route asks for the host's key.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.host.bindings import Function, QueueTrigger, TimerTrigger
from local.host.datums import TriggerInput, queue_input, timer_input
from local.host.engine import Indexed, Invoke
from local.host.web import holds_key

_log = logging.getLogger("local.host")


class Admin:
    """Answers the routes under `/admin`."""

    def __init__(self, indexed: Indexed, invoke: Invoke, key: str | None, identity: Mapping[str, str]) -> None:
        """Take what the answers are made of.

        Args:
            indexed: the functions, and what went wrong with the app.
            invoke: runs a function.
            key: the host's key; without one everybody is refused.
            identity: `id`, the host's, shared by all hosts of an app, and `instanceId`, this process's own.
        """
        self._functions = {function.name.lower(): function for function in indexed.functions}
        self._error = indexed.error
        self._invoke = invoke
        self._key = key
        self._identity = dict(identity)
        self._begun = datetime.now(UTC)
        self._running: set[asyncio.Task[Any]] = set()

    def routes(self) -> list[Route]:
        """List the routes for the web application."""
        return [
            Route("/admin/host/status", self._status, methods=["GET"]),
            Route("/admin/functions/{name}", self._run, methods=["POST"]),
        ]

    async def finish(self) -> None:
        """Wait for the functions that were started by hand."""
        await asyncio.gather(*self._running)

    async def _status(self, request: Request) -> Response:
        if not holds_key(request, self._key):
            return Response(status_code=401)
        uptime = datetime.now(UTC) - self._begun
        return JSONResponse(
            self._identity
            | {
                "state": "Running" if self._error is None else "Error",
                "version": "4.0.0",
                "versionDetails": "local",
                "processUptime": int(uptime.total_seconds() * 1000),
                "errors": [] if self._error is None else [self._error],
            }
        )

    async def _run(self, request: Request) -> Response:
        """Start a function: 202 at once as in Azure; with `?wait=true` 200 or 500 when it has ended."""
        if not holds_key(request, self._key):
            return Response(status_code=401)
        function = self._functions.get(request.path_params["name"].lower())
        if function is None:
            return Response(status_code=404)
        given = _input_by_hand(function, await _given(request))
        if given is None:
            return Response("a function with an HTTP trigger is called by its route", status_code=400)
        running = asyncio.ensure_future(self._invoke(function, given))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        if request.query_params.get("wait") != "true":
            return Response(status_code=202)
        outcome = await running
        return Response(status_code=200 if outcome.succeeded else 500)


async def _given(request: Request) -> str:
    """Read `input` of the body; Azure wants a JSON object there, an empty body is taken as none."""
    try:
        body = await request.json()
    except ValueError:
        return ""
    return str(body.get("input", "")) if isinstance(body, dict) else ""


def _input_by_hand(function: Function, given: str) -> TriggerInput | None:
    match function.trigger:
        case TimerTrigger():
            return timer_input(None, None)
        case QueueTrigger():
            return queue_input(given.encode(), {"Id": "", "DequeueCount": "1", "PopReceipt": ""})
        case _:
            return None
