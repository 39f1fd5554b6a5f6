"""Credentials of web hooks and checks: one of the organisation's live secrets, as a password or, for checks, a code."""

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
    return _is_live(_password(authorization_header), secrets)


def authenticate_check(authorization_header: str | None, code: str | None, secrets: Sequence[str]) -> bool:
    """Compare the credentials of a check with the live secrets, in a time that does not depend on them.

    Args:
        authorization_header: The header ``Authorization`` as received; None where there was none.
        code: ``code`` of the query, which is where the task "Invoke Azure Function" puts its key; None without one.
        secrets: The live secrets, as for `authenticate`.

    Returns:
        Whether the header's Basic password or the code is one of the secrets. Both are compared, always.
    """
    by_password = _is_live(_password(authorization_header), secrets)
    by_code = _is_live(None if code is None else code.encode(errors="surrogatepass"), secrets)
    return by_password or by_code


def _is_live(password: bytes | None, secrets: Sequence[str]) -> bool:
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
