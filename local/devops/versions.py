"""The api-version of a call: where it stands, and when it is refused.

Rules and messages follow "REST API versioning" of the Azure DevOps documentation: a version is required for everything
but GET and OPTIONS, a resource that was never released needs ``-preview``, and what is newer than the service is out of
range.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.devops.errors import WEB_API, ServiceError

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})(-preview(?:\.(\d{1,3}))?)?")
_IN_ACCEPT = re.compile(r"api-version\s*=\s*\"?([^;,\"\s]+)", re.IGNORECASE)

NEWEST = (7, 2)
OLDEST = (1, 0)
RELEASED = (7, 1)


@dataclass(frozen=True)
class ResourceVersion:
    """What versions a resource has.

    Attributes:
        newest_preview: number of its newest preview.
        released: whether it ever left preview.
    """

    newest_preview: int = 1
    released: bool = True


def requested_version(query: Mapping[str, str], accept: str) -> str | None:
    """Return the version that a call asks for, or nothing.

    Args:
        query: parameters by lower-case name.
        accept: the Accept header.
    """
    if "api-version" in query:
        return query["api-version"]
    found = _IN_ACCEPT.search(accept)
    return found.group(1) if found else None


def accepted_version(method: str, asked: str | None, resource: ResourceVersion) -> str:
    """Return the version that a call is answered in.

    Args:
        method: of the call.
        asked: what it asks for.
        resource: what there is.

    Raises:
        ServiceError: 400 where the real service refuses.
    """
    if asked is None:
        if method in {"GET", "OPTIONS", "HEAD"}:
            return "7.1" if resource.released else f"7.1-preview.{resource.newest_preview}"
        raise _refusal(
            "VssVersionNotSpecifiedException",
            f'No api-version was supplied for the "{method}" request. The version must be supplied either as part of '
            'the Accept header (e.g. "application/json; api-version=1.0") or as a query parameter '
            '(e.g. "?api-version=1.0").',
        )
    parsed = _VERSION.fullmatch(asked)
    if parsed is None:
        raise _refusal("VssInvalidApiResourceVersionException", f'The api-version "{asked}" is not valid.')
    version = (int(parsed[1]), int(parsed[2]))
    newest = f"{NEWEST[0]}.{NEWEST[1]}"
    if version > NEWEST:
        raise _refusal(
            "VssVersionOutOfRangeException",
            f"The requested REST API version of {parsed[1]}.{parsed[2]} is out of range for this server. "
            f"The latest REST API version this server supports is {newest}.",
        )
    if version < OLDEST:
        message = f'The requested version "{asked}" of the resource is not supported by this server.'
        raise _refusal("VssVersionNotSupportedException", message)
    if parsed[3] is None and (not resource.released or version > RELEASED):
        raise _refusal(
            "VssInvalidPreviewVersionException",
            f'The requested version "{asked}" of the resource is under preview. The -preview flag must be supplied in '
            f'the api-version for such requests. For example: "{asked}-preview"',
        )
    if parsed[4] is not None and int(parsed[4]) > resource.newest_preview:
        raise _refusal(
            "VssVersionOutOfRangeException",
            f"The requested REST API version of {asked} is out of range for this server. "
            f"The latest version of this resource is {newest}-preview.{resource.newest_preview}.",
        )
    return asked


def _refusal(type_key: str, message: str) -> ServiceError:
    return ServiceError(400, type_key, message, WEB_API)
