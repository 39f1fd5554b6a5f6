"""Managed identities: the endpoint that gives their tokens, and who comes with a token.

The endpoint is that of App Service and Container Apps ("How to use managed identities for App Service", REST endpoint
reference, 2019-08-01): whoever knows the secret of a header is the app or the container that it was given to.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.arm.errors import Refused

PATH: Final = "/identity/token"
MANAGEMENT: Final = "https://management.azure.com"
_API_VERSION: Final = "2019-08-01"
_SECONDS: Final = 24 * 3600
"""For how long a token holds."""
_APP: Final = "app"


@dataclass(frozen=True)
class Caller:
    """Whom a token belongs to, and for whom it is meant."""

    name: str
    audience: str


class Identities:
    """Gives and reads tokens. Nothing is stored: what was given before a restart holds after it."""

    def __init__(self, app_header: str) -> None:
        """Know the app.

        Args:
            app_header: the secret that the app sends as ``X-IDENTITY-HEADER``.
        """
        self._app_header = app_header
        self._key = hashlib.sha256(f"tokens {app_header}".encode()).digest()

    def is_app(self, header: str) -> bool:
        """Tell whether a header is the app's.

        Args:
            header: the value of ``X-IDENTITY-HEADER``.
        """
        return hmac.compare_digest(header.encode(), self._app_header.encode())

    def container_header(self, execution: str, client_ids: tuple[str, ...]) -> str:
        """Return the secret for a container that may use identities.

        Args:
            execution: the execution that it belongs to.
            client_ids: the client ids of the identities.
        """
        return self._signed({"execution": execution, "clients": list(client_ids)})

    def answer(self, headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        """Give a token.

        Args:
            headers: the request's, their names in lower case.
            query: the request's.

        Returns:
            The endpoint's answer.

        Raises:
            Refused: there is no token for whoever asks.
        """
        if query.get("api-version") != _API_VERSION:
            raise Refused(400, "UnsupportedApiVersion", f"expected api-version={_API_VERSION}")
        name = self._name(headers.get("x-identity-header", ""), query.get("client_id"))
        resource = query.get("resource", "").rstrip("/")
        if not resource:
            raise Refused(400, "MissingResource", "a resource is expected")
        expires = int(time.time()) + _SECONDS
        token = self._signed({"sub": name, "aud": resource, "exp": expires})
        return {
            "access_token": token,
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": name,
        }

    def caller(self, authorization: str) -> Caller:
        """Read the token of a call.

        Args:
            authorization: the header ``Authorization``.

        Raises:
            Refused: 401, there is none that holds.
        """
        scheme, _, token = authorization.partition(" ")
        known = self._read(token) if scheme.lower() == "bearer" else None
        if known is None or known.get("exp", 0) < time.time():
            challenge = {"WWW-Authenticate": f'Bearer authorization_uri="https://login.microsoftonline.com/{_APP}"'}
            code = "InvalidAuthenticationToken" if token else "AuthenticationFailed"
            raise Refused(
                401, code, "Authentication failed: a token for Azure Resource Manager is expected.", challenge
            )
        return Caller(str(known["sub"]), str(known["aud"]))

    def _name(self, header: str, client_id: str | None) -> str:
        """Find the identity that is asked for; the app has a system-assigned one, containers have others."""
        if self.is_app(header):
            allowed = {None: _APP}
        elif container := self._read(header):
            clients = container.get("clients", [])
            allowed = {client: client for client in clients} | ({None: clients[0]} if len(clients) == 1 else {})
        else:
            raise Refused(401, "Unauthorized", "The header X-IDENTITY-HEADER is not one that was given to anybody.")
        if client_id not in allowed:
            message = (
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
            )
            raise Refused(400, "IdentityNotFound", message)
        return str(allowed[client_id])

    def _signed(self, content: dict[str, Any]) -> str:
        text = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
        return f"{text}.{self._signature(text)}"

    def _signature(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _read(self, signed: str) -> dict[str, Any] | None:
        text, _, signature = signed.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(text).encode()):
            return None
        try:
            content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
        except (ValueError, binascii.Error):
            return None
        return content
