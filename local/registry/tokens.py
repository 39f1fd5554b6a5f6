"""The registry's own tokens: JSON Web Tokens with the claims of Azure Container Registry's, signed with HMAC-SHA256.

"Azure Container Registry integration with Microsoft Entra", token claim sets; RFC 7515 and RFC 7519 for the form.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from local.registry.names import Scope

type Kind = Literal["refresh_token", "access_token"]

_HEADER: Final = {"typ": "JWT", "alg": "HS256"}
_ISSUER: Final = "Azure Container Registry"


class Claims(NamedTuple):
    """What a token that holds says.

    Attributes:
        subject: the principal's name; empty for anybody.
        access: what it allows; nothing for a refresh token.
    """

    subject: str
    access: tuple[Scope, ...]


class Tokens:
    """Gives and reads tokens of one registry."""

    def __init__(self, key: bytes, service: str, clock: Callable[[], float] = time.time) -> None:
        """Take a key.

        Args:
            key: what tokens are signed with.
            service: the registry's name, for which tokens are meant.
            clock: tells the time in seconds since 1970.
        """
        self._key = key
        self._service = service
        self._clock = clock

    def give(self, kind: Kind, subject: str, seconds: float, access: tuple[Scope, ...] = ()) -> str:
        """Return a token.

        Args:
            kind: which.
            subject: the principal's name.
            seconds: for how long it holds.
            access: what it allows.
        """
        now = int(self._clock())
        claims: dict[str, Any] = {
            "jti": secrets.token_hex(16),
            "sub": subject,
            "nbf": now,
            "exp": now + seconds,
            "iat": now,
            "iss": _ISSUER,
            "aud": self._service,
            "version": "1.0",
            "grant_type": kind,
        }
        if kind == "access_token":
            claims["access"] = [{"type": one.kind, "name": one.name, "actions": sorted(one.actions)} for one in access]
        signed = f"{_encoded(_HEADER)}.{_encoded(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def read(self, kind: Kind, token: str) -> Claims | None:
        """Read a token.

        Args:
            kind: which is expected.
            token: from a client.

        Returns:
            What it says; nothing where it was not given here, is of another kind, for another service, or has expired.
        """
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return None
        payload = signed.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        wanted = claims["grant_type"] == kind and claims["aud"] == self._service
        if not wanted or not claims["nbf"] <= self._clock() < claims["exp"]:
            return None
        access = (Scope(one["type"], one["name"], frozenset(one["actions"])) for one in claims.get("access", ()))
        return Claims(claims["sub"], tuple(access))

    def _signature(self, text: str) -> str:
        return _text(hmac.new(self._key, text.encode(), hashlib.sha256).digest())


def key_in(folder: Path) -> bytes:
    """Return the key that a folder keeps; it is made where there is none, and nobody else may read it.

    Args:
        folder: the registry's data.
    """
    path = folder / "signing.key"
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(32))
        draft.replace(path)
    return path.read_bytes()


def _encoded(content: dict[str, Any]) -> str:
    return _text(json.dumps(content, separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
