"""What Azure Resource Manager says when it does not do what it was asked, as a runner's errors."""

import re
from http import HTTPStatus
from typing import Final

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from scan_core.runner.api import RunnerError

LONGEST_WAIT_SECONDS: Final = 300.0
"""No answer, however odd, keeps workers from being started for longer."""
_WAIT_SECONDS: Final = 10.0
"""After 429 without a usable Retry-After."""
_PASSING: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
_CODE: Final = re.compile(r"[A-Za-z0-9_.]{1,80}")
_ACTION: Final = re.compile(r"'(Microsoft\.App/[A-Za-z/]{1,100})'")
"""AuthorizationFailed names the action that was refused ("Troubleshoot Azure RBAC")."""


def refusal(error: AzureError | ValueError, doing: str, job: str) -> RunnerError:
    """Say why Azure did not do what it was asked.

    Args:
        error: What the SDK raised; ValueError where it could not read the answer.
        doing: What was asked, such as ``start a worker``.
        job: The job's name.

    Returns:
        The error. Its sentence holds Azure's code and never its text, which may repeat what was sent.
    """
    status = _status(error)
    if status is None:
        return RunnerError(_without_answer(error, doing), transient=True)
    passing = status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return RunnerError(
        f"Azure did not {doing} ({_named(status, error)}){_advice(status, error, job)}", transient=passing
    )


def wait_seconds(error: AzureError | ValueError) -> float:
    """Tell how long Azure asks to be left alone.

    Args:
        error: As for `refusal`.

    Returns:
        Seconds; 0 where it does not ask for it. 429 always does, 5xx only with a Retry-After.
    """
    status = _status(error)
    throttled = status == HTTPStatus.TOO_MANY_REQUESTS
    if status is None or (not throttled and status < HTTPStatus.INTERNAL_SERVER_ERROR):
        return 0.0
    headers = getattr(getattr(error, "response", None), "headers", {})
    asked = str(headers.get("Retry-After", "")).strip()
    # Resource Manager writes whole seconds ("Understand how Azure Resource Manager throttles requests").
    seconds = float(asked) if re.fullmatch(r"[0-9]{1,6}", asked) else 0.0
    return min(seconds or (_WAIT_SECONDS if throttled else 0.0), LONGEST_WAIT_SECONDS)


def is_refused_as_it_stands(error: AzureError | ValueError) -> bool:
    """Tell whether Azure refused because of the state that something is in.

    Args:
        error: As for `refusal`.

    Returns:
        Whether what was asked for may hold already.
    """
    return _status(error) in {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT}


def _status(error: AzureError | ValueError) -> int | None:
    """Give the status of a refusal; None also where the answer was no refusal, and of no use all the same."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return status if status is not None and status >= HTTPStatus.BAD_REQUEST else None


def _without_answer(error: AzureError | ValueError, doing: str) -> str:
    if isinstance(error, ClientAuthenticationError):
        return (
            f"Azure was not asked to {doing}: the app's managed identity gave no token. "
            "Check that it is assigned to the app, and SCANGATE_IDENTITY_CLIENT_ID."
        )
    if isinstance(error, ServiceRequestError):
        return f"Azure could not be reached to {doing}."
    if isinstance(error, ServiceResponseError):
        return f"Azure was asked to {doing} and gave no answer in time; it may have done it."
    return f"Azure was asked to {doing}, and its answer is of no use ({type(error).__name__}); it may have done it."


def _named(status: int, error: AzureError | ValueError) -> str:
    detail = getattr(error, "error", None)
    code = getattr(detail, "code", None)
    return f"{status} {code}" if isinstance(code, str) and _CODE.fullmatch(code) else str(status)


def _advice(status: int, error: AzureError | ValueError, job: str) -> str:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return ": it does not know the app's identity. Check SCANGATE_IDENTITY_CLIENT_ID."
        case HTTPStatus.FORBIDDEN:
            action = _ACTION.search(str(error))
            missing = f" with the action {action[1]}" if action else ""
            return f": the app's identity needs a role{missing} on the job {job}."
        case HTTPStatus.NOT_FOUND:
            return f": there is no job {job}. Check SCANGATE_JOB_RESOURCE_ID."
        case HTTPStatus.TOO_MANY_REQUESTS:
            return f": it was asked too often, and wants {wait_seconds(error):.0f} seconds of quiet."
        case _:
            return "."
