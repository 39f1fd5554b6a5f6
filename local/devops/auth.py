"""Who calls: tokens, what they may do, and the answers for those who have none."""

import base64
import binascii
import uuid
from typing import Final

from local.devops.errors import ServiceError, access_denied, needs_permission
from local.devops.records import Identity, Token
from local.devops.state import Organisation, digest_of

RIGHTS: Final = (
    "code_read",
    "code_write",
    "force_push",
    "bypass_push",
    "bypass_completion",
    "pull_request_contribute",
    "repositories",
    "projects",
    "policies",
    "hooks",
    "builds_read",
    "builds_write",
    "members",
)
"""Everything a token may be allowed; ``bypass_push`` lets it push to branches under a required policy."""

_GIT_PERMISSIONS: Final = {
    "code_write": "GenericContribute",
    "pull_request_contribute": "PullRequestContribute",
    "repositories": "CreateRepository",
}

SIGN_IN_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title></head>"
    "<body><h1>Sign in to your account</h1></body></html>"
)


def add_token(
    organisation: Organisation, secret: str, identity: Identity | None = None, rights: tuple[str, ...] = RIGHTS
) -> Token:
    """Let a token in.

    Args:
        organisation: where.
        secret: the token itself; kept as a hash.
        identity: whose it is; without one, an identity is derived from the token.
        rights: what it may do.

    Raises:
        ServiceError: 400 for an unknown right.
    """
    unknown = sorted(set(rights) - set(RIGHTS))
    if unknown:
        raise ServiceError(400, "ArgumentException", f"unknown rights {unknown}; known are {list(RIGHTS)}")
    digest = digest_of(secret)
    if identity is None:
        short = digest[:8]
        identity = Identity(organisation.derived_id("identity", digest), f"User {short}", f"user-{short}@example.com")
    with organisation.store.change():
        return organisation.tokens.put(digest, Token(digest, identity, rights))


def named_identity(organisation: Organisation, name: str, address: str, identity_id: str | None = None) -> Identity:
    """Make an identity.

    Args:
        organisation: where.
        name: display name.
        address: e-mail address.
        identity_id: a GUID; derived from the address without one.

    Raises:
        ServiceError: 400 when the id is not a GUID.
    """
    if identity_id is None:
        return Identity(organisation.derived_id("identity", address), name, address)
    try:
        return Identity(str(uuid.UUID(identity_id)), name, address)
    except ValueError:
        raise ServiceError(400, "ArgumentException", f"not a GUID: {identity_id}") from None


def start_tokens(organisation: Organisation) -> None:
    """Let in the tokens that the organisation was set up with; the first belongs to its administrator.

    Args:
        organisation: whose configuration names them.
    """
    for number, secret in enumerate(organisation.config.tokens):
        name, address = ("Administrator", "admin@example.com") if number == 0 else (None, None)
        identity = named_identity(organisation, name, address) if name and address else None
        add_token(organisation, secret, identity)


def authenticate(organisation: Organisation, header: str | None) -> Token | None:
    """Find the token in an Authorization header.

    Args:
        organisation: whose tokens count.
        header: ``Bearer TOKEN``, or ``Basic`` with any user name and the token as password.

    Returns:
        The token, or nothing when it is missing, unknown or expired.
    """
    scheme, _, value = (header or "").partition(" ")
    secret = value.strip()
    if scheme.lower() == "basic":
        try:
            secret = base64.b64decode(secret, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    elif scheme.lower() != "bearer":
        return None
    found = organisation.tokens.get(digest_of(secret)) if secret else None
    if found and found.expires is not None and organisation.clock.now() >= found.expires:
        return None
    return found


def demand(token: Token, right: str) -> None:
    """Let a call pass only with a right.

    Args:
        token: the caller's.
        right: one of ``RIGHTS``.

    Raises:
        ServiceError: 403 in the shape that the right's area uses.
    """
    if right in token.rights:
        return
    if right in _GIT_PERMISSIONS:
        raise needs_permission(token.identity.id, _GIT_PERMISSIONS[right])
    if right == "policies":
        message = "TF402456: You need the Git 'EditPolicies' permission to perform this action."
        raise ServiceError(403, "PolicyNeedsPermissionException", message, "Microsoft.TeamFoundation.Policy.Server")
    raise access_denied(token.identity.display_name, right)
