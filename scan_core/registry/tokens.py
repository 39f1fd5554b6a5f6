"""A token to pull from one repository, and nothing else: asked for anew each time, and kept nowhere.

Sources: Distribution project, "Token Authentication Specification"; Azure, "Azure Container Registry integration with
Microsoft Entra" (``/oauth2/exchange``, ``/oauth2/token``) and "Azure Container Registry authentication".
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from scan_core.model.image import Login, RepositoryName
from scan_core.registry.access import Address, RegistryAccess, address
from scan_core.registry.challenge import Challenge
from scan_core.registry.exchange import Answer, Question
from scan_core.registry.refusals import RefusalKind, RegistryRefused, shown

type Ask = Callable[[Question], Answer]
"""Asks a question and gives back a success; anything else is raised."""
type EntraToken = Callable[[], str]
"""Gives an Entra token for `scan_core.registry.access.ENTRA_SCOPE`."""

_ANSWER_BYTES: Final = 64 * 1024
_LONGEST_TOKEN: Final = 32 * 1024
_UNSAID_SECONDS: Final = 60.0
"""How long a token lasts where nothing says so (Token Authentication Specification, ``expires_in``)."""
_LONGEST_SECONDS: Final = 24 * 3600.0
_SENSIBLE: Final = 1e12
"""Seconds; beyond it no number is a lifetime or a moment."""


@dataclass(frozen=True, slots=True)
class PullToken:
    """A bearer token that may pull from one repository."""

    value: str = field(repr=False)
    expires_at: datetime
    """In UTC. After it the registry refuses the token."""


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Gets tokens for one repository of one registry.

    Attributes:
        access: The registry, and how to come in.
        repository: What to pull from.
        ask: Asks; to be given questions for the registry and its realms only.
        entra_token: Gives an Entra token; None where this process has no identity.
        now: Tells the time.
    """

    access: RegistryAccess
    repository: RepositoryName
    ask: Ask
    entra_token: EntraToken | None
    now: Callable[[], datetime]

    def exchanged(self) -> PullToken:
        """Exchange an Entra token for one of the registry's own, limited to the repository.

        Returns:
            The token.

        Raises:
            RegistryRefused: There is none.
        """
        entra = self._entra()
        service = self.access.host
        refresh = self._post(
            "/oauth2/exchange", {"grant_type": "access_token", "service": service, "access_token": entra}
        )
        form = {
            "grant_type": "refresh_token",
            "service": service,
            "scope": self._scope,
            "refresh_token": self._field(refresh, "refresh_token"),
        }
        return self._read(self._post("/oauth2/token", form))

    def answer_to(self, challenge: Challenge) -> PullToken:
        """Get a token where the registry's challenge sends for it, if that is a place which may see our credential.

        Args:
            challenge: A bearer challenge.

        Returns:
            The token.

        Raises:
            RegistryRefused: There is none, or the realm is neither the registry's own host nor listed.
        """
        realm = self._realm(challenge)
        query = urlencode({"service": challenge.service, "scope": self._scope})
        target = f"{realm.target}{'&' if '?' in realm.target else '?'}{query}"
        headers = {"Authorization": basic(self.access)} if self.access.login is Login.BASIC else {}
        question = Question(self._doing, Address(realm.origin, target), _ANSWER_BYTES, headers=headers)
        return self._read(_document(question, self.ask(question)))

    @property
    def _scope(self) -> str:
        return f"repository:{self.repository}:pull"

    @property
    def _doing(self) -> str:
        return f"Getting a token to pull {shown(self.repository)}"

    def _entra(self) -> str:
        if self.entra_token is None:
            raise RegistryRefused(
                RefusalKind.REFUSED,
                f"{self._doing}: {self.access.host} is listed with login entra, and there is no managed identity here; "
                "assign one, or list the registry with another login.",
            )
        try:
            return self.entra_token()
        except Exception as error:  # noqa: BLE001 - whatever an identity library raises; its text could hold anything
            raise RegistryRefused(
                RefusalKind.UNREACHABLE,
                f"{self._doing}: the managed identity gave no Entra token ({type(error).__name__}); check that it is "
                "assigned.",
            ) from None

    def _realm(self, challenge: Challenge) -> Address:
        try:
            realm = address(challenge.realm)
        except ValueError:
            realm = None
        if realm is not None and self.access.gives_tokens_at(realm):
            return realm
        named = shown(challenge.realm if realm is None else f"{realm.origin.scheme}://{realm.origin.authority}")
        raise RegistryRefused(
            RefusalKind.REALM_ELSEWHERE,
            f"{self._doing}: {self.access.host} sends for tokens to {named}, which is not listed; no credential went "
            "there. List it under the registry's token realms if it is right.",
        )

    def _post(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        question = Question(
            self._doing,
            Address(self.access.origin, path),
            _ANSWER_BYTES,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
        )
        return _document(question, self.ask(question))

    def _read(self, document: Mapping[str, Any]) -> PullToken:
        value = self._field(document, "token" if "token" in document else "access_token")
        now = self.now()
        return PullToken(value, _expiry(document, value, now))

    def _field(self, document: Mapping[str, Any], name: str) -> str:
        value = document.get(name)
        if (
            isinstance(value, str)
            and 0 < len(value) <= _LONGEST_TOKEN
            and all("!" <= letter <= "~" for letter in value)
        ):
            return value
        raise RegistryRefused(
            RefusalKind.MALFORMED, f"{self._doing}: the answer holds no {name}; check that it is a token realm."
        )


def basic(access: RegistryAccess) -> str:
    """Write user name and password as Basic authentication wants them (RFC 7617).

    Args:
        access: A registry with login basic.

    Returns:
        The value of an Authorization header.
    """
    password = "" if access.password is None else access.password.get_secret_value()
    return f"Basic {base64.b64encode(f'{access.username}:{password}'.encode()).decode()}"


def _document(question: Question, answer: Answer) -> dict[str, Any]:
    try:
        document: Any = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return document
    raise RegistryRefused(
        RefusalKind.MALFORMED, f"{question.doing}: the answer is not JSON; check that it is a token realm."
    )


def _expiry(document: Mapping[str, Any], token: str, now: datetime) -> datetime:
    """Find when a token ends: as its answer says, else as the token itself says, else soon."""
    lasts = _number(document.get("expires_in"))
    if lasts is not None:
        return _issued(document.get("issued_at"), now) + timedelta(seconds=min(max(lasts, 0.0), _LONGEST_SECONDS))
    ends = _number(_claims(token).get("exp"))
    if ends is None:
        return now + timedelta(seconds=_UNSAID_SECONDS)
    return now + timedelta(seconds=min(max(ends - now.timestamp(), 0.0), _LONGEST_SECONDS))


def _issued(stamp: Any, now: datetime) -> datetime:  # noqa: ANN401 - parsed JSON
    """Say from when a lifetime counts; never from later than now, whatever the other clock shows."""
    try:
        issued = datetime.fromisoformat(stamp)
        return min(now, issued.replace(tzinfo=issued.tzinfo or UTC).astimezone(UTC))
    except (TypeError, ValueError, OverflowError):
        return now


def _claims(token: str) -> dict[str, Any]:
    """Read what a JSON Web Token says of itself (RFC 7519), unverified: the registry alone relies on it."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""  # noqa: PLR2004 - header, payload, signature
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _number(value: Any) -> float | None:  # noqa: ANN401 - parsed JSON
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_SENSIBLE < value < _SENSIBLE:
        return None
    return float(value)
