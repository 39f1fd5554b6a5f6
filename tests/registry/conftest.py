"""A small internet with one registry in it, and the client before it."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scan_core.model.image import Login
from scan_core.registry.access import RegistryAccess
from scan_core.registry.client import RegistryClient
from scan_core.registry.network import Network
from tests.devops.strict_server import StrictServer
from tests.registry.internet import CONTOSO, ENTRA, HOSTS, PASSWORD, Internet, StrictRegistry

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

type Connect = Callable[..., RegistryClient]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for every host of the small internet, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "small internet")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "hosts.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def registry() -> StrictRegistry:
    """A registry with nothing in it."""
    return StrictRegistry()


@pytest.fixture
def internet(registry: StrictRegistry, certificate: Path) -> Iterator[Internet]:
    """Serve the registry, and whatever else a test puts beside it."""
    made = Internet(answers={CONTOSO: registry})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with StrictServer(made.handle, context) as made.server:
        yield made


@pytest.fixture
def network(internet: Internet, certificate: Path) -> Network:
    """The way to it, trusting its certificate."""
    return Network(internet.look_up, internet.dial, ssl.create_default_context(cafile=str(certificate)))


@pytest.fixture
def connect(network: Network) -> Connect:
    """Make a client to which the registry is listed in some way."""

    def made(login: Login = Login.ENTRA, **fields: object) -> RegistryClient:
        credential = {"username": "robot", "password": PASSWORD} if login is Login.BASIC else {}
        access = RegistryAccess.model_validate({"url": f"https://{CONTOSO}", "login": login, **credential, **fields})
        return RegistryClient([access], lambda: ENTRA, network, now=lambda: NOON)

    return made
