"""The REST API: jobs, their executions, and the outcomes of orders."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from local.arm.errors import Refused, wrong
from local.arm.executions import Executions
from local.arm.identity import MANAGEMENT, Caller
from local.arm.jobs import Job, Jobs
from local.arm.operations import Operations

_PAGE: Final = 20
"""Executions on a page of the list."""
_JOB: Final = r"(?P<job>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.App/jobs/[^/]+)"
_OUTCOMES: Final = "providers/Microsoft.App/locations/local/containerappOperationResults"
_VERSIONS: Final = {"2025-01-01": False, "2025-02-02-preview": True}
"""What can be asked for, and whether executions tell of their containers in it; the first is the deployment's own.

Others are refused, newer ones too: a version is published before it is registered everywhere, and the SDK's default may
be one that Azure does not know yet (azure-sdk-for-python, issue 49044). What the stable one leaves out the preview has:
``detailed_status`` in the release notes of azure-mgmt-appcontainers 4.0.0b1.
"""
_AUDIENCES: Final = {MANAGEMENT, "https://management.core.windows.net"}


@dataclass(frozen=True)
class Call:
    """A request.

    Attributes:
        method: HTTP method.
        path: decoded.
        query: by name.
        body: as it came.
        accept_seconds: where set, a start is answered with 202, and its outcome is known only after so many seconds.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""
    accept_seconds: float | None = None


@dataclass(frozen=True)
class Answer:
    """A response; no body where it is None."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


type _Handler = Callable[[Call, re.Match[str]], Answer]


class Rest:
    """Answers calls."""

    def __init__(self, jobs: Jobs, executions: Executions, base_url: str) -> None:
        """Put the routes together.

        Args:
            jobs: the jobs.
            executions: their executions.
            base_url: where the stand-in is, with a slash at the end.
        """
        self._jobs = jobs
        self._executions = executions
        self._operations = Operations()
        self._base_url = base_url
        handlers: list[tuple[str, str, str, _Handler]] = [
            ("GET", _JOB, "jobs/read", self._job),
            ("PUT", _JOB, "jobs/write", self._put_job),
            ("POST", rf"{_JOB}/start", "jobs/start/action", self._start),
            ("GET", rf"{_JOB}/executions", "jobs/executions/read", self._list),
            ("GET", rf"{_JOB}/executions/(?P<name>[^/]+)", "jobs/execution/read", self._execution),
            ("POST", rf"{_JOB}/executions/(?P<name>[^/]+)/stop", "jobs/stop/execution/action", self._stop),
            ("GET", rf"/subscriptions/[^/]+/{re.escape(_OUTCOMES)}/(?P<number>[^/]+)", "outcomes/read", self._outcome),
        ]
        self._routes = [
            (method, re.compile(path, re.IGNORECASE), action, handler) for method, path, action, handler in handlers
        ]

    def answer(self, call: Call, caller: Caller) -> Answer:
        """Carry a call out.

        Args:
            call: the call.
            caller: who calls.

        Raises:
            Refused: it is not one that is carried out.
        """
        _check_version(call.query.get("api-version", ""))
        for method, path, action, handler in self._routes:
            if method == call.method and (match := path.fullmatch(call.path)):
                _check(caller, f"Microsoft.App/{action}", call.path)
                return handler(call, match)
        raise Refused(404, "InvalidResourceType", f"The resource type could not be found: {call.method} {call.path}")

    def _job(self, _: Call, match: re.Match[str]) -> Answer:
        return Answer(200, self._found(match).shown())

    def _put_job(self, call: Call, match: re.Match[str]) -> Answer:
        try:
            body = json.loads(call.body)
        except ValueError:
            raise Refused(400, "InvalidRequestContent", "The request content was invalid: it is not JSON.") from None
        job, is_new = self._jobs.put(match["job"], body)
        return Answer(201 if is_new else 200, job.shown())

    def _start(self, call: Call, match: re.Match[str]) -> Answer:
        if call.body.strip():
            # Azure would run what is sent in place of the job's own template, without its volumes.
            raise wrong("here a job is started as it stands: a template in the body is not taken")
        job = self._found(match)
        name = self._executions.start(job)
        started = {"id": f"{job.id}/executions/{name}", "name": name}
        if call.accept_seconds is None:
            return Answer(200, started)
        number = self._operations.add(call.accept_seconds, started)
        return Answer(202, None, {"Location": self._place_of(job.id.split("/")[2], number, call)})

    def _list(self, call: Call, match: re.Match[str]) -> Answer:
        if "$filter" in call.query:
            raise wrong("what $filter takes is not documented; it is not taken here")
        job, skip = self._found(match), call.query.get("$skiptoken", "0")
        executions, first = self._executions.of(job, details=_details(call)), int(skip) if skip.isdecimal() else 0
        page: dict[str, Any] = {"value": executions[first : first + _PAGE]}
        if first + _PAGE < len(executions):
            query = urlencode({"api-version": call.query["api-version"], "$skiptoken": first + _PAGE})
            page["nextLink"] = f"{self._base_url}{match['job'][1:]}/executions?{query}"
        return Answer(200, page)

    def _execution(self, call: Call, match: re.Match[str]) -> Answer:
        found = self._executions.one(self._found(match), match["name"], details=_details(call))
        if found is None:
            raise _no_execution(match["name"])
        return Answer(200, found)

    def _stop(self, _: Call, match: re.Match[str]) -> Answer:
        if not self._executions.stop(self._found(match), match["name"]):
            raise _no_execution(match["name"])
        return Answer(202)

    def _outcome(self, call: Call, match: re.Match[str]) -> Answer:
        try:
            outcome = self._operations.outcome(match["number"])
        except KeyError:
            raise Refused(404, "OperationNotFound", "There is no such operation.") from None
        if outcome is None:
            return Answer(202, None, {"Location": self._place_of(call.path.split("/")[2], match["number"], call)})
        return Answer(200, outcome)

    def _found(self, match: re.Match[str]) -> Job:
        return self._jobs.get(match["job"])

    def _place_of(self, subscription: str, number: str, call: Call) -> str:
        query = urlencode({"api-version": call.query["api-version"]})
        return f"{self._base_url}subscriptions/{subscription}/{_OUTCOMES}/{number}?{query}"


def _check_version(asked: str) -> None:
    if not asked:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise Refused(400, "MissingApiVersionParameter", message)
    if asked not in _VERSIONS:
        message = (
            f"No registered resource provider found for location 'local' and API version '{asked}' for type 'jobs'. "
            f"The supported api-versions are '{', '.join(_VERSIONS)}'."
        )
        raise Refused(400, "NoRegisteredProviderFound", message)


def _details(call: Call) -> bool:
    return _VERSIONS[call.query["api-version"]]


def _check(caller: Caller, action: str, scope: str) -> None:
    if caller.audience not in _AUDIENCES:
        raise Refused(401, "InvalidAuthenticationTokenAudience", f"The token is for {caller.audience!r}.")
    if caller.name != "app":
        message = (
            f"The client '{caller.name}' does not have authorization to perform action '{action}' over scope '{scope}'"
            " or the scope is invalid."
        )
        raise Refused(403, "AuthorizationFailed", message)


def _no_execution(name: str) -> Refused:
    return Refused(404, "JobExecutionNotFound", f"The job execution '{name}' was not found.")
