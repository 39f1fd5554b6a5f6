"""Several hosts on one strict server: names and addresses as in the world, every connection to loopback, real TLS."""

import base64
import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from scan_core.registry.addresses import IpAddress
from tests.devops.strict_server import Answer, Received, StrictServer, json_reply, reply
from tests.registry.images import Content

CONTOSO = "contoso.azurecr.io"
BLOBS = "blobs.example.net"
AUTH = "auth.example.net"
STRANGER = "stranger.example.org"
HOSTS = (CONTOSO, BLOBS, AUTH, STRANGER)

ENTRA = "entra-token-of-the-identity"
REFRESH = "refresh-token-of-the-registry"
PULL = "pull-token-for-one-repository"
PASSWORD = "correct-horse-battery"
BASIC = f"Basic {base64.b64encode(f'robot:{PASSWORD}'.encode()).decode()}"

PUBLIC_ADDRESS = "20.60.1.1"


@dataclass
class Internet:
    """What answers, by host; and to which addresses the hosts' names lead."""

    answers: dict[str, Callable[[Received], Answer]] = field(default_factory=dict)
    addresses: dict[str, Sequence[str]] = field(default_factory=lambda: dict.fromkeys(HOSTS, (PUBLIC_ADDRESS,)))
    server: StrictServer | None = None
    dialled: list[str] = field(default_factory=list)

    def look_up(self, host: str, port: int) -> Sequence[IpAddress]:
        """Resolve a name of this internet."""
        if host not in self.addresses:
            raise socket.gaierror(-2, "Name or service not known")
        return [ipaddress.ip_address(address) for address in self.addresses[host]]

    def dial(self, address: IpAddress, port: int, seconds: float) -> socket.socket:
        """Connect to the server, whatever the address, and note it."""
        assert 0 < seconds <= 5
        self.dialled.append(f"{address}:{port}")
        assert self.server is not None
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=seconds)

    def handle(self, request: Received) -> Answer:
        """Answer as the host that is asked for."""
        return self.answers[request.headers["host"].partition(":")[0]](request)

    def received(self, host: str) -> list[Received]:
        """List what a host was asked."""
        assert self.server is not None
        return [request for request in self.server.received if request.headers["host"].partition(":")[0] == host]


def form(request: Received) -> dict[str, str]:
    """Read a form that was posted; each field once."""
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    fields = parse_qs(request.body.decode(), strict_parsing=True)
    assert all(len(values) == 1 for values in fields.values())
    return {name: values[0] for name, values in fields.items()}


def query(request: Received) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.target).query)


@dataclass
class StrictRegistry:
    """A registry that says no to everything that is not exactly as it has to be."""

    manifests: dict[str, Content] = field(default_factory=dict)
    blobs: dict[str, Content] = field(default_factory=dict)
    wants: str = f"Bearer {PULL}"
    """The Authorization header that opens; empty for everybody."""
    challenge: str = f'Bearer realm="https://{CONTOSO}/oauth2/token",service="{CONTOSO}",scope="repository:app:pull"'
    token_answer: Mapping[str, Any] = field(default_factory=lambda: {"access_token": PULL})
    instead: dict[str, Answer] = field(default_factory=dict)
    """Answers by path, in place of what would come."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of manifests."""

    def push(self, tag: str, content: Content, *blobs: Content) -> Content:
        """Put a manifest under a tag and its digest, and blobs beside it."""
        self.manifests[tag] = self.manifests[content.digest] = content
        self.blobs.update({blob.digest: blob for blob in blobs})
        return content

    def __call__(self, request: Received) -> Answer:
        """Answer one request."""
        path = urlsplit(request.target).path
        if path in self.instead:
            return self.instead[path]
        match path.split("/"):
            case ["", "oauth2", "exchange"]:
                return self._exchange(request)
            case ["", "oauth2", "token"]:
                return self._token(request)
            case ["", "v2", *rest]:
                return self._content(request, rest)
        return reply(404)

    def _exchange(self, request: Received) -> Answer:
        assert request.method == "POST"
        assert "authorization" not in request.headers
        fields = form(request)
        assert fields.pop("grant_type") == "access_token"
        assert fields.pop("service") == CONTOSO
        return json_reply({"refresh_token": REFRESH}) if fields == {"access_token": ENTRA} else reply(401)

    def _token(self, request: Received) -> Answer:
        if request.method == "POST":
            fields = form(request)
            assert fields.pop("scope") == "repository:app:pull"
            right = fields == {"grant_type": "refresh_token", "service": CONTOSO, "refresh_token": REFRESH}
            return json_reply(dict(self.token_answer)) if right else reply(401)
        assert query(request) == {"service": [CONTOSO], "scope": ["repository:app:pull"]}
        if request.headers.get("authorization") not in {None, BASIC}:
            return reply(401)
        return json_reply(dict(self.token_answer))

    def _content(self, request: Received, rest: list[str]) -> Answer:
        assert request.method == "GET"
        if self.wants and request.headers.get("authorization") != self.wants:
            return reply(401, b"{}", {"WWW-Authenticate": self.challenge})
        match rest:
            case [""]:
                return json_reply({})
            case ["app", "manifests", name] if name in self.manifests:
                found = self.manifests[name]
                assert found.media_type in request.headers["accept"] or "vnd.oci.image" not in found.media_type
                return reply(200, found.body, {"Content-Type": found.media_type, **self.headers})
            case ["app", "blobs", digest] if digest in self.blobs:
                return reply(200, self.blobs[digest].body, {"Content-Type": "application/octet-stream"})
        return json_reply({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404)
