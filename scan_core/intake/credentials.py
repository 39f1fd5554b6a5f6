"""Credentials of a web hook: Basic, any user name, the password is one of the organisation's live secrets."""

import base64
import binascii
import hmac
import secrets as random
from collections.abc import Sequence

_KEY = random.token_bytes(32)
"""Compared are keyed digests of this process, so neither a length nor a common beginning shows in the time taken."""

_NOBODYS = random.token_hex(32)
"""Fills up to the two secrets that an organisation may have, so that none, one and two cost the same."""

_LIVE_SECRETS = 2


def authenticate(authorization_header: str | None, secrets: Sequence[str]) -> bool:
    """Compare a request's credentials with the live secrets, in a time that does not depend on them.

    Args:
        authorization_header: The header ``Authorization`` as received; None where there was none.
        secrets: The live secrets; an empty one opens nothing. None at all (an unknown organisation) costs as much
            as two.

    Returns:
        Whether the header holds HTTP Basic credentials (RFC 7617) whose password is one of the secrets.
    """
    password = _password(authorization_header)
    given = _digest(password or b"")
    live = [secret.encode() for secret in secrets if secret]
    padding = [_NOBODYS.encode()] * (_LIVE_SECRETS - len(live))
    matches = [hmac.compare_digest(given, _digest(secret)) for secret in (*live, *padding)]
    return password is not None and any(matches[: len(live)])


def _digest(text: bytes) -> bytes:
    return hmac.digest(_KEY, text, "sha256")


def _password(header: str | None) -> bytes | None:
    scheme, _, credentials = (header or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters outside ASCII
        return None
    _user, colon, password = decoded.partition(b":")
    return password if colon else None
