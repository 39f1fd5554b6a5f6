"""Over TLS, as in Azure: only with a certificate that is trusted, and within the same time."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509

from scan_core.devops.client import DevOps
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.identity import personal_access_token
from tests.certificates import self_signed
from tests.devops.samples import OPERATIONS, ORGANISATION, well
from tests.devops.strict_server import Handler, Line, StrictServer, reply


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for loopback."""
    return self_signed(tmp_path_factory.mktemp("tls") / "loopback.pem", x509.IPAddress(IPv4Address("127.0.0.1")))


def serving(certificate: Path, handler: Handler) -> StrictServer:
    """Make a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return StrictServer(handler, context)


def calling(server: StrictServer, trusted: Path | None, **clocks: float) -> Iterator[DevOps]:
    """Make an adapter that trusts this certificate, and nothing else in its place."""
    with closing(DevOps(ORGANISATION, server.url, personal_access_token("x"), **clocks)) as devops:
        if trusted is not None:
            devops._transport._session.verify = str(trusted)
        yield devops


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_works_over_tls(operation: str, certificate: Path) -> None:
    """As it always does in Azure."""
    with serving(certificate, well) as server:
        for devops in calling(server, certificate):
            OPERATIONS[operation](devops)
        assert server.connections == 1


def test_a_certificate_that_is_not_trusted_is_unreachable(certificate: Path) -> None:
    """The credential is not sent."""
    with serving(certificate, well) as server:
        for devops in calling(server, None):
            with pytest.raises(DevOpsError, match="SSLError") as caught:
                devops.authenticated_id()
            assert caught.value.kind is DevOpsErrorKind.UNREACHABLE
        assert server.received == []


def drip_the_head(line: Line) -> None:
    """Send header after header, each in time."""
    line.send(b"HTTP/1.1 200 OK\r\n")
    line.drip(b"X-Slow: yes\r\n", 0.02)


def drip_the_body(line: Line) -> None:
    """Send byte after byte, each in time."""
    line.send(reply(200, b"", {"Content-Length": "900"}))
    line.drip(b" ", 0.02)


def drip_to_the_end_of_the_connection(line: Line) -> None:
    """Send bytes of a body whose end is that of the connection."""
    line.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}")
    line.drip(b" ", 0.02)


@pytest.mark.parametrize("drip", [drip_the_head, drip_the_body, drip_to_the_end_of_the_connection])
def test_a_drip_ends_with_its_time_over_tls_too(drip: Callable[[Line], None], certificate: Path) -> None:
    """The socket beneath is shut down while another thread reads through TLS."""
    with serving(certificate, lambda _: drip) as server:
        for devops in calling(server, certificate, total_seconds=0.4):
            with pytest.raises(DevOpsError) as caught:
                devops.authenticated_id()
            assert caught.value.kind is DevOpsErrorKind.TIMED_OUT
