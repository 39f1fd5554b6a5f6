"""From an answer that is no success to a typed error."""

import json
import re
from collections.abc import Mapping
from typing import Any

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind

_MESSAGE_CHARACTERS = 200
_TYPE_KEY = re.compile(r"[A-Za-z0-9_.]{1,100}")
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")

_BY_STATUS = {
    203: DevOpsErrorKind.SIGNED_OUT,
    401: DevOpsErrorKind.SIGNED_OUT,
    403: DevOpsErrorKind.FORBIDDEN,
    404: DevOpsErrorKind.NOT_FOUND,
    408: DevOpsErrorKind.TIMED_OUT,
    409: DevOpsErrorKind.CONFLICT,
    429: DevOpsErrorKind.THROTTLED,
}

_WORDS = {
    DevOpsErrorKind.SIGNED_OUT: "Azure DevOps did not accept the credential; check that it is valid and a member's",
    DevOpsErrorKind.FORBIDDEN: "Azure DevOps refused it",
    DevOpsErrorKind.NOT_FOUND: "Azure DevOps does not have it or does not show it to this identity",
    DevOpsErrorKind.CONFLICT: "Azure DevOps reports a conflict",
    DevOpsErrorKind.REJECTED: "Azure DevOps rejected the request",
    DevOpsErrorKind.THROTTLED: "Azure DevOps limits the rate of calls",
    DevOpsErrorKind.UNAVAILABLE: "Azure DevOps is not available",
    DevOpsErrorKind.TIMED_OUT: "Azure DevOps gave up waiting for the request",
    DevOpsErrorKind.MALFORMED: "Azure DevOps gave an answer outside HTTP's successes and errors",
}


def kind_of(status: int, headers: Mapping[str, str]) -> DevOpsErrorKind | None:
    """Tell from status and headers what an answer means.

    A bad credential often gets 203 or 302 with a sign-in page in place of 401 ("Azure DevOps Services REST API
    reference", learn.microsoft.com), so those and any HTML in place of an answer count as signed out.

    Args:
        status: The HTTP status.
        headers: The answer's headers, found without regard to case.

    Returns:
        The kind of error; None for an answer to be read.
    """
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:  # noqa: PLR2004 (the classes of HTTP statuses, RFC 9110, 15)
        return DevOpsErrorKind.SIGNED_OUT
    if 400 <= status < 500:  # noqa: PLR2004 (as above)
        return DevOpsErrorKind.REJECTED
    if status == 503 and "Retry-After" in headers:  # noqa: PLR2004 (as above)
        return DevOpsErrorKind.THROTTLED
    if 500 <= status < 600:  # noqa: PLR2004 (as above)
        return DevOpsErrorKind.UNAVAILABLE
    if not 200 <= status < 300:  # noqa: PLR2004 (as above)
        return DevOpsErrorKind.MALFORMED
    return DevOpsErrorKind.SIGNED_OUT if is_page(headers) else None


def is_page(headers: Mapping[str, str]) -> bool:
    """Tell a page for people from an answer.

    Args:
        headers: The answer's headers, found without regard to case.

    Returns:
        Whether the content type is HTML.
    """
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return media_type in {"text/html", "application/xhtml+xml"}


def refusal(
    kind: DevOpsErrorKind, doing: str, status: int, body: bytes | None, *, retry_after: float | None, secret: str
) -> DevOpsError:
    """Make the error for an answer that is no success.

    Args:
        kind: What the answer means.
        doing: What was being done, in words, such as ``reading pull request 7``.
        status: The HTTP status.
        body: The answer's body; None where it was too large to be read.
        retry_after: Seconds that the answer asks to wait.
        secret: The credential that was sent; never shown, should the answer repeat it.

    Returns:
        The error, with Azure DevOps' own message (capped, on one line, without links) where it gave one.
    """
    message, type_key = _complaint(body)
    named = f"{status} {type_key}" if type_key else str(status)
    sentence = f"{doing}: {_WORDS[kind]} ({named})"
    said = _one_line(message, secret)
    return DevOpsError(
        kind, f"{sentence}: {said}" if said else sentence, status=status, type_key=type_key, retry_after=retry_after
    )


def _complaint(body: bytes | None) -> tuple[str, str | None]:
    """Read message and type key, from the service's usual form or that of its controllers' own exceptions."""
    try:
        document: Any = json.loads(body or b"")
    except (ValueError, RecursionError):
        return "", None
    if not isinstance(document, dict):
        return "", None
    inner = document.get("value")
    message = document.get("message") or (inner.get("Message") if isinstance(inner, dict) else None)
    type_key = document.get("typeKey")
    known = type_key if isinstance(type_key, str) and _TYPE_KEY.fullmatch(type_key) else None
    return message if isinstance(message, str) else "", known


def _one_line(message: str, secret: str) -> str:
    """Make a stranger's message fit for a log line and a status."""
    hidden = message.replace(secret, "…") if secret else message
    printable = "".join(letter if letter.isprintable() else " " for letter in _LINK.sub("…", hidden))
    line = " ".join(printable.split())
    return line if len(line) <= _MESSAGE_CHARACTERS else line[: _MESSAGE_CHARACTERS - 1] + "…"
