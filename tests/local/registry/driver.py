"""Drives a registry over HTTP."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Self

import httpx2

from local.registry.access import Access, Principal
from local.registry.server import RegistryServer

HEADER = "identity-header-0123456789"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

ACCESS = Access(
    principals=(
        Principal(name="admin", password="admin-password-0123456789", grants={"*": ("pull", "push")}),
        Principal(name="team", password="team-password-0123456789", grants={"team/*": ("pull", "push")}),
        Principal(name="app", entra_tokens=("entra-token-0123456789",), grants={"team/*": ("pull",)}),
        Principal(name="identity", identities=("app",), grants={"team/app": ("pull",)}),
        Principal(name="stranger", entra_tokens=("entra-stranger-0123456789",), grants={}),
    ),
    public=("public/*",),
    identity_header=HEADER,
)
ADMIN = ("admin", "admin-password-0123456789")
TEAM = ("team", "team-password-0123456789")


def digest(content: bytes) -> str:
    """Give a content's digest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def challenge(answer: httpx2.Response) -> dict[str, str]:
    """Read the challenge of a refusal."""
    header = answer.headers["WWW-Authenticate"]
    assert header.startswith("Bearer ")
    return dict(re.findall(r'(\w+)="([^"]*)"', header))


def code(answer: httpx2.Response) -> str:
    """Give the code of a refusal, whose form is checked."""
    assert answer.headers["Content-Type"].startswith("application/json")
    (first, *_) = answer.json()["errors"]
    assert set(first) == {"code", "message", "detail"}
    return str(first["code"])


class Clock:
    """Tells the time that it is told."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        """Tell it, in seconds since 1970."""
        return self.now


class Client:
    """A client of one registry; as the admin unless something else is said."""

    def __init__(self, registry: RegistryServer) -> None:
        self.registry = registry
        self.http = httpx2.Client(base_url=registry.url, trust_env=False, verify=False, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        auth: tuple[str, str] | None = ADMIN,
        bearer: str = "",
        **headers: str,
    ) -> httpx2.Response:
        """Ask for something."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if bearer:
            named["Authorization"], auth = f"Bearer {bearer}", None
        return self.http.request(method, path, content=content, headers=named, auth=auth)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        """Get something."""
        return self.ask("GET", path, **more)

    def put_blob(self, name: str, content: bytes) -> str:
        """Push a blob in one request."""
        answer = self.ask("POST", f"/v2/{name}/blobs/uploads/?digest={digest(content)}", content)
        assert answer.status_code == 201, answer.text
        return digest(content)

    def put_manifest(
        self, name: str, reference: str, document: Mapping[str, Any] | bytes, kind: str = OCI_MANIFEST
    ) -> httpx2.Response:
        """Push a manifest."""
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.ask("PUT", f"/v2/{name}/manifests/{reference}", content, Content_Type=kind)

    def image(self, name: str, config: bytes = b"{}", layer: bytes = b"layer") -> dict[str, Any]:
        """Push what an image consists of and give its manifest."""
        for content in (config, layer):
            self.put_blob(name, content)
        return {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": described("application/vnd.oci.image.config.v1+json", config),
            "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
        }

    def tagged(self, name: str, tag: str, **parts: bytes) -> str:
        """Push an image under a tag and give its digest."""
        answer = self.put_manifest(name, tag, self.image(name, **parts))
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Docker-Content-Digest"])

    def exchange(self, token: str = "entra-token-0123456789", **more: str) -> httpx2.Response:
        """Exchange an Entra token."""
        form = {"grant_type": "access_token", "service": self.registry.host, "access_token": token, **more}
        return self.http.post("/oauth2/exchange", data=form)

    def token(self, scope: str, **more: str) -> httpx2.Response:
        """Get an access token for the app."""
        refresh = self.exchange().json()["refresh_token"]
        form = {"grant_type": "refresh_token", "service": self.registry.host, "refresh_token": refresh}
        return self.http.post("/oauth2/token", data={**form, "scope": scope, **more})

    def bearer(self, scope: str) -> str:
        """Get an access token for the app, and be given it."""
        answer = self.token(scope)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def described(kind: str, content: bytes) -> dict[str, Any]:
    """Describe a content."""
    return {"mediaType": kind, "digest": digest(content), "size": len(content)}
