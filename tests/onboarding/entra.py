"""A stand-in for Entra: it publishes keys, and signs tokens for whoever asks."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from scan_core.intake.bearer import ROLE, Trust

TENANT = "99999999-1111-4222-8333-444455556666"
CLIENT = "77777777-1111-4222-8333-444455556666"
CALLER = "55555555-1111-4222-8333-444455556666"


@dataclass
class Entra:
    """The stand-in.

    Attributes:
        authority: Its address.
        key: What it signs with.
        document: What it publishes; None = it fails.
        reads: How often the keys were read.
    """

    authority: str
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    document: Any = None
    reads: int = 0

    def __post_init__(self) -> None:
        """Publish the key."""
        self.document = {"keys": [self.public("key-1")]}

    @property
    def trust(self) -> Trust:
        """Who trusts it."""
        return Trust(self.authority, TENANT, CLIENT)

    def public(self, kid: str, **changes: Any) -> dict[str, Any]:
        """Describe the public key as a key set does."""
        made = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {**made, "kid": kid, "use": "sig", "x5c": ["ignored"], **changes}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Make the claims of a good token; None leaves one out."""
        now = int(time.time())
        good = {
            "iss": self.trust.issuer,
            "aud": CLIENT,
            "tid": TENANT,
            "oid": CALLER,
            "roles": [ROLE],
            "iat": now - 10,
            "nbf": now - 10,
            "exp": now + 600,
            "ver": "2.0",
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(self, kid: str = "key-1", **changes: Any) -> str:
        """Sign a token."""
        return jwt.encode(self.claims(**changes), self.key, algorithm="RS256", headers={"kid": kid})

    def header(self, **changes: Any) -> str:
        """Make the header Authorization with a token."""
        return f"Bearer {self.token(**changes)}"


@contextmanager
def entra() -> Iterator[Entra]:
    """Run the stand-in."""
    made: list[Entra] = []

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made[0].reads += 1
            found = made[0].document if self.path == f"/{TENANT}/discovery/v2.0/keys" else None
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(503 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        made.append(Entra(f"http://127.0.0.1:{server.server_address[1]}"))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield made[0]
        finally:
            server.shutdown()
            thread.join()
