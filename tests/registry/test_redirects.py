"""A blob that the registry keeps at another host: how far it is followed, and with what."""

import pytest

from scan_core.registry.refusals import RefusalKind
from tests.devops.strict_server import Answer, Received, reply
from tests.registry.conftest import Connect
from tests.registry.images import Content, config, image
from tests.registry.internet import BLOBS, CONTOSO, STRANGER, Internet, StrictRegistry
from tests.registry.resolving import TAGGED, refusal


class TestBlobElsewhere:
    @pytest.fixture(autouse=True)
    def pushed(self, registry: StrictRegistry) -> Content:
        """Keep an image's configuration at another host."""
        self.blob = f"/v2/app/blobs/{config().digest}"
        self.to(registry, f"https://{BLOBS}/data?sig=a%2Fb")
        return registry.push("1", image(config()))

    def to(self, registry: StrictRegistry, location: str) -> None:
        """Have the blob redirected."""
        registry.instead[self.blob] = reply(307, b"", {"Location": location})

    def test_is_read_without_the_credential(self, pushed: Content, internet: Internet, connect: Connect) -> None:
        """As Azure Container Registry keeps them; the link opens by itself."""
        internet.answers[BLOBS] = lambda _: reply(200, config().body)
        assert connect().resolve(TAGGED).digest == pushed.digest
        (asked,) = internet.received(BLOBS)
        assert asked.target == "/data?sig=a%2Fb"
        assert "authorization" not in asked.headers
        assert "cookie" not in asked.headers

    def test_is_verified_all_the_same(self, internet: Internet, connect: Connect) -> None:
        """Whoever holds the bytes."""
        internet.answers[BLOBS] = lambda _: reply(200, config(comment="evil").body)
        assert refusal(connect()).kind is RefusalKind.DIGEST_MISMATCH

    def test_is_sought_at_most_three_hosts_away(
        self, pushed: Content, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Also where a redirect leads back; no credential comes along even then."""

        def hops(request: Received) -> Answer:
            left = int(request.target.removeprefix("/"))
            return reply(200, config().body) if left == 0 else reply(302, b"", {"Location": f"/{left - 1}"})

        internet.answers[BLOBS] = hops
        self.to(registry, f"https://{BLOBS}/2")
        assert connect().resolve(TAGGED).digest == pushed.digest
        self.to(registry, f"https://{BLOBS}/3")
        assert refusal(connect()).kind is RefusalKind.REDIRECTED

    def test_is_not_shown_the_credential_when_it_leads_back(
        self, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """The registry then asks for one, and gets none."""
        self.to(registry, f"https://{CONTOSO}/v2/app/blobs/{config(comment='x').digest}")
        assert refusal(connect()).kind is RefusalKind.REFUSED
        assert "authorization" not in internet.received(CONTOSO)[-1].headers

    @pytest.mark.parametrize(
        "location",
        [
            f"http://{BLOBS}/data",
            f"ftp://{BLOBS}/data",
            "file:///etc/passwd",
            f"https://user:pw@{BLOBS}/data",
            "https://[::1]/data",
            f"https://{BLOBS}\\@{STRANGER}/",
            f"https://{BLOBS}:99999/",
            f"https://{BLOBS}/ data",
            "https://\xe4.example/",
        ],
    )
    def test_is_not_followed_to_a_senseless_place(
        self, location: str, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Only https, and only a plain URL."""
        self.to(registry, location)
        assert refusal(connect()).kind is RefusalKind.REDIRECTED
        assert internet.received(BLOBS) == internet.received(STRANGER) == []

    @pytest.mark.parametrize("private", [True, False])
    @pytest.mark.parametrize("inside", ["10.0.0.4", "127.0.0.1", "169.254.169.254", "168.63.129.16"])
    def test_is_followed_inside_only_for_a_private_registry(
        self, *, private: bool, inside: str, pushed: Content, internet: Internet, connect: Connect
    ) -> None:
        """Its data endpoint is behind a private endpoint too; this machine and its metadata service never are."""
        internet.answers[BLOBS] = lambda _: reply(200, config().body)
        internet.addresses[BLOBS] = (inside,)
        if private and inside == "10.0.0.4":
            assert connect(private=True).resolve(TAGGED).digest == pushed.digest
            return
        assert refusal(connect(private=private)).kind is RefusalKind.PRIVATE_ADDRESS
        assert internet.received(BLOBS) == []

    def test_a_redirect_to_nowhere(self, registry: StrictRegistry, connect: Connect) -> None:
        """Without a Location it leads to itself, and ends."""
        registry.instead[self.blob] = reply(307)
        assert refusal(connect()).kind is RefusalKind.REDIRECTED
