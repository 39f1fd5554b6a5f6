"""The addresses that a registry's name leads to: which are connected to, and which never."""

from typing import Any

import pytest

from scan_core.registry.refusals import RefusalKind
from tests.registry.conftest import Connect
from tests.registry.images import config, image
from tests.registry.internet import CONTOSO, Internet, StrictRegistry
from tests.registry.resolving import TAGGED, refusal


class TestAddresses:
    @pytest.mark.parametrize(
        ("addresses", "private_helps"),
        [
            (["10.0.0.4"], True),
            (["20.60.1.1", "10.0.0.4"], True),
            (["127.0.0.1"], True),
            (["::1"], True),
            (["fd00::1"], True),
            (["::ffff:10.0.0.4"], True),
            (["169.254.169.254"], False),
            (["fe80::1"], False),
            (["168.63.129.16"], False),
            (["0.0.0.0"], False),
            (["224.0.0.1"], False),
            (["64:ff9b::a9fe:a9fe"], False),
        ],
    )
    def test_an_address_inside(
        self,
        addresses: list[str],
        private_helps: bool,
        registry: StrictRegistry,
        internet: Internet,
        connect: Connect,
    ) -> None:
        """Is connected to only for a registry listed as private; some never; not one byte is sent before."""
        pushed = registry.push("1", image(config()), config())
        internet.addresses[CONTOSO] = addresses
        caught = refusal(connect())
        assert caught.kind is RefusalKind.PRIVATE_ADDRESS
        assert internet.dialled == []
        if private_helps:
            assert connect(private=True).resolve(TAGGED).digest == pushed.digest
        else:
            assert refusal(connect(private=True)).kind is RefusalKind.PRIVATE_ADDRESS
            assert internet.dialled == []

    def test_a_name_that_changes_its_address(
        self, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """The connection goes to the address that was looked at, and every request looks anew."""
        registry.push("1", image(config()), config())
        answers = iter((["20.60.1.1"], ["20.60.1.2"], ["127.0.0.1"]))
        real = internet.look_up

        def rebinding(host: str, port: int) -> Any:
            internet.addresses[CONTOSO] = next(answers)
            return real(host, port)

        client = connect()
        object.__setattr__(client._network, "look_up", rebinding)
        assert refusal(client).kind is RefusalKind.PRIVATE_ADDRESS
        assert internet.dialled == ["20.60.1.1:443", "20.60.1.2:443"]

    def test_a_name_that_does_not_exist(self, internet: Internet, connect: Connect) -> None:
        """Is unreachable, and may exist later."""
        del internet.addresses[CONTOSO]
        assert refusal(connect()).kind is RefusalKind.UNREACHABLE

    def test_a_name_without_addresses(self, internet: Internet, connect: Connect) -> None:
        """The same."""
        internet.addresses[CONTOSO] = ()
        assert refusal(connect()).kind is RefusalKind.UNREACHABLE
