"""The way of a request: who, whether something goes wrong on purpose, throttling, version, handler, answer."""

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from local.devops import (
    git_http,
    items,
    page_builds,
    page_parts,
    pages,
    responses,
    rest_build,
    rest_build_logs,
    rest_checks,
    rest_core,
    rest_directory,
    rest_git,
    rest_hook_history,
    rest_hooks,
    rest_plans,
    rest_policy,
    rest_pull_requests,
    rest_security,
    rest_threads,
)
from local.devops.auth import authenticate
from local.devops.builds import build
from local.devops.calls import Answer, Call
from local.devops.delivery import Delivery
from local.devops.errors import ServiceError, pull_request_not_found
from local.devops.limits import Limits
from local.devops.records import Token
from local.devops.routing import Router
from local.devops.simulation import Journal, Simulation
from local.devops.state import Organisation
from local.devops.versions import accepted_version, requested_version
from local.devops.visits import Kind, Visit, visit
from local.http.connections import hang, reset
from local.http.faults import Fault

_BODY_LIMIT_BYTES: Final = 32 << 20
_RECORDED: Final = frozenset({Kind.REST, Kind.GIT, Kind.DISCOVERY})
_MODULES: Final = (
    rest_core,
    rest_git,
    items,
    rest_pull_requests,
    rest_threads,
    rest_policy,
    rest_hooks,
    rest_hook_history,
    rest_build,
    rest_build_logs,
    rest_plans,
    rest_checks,
    rest_security,
    rest_directory,
)

_log = logging.getLogger(__name__)

type Performance = Callable[[], Awaitable[Response]]


class Gateway:
    """The ASGI application below every path."""

    def __init__(self, organisation: Organisation, delivery: Delivery) -> None:
        """Put the routes together.

        Args:
            organisation: what is served.
            delivery: its hooks.
        """
        self._organisation = organisation
        self._router = Router(route for module in _MODULES for route in module.ROUTES)
        self._limits = Limits(organisation.clock)
        self._journal = Journal()
        self._simulation = Simulation(delivery, self._limits, self._journal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        seen = visit(request, self._organisation.name)
        token = authenticate(self._organisation, seen.headers.get("authorization"))
        status = 0
        try:
            response = await self._with_faults(request, seen, token)
            status = response.status_code
        except (ConnectionResetError, ClientDisconnect):
            return
        finally:
            if seen.kind in _RECORDED:
                self._note(seen, token, status)
        await response(scope, receive, send)

    def _note(self, seen: Visit, token: Token | None, status: int) -> None:
        # A status of 0 stands for a connection that ended without an answer.
        self._journal.note(
            {
                "method": seen.method,
                "path": seen.path,
                "query": seen.raw_query,
                "status": status,
                "identity": token.identity.unique_name if token else None,
                "at": self._organisation.clock.stamp(),
            }
        )

    async def _with_faults(self, request: Request, seen: Visit, token: Token | None) -> Response:
        async def perform() -> Response:
            return await self._answer(request, seen, token)

        if seen.kind not in _RECORDED:
            return await perform()
        fault = self._organisation.faults.for_call(f"{seen.method} {seen.path}")
        if fault is None:
            return await perform()
        return await self._faulty(request, fault, perform)

    async def _faulty(self, request: Request, fault: Fault, perform: Performance) -> Response:
        if fault.kind == "retry_after_200":
            response = await perform()
            response.headers["Retry-After"] = f"{fault.seconds:g}"
            return response
        done = await perform() if fault.after else None
        match fault.kind:
            case "delay":
                await asyncio.sleep(fault.seconds)
                return done or await perform()
            case "hang":
                await hang(request.scope, fault.seconds)
            case "reset":
                reset(request.scope)
            case "html203":
                return responses.sign_in_page(203)
            case "redirect302":
                return responses.sign_in_redirect(self._organisation.url)
            case "malformed":
                return responses.malformed()
        message = "TF400733: The request has been canceled: a fault was asked for."
        refused = ServiceError(fault.status, "SimulatedFaultException", message, headers=fault.retry_after)
        return responses.error_response(refused)

    async def _answer(self, request: Request, seen: Visit, token: Token | None) -> Response:
        try:
            match seen.kind:
                case Kind.INDEX | Kind.PAGE | Kind.BUILD_PAGE:
                    return await run_in_threadpool(self._page, seen, token)
                case Kind.SIGN_IN:
                    return responses.sign_in_page(200)
                case Kind.ELSEWHERE:
                    return responses.page("<h1>404: there is no such organisation</h1>", page_parts.HEADERS, 404)
                case Kind.GIT:
                    return await self._git(request, seen, token)
                case Kind.SIMULATION:
                    return await self._simulate(request, seen, token)
                case _:
                    return await self._rest(request, seen, token)
        except ServiceError as refused:
            return responses.error_response(refused)
        except (ClientDisconnect, ConnectionResetError):
            raise
        except Exception:  # noqa: BLE001 - a bug of ours is answered as one: connection and record stay whole
            _log.exception("%s %s", seen.method, seen.path)
            return responses.error_response(ServiceError(500, "Exception", "The simulator failed; its log says how."))

    def _page(self, seen: Visit, token: Token | None) -> Response:
        # Pages may be looked at from this machine without a token: a browser has none to send.
        if token is None and not seen.on_loopback:
            return responses.sign_in(seen, self._organisation.url)
        if seen.kind is Kind.INDEX:
            return responses.page(pages.index_page(self._organisation), page_parts.HEADERS)
        if seen.kind is Kind.BUILD_PAGE:
            number = seen.query.get("buildid", "")
            found_build = build(self._organisation, self._organisation.project(seen.segments[0]), number)
            return responses.page(page_builds.build_page(self._organisation, found_build), page_parts.HEADERS)
        project, _, repository, _, number = seen.segments
        found = self._organisation.repository(repository, self._organisation.project(project))
        pull_request = self._organisation.pull_requests.get(number)
        if pull_request is None or pull_request.repository_id != found.id:
            raise pull_request_not_found()
        return responses.page(pages.pull_request_page(self._organisation, pull_request), page_parts.HEADERS)

    async def _git(self, request: Request, seen: Visit, token: Token | None) -> Response:
        if token is None:
            return responses.git_sign_in(self._organisation.url)
        # The response streams from git; the request is closed once git has read it.
        with tempfile.SpooledTemporaryFile(git_http.SPOOLED_BYTES) as body:
            async for chunk in request.stream():
                body.write(chunk)
            body.seek(0)
            try:
                answer = await run_in_threadpool(self._serve_git, seen, token, body)
            except ServiceError as refused:
                return responses.git_error(refused)
        return StreamingResponse(answer.body, answer.status, answer.headers)

    def _serve_git(self, seen: Visit, token: Token, body: tempfile.SpooledTemporaryFile[bytes]) -> git_http.GitAnswer:
        named, repository, rest = seen.git_place()
        # Without a project the repository has the project's name.
        project = self._organisation.project(named or repository)
        request = git_http.GitRequest(seen.method, rest, seen.raw_query, seen.headers, body)
        return git_http.serve(self._organisation, self._organisation.repository(repository, project), token, request)

    async def _simulate(self, request: Request, seen: Visit, token: Token | None) -> Response:
        if token is None:
            raise ServiceError(401, "UnauthorizedRequestException", "a token is needed")
        content = await _body(request)
        call = Call(self._organisation, token, seen.method, seen.path, {}, seen.query, seen.headers, content)
        return responses.json_response(await run_in_threadpool(self._simulation.answer, call), "7.1", {})

    async def _rest(self, request: Request, seen: Visit, token: Token | None) -> Response:
        if token is None:
            return responses.sign_in(seen, self._organisation.url)
        charge = self._limits.charge(token.identity.id)
        if charge.blocked:
            message = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource."
            area = "Microsoft.TeamFoundation.Framework.Server"
            return responses.error_response(ServiceError(429, "RequestBlockedException", message, area, charge.headers))
        if seen.kind is Kind.DISCOVERY:
            listed = self._router.discovery()
            return responses.json_response(Answer({"count": len(listed), "value": listed}), "7.1", charge.headers)
        content = await _body(request)
        try:
            return await run_in_threadpool(self._handle, seen, token, content, charge.headers)
        except ServiceError as refused:
            return responses.error_response(refused, charge.headers)

    def _handle(self, seen: Visit, token: Token, content: bytes, extra: dict[str, str]) -> Response:
        route, values = self._router.find(seen.method, seen.segments)
        asked = requested_version(seen.query, seen.headers.get("accept", ""))
        version = accepted_version(seen.method, asked, route.resource.version)
        if content:
            route.check_content_type(seen.headers.get("content-type", ""))
        call = Call(self._organisation, token, seen.method, seen.path, values, seen.query, seen.headers, content)
        return responses.json_response(route.handler(call), version, extra)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT_BYTES:
            message = "Maximum request length exceeded."
            raise ServiceError(413, "HttpRequestMaxLengthExceededException", message)
    return bytes(body)
