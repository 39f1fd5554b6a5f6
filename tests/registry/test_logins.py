"""Logging into a registry: who sees which credential, and which realms are asked for a token."""

import pytest

from scan_core.model.image import Login
from scan_core.registry.refusals import RefusalKind
from tests.devops.strict_server import Answer, Received, json_reply, reply
from tests.registry.conftest import Connect
from tests.registry.images import config, image
from tests.registry.internet import AUTH, BASIC, CONTOSO, ENTRA, PULL, STRANGER, Internet, StrictRegistry
from tests.registry.resolving import TAGGED, refusal


class TestLogins:
    @pytest.mark.parametrize("login", list(Login))
    def test_each_login_opens(
        self, login: Login, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Only the realm sees a password, only the exchange an Entra token."""
        pushed = registry.push("1", image(config()), config())
        assert connect(login).resolve(TAGGED).digest == pushed.digest
        for request in internet.received(CONTOSO):
            if request.target.startswith("/v2/"):
                assert request.headers.get("authorization") in {None, f"Bearer {PULL}"}
            assert (ENTRA.encode() in request.body) == (request.target == "/oauth2/exchange")

    def test_a_registry_open_to_everybody(self, registry: StrictRegistry, internet: Internet, connect: Connect) -> None:
        """Is not shown anything."""
        registry.wants = ""
        registry.push("1", image(config()), config())
        connect(Login.BASIC).resolve(TAGGED)
        assert all("authorization" not in request.headers for request in internet.received(CONTOSO))

    def test_a_registry_that_knows_passwords_only(self, registry: StrictRegistry, connect: Connect) -> None:
        """Gets the password itself, since it is listed with it."""
        registry.wants, registry.challenge = BASIC, 'Basic realm="x"'
        pushed = registry.push("1", image(config()), config())
        assert connect(Login.BASIC).resolve(TAGGED).digest == pushed.digest
        assert refusal(connect(Login.ANONYMOUS)).kind is RefusalKind.REFUSED

    def test_a_token_that_does_not_open(self, registry: StrictRegistry, internet: Internet, connect: Connect) -> None:
        """Is tried once."""
        registry.push("1", image(config()), config())
        registry.wants = "Bearer another"
        for login in Login:
            assert refusal(connect(login)).kind is RefusalKind.REFUSED
        assert sum(request.target == "/v2/app/manifests/1" for request in internet.received(CONTOSO)) == 5

    @pytest.mark.parametrize("challenge", ["", "Negotiate", 'Bearer service="x"', "Bearer realm=" + "x" * 5000])
    def test_a_challenge_that_cannot_be_answered(
        self, challenge: str, registry: StrictRegistry, connect: Connect
    ) -> None:
        """Is a refusal."""
        registry.challenge = challenge
        assert refusal(connect(Login.BASIC)).kind is RefusalKind.REFUSED

    @pytest.mark.parametrize("login", [Login.BASIC, Login.ANONYMOUS])
    @pytest.mark.parametrize(
        "realm",
        [
            f"https://{STRANGER}/token",
            f"http://{CONTOSO}/oauth2/token",
            f"https://{CONTOSO}:444/oauth2/token",
            f"https://{CONTOSO}.example.org/oauth2/token",
            f"https://{CONTOSO}@{STRANGER}/token",
            f"https://{STRANGER}\\@{CONTOSO}/token",
            f"https://{AUTH}/other",
            "//x",
            "<script>",
        ],
    )
    def test_a_realm_that_is_not_listed(
        self, login: Login, realm: str, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Sees nothing, not even that somebody asks."""
        registry.challenge = f'Bearer realm="{realm.replace(chr(92), chr(92) * 2)}",service="x"'
        caught = refusal(connect(login, token_realms=[f"https://{AUTH}/token"]))
        assert caught.kind is RefusalKind.REALM_ELSEWHERE
        assert "token realms" in caught.sentence
        assert all(internet.received(host) == [] for host in (STRANGER, AUTH))

    @pytest.mark.parametrize("listed", [f"https://{AUTH}/token", f"https://{AUTH}", f"https://{AUTH}:443/"])
    def test_a_realm_that_is_listed(
        self, listed: str, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Gets the password, as Docker Hub's does; its own query stays."""

        def auth(request: Received) -> Answer:
            assert request.target == "/token?a=b&service=the+service&scope=repository%3Aapp%3Apull"
            assert request.headers["authorization"] == BASIC
            return json_reply({"token": PULL})

        internet.answers[AUTH] = auth
        registry.challenge = f'Bearer realm="https://{AUTH}/token?a=b",service="the service"'
        pushed = registry.push("1", image(config()), config())
        client = connect(Login.BASIC, token_realms=[listed])
        assert client.resolve(TAGGED).digest == pushed.digest

    @pytest.mark.parametrize("login", list(Login))
    def test_a_realm_that_redirects(
        self, login: Login, registry: StrictRegistry, internet: Internet, connect: Connect
    ) -> None:
        """Would send the credential elsewhere."""
        registry.instead["/oauth2/token"] = reply(307, b"", {"Location": f"https://{STRANGER}/token"})
        assert refusal(connect(login)).kind is RefusalKind.REDIRECTED
        assert internet.received(STRANGER) == []
