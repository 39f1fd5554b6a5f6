"""Who may make a call, and what is answered to the others.

Missing or worthless credentials: 401 UNAUTHORIZED with a challenge. A token that holds but does not allow the call: 401
with ``error="insufficient_scope"`` in the challenge, as the distribution reference implementation answers ("Token
Authentication Specification"). Known people who may not: 403 DENIED.
"""

import base64
import binascii
from typing import Any, Final, NamedTuple

from local.registry.access import Access, Principal
from local.registry.errors import Refused
from local.registry.names import Scope
from local.registry.tokens import Tokens

TOKEN_USER: Final = "00000000-0000-0000-0000-000000000000"  # noqa: S105 - a user name: a token is its password
"""The user name that says: the password is a token ("Authenticating docker with an ACR refresh token")."""

TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - a path


class Identified(NamedTuple):
    """Somebody whose credentials hold.

    Attributes:
        principal: who.
        within: what a token limits them to; nothing where they came with no access token.
    """

    principal: Principal
    within: tuple[Scope, ...] | None = None

    def allowed(self, wanted: Scope) -> Scope | None:
        """Return the part of a scope that they may have, or nothing.

        Args:
            wanted: what is asked for.
        """
        granted = self.principal.allowed(wanted)
        if granted is None or self.within is None:
            return granted
        limits = [one.actions for one in self.within if one[:2] == wanted[:2]]
        actions = granted.actions & frozenset[str]().union(*limits)
        return granted._replace(actions=actions) if actions else None


class Guard:
    """Lets calls pass, or not."""

    def __init__(self, access: Access, tokens: Tokens, url: str, service: str) -> None:
        """Know everybody.

        Args:
            access: who may do what.
            tokens: reads tokens.
            url: the registry's address, without a slash at the end.
            service: the registry's name.
        """
        self._access = access
        self._tokens = tokens
        self._realm = f"{url}{TOKEN_PATH}"
        self._service = service

    def demand(self, authorization: str, needed: tuple[Scope, ...]) -> None:
        """Let a call pass only with what it needs.

        Args:
            authorization: the header ``Authorization``, or an empty text.
            needed: what the call needs; nothing needs any credentials that hold.

        Raises:
            Refused: 401 or 403.
        """
        scheme, value = split_header(authorization)
        match scheme:
            case "":
                raise self.challenged(needed)
            case "bearer":
                claims = self._tokens.read("access_token", value)
                if claims is None:
                    raise self.challenged(needed, "invalid_token")
                if not all(_covered(one, claims.access) for one in needed):
                    raise self.challenged(needed, "insufficient_scope")
            case "basic":
                known = self.by_basic(value)
                if known is None:
                    raise self.challenged(needed)
                if not all(known.allowed(one) == one for one in needed):
                    raise denied(needed)
            case _:
                raise self.challenged(needed)

    def can_pull(self, authorization: str, scope: Scope) -> bool:
        """Tell whether a call would pass.

        Args:
            authorization: the header ``Authorization``.
            scope: what it needs.
        """
        try:
            self.demand(authorization, (scope,))
        except Refused:
            return False
        return True

    def by_basic(self, value: str) -> Identified | None:
        """Find who comes with a user name and a password, which may be a token.

        Args:
            value: what follows ``Basic``.
        """
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if name != TOKEN_USER:
            principal = self._access.by_password(name, password)
            return Identified(principal) if principal else None
        return self.by_refresh_token(password) or self._by_access_token(password)

    def by_refresh_token(self, token: str) -> Identified | None:
        """Find whose a refresh token is.

        Args:
            token: from a client.
        """
        claims = self._tokens.read("refresh_token", token)
        principal = self._access.by_name(claims.subject) if claims else None
        return Identified(principal) if principal else None

    def challenged(self, needed: tuple[Scope, ...], error: str = "", realm: str = "") -> Refused:
        """Return the refusal that says where to get a token.

        Args:
            needed: what the call needs.
            error: what is wrong with the token that came (RFC 6750, section 3.1).
            realm: another place than the registry's own.
        """
        parts = {"realm": realm or self._realm, "service": self._service}
        if needed:
            parts["scope"] = " ".join(map(str, needed))
        if error:
            parts["error"] = error
        challenge = ",".join(f'{name}="{value}"' for name, value in parts.items())
        message = "authentication required"
        headers = {"WWW-Authenticate": f"Bearer {challenge}"}
        return Refused(401, "UNAUTHORIZED", message, details=_details(needed), headers=headers)

    def _by_access_token(self, token: str) -> Identified | None:
        claims = self._tokens.read("access_token", token)
        if claims is None:
            return None
        principal = self._access.by_name(claims.subject) or self._access.anonymous()
        return Identified(principal, claims.access)


def denied(needed: tuple[Scope, ...]) -> Refused:
    """Return the refusal of somebody who is known and may not.

    Args:
        needed: what they may not do.
    """
    return Refused(403, "DENIED", "requested access to the resource is denied", details=_details(needed))


def split_header(authorization: str) -> tuple[str, str]:
    """Part a header ``Authorization`` into its scheme, in lower case, and the rest.

    Args:
        authorization: the header, or an empty text.
    """
    scheme, _, value = authorization.strip().partition(" ")
    return scheme.lower(), value.strip()


def _covered(needed: Scope, access: tuple[Scope, ...]) -> bool:
    return any(one[:2] == needed[:2] and needed.actions <= one.actions for one in access)


def _details(needed: tuple[Scope, ...]) -> list[Any]:
    return [
        [
            {"Type": scope.kind, "Name": scope.name, "Action": action}
            for scope in needed
            for action in sorted(scope.actions)
        ]
    ]
