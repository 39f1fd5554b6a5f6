"""Pull tokens: for one repository, short-lived, and got without showing a credential to anybody else."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.image import Login, RegistryHost, RepositoryName
from scan_core.registry.access import RegistryAccess
from scan_core.registry.client import RegistryClient
from scan_core.registry.network import Network
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from scan_core.registry.tokens import PullToken, TokenDesk
from tests.devops.strict_server import json_reply, reply
from tests.registry.conftest import NOON, Connect
from tests.registry.internet import BASIC, CONTOSO, PULL, STRANGER, Internet, StrictRegistry

HOST, APP = RegistryHost(CONTOSO), RepositoryName("app")


def jwt(claims: object) -> str:
    """Write an unsigned token."""
    parts = ({"alg": "none"}, claims, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)


def refusal(client: RegistryClient, host: str = CONTOSO) -> RegistryRefused:
    with pytest.raises(RegistryRefused) as caught:
        client.pull_token(RegistryHost(host), APP, deadline_seconds=10)
    return caught.value


@pytest.mark.parametrize("login", list(Login))
def test_a_token_for_one_repository(
    login: Login, registry: StrictRegistry, internet: Internet, connect: Connect
) -> None:
    """Nothing is read from the repository itself; the strict registry checks the scope."""
    token = connect(login).pull_token(HOST, APP)
    assert token is not None
    assert token.value == PULL
    assert PULL not in repr(token)
    asked = [request.target.partition("?")[0] for request in internet.received(CONTOSO)]
    assert asked == (["/oauth2/exchange", "/oauth2/token"] if login is Login.ENTRA else ["/v2/", "/oauth2/token"])


def test_no_token_where_everybody_is_let_in(registry: StrictRegistry, connect: Connect) -> None:
    """There is nothing to hand on."""
    registry.wants = ""
    assert connect(Login.ANONYMOUS).pull_token(HOST, APP) is None


def test_a_password_is_never_handed_on(registry: StrictRegistry, connect: Connect) -> None:
    """Where the scanner runs, a long-lived secret has no place."""
    registry.wants, registry.challenge = BASIC, "Basic"
    caught = refusal(connect(Login.BASIC))
    assert caught.kind is RefusalKind.REFUSED
    assert "a password is not handed" in caught.sentence


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(401, b"", {"WWW-Authenticate": "Negotiate"}), RefusalKind.REFUSED),
        (reply(403), RefusalKind.REFUSED),
        (reply(404), RefusalKind.NOT_FOUND),
        (reply(503, b"", {"Retry-After": "5"}), RefusalKind.THROTTLED),
        (reply(301, b"", {"Location": f"https://{STRANGER}/v2/"}), RefusalKind.REDIRECTED),
    ],
)
def test_a_registry_that_does_not_say_where_to_get_one(
    answer: bytes, kind: RefusalKind, registry: StrictRegistry, connect: Connect
) -> None:
    """Each with its kind."""
    registry.instead["/v2/"] = answer
    assert refusal(connect(Login.BASIC)).kind is kind


def test_a_registry_that_is_not_listed(internet: Internet, connect: Connect) -> None:
    """Nobody is asked."""
    assert refusal(connect(), STRANGER).kind is RefusalKind.NOT_LISTED
    assert internet.dialled == []


@pytest.mark.parametrize("name", ["../admin", "app:push", "app:pull repository:other", "a b", "App", ""])
def test_a_scope_cannot_be_widened_by_a_name(name: str, internet: Internet, connect: Connect) -> None:
    """A name that is none is refused before anything is asked."""
    with pytest.raises(ValueError, match="image name"):
        connect().pull_token(HOST, RepositoryName(name))
    assert internet.dialled == []


class TestAnswers:
    @pytest.mark.parametrize(
        ("document", "value"),
        [
            ({"token": "a"}, "a"),
            ({"access_token": "b"}, "b"),
            ({"token": "a", "access_token": "b"}, "a"),
        ],
    )
    def test_either_name_holds_the_token(
        self, document: dict[str, Any], value: str, registry: StrictRegistry, connect: Connect
    ) -> None:
        """Both are in use."""
        registry.token_answer = document
        token = connect(Login.ANONYMOUS).pull_token(HOST, APP)
        assert token is not None
        assert token.value == value

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"<html>",
            b"{}",
            b'{"token": ""}',
            b'{"token": 7}',
            b'{"token": "a b"}',
            b'{"token": "a\\r\\nHost: x"}',
            b'{"token": "\xc3\xa4"}',
            json.dumps({"token": "a" * 33_000}).encode(),
            b'{"token": "' + b"a" * 70_000 + b'"}',
        ],
    )
    @pytest.mark.parametrize("login", list(Login))
    def test_an_answer_without_a_usable_token(
        self, login: Login, body: bytes, registry: StrictRegistry, connect: Connect
    ) -> None:
        """Is no token, and cannot smuggle a header."""
        registry.instead["/oauth2/token"] = reply(200, body)
        assert refusal(connect(login)).kind is RefusalKind.MALFORMED

    def test_an_exchange_without_a_refresh_token(self, registry: StrictRegistry, connect: Connect) -> None:
        """The same."""
        registry.instead["/oauth2/exchange"] = json_reply({"access_token": "x"})
        assert "no refresh_token" in refusal(connect()).sentence

    def test_a_registry_that_is_not_azures(self, registry: StrictRegistry, connect: Connect) -> None:
        """It knows no exchange: the login is wrong."""
        registry.instead["/oauth2/exchange"] = reply(404)
        caught = refusal(connect())
        assert caught.kind is RefusalKind.REFUSED
        assert "entra is for Azure Container Registry alone" in caught.sentence

    @pytest.mark.parametrize("path", ["/oauth2/exchange", "/oauth2/token"])
    def test_an_identity_without_the_right(self, path: str, registry: StrictRegistry, connect: Connect) -> None:
        """Says what to give it."""
        registry.instead[path] = reply(401)
        caught = refusal(connect())
        assert caught.kind is RefusalKind.REFUSED
        assert "the right to pull" in caught.sentence


class TestIdentity:
    access = RegistryAccess(url=f"https://{CONTOSO}", login=Login.ENTRA)

    def test_where_there_is_none(self, network: Network, internet: Internet) -> None:
        """On a laptop; the registry is not asked."""
        caught = refusal(RegistryClient([self.access], None, network))
        assert caught.kind is RefusalKind.REFUSED
        assert internet.dialled == []

    def test_that_gives_no_token(self, network: Network) -> None:
        """What it complains of could hold anything, and may pass."""

        def failing() -> str:
            raise RuntimeError("secret hunter22")

        caught = refusal(RegistryClient([self.access], failing, network))
        assert caught.retryable
        assert "hunter22" not in caught.sentence
        assert "RuntimeError" in caught.sentence


def expiry(document: object, *, now: datetime = NOON) -> timedelta:
    """Tell how long a token with such an answer lasts."""
    desk = TokenDesk(TestIdentity.access, APP, lambda _: pytest.fail("nothing to ask"), None, lambda: now)
    assert isinstance(document, dict)
    read: PullToken = desk._read({"token": "opaque", **document})
    return read.expires_at - now


class TestExpiry:
    @pytest.mark.parametrize(
        ("document", "seconds"),
        [
            ({"expires_in": 300}, 300),
            ({"expires_in": 300.5}, 300.5),
            ({"expires_in": 300, "issued_at": "2026-11-23T11:59:00Z"}, 240),
            ({"expires_in": 300, "issued_at": "2026-11-23T13:59:00+02:00"}, 240),
            ({"expires_in": 300, "issued_at": "2026-11-23T11:59:00"}, 240),
            ({"expires_in": 300, "issued_at": "2026-11-23T18:00:00Z"}, 300),
            ({"expires_in": 300, "issued_at": "yesterday"}, 300),
            ({"expires_in": 300, "issued_at": 7}, 300),
            ({"expires_in": 300, "issued_at": "0001-01-01T00:00:00+14:00"}, 300),
            ({"expires_in": -5}, 0),
            ({"expires_in": 10**9}, 86_400),
            ({"expires_in": 10**30}, 60),
            ({"expires_in": float("nan")}, 60),
            ({"expires_in": True}, 60),
            ({"expires_in": "300"}, 60),
            ({}, 60),
            ({"token": jwt({"exp": NOON.timestamp() + 4500})}, 4500),
            ({"token": jwt({"exp": NOON.timestamp() - 1})}, 0),
            ({"token": jwt({"exp": 10**30})}, 60),
            ({"token": jwt([])}, 60),
            ({"token": "a.!.c"}, 60),
            ({"token": "a.b.c"}, 60),
        ],
    )
    def test_is_what_the_answer_or_the_token_says(self, document: dict[str, Any], seconds: float) -> None:
        """Else the minute of the specification; never longer than a day."""
        assert expiry(document) == timedelta(seconds=seconds)

    @given(
        st.dictionaries(
            st.sampled_from(["expires_in", "issued_at"]), st.integers() | st.floats() | st.text() | st.none()
        )
    )
    def test_is_always_within_a_day(self, document: dict[str, Any]) -> None:
        """Whatever the realm writes."""
        assert expiry(document) <= timedelta(days=1)
        assert expiry(document, now=datetime(2026, 1, 1, tzinfo=UTC)) <= timedelta(days=1)
