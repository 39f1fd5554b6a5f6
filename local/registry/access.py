"""Who may do what: users, identities, and what is open to everybody."""

import hmac
import json
import secrets
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from local.arm.errors import Refused as NoToken
from local.arm.identity import MANAGEMENT, Identities
from local.registry.names import Scope

AUDIENCES: Final = frozenset({"https://containerregistry.azure.net", MANAGEMENT})
"""For whom an Entra token may be meant ("Azure Container Registry: disable authentication-as-ARM"): the registry's own
audience, and, as registries are set up at first, Azure Resource Manager's."""

EVERYWHERE: Final = "*"
ANYBODY: Final = "(anonymous)"

type Action = Literal["pull", "push"]
type _Secret = Annotated[str, StringConstraints(min_length=16)]


class Principal(BaseModel):
    """Somebody who may come in.

    Attributes:
        name: who; also the user name where there is a password.
        password: for Basic authentication: of the admin user, or of a token user.
        entra_tokens: Entra access tokens that are this principal's as they stand.
        identities: names of managed identities of the stand-in for Azure Resource Manager; ``*`` stands for any.
        grants: patterns of repository names, and what is allowed there; the pattern ``*`` allows the catalog too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(min_length=1)]
    password: _Secret | None = Field(default=None, repr=False)
    entra_tokens: tuple[_Secret, ...] = Field(default=(), repr=False)
    identities: tuple[str, ...] = ()
    grants: dict[str, tuple[Action, ...]]

    def allowed(self, wanted: Scope) -> Scope | None:
        """Return the part of a scope that this principal may have, or nothing.

        Args:
            wanted: what is asked for.
        """
        if wanted.kind == "registry":
            return wanted if wanted.name == "catalog" and EVERYWHERE in self.grants else None
        granted: set[str] = set()
        for pattern, actions in self.grants.items():
            if fnmatchcase(wanted.name, pattern):
                granted.update(actions)
        actions_left = wanted.actions & granted
        return wanted._replace(actions=frozenset(actions_left)) if actions_left else None


class Access(BaseModel):
    """The whole arrangement of a registry.

    Attributes:
        principals: who may come in.
        public: patterns of repositories that anybody may pull.
        identity_header: the secret of the stand-in for Azure Resource Manager, which signs its identities' tokens.
        refresh_seconds: for how long a refresh token holds.
        access_seconds: for how long an access token holds; both as in the claims that Azure's document shows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    principals: tuple[Principal, ...]
    public: tuple[str, ...] = ()
    identity_header: str | None = Field(default=None, repr=False)
    refresh_seconds: float = Field(default=3 * 3600, gt=0)
    access_seconds: float = Field(default=4500, gt=0)

    @classmethod
    def of_one_app(cls) -> Self:
        """Make an arrangement with fresh secrets: an admin who may do everything, and an app that may pull."""
        admin = Principal(name="admin", password=secrets.token_urlsafe(24), grants={EVERYWHERE: ("pull", "push")})
        app = Principal(name="app", entra_tokens=(secrets.token_urlsafe(24),), grants={EVERYWHERE: ("pull",)})
        return cls(principals=(admin, app))

    @property
    def user(self) -> tuple[str, str]:
        """The name and the password of the first who has one; a push needs them.

        Raises:
            LookupError: nobody has a password.
        """
        for one in self.principals:
            if one.password:
                return one.name, one.password
        raise LookupError("nobody has a password here")

    @property
    def entra_token(self) -> str:
        """The first Entra token that is accepted as it stands.

        Raises:
            LookupError: there is none.
        """
        for token in (token for one in self.principals for token in one.entra_tokens):
            return token
        raise LookupError("no Entra token is arranged here")

    def by_password(self, name: str, password: str) -> Principal | None:
        """Find who has a user name and a password.

        Args:
            name: the user name.
            password: the password.
        """
        found = [one for one in self.principals if one.password and one.name == name]
        return next((one for one in found if _same(one.password or "", password)), None)

    def by_name(self, name: str) -> Principal | None:
        """Find a principal that a token names.

        Args:
            name: the name.
        """
        return next((one for one in self.principals if one.name == name), None)

    def by_entra_token(self, token: str) -> Principal | None:
        """Find whose an Entra token is.

        Args:
            token: one of those that were arranged, or one that a managed identity got.

        Returns:
            Whose it is; nothing where it is nobody's, has expired or is meant for somebody else.
        """
        for one in self.principals:
            if any(_same(known, token) for known in one.entra_tokens):
                return one
        name = self._identity(token)
        return next((one for one in self.principals if name and _matches(name, one.identities)), None)

    def anonymous(self) -> Principal:
        """Return everybody: may pull what is public."""
        # Another pattern for the same, because this one would open the catalog too.
        public = ("?*" if pattern == EVERYWHERE else pattern for pattern in self.public)
        return Principal(name=ANYBODY, grants=dict.fromkeys(public, ("pull",)))

    def _identity(self, token: str) -> str | None:
        if self.identity_header is None:
            return None
        try:
            caller = Identities(self.identity_header).caller(f"Bearer {token}")
        except NoToken:
            return None
        return caller.name if caller.audience in AUDIENCES else None


def parse_access(text: str) -> Access:
    """Read an arrangement.

    Args:
        text: JSON with the fields of ``Access``.

    Returns:
        The arrangement.

    Raises:
        ValueError: it is none; the message names places, never values.
    """
    return Access.model_validate(json.loads(text))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode())
