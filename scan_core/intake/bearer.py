"""Who orders something of the app: an access token of Entra for the app's own registration, with the app role for it.

What is checked follows "Access tokens in the Microsoft identity platform" and "Secure applications and APIs by
validating claims" (learn.microsoft.com): signature, issuer, audience, times, tenant and role. Only tokens of version 2
are taken; their audience is the registration's client id.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import jwt

ROLE: Final = "Scangate.Onboard"
"""The app role that orders are taken from."""
_LONGEST_TOKEN: Final = 16 * 1024
_LEEWAY_SECONDS: Final = 60
_ALGORITHM: Final = "RS256"
_KEYS_KEPT_SECONDS: Final = 6 * 3600.0
"""Entra's keys roll over at any time, and are announced before they are used ("Signing key rollover")."""
_KEYS_PAUSE_SECONDS: Final = 60.0
"""Between two readings of the keys, whatever keys strangers name in their tokens."""
_MOST_KEY_BYTES: Final = 256 * 1024
_CALL_SECONDS: Final = 5.0


class Unauthenticated(Exception):
    """The token is none that can be taken; the message says why, without repeating any of it."""


class Unauthorized(Exception):
    """The token is good, and its bearer has not the role."""


class KeysUnavailable(Exception):
    """Entra's keys cannot be read now, so nobody can be recognised."""


@dataclass(frozen=True)
class Trust:
    """Whose tokens are taken."""

    authority: str
    """Entra's address, without a slash at the end."""
    tenant_id: str
    client_id: str
    """The app registration that the tokens have to be for."""

    @property
    def issuer(self) -> str:
        """What stands in the tokens as their issuer."""
        return f"{self.authority}/{self.tenant_id}/v2.0"

    @property
    def keys_url(self) -> str:
        """Where the keys are that they are signed with."""
        return f"{self.authority}/{self.tenant_id}/discovery/v2.0/keys"


class SigningKeys:
    """Entra's keys for one tenant, read when they are first needed and again when they grow old. Shared by threads."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Know where they are; nothing is read yet.

        Args:
            url: Where the keys are.
            clock: Tells seconds.
        """
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None

    def key(self, name: str) -> jwt.PyJWK | None:
        """Find a key.

        Args:
            name: Its ``kid``, which anybody may have made up.

        Returns:
            The key; None where Entra has none of that name.

        Raises:
            KeysUnavailable: The keys cannot be read.
        """
        with self._lock:
            if self._is_due(name):
                self._read()
            return self._keys.get(name)

    def _is_due(self, name: str) -> bool:
        now = self._clock()
        if self._tried_at is not None and now - self._tried_at < _KEYS_PAUSE_SECONDS:
            if self._read_at is None:
                raise KeysUnavailable
            return False
        return self._read_at is None or name not in self._keys or now - self._read_at > _KEYS_KEPT_SECONDS

    def _read(self) -> None:
        self._tried_at = self._clock()
        try:
            found = _keys_in(_document_at(self._url))
        except (httpx2.HTTPError, ValueError) as error:
            if self._read_at is None:
                raise KeysUnavailable from error
            return  # those that are known still hold
        self._keys, self._read_at = found, self._tried_at


def bearer(authorization_header: str | None, trust: Trust, key: Callable[[str], jwt.PyJWK | None]) -> str:
    """Recognise who calls.

    Args:
        authorization_header: The header ``Authorization`` as received; None where there was none.
        trust: Whose tokens are taken.
        key: Finds the key of a name.

    Returns:
        The caller's object id in Entra.

    Raises:
        Unauthenticated: The header holds no token that can be taken.
        Unauthorized: The caller has not the role.
        KeysUnavailable: Nobody can be recognised now.
    """
    token = _token(authorization_header)
    claims = _claims(token, _key_of(token, key), trust)
    if claims.get("tid") != trust.tenant_id:
        raise Unauthenticated("another tenant")
    caller = claims.get("oid")
    if not isinstance(caller, str) or not caller:
        raise Unauthenticated("no object id")
    roles = claims.get("roles")
    if not isinstance(roles, list) or ROLE not in roles:
        raise Unauthorized
    return caller[:64]


def _token(header: str | None) -> str:
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("no bearer token")
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        raise Unauthenticated("not a token")
    return token.strip()


def _key_of(token: str, key: Callable[[str], jwt.PyJWK | None]) -> jwt.PyJWK:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Unauthenticated("not a token") from None
    name = header.get("kid")
    if header.get("alg") != _ALGORITHM or not isinstance(name, str):
        raise Unauthenticated("signed in another way")
    found = key(name)
    if found is None:
        raise Unauthenticated("signed with an unknown key")
    return found


def _claims(token: str, key: jwt.PyJWK, trust: Trust) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=trust.client_id,
            issuer=trust.issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "nbf", "iat", "iss", "aud", "tid"]},
        )
    except jwt.PyJWTError as error:
        raise Unauthenticated(type(error).__name__) from None
    return claims


def _document_at(url: str) -> Any:  # noqa: ANN401 (parsed JSON)
    with (
        httpx2.Client(timeout=_CALL_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", url) as answer,
    ):
        answer.raise_for_status()
        body = bytearray()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > _MOST_KEY_BYTES:
                raise ValueError("more than keys can be")
        return httpx2.Response(answer.status_code, content=bytes(body)).json()


def _keys_in(document: Any) -> dict[str, jwt.PyJWK]:  # noqa: ANN401 (parsed JSON)
    """Pick the keys that tokens can be checked with out of a JSON Web Key Set (RFC 7517); others are passed over."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no key set")  # noqa: TRY004 - all that is wrong with an answer is one error
    keys = {}
    for one in listed:
        name = one.get("kid") if isinstance(one, dict) else None
        if not isinstance(name, str) or one.get("kty") != "RSA" or one.get("use", "sig") != "sig":
            continue
        try:
            keys[name] = jwt.PyJWK.from_dict(one, algorithm=_ALGORITHM)
        except jwt.PyJWTError:
            continue
    if not keys:
        raise ValueError("no usable key")
    return keys
