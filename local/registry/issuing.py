"""Where tokens are got: ``/oauth2/exchange`` and ``/oauth2/token`` as Azure has them, ``/token`` as elsewhere.

"Azure Container Registry integration with Microsoft Entra", "Azure Container Registry's support of getting Bearer token
using Basic Authentication", and the "Token Authentication Specification" of Docker's distribution. Who may have part of
what is asked for gets a token for that part; who may have nothing of it is refused.
"""

import time
from typing import Final
from urllib.parse import parse_qs

from local.registry.access import Access
from local.registry.answers import Answer, Call, json_answer
from local.registry.errors import Refused
from local.registry.guard import TOKEN_PATH, Guard, Identified, denied, split_header
from local.registry.names import Scope, parse_scopes
from local.registry.tokens import Tokens

EXCHANGE_PATH: Final = "/oauth2/exchange"
PLAIN_PATH: Final = "/token"
PATHS: Final = frozenset({EXCHANGE_PATH, TOKEN_PATH, PLAIN_PATH})
_FORM: Final = "application/x-www-form-urlencoded"
_FORM_LIMIT_BYTES: Final = 1 << 18

type _Form = dict[str, list[str]]


class Issuer:
    """Gives tokens to those who may have them."""

    def __init__(self, access: Access, tokens: Tokens, guard: Guard, service: str) -> None:
        """Know everybody.

        Args:
            access: who may do what.
            tokens: gives tokens.
            guard: knows people by their credentials.
            service: the registry's name, which every request has to give.
        """
        self._access = access
        self._tokens = tokens
        self._guard = guard
        self._service = service

    def answer(self, call: Call, raw_query: str) -> Answer:
        """Answer a request for a token.

        Args:
            call: the request; its path is one of ``PATHS``.
            raw_query: its query as it came, because a scope may be given more than once.

        Raises:
            Refused: there is no token for whoever asks.
        """
        match call.method, call.path:
            case "POST", path if path == EXCHANGE_PATH:
                return self._exchange(_form(call))
            case "POST", path if path == TOKEN_PATH:
                form = _form(call)
                return json_answer({"access_token": self._access_token(form, self._by_form(form))})
            case "GET", path if path != EXCHANGE_PATH:
                query = parse_qs(raw_query)
                token = self._access_token(query, self._by_header(call.authorization))
                return json_answer({"access_token": token} if path == TOKEN_PATH else self._plain(token))
        raise Refused(405, "UNSUPPORTED", f"{call.method} is not for {call.path}")

    def _exchange(self, form: _Form) -> Answer:
        if _one(form, "grant_type") != "access_token":
            raise _unsupported("grant_type is not access_token")
        self._check_service(form)
        principal = self._access.by_entra_token(_one(form, "access_token"))
        if principal is None:
            raise self._unauthorized("the Entra access token is not accepted")
        if not principal.grants:
            raise denied(())
        return json_answer(
            {"refresh_token": self._tokens.give("refresh_token", principal.name, self._access.refresh_seconds)}
        )

    def _access_token(self, parameters: _Form, known: Identified | None) -> str:
        """Give a token for what may be had of the scopes; without scopes, one that only proves who it is."""
        self._check_service(parameters)
        wanted = parse_scopes(parameters.get("scope", []))
        who = known or Identified(self._access.anonymous())
        granted = tuple(one for one in map(who.allowed, wanted) if one)
        if known is None and not granted:
            raise self._unauthorized("authentication required", tuple(wanted))
        if wanted and not granted:
            raise denied(tuple(wanted))
        return self._tokens.give("access_token", who.principal.name, self._access.access_seconds, granted)

    def _by_form(self, form: _Form) -> Identified | None:
        match _one(form, "grant_type"):
            case "refresh_token":
                found = self._guard.by_refresh_token(_one(form, "refresh_token"))
            case "password":
                if not _one(form, "username"):
                    return None
                principal = self._access.by_password(_one(form, "username"), _one(form, "password"))
                found = Identified(principal) if principal else None
            case _:
                raise _unsupported("grant_type is neither refresh_token nor password")
        if found is None:
            raise self._unauthorized("the credentials are not accepted")
        return found

    def _by_header(self, authorization: str) -> Identified | None:
        scheme, value = split_header(authorization)
        if not scheme:
            return None
        found = self._guard.by_basic(value) if scheme == "basic" else None
        if found is None:
            raise self._unauthorized("the credentials are not accepted")
        return found

    def _plain(self, token: str) -> dict[str, object]:
        issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {"token": token, "expires_in": int(self._access.access_seconds), "issued_at": issued}

    def _check_service(self, parameters: _Form) -> None:
        if _one(parameters, "service") != self._service:
            raise self._unauthorized(f"service is not {self._service}")

    def _unauthorized(self, message: str, needed: tuple[Scope, ...] = ()) -> Refused:
        return Refused(401, "UNAUTHORIZED", message, headers=self._guard.challenged(needed).headers)


def _form(call: Call) -> _Form:
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise _unsupported(f"Content-Type is not {_FORM}")
    body = call.body.read(_FORM_LIMIT_BYTES + 1)
    if len(body) > _FORM_LIMIT_BYTES:
        raise Refused(413, "SIZE_INVALID", "the form is too large")
    return parse_qs(body.decode(errors="replace"))


def _one(parameters: _Form, name: str) -> str:
    values = parameters.get(name, [""])
    if len(values) > 1:
        raise _unsupported(f"{name} is given twice")
    return values[0]


def _unsupported(message: str) -> Refused:
    return Refused(400, "UNSUPPORTED", message)
