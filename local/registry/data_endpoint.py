"""The second door: content at another address, opened by a link that is signed and expires.

A registry may answer a blob with 307 to another service (OCI Distribution Specification, "Pulling blobs"); Azure's
leads to Blob Storage. Like that, this one refuses whoever sends credentials along: they do not belong there.
"""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from local.registry.answers import Answer, Call
from local.registry.errors import Refused
from local.registry.names import is_digest
from local.registry.ranges import file_answer

_SECONDS: Final = 1200
_PREFIX: Final = "/data/"


class DataEndpoint:
    """Makes links, and opens to them."""

    def __init__(self, url: str, key: bytes, find: Callable[[str], Path | None], clock: Callable[[], float]) -> None:
        """Put it together.

        Args:
            url: its address, without a slash at the end.
            key: what links are signed with.
            find: gives the file of a digest, or nothing.
            clock: tells the time in seconds since 1970.
        """
        self._url = url
        self._key = key
        self._find = find
        self._clock = clock

    def link(self, digest: str) -> str:
        """Return a link that opens a content.

        Args:
            digest: the content's.
        """
        expires = str(int(self._clock()) + _SECONDS)
        return f"{self._url}{_PREFIX}{digest}?{urlencode({'se': expires, 'sig': self._signature(digest, expires)})}"

    def without_link(self, path: str) -> str:
        """Return an address here that opens nothing.

        Args:
            path: the path, with a slash at the beginning.
        """
        return f"{self._url}{quote(path)}"

    def answer(self, call: Call) -> Answer:
        """Answer a request that came through this door.

        Args:
            call: the request.

        Raises:
            Refused: 400 for credentials, 403 for a link that does not hold, 404 for no content.
        """
        if call.authorization:
            raise Refused(400, "InvalidAuthenticationInfo", "credentials do not belong here; the link is enough")
        digest, expires = call.path.removeprefix(_PREFIX), call.query.get("se", "")
        good = hmac.compare_digest(self._signature(digest, expires).encode(), call.query.get("sig", "").encode())
        if not good or int(expires) < self._clock():
            raise Refused(403, "AuthenticationFailed", "the link does not hold")
        path = self._find(digest) if is_digest(digest) else None
        if call.method not in {"GET", "HEAD"} or path is None:
            raise Refused(404, "BlobNotFound", "there is nothing here")
        return file_answer(call, path, {})

    def _signature(self, digest: str, expires: str) -> str:
        return hmac.new(self._key, f"data {digest} {expires}".encode(), hashlib.sha256).hexdigest()
