"""The headers of a check: which plan, job and task wait, and the token that answers them. Read strictly.

Their names and variables are those of Microsoft, "Invoke Azure Function / REST API checks" and "AzureFunction@1"; only
``BuildId`` is not among the defaults.
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from scan_core.intake.check_refusal import CheckRefused, WhyNot
from scan_core.intake.payload import Unwanted, parse
from scan_core.model.ids import BuildId

type Headers = Mapping[str, str]
"""By their names in lower case."""

HUBS: Final = ("build", "checks", "gates", "release", "deployment")
"""Values of ``system.HostType``: Microsoft, "Use predefined variables" (build), "Classic release variables"
(deployment, gates, release) and, for checks on resources, "Invoke Azure Function / REST API checks"."""

_VARIABLES: Final = {
    "PlanUrl": "$(system.CollectionUri)",
    "ProjectId": "$(system.TeamProjectId)",
    "HubName": "$(system.HostType)",
    "PlanId": "$(system.PlanId)",
    "JobId": "$(system.JobId)",
    "TimelineId": "$(system.TimelineId)",
    "TaskInstanceId": "$(system.TaskInstanceId)",
    "AuthToken": "$(system.AccessToken)",
    "BuildId": "$(build.BuildId)",
}
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_LARGEST_NUMBER = 2**31 - 1
"""Azure DevOps numbers builds in a 32-bit integer (Build REST 7.1, Build)."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
"""Bearer tokens as RFC 6750 writes them. What is in one is its issuer's business, but for its end."""
_LONGEST_TOKEN = 8192
"""Sealed it has to fit into a queue's message, beside the images that a check may name."""
_JWT_PARTS = 3


def required(headers: Headers, name: str) -> str:
    """Read a header that has to be there.

    Args:
        headers: The request's headers.
        name: Which.

    Returns:
        Its value, without blanks around it.

    Raises:
        CheckRefused: It is not there, or its variable was not replaced.
    """
    value = optional(headers, name)
    if value is None:
        raise CheckRefused(WhyNot.MISSING_HEADER, name, f"the header {name}: {_VARIABLES[name]}")
    return value


def optional(headers: Headers, name: str) -> str | None:
    """Read a header.

    Args:
        headers: The request's headers.
        name: Which.

    Returns:
        Its value, without blanks around it; None where it is absent or empty.

    Raises:
        CheckRefused: Its variable was not replaced.
    """
    value = headers.get(name.lower(), "").strip()
    if "$(" in value:
        expected = f"the value of {_VARIABLES[name]}, which Azure Pipelines does not know here or which is misspelt"
        raise CheckRefused(WhyNot.NOT_REPLACED, name, expected)
    return value or None


def guid(headers: Headers, name: str) -> str:
    """Read a header that holds a GUID.

    Args:
        headers: The request's headers.
        name: Which.

    Returns:
        The GUID in lower case.

    Raises:
        CheckRefused: It is not there, or is none.
    """
    return _as_guid(required(headers, name), name)


def timeline(headers: Headers) -> str | None:
    """Read the timeline that log lines can be shown in. Checks are not always told it, and can do without.

    Args:
        headers: The request's headers.

    Returns:
        The GUID in lower case; None where there is none, or its variable was not replaced.

    Raises:
        CheckRefused: It is no GUID.
    """
    if "$(" in headers.get("timelineid", ""):
        return None
    value = optional(headers, "TimelineId")
    return None if value is None else _as_guid(value, "TimelineId")


def hub(headers: Headers) -> str:
    """Read which hub the plan belongs to.

    Args:
        headers: The request's headers.

    Returns:
        One of `HUBS`.

    Raises:
        CheckRefused: It is not there, or is another.
    """
    value = required(headers, "HubName").lower()
    if value not in HUBS:
        raise CheckRefused(WhyNot.UNKNOWN_HUB, "HubName", f"one of {', '.join(HUBS)}: {_VARIABLES['HubName']}")
    return value


def build(headers: Headers) -> BuildId | None:
    """Read which build the check stands in.

    Args:
        headers: The request's headers.

    Returns:
        The build's number; None where the check's author does not send it.

    Raises:
        CheckRefused: It is no such number.
    """
    value = optional(headers, "BuildId")
    if value is None:
        return None
    if not _NUMBER.fullmatch(value) or int(value) > _LARGEST_NUMBER:
        raise CheckRefused(WhyNot.BAD_HEADER, "BuildId", f"a build's number: {_VARIABLES['BuildId']}")
    return BuildId(int(value))


def token(headers: Headers, now: datetime) -> str:
    """Read the token that answers the check.

    Args:
        headers: The request's headers.
        now: The time.

    Returns:
        The token.

    Raises:
        CheckRefused: It is not there, is none, or says itself that it has expired.
    """
    value = required(headers, "AuthToken")
    if len(value) > _LONGEST_TOKEN or not _TOKEN.fullmatch(value):
        expected = f"a token of at most {_LONGEST_TOKEN} characters: {_VARIABLES['AuthToken']}"
        raise CheckRefused(WhyNot.BAD_HEADER, "AuthToken", expected)
    if _expires_at(value) <= now.timestamp():
        expected = f"a token that is still good: {_VARIABLES['AuthToken']} of this very run, good for 48 hours"
        raise CheckRefused(WhyNot.TOKEN_EXPIRED, "AuthToken", expected)
    return value


def _as_guid(value: str, name: str) -> str:
    if not _GUID.fullmatch(value):
        raise CheckRefused(WhyNot.BAD_HEADER, name, f"a GUID: {_VARIABLES[name]}")
    return value.lower()


def _expires_at(value: str) -> float:
    """Read when a JSON Web Token ends (RFC 7519, ``exp``), unverified: it is Azure DevOps that will look at it."""
    parts = value.split(".")
    if len(parts) != _JWT_PARTS:
        return math.inf
    try:
        claims = parse(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, Unwanted):
        return math.inf
    end = claims.get("exp")
    return end if isinstance(end, int | float) and not isinstance(end, bool) else math.inf
