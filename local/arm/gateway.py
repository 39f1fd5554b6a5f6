"""The way of a request: whether something goes wrong on purpose, who, throttling, handler, answer."""

import asyncio
import json
import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.arm.errors import Refused, wrong
from local.arm.executions import STATES, Executions
from local.arm.identity import PATH, Identities
from local.arm.limits import Limits
from local.arm.rest import Answer, Call, Rest
from local.http.connections import hang, reset
from local.http.faults import Fault, Faults

_SIMULATION: Final = "/_sim/"
_BODY_LIMIT_BYTES: Final = 4 << 20
_FAULTS: Final = frozenset({"status", "delay", "reset", "malformed", "hang", "accepted"})
"""What can go wrong on purpose. ``accepted`` is no error: a start is answered with 202 and a Location, which gives the
name after ``seconds``."""

_log = logging.getLogger(__name__)


class Gateway:
    """The ASGI application below every path."""

    def __init__(self, rest: Rest, identities: Identities, executions: Executions) -> None:
        """Put it together.

        Args:
            rest: the API.
            identities: gives and reads tokens.
            executions: of which other things can be said than are true.
        """
        self._rest = rest
        self._identities = identities
        self._executions = executions
        self._faults = Faults(Fault, _FAULTS, wrong)
        self._limits = Limits()
        self._lock = threading.Lock()
        self._calls: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            body = await _body(request)
            call = Call(request.method, request.url.path, dict(request.query_params), body)
            response = await self._with_faults(request, call)
        except (ConnectionResetError, ClientDisconnect):
            self._note(request, 0)
            return
        self._note(request, response.status_code)
        await response(scope, receive, send)

    def _note(self, request: Request, status: int) -> None:
        """Keep a call in the record; a status of 0 stands for a connection that ended without an answer."""
        if not request.url.path.startswith(_SIMULATION):
            with self._lock:
                self._calls.append({"method": request.method, "path": request.url.path, "status": status})

    async def _with_faults(self, request: Request, call: Call) -> Response:
        simulated = call.path.startswith(_SIMULATION)
        fault = None if simulated else self._faults.for_call(f"{call.method} {call.path}")
        if fault is None:
            return await self._answer(request.headers, call)
        if fault.kind == "accepted":
            accepted = Call(call.method, call.path, call.query, call.body, fault.seconds)
            return await self._answer(request.headers, accepted)
        done = await self._answer(request.headers, call) if fault.after else None
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            return done or await self._answer(request.headers, call)
        return await _faulty(request, fault)

    async def _answer(self, headers: Mapping[str, str], call: Call) -> Response:
        try:
            return _response(await run_in_threadpool(self._carried_out, headers, call))
        except Refused as refused:
            return _response(Answer(refused.status, refused.body(), refused.headers))
        except Exception:  # noqa: BLE001 - a bug of ours is answered as one: connection and record stay whole
            _log.exception("%s %s", call.method, call.path)
            message = "The stand-in failed; its log says how."
            return _response(Answer(500, Refused(500, "InternalServerError", message).body()))

    def _carried_out(self, headers: Mapping[str, str], call: Call) -> Answer:
        if call.path.startswith(_SIMULATION):
            return self._simulate(headers, call)
        if (call.method, call.path) == ("GET", PATH):
            return Answer(200, self._identities.answer(headers, call.query))
        caller = self._identities.caller(headers.get("authorization", ""))
        left = self._limits.charge(call.method)
        answer = self._rest.answer(call, caller)
        return Answer(answer.status, answer.body, {**left, **answer.headers})

    def _simulate(self, headers: Mapping[str, str], call: Call) -> Answer:
        """Answer the stand-in's own routes; they want the app's header."""
        if not self._identities.is_app(headers.get("x-identity-header", "")):
            raise Refused(401, "Unauthorized", "the app's X-IDENTITY-HEADER is needed")
        match call.method, call.path.removeprefix(_SIMULATION).split("/"):
            case "GET", ["faults"]:
                return Answer(200, {"value": self._faults.listing()})
            case "POST", ["faults"]:
                return Answer(201, self._faults.add(_json(call.body)))
            case "DELETE", ["faults"]:
                self._faults.clear()
                return Answer(204)
            case "GET", ["calls"]:
                with self._lock:
                    return Answer(200, {"value": list(self._calls)})
            case "PUT", ["limits", ("reads" | "writes") as kind]:
                wanted = _json(call.body)
                self._limits.set(kind, most=float(wanted["most"]), per_second=float(wanted["per_second"]))
                return Answer(204)
            case "PUT", ["executions", name]:
                status = _json(call.body).get("status")
                if status is not None and status not in STATES:
                    raise wrong(f"unknown status {status!r}; known are {STATES}")
                self._executions.tell(name, status)
                return Answer(204)
        raise Refused(404, "NotFound", f"there is no {call.method} {call.path}")


async def _faulty(request: Request, fault: Fault) -> Response:
    match fault.kind:
        case "hang":
            await hang(request.scope, fault.seconds)
        case "reset":
            reset(request.scope)
        case "malformed":
            return Response(b'{"id": "/subscriptions/', 200, media_type="application/json")
    refused = Refused(fault.status, "SimulatedFault", "A fault was asked for.", fault.retry_after)
    return _response(Answer(refused.status, refused.body(), refused.headers))


def _response(answer: Answer) -> Response:
    if answer.body is None:
        return Response(b"", answer.status, answer.headers)
    return Response(json.dumps(answer.body).encode(), answer.status, answer.headers, "application/json; charset=utf-8")


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise wrong("a JSON object is expected")
    return parsed


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        # What is too long is cut off; it is no JSON then.
        body += chunk[: _BODY_LIMIT_BYTES - len(body)]
    return bytes(body)
