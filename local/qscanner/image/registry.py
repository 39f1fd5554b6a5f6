"""A registry, spoken to by the OCI distribution specification 1.1 and its token authentication."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple
from urllib.parse import quote, urlencode, urljoin

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.image.http_get import Answer, get, host_of, is_safe
from local.qscanner.image.manifests import INDEX_TYPES, MANIFEST_TYPES, Descriptor, unreadable
from local.qscanner.image.reference import ImageReference, is_loopback

TOKEN_VARIABLE = "QSCANNER_REGISTRY_TOKEN"  # noqa: S105 - the variable's name, not a token
USERNAME_VARIABLE = "QSCANNER_REGISTRY_USERNAME"
PASSWORD_VARIABLE = "QSCANNER_REGISTRY_PASSWORD"  # noqa: S105 - as above
# The distribution specification asks registries to accept manifests of 4 MiB, and clients need not take more.
MOST_MANIFEST_BYTES = 4 * 1024 * 1024
_MOST_TOKEN_BYTES = 256 * 1024
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHALLENGE = re.compile(r"(?P<scheme>Bearer|Basic)(?:\s+(?P<rest>.{0,4096}))?", re.IGNORECASE)
_PARAMETER = re.compile(r'(?P<name>[a-z_]{1,32})="(?P<value>[^"]{0,2048})"', re.IGNORECASE)
_REFUSALS = {
    401: "it does not accept the login",
    403: "the login may not pull this repository",
    404: "there is no such image",
    429: "it limits how often it may be asked",
}


class Login(NamedTuple):
    """How to log in: by a token, else by name and password, else not at all. Never written anywhere."""

    token: str
    username: str
    password: str


class Document(NamedTuple):
    """A manifest or index: its content, media type and hash (64 hexadecimal digits)."""

    content: bytes
    media_type: str
    sha256: str


def login_of(environment: dict[str, str]) -> Login:
    """Take the login from the variables that QScanner documents.

    Raises:
        ScanError: With code 2 where only one of name and password is set, or a value cannot be sent.
    """
    login = Login(*(environment.get(name, "") for name in (TOKEN_VARIABLE, USERNAME_VARIABLE, PASSWORD_VARIABLE)))
    if bool(login.username) != bool(login.password) and not login.token:
        raise ScanError(ExitCode.BAD_PARAMETER, f"{USERNAME_VARIABLE} and {PASSWORD_VARIABLE} have to be set together")
    if not (login.token.isascii() and login.token.isprintable()):
        raise ScanError(ExitCode.BAD_PARAMETER, f"{TOKEN_VARIABLE} holds what cannot be sent")
    return login


class Registry:
    """One repository of one registry, read only."""

    def __init__(self, reference: ImageReference, login: Login) -> None:
        """Set where and how to ask; nothing is sent yet."""
        host = reference.registry.rpartition(":")[0] if _has_port(reference.registry) else reference.registry
        self._loopback = is_loopback(host)
        self._base = f"{'http' if self._loopback else 'https'}://{reference.registry}/v2/{reference.repository}/"
        self._repository = reference.repository
        self._login = login
        self._authorization = f"Bearer {login.token}" if login.token else ""

    def manifest(self, asked: str) -> Document:
        """Fetch a manifest or index.

        Args:
            asked: A tag, or ``sha256:`` and a hash, which is verified.

        Returns:
            The document as it came.

        Raises:
            ScanError: With code 6 where it cannot be had, is too large, or is not what was asked for.
        """
        types = ", ".join(sorted(MANIFEST_TYPES | INDEX_TYPES))
        with self._get(f"manifests/{quote(asked, safe=':')}", types) as answer:
            content = answer.content(MOST_MANIFEST_BYTES, "manifest")
            stated = answer.headers.get("Docker-Content-Digest", "")
            media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = hashlib.sha256(content).hexdigest()
        for wanted in (asked if asked.startswith("sha256:") else "", stated):
            if wanted.startswith("sha256:") and wanted != f"sha256:{digest}":
                raise unreadable(f"the manifest's digest is sha256:{digest}, and {wanted[:80]} was promised")
        return Document(content, media_type, digest)

    def blob(self, wanted: Descriptor) -> bytes:
        """Fetch a small blob, verified.

        Raises:
            ScanError: With code 6 where it cannot be had, or its digest or size differs.
        """
        with self._get(f"blobs/sha256:{wanted.sha256}", "*/*") as answer:
            return b"".join(self._verified(answer, wanted))

    def copy_blob(self, wanted: Descriptor, sink: IO[bytes]) -> None:
        """Fetch a blob of any size into a file, verified.

        Raises:
            ScanError: With code 6 where it cannot be had, or its digest or size differs.
        """
        with self._get(f"blobs/sha256:{wanted.sha256}", "*/*") as answer:
            sink.writelines(self._verified(answer, wanted))

    def _verified(self, answer: Answer, wanted: Descriptor) -> Iterator[bytes]:
        size, digest = 0, hashlib.sha256()
        for chunk in answer.chunks(wanted.size + 1):
            size += len(chunk)
            digest.update(chunk)
            yield chunk
        if (size, digest.hexdigest()) != (wanted.size, wanted.sha256):
            raise unreadable(f"a blob does not have the digest sha256:{wanted.sha256} and {wanted.size} bytes")

    @contextmanager
    def _get(self, path: str, accept: str) -> Iterator[Answer]:
        """Ask the registry; where it asks for a login, log in and ask again."""
        url = urljoin(self._base, path)
        with self._asked(url, accept, _MOST_REDIRECTS) as answer:
            challenges = answer.headers.get_all("WWW-Authenticate", [])
            if answer.status != 401 or self._login.token or not self._log_in(challenges):
                yield _given(answer, path)
                return
        with self._asked(url, accept, _MOST_REDIRECTS) as answer:
            yield _given(answer, path)

    def _log_in(self, challenges: list[str]) -> bool:
        """Meet one of the registry's challenges, and tell whether there was one that can be met."""
        for challenge in filter(None, map(_CHALLENGE.match, challenges)):
            if challenge["scheme"].lower() == "bearer":
                parameters = _PARAMETER.finditer(challenge["rest"] or "")
                named = {found["name"].lower(): found["value"] for found in parameters}
                self._authorization = f"Bearer {self._token(named)}"
                return True
            if self._login.username:
                self._authorization = _basic(self._login)
                return True
        return False

    def _token(self, challenge: dict[str, str]) -> str:
        """Get a token from the realm that the registry names (distribution specification: token authentication)."""
        realm = challenge.get("realm", "")
        if not is_safe(realm, loopback=self._loopback):
            raise unreadable(f"the registry names a token realm that is not asked: {realm[:200]!r}")
        query = {"scope": f"repository:{self._repository}:pull"}
        if service := challenge.get("service"):
            query["service"] = service
        headers = {"Accept": "application/json"}
        if self._login.username:
            if not _is_of_one_owner(host_of(self._base), host_of(realm)):
                raise unreadable(f"the password is not sent to the foreign token realm {host_of(realm)}")
            headers["Authorization"] = _basic(self._login)
        with get(f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}", headers) as answer:
            if answer.status != 200:
                raise unreadable(f"the token realm does not accept the login: it answers {answer.status}")
            content = answer.content(_MOST_TOKEN_BYTES, "token")
        return _token_in(content)

    @contextmanager
    def _asked(self, url: str, accept: str, redirects_left: int) -> Iterator[Answer]:
        headers = {"Accept": accept, "User-Agent": "qscanner-stand-in"}
        if self._authorization and host_of(url) == host_of(self._base):
            headers["Authorization"] = self._authorization
        with get(url, headers) as answer:
            if answer.status not in _REDIRECTS:
                yield answer
                return
            location = answer.headers.get("Location", "")
        target = urljoin(url, location)
        if not redirects_left or not location or not is_safe(target, loopback=self._loopback):
            raise unreadable("the registry redirects to where it is not followed")
        with self._asked(target, accept, redirects_left - 1) as answer:
            yield answer


def _given(answer: Answer, path: str) -> Answer:
    if answer.status != 200:
        reason = _REFUSALS.get(answer.status, f"it answers {answer.status}")
        raise unreadable(f"the registry does not give {path[:120]}: {reason}")
    return answer


def _has_port(registry: str) -> bool:
    return registry.rpartition(":")[2].isdecimal() and not registry.endswith("]")


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode("ascii")


def _is_of_one_owner(registry: str, realm: str) -> bool:
    """Tell whether two hosts are the same, or end in the same two names, as auth.docker.io and docker.io do."""
    if registry == realm:
        return True
    one, other = (host.rpartition(":")[0].split(".") for host in (registry, realm))
    both_are_names = not any(labels[-1].isdecimal() or "]" in labels[-1] for labels in (one, other))
    return both_are_names and len(one) > 1 and one[-2:] == other[-2:]


def _token_in(content: bytes) -> str:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise unreadable("the token realm does not answer in JSON") from error
    found = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
    if not isinstance(found, str) or not found.isascii() or not found.isprintable():
        raise unreadable("the token realm gives no token")
    return found
