"""Links that open one page until a moment, for whoever holds them: an HMAC over path and expiry."""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime

_UNIX_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)


def signed_path(path: str, key: bytes, expires: datetime) -> str:
    """Make a link that expires.

    Args:
        path: The page's path, from the host's root, without a query.
        key: The signing key.
        expires: Until when it opens, with its zone.

    Returns:
        The path with ``expires`` (Unix seconds) and ``signature`` (hex) as its query.
    """
    seconds = str(int(expires.timestamp()))
    return f"{path}?expires={seconds}&signature={_signature(path, seconds, key)}"


def link_holds(path: str, expires: str | None, signature: str | None, keys: Sequence[bytes], now: datetime) -> bool:
    """Check a link in a time that does not depend on the keys.

    Args:
        path: The path that was asked for, without its query.
        expires: The query's ``expires``; None where absent.
        signature: The query's ``signature``; None where absent.
        keys: The live keys; while one is replaced by another there are two.
        now: The time, with its zone.

    Returns:
        Whether the link was signed with one of the keys for this path and has not expired.
    """
    if not _UNIX_SECONDS.fullmatch(expires or "") or not _SIGNATURE.fullmatch(signature or ""):
        return False
    given, seconds = str(signature), str(expires)
    matches = [hmac.compare_digest(given, _signature(path, seconds, key)) for key in keys]
    return any(matches) and now.timestamp() < int(seconds)


def _signature(path: str, seconds: str, key: bytes) -> str:
    # The first word keeps these apart from everything else signed with the same key.
    return hmac.digest(key, f"link\n{path}\n{seconds}".encode(errors="surrogatepass"), "sha256").hex()
