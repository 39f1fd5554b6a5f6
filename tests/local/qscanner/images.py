"""Images made of real layers, and a registry of a few dozen lines that serves them on a loopback port."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

type Entry = bytes | str | tarfile.TarInfo | None
"""A file's content, the target of a symbolic link after ``->``, a whole header, or a folder."""


def sha256(content: bytes) -> str:
    """Hash of a content, as a digest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tar(entries: dict[str, Entry] | list[tuple[str, Entry]], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of these entries, in this order."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tar_format) as archive:
        for path, entry in entries.items() if isinstance(entries, dict) else entries:
            archive.addfile(*_entry(path, entry))
    return sink.getvalue()


def _entry(path: str, entry: Entry) -> tuple[tarfile.TarInfo, io.BytesIO | None]:
    if isinstance(entry, tarfile.TarInfo):
        return entry, io.BytesIO(bytes(entry.size)) if entry.isreg() else None
    info = tarfile.TarInfo(path)
    if entry is None:
        info.type = tarfile.DIRTYPE
        return info, None
    if isinstance(entry, str) and entry.startswith(("-> ", "=> ")):
        info.type = tarfile.SYMTYPE if entry.startswith("->") else tarfile.LNKTYPE
        info.linkname = entry[3:]
        return info, None
    content = entry.encode() if isinstance(entry, str) else entry
    info.size = len(content)
    return info, io.BytesIO(content)


class Image(NamedTuple):
    """One image: its manifest, and every blob by digest."""

    manifest: bytes
    config: bytes
    blobs: dict[str, bytes]
    diff_ids: list[str]

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return sha256(self.manifest)

    @property
    def image_id(self) -> str:
        """The image's id, without the algorithm."""
        return sha256(self.config).removeprefix("sha256:")


def image(
    *layers: bytes,
    architecture: str = "amd64",
    os: str = "linux",
    commands: list[str] | None = None,
    pack: Callable[[bytes], bytes] = gzip.compress,
    **config_changes: Any,
) -> Image:
    """An image of these uncompressed layers."""
    packed = [pack(layer) for layer in layers]
    diff_ids = [sha256(layer) for layer in layers]
    said = commands if commands is not None else [f"step {number}" for number in range(len(layers))]
    history: list[Any] = [
        {"created_by": "ENV x=y", "empty_layer": True},
        *({"created_by": command} for command in said),
    ]
    document = {"architecture": architecture, "os": os, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    config = json.dumps(document | {"history": history} | config_changes).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": sha256(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": sha256(blob), "size": len(blob)} for blob in packed],
    }
    return Image(json.dumps(manifest).encode(), config, {sha256(blob): blob for blob in (config, *packed)}, diff_ids)


def index(**platforms: Image) -> bytes:
    """An index of images, by architecture, with an attestation as build tools add."""
    entries = [
        {
            "mediaType": MANIFEST,
            "digest": each.digest,
            "size": len(each.manifest),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, each in platforms.items()
    ]
    attestation = {
        "mediaType": MANIFEST,
        "digest": sha256(b"attestation"),
        "size": 11,
        "platform": {"os": "unknown", "architecture": "unknown"},
    }
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [attestation, *entries]}).encode()


class SmallRegistry(ThreadingHTTPServer):
    """Serves manifests and blobs; asks for a login if it has one, and misbehaves on request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manifests: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.scheme = ""
        self.login = ("user", "a-long-password")
        self.token = "issued-token-1"
        self.static_token = "static-token-1"
        self.realm = f"{self.url}/token"
        self.redirect_blobs_to = ""
        self.extra_headers: dict[str, str] = {}
        self.status = 0
        self.seen: list[tuple[str, str]] = []

    @property
    def name(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        """The address."""
        return f"http://{self.name}"

    def push(self, tag: str, pushed: Image | bytes, *images: Image) -> str:
        """Serve an image, or an index and its images, by tag and digest, and give the reference by digest."""
        manifest = pushed.manifest if isinstance(pushed, Image) else pushed
        for each in (*images, *([pushed] if isinstance(pushed, Image) else [])):
            self.blobs |= each.blobs
            self.manifests[each.digest] = each.manifest
        self.manifests |= {tag: manifest, sha256(manifest): manifest}
        return f"{self.name}/shop/web@{sha256(manifest)}"


class _Handler(BaseHTTPRequestHandler):
    server: SmallRegistry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        authorization = self.headers.get("Authorization", "")
        self.server.seen.append((path, authorization))
        if path == "/token":
            self._give_token(authorization)
        elif self.server.status:
            self._answer(self.server.status, b"")
        elif not self._may(authorization):
            self._challenge()
        elif path.startswith("/v2/shop/web/manifests/"):
            self._give(self.server.manifests.get(path.rpartition("/")[2]), self.server.extra_headers)
        elif path.startswith("/v2/shop/web/blobs/") and self.server.redirect_blobs_to:
            self._answer(307, b"", {"Location": f"{self.server.redirect_blobs_to}/{path.rpartition('/')[2]}"})
        elif path.startswith(("/v2/shop/web/blobs/", "/elsewhere/")):
            self._give(self.server.blobs.get(path.rpartition("/")[2]))
        else:
            self._answer(404, b"")

    def _may(self, authorization: str) -> bool:
        if self.path.startswith("/elsewhere/"):
            return True
        expected = {
            "": {authorization},
            "Bearer": {f"Bearer {self.server.token}", f"Bearer {self.server.static_token}"},
            "Basic": {self._basic()},
        }
        return authorization in expected[self.server.scheme]

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(":".join(self.server.login).encode()).decode()

    def _challenge(self) -> None:
        challenge = {
            "Bearer": f'Bearer realm="{self.server.realm}",service="registry",scope="repository:shop/web:pull"',
            "Basic": 'Basic realm="registry"',
        }[self.server.scheme]
        self._answer(401, b"", {"WWW-Authenticate": challenge})

    def _give_token(self, authorization: str) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if authorization not in {"", self._basic()} or asked["scope"] != ["repository:shop/web:pull"]:
            self._answer(401, b"")
            return
        self._answer(200, json.dumps({"token": self.server.token}).encode())

    def _give(self, content: bytes | None, headers: dict[str, str] | None = None) -> None:
        self._answer(404 if content is None else 200, content or b"", headers)

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def small_registry() -> Iterator[SmallRegistry]:
    """A registry that is gone afterwards."""
    server = SmallRegistry()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
