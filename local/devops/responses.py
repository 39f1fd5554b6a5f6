"""HTTP responses: JSON in the service's dress, refusals, and the answers for who is not signed in."""

import json
import uuid
from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from local.devops.auth import SIGN_IN_PAGE
from local.devops.calls import Answer
from local.devops.errors import ServiceError
from local.devops.visits import Visit

_HTML = "text/html; charset=utf-8"


def json_response(answer: Answer, version: str, extra: Mapping[str, str]) -> Response:
    """Return what a handler answered.

    Args:
        answer: the handler's.
        version: the api-version that it is in.
        extra: further headers.
    """
    headers = {"ActivityId": str(uuid.uuid4()), "Cache-Control": "no-cache", **answer.headers, **extra}
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, headers, answer.content_type)
    if answer.body is None:
        return Response(b"", answer.status, headers)
    body = json.dumps(answer.body).encode()
    return Response(body, answer.status, headers, f"application/json; charset=utf-8; api-version={version}")


def error_response(refused: ServiceError, extra: Mapping[str, str] | None = None) -> Response:
    """Return a refusal as JSON.

    Args:
        refused: why.
        extra: further headers.
    """
    headers = {"ActivityId": str(uuid.uuid4()), **refused.headers, **(extra or {})}
    body = json.dumps(refused.body()).encode()
    return Response(body, refused.status, headers, "application/json; charset=utf-8")


def git_error(refused: ServiceError) -> Response:
    """Return a refusal as git shows it to people.

    Args:
        refused: why.
    """
    return Response(refused.message.encode(), refused.status, media_type="text/plain; charset=utf-8")


def sign_in(visit: Visit, organisation_url: str) -> Response:
    """Answer a REST call without good credentials: a page with status 203, or a redirect for who can follow it.

    Args:
        visit: the request.
        organisation_url: where the sign-in page is.
    """
    return sign_in_redirect(organisation_url) if visit.wants_html else sign_in_page(203)


def sign_in_page(status: int) -> Response:
    """Return the sign-in page.

    Args:
        status: 203 in place of an answer, 200 on its own address.
    """
    return Response(SIGN_IN_PAGE.encode(), status, media_type=_HTML)


def sign_in_redirect(organisation_url: str) -> Response:
    """Return the redirect to the sign-in page.

    Args:
        organisation_url: where it is.
    """
    return RedirectResponse(f"{organisation_url}_signin", status_code=302)


def git_sign_in(organisation_url: str) -> Response:
    """Answer a git client without good credentials.

    Args:
        organisation_url: names the realm.
    """
    return Response(b"", 401, {"WWW-Authenticate": f'Basic realm="{organisation_url}"'})


def page(html: str, headers: Mapping[str, str], status: int = 200) -> Response:
    """Return a page for people.

    Args:
        html: the page.
        headers: its security headers.
        status: HTTP status code.
    """
    return Response(html.encode(), status, dict(headers), _HTML)


def malformed() -> Response:
    """Return an answer whose JSON breaks off."""
    return Response(b'{"count": 1, "value": [{"id": ', 200, media_type="application/json; charset=utf-8")
