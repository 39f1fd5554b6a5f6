"""The way out itself: real names, real sockets, the deadline, and whom to trust."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from scan_core.model.image import image_reference
from scan_core.registry.access import Origin, RegistryAccess
from scan_core.registry.addresses import IpAddress, Reach
from scan_core.registry.client import RegistryClient
from scan_core.registry.network import Deadline, Network, look_up
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from tests.devops.strict_server import StrictServer, reply
from tests.registry.images import config, image
from tests.registry.internet import CONTOSO, Internet, StrictRegistry

LOOPBACK = ipaddress.ip_address("127.0.0.1")


def refusal(client: RegistryClient, host: str, seconds: float = 10) -> RegistryRefused:
    with pytest.raises(RegistryRefused) as caught:
        client.resolve(image_reference(f"{host}/app:1"), deadline_seconds=seconds)
    return caught.value


def test_a_registry_on_this_machine_is_reached_without_tls(registry: StrictRegistry) -> None:
    """By its real name and a real socket; that it is private has to be said all the same."""
    registry.wants = ""
    pushed = registry.push("1", image(config()), config())
    with StrictServer(registry) as server:
        host = f"127.0.0.1:{server.port}"
        listed = RegistryAccess(url=f"http://{host}", private=True)
        found = RegistryClient([listed]).resolve(image_reference(f"{host}/app:1"))
        assert found.digest == pushed.digest
        assert server.received[0].headers["host"] == host
        caught = refusal(RegistryClient([listed.model_copy(update={"private": False})]), host)
        assert caught.kind is RefusalKind.PRIVATE_ADDRESS


def test_without_tls_a_name_leads_to_this_machine_only() -> None:
    """Whatever localhost has been made to mean."""
    network = Network(look_up=lambda _host, _port: [ipaddress.ip_address("10.0.0.1")])
    client = RegistryClient([RegistryAccess(url="http://localhost:5000", private=True)], network=network)
    assert refusal(client, "localhost:5000").kind is RefusalKind.PRIVATE_ADDRESS


def test_proxies_of_the_environment_are_not_used(registry: StrictRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """One would see where we go, and could lead elsewhere."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    registry.wants = ""
    registry.push("1", image(config()), config())
    with StrictServer(registry) as server:
        host = f"127.0.0.1:{server.port}"
        RegistryClient([RegistryAccess(url=f"http://{host}", private=True)]).resolve(image_reference(f"{host}/app:1"))


def test_a_certificate_that_is_not_trusted(internet: Internet, registry: StrictRegistry) -> None:
    """Nothing is sent over it."""
    network = Network(internet.look_up, internet.dial)
    caught = refusal(RegistryClient([RegistryAccess(url=f"https://{CONTOSO}")], network=network), CONTOSO)
    assert caught.kind is RefusalKind.UNREACHABLE
    assert "certificate is not trusted" in caught.sentence
    assert internet.received(CONTOSO) == []


def test_a_certificate_of_another_host(internet: Internet, certificate: Path) -> None:
    """Is no better."""
    internet.addresses["other.example.com"] = ("20.60.1.1",)
    network = Network(internet.look_up, internet.dial, ssl.create_default_context(cafile=str(certificate)))
    client = RegistryClient([RegistryAccess(url="https://other.example.com")], network=network)
    assert "certificate is not trusted" in refusal(client, "other.example.com").sentence


def test_a_server_without_tls(registry: StrictRegistry) -> None:
    """Where TLS is spoken, is unreachable."""
    with StrictServer(lambda _: reply(200)) as server:
        listed = RegistryAccess(url=f"https://127.0.0.1:{server.port}", private=True)
        assert refusal(RegistryClient([listed]), listed.host).kind is RefusalKind.UNREACHABLE


def test_a_handshake_that_never_ends() -> None:
    """Ends with the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        listed = RegistryAccess(url=f"https://127.0.0.1:{silent.getsockname()[1]}", private=True)
        caught = refusal(RegistryClient([listed]), listed.host, seconds=0.3)
    assert caught.kind is RefusalKind.UNREACHABLE
    assert "no answer in time" in caught.sentence


def test_a_name_that_takes_its_time() -> None:
    """The system's resolver has its own clock; ours ends first."""
    release = threading.Event()

    def slow(_host: str, _port: int) -> Sequence[IpAddress]:
        release.wait(20)
        return []

    client = RegistryClient([RegistryAccess(url=f"https://{CONTOSO}")], network=Network(look_up=slow))
    try:
        assert "no answer in time" in refusal(client, CONTOSO, seconds=0.2).sentence
    finally:
        release.set()


def test_a_name_that_no_resolver_takes() -> None:
    """Python refuses some before it asks."""

    def refusing(_host: str, _port: int) -> Sequence[IpAddress]:
        raise UnicodeError("label too long")

    client = RegistryClient([RegistryAccess(url=f"https://{CONTOSO}")], network=Network(look_up=refusing))
    assert refusal(client, CONTOSO).kind is RefusalKind.UNREACHABLE


def test_the_second_address_serves_where_the_first_does_not() -> None:
    """As for a host whose IPv6 is broken."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tried: list[str] = []

        def dial(address: IpAddress, port: int, seconds: float) -> socket.socket:
            tried.append(str(address))
            if address.version == 6:
                raise OSError("no route to host")
            return socket.create_connection((str(address), port), seconds)

        network = Network(lambda _host, _port: [ipaddress.ip_address("::1"), LOOPBACK], dial)
        with closing(network.connect(Origin("http", "localhost", port), {Reach.LOOPBACK}, Deadline(5))) as connection:
            connection.sendall(b"x")
    assert tried == ["::1", "127.0.0.1"]


def test_addresses_are_looked_up_for_real() -> None:
    """Without the zone that a link-local one can have."""
    assert LOOPBACK in look_up("localhost", 80)
    assert look_up("127.0.0.1", 80) == [LOOPBACK]


def test_a_deadline_counts_down_and_ends() -> None:
    """By the clock that it is given."""
    moments = iter((100.0, 103.0, 110.0))
    deadline = Deadline(10, lambda: next(moments))
    assert deadline.remaining() == 7
    with pytest.raises(TimeoutError, match="10 s are over"):
        deadline.remaining()
