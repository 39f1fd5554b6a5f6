"""The way of a request: which door, whether something goes wrong on purpose, handler, answer."""

import asyncio
import json
import logging
import tempfile
from typing import IO, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from local.http.connections import hang, reset
from local.registry.answers import Answer, Call, json_answer
from local.registry.data_endpoint import DataEndpoint
from local.registry.distribution import Distribution
from local.registry.errors import Refused
from local.registry.faults import UPON, RegistryFault, RegistryFaults
from local.registry.guard import Guard, split_header
from local.registry.issuing import PATHS, Issuer
from local.registry.journal import Journal
from local.registry.names import is_digest
from local.registry.sending import send_answer
from local.registry.spoiling import instead, refusal, spoilt

FAULTS_PATH: Final = "/_faults"
CALLS_PATH: Final = "/_calls"
_SPOOLED_BYTES: Final = 1 << 20

_log = logging.getLogger(__name__)


class Gateway:
    """The ASGI application below every path, behind both doors."""

    def __init__(
        self, distribution: Distribution, issuer: Issuer, guard: Guard, data: DataEndpoint, data_port: int
    ) -> None:
        """Put it together.

        Args:
            distribution: the API.
            issuer: gives tokens.
            guard: knows people by their credentials.
            data: the second door.
            data_port: where the second door is.
        """
        self.faults = RegistryFaults()
        self.journal = Journal()
        self._distribution = distribution
        self._issuer = issuer
        self._guard = guard
        self._data = data
        self._data_port = data_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        status = 0
        try:
            with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as body:
                async for chunk in request.stream():
                    body.write(chunk)
                body.seek(0)
                call = _call(request, body)
                fault = None if _own(call) else self.faults.for_call(f"{call.method} {call.path}")
                answer = await self._with_fault(request, call, fault)
            status = answer.status
        except (ConnectionResetError, ClientDisconnect):
            return
        finally:
            self._note(request, status)
        await send_answer(scope, send, answer, fault)

    def _note(self, request: Request, status: int) -> None:
        if request.url.path in {FAULTS_PATH, CALLS_PATH}:
            return
        scheme = split_header(request.headers.get("authorization", ""))[0]
        door = "data" if self._at_data(request) else "registry"
        facts = {"door": door, "method": request.method, "path": request.url.path}
        self.journal.note({**facts, "credentials": scheme or None, "status": status})

    def _at_data(self, request: Request) -> bool:
        server = request.scope["server"]
        return server is not None and server[1] == self._data_port

    async def _with_fault(self, request: Request, call: Call, fault: RegistryFault | None) -> Answer:
        async def perform() -> Answer:
            return await run_in_threadpool(self._answer, call, request.url.query, at_data=self._at_data(request))

        if fault is None:
            return await perform()
        if fault.kind in UPON:
            answer = await perform()
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            return await run_in_threadpool(spoilt, fault, answer, self._data_link(call))
        if fault.after:
            await perform()
        if fault.kind == "hang":
            await hang(request.scope, fault.seconds)
        if fault.kind == "reset":
            reset(request.scope)
        return instead(fault)

    def _data_link(self, call: Call) -> str:
        digest = call.path.rpartition("/blobs/")[2]
        return self._data.link(digest) if is_digest(digest) else self._data.without_link(call.path)

    def _answer(self, call: Call, raw_query: str, *, at_data: bool) -> Answer:
        try:
            return self._carried_out(call, raw_query, at_data=at_data)
        except Refused as refused:
            return refusal(refused)
        except Exception:  # noqa: BLE001 - a bug of ours is answered as one: connection and record stay whole
            _log.exception("%s %s", call.method, call.path)
            return refusal(Refused(500, "UNKNOWN", "the registry failed; its log says how"))

    def _carried_out(self, call: Call, raw_query: str, *, at_data: bool) -> Answer:
        if at_data:
            return self._data.answer(call)
        if _own(call):
            return self._simulate(call)
        if call.path in PATHS:
            return self._issuer.answer(call, raw_query)
        if call.path == "/v2" or call.path.startswith("/v2/"):
            return self._distribution.answer(call)
        raise Refused(404, "NAME_INVALID", "there is nothing at this path")

    def _simulate(self, call: Call) -> Answer:
        """Answer the routes that are the stand-in's own; they want a user's name and password."""
        scheme, value = split_header(call.authorization)
        if scheme != "basic" or self._guard.by_basic(value) is None:
            raise Refused(401, "UNAUTHORIZED", "a user's name and password are needed")
        match call.method, call.path:
            case "GET", path if path == FAULTS_PATH:
                return json_answer({"value": self.faults.listing()})
            case "POST", path if path == FAULTS_PATH:
                return json_answer(self.faults.add(_json(call.body)), 201)
            case "DELETE", path if path == FAULTS_PATH:
                self.faults.clear()
                return Answer(204)
            case "GET", path if path == CALLS_PATH:
                return json_answer({"value": self.journal.listing()})
        raise Refused(405, "UNSUPPORTED", f"{call.method} is not for {call.path}")


def _call(request: Request, body: IO[bytes]) -> Call:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        # A header that stands on several lines is one list (RFC 9110, section 5.3).
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return Call(request.method, request.url.path, dict(request.query_params), headers, body)


def _own(call: Call) -> bool:
    return call.path in {FAULTS_PATH, CALLS_PATH}


def _json(body: IO[bytes]) -> dict[str, Any]:
    try:
        parsed = json.load(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refused(400, "UNSUPPORTED", "a JSON object is expected")
    return parsed
