"""A small internet with one registry in it, and the client before it."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from scan_core.model.image import Login
from scan_core.registry.access import RegistryAccess
from scan_core.registry.client import RegistryClient
from scan_core.registry.network import Network
from tests.certificates import self_signed
from tests.devops.strict_server import StrictServer
from tests.registry.internet import CONTOSO, ENTRA, HOSTS, PASSWORD, Internet, StrictRegistry

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

type Connect = Callable[..., RegistryClient]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for every host of the small internet."""
    return self_signed(tmp_path_factory.mktemp("tls") / "hosts.pem", *(x509.DNSName(host) for host in HOSTS))


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
