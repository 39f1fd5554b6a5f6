"""Who may order: tokens of Entra, good and otherwise."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from scan_core.intake import bearer as subject
from scan_core.intake.bearer import KeysUnavailable, SigningKeys, Unauthenticated, Unauthorized, bearer
from tests.onboarding.entra import CALLER, Entra, entra


@pytest.fixture(scope="module")
def running() -> Iterator[Entra]:
    """Run one Entra for all tests of this file."""
    with entra() as made:
        yield made


@pytest.fixture
def authority(running: Entra) -> Entra:
    """Give Entra as it is when all is well."""
    running.document, running.reads = {"keys": [running.public("key-1")]}, 0
    return running


def recognised(authority: Entra, header: str | None) -> str:
    """Recognise a caller with fresh keys."""
    return bearer(header, authority.trust, SigningKeys(authority.trust.keys_url).key)


def test_a_good_token_gives_its_bearer(authority: Entra) -> None:
    """By the object id, which never changes; the scheme is compared without case."""
    assert recognised(authority, authority.header()) == CALLER
    assert (
        recognised(authority, authority.header(roles=["Other", "Scangate.Onboard"]).replace("Bearer", "bEARER"))
        == CALLER
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.microsoftonline.com/other/v2.0"},
        {"aud": "https://management.azure.com"},
        {"aud": None},
        {"tid": "11111111-1111-4222-8333-444455556666"},
        {"tid": None},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"nbf": None},
        {"iat": None},
        {"iss": None},
        {"oid": None},
        {"oid": 7},
        {"kid": "key-of-nobody"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_is_none(changes: dict[str, Any], authority: Entra) -> None:
    """Another issuer, audience, tenant or time, a missing claim, an unknown key."""
    with pytest.raises(Unauthenticated):
        recognised(authority, authority.header(**changes))


@pytest.mark.parametrize("roles", [None, [], "Scangate.Onboard", ["scangate.onboard"], ["Reader"]], ids=str)
def test_a_good_token_without_the_role_may_nothing(roles: Any, authority: Entra) -> None:
    """And a text is not a list that holds it."""
    with pytest.raises(Unauthorized):
        recognised(authority, authority.header(roles=roles))


def test_a_token_that_was_changed_or_signed_otherwise_is_none(authority: Entra) -> None:
    """No signature, our public key as a shared secret, somebody else's key, other claims under the same signature."""
    head, _, tail = authority.token(roles=["Reader"]).split(".")
    changed = base64.urlsafe_b64encode(json.dumps(authority.claims()).encode()).decode().rstrip("=")
    stranger = rsa.generate_private_key(65537, 2048)
    tokens = [
        f"{head}.{changed}.{tail}",
        jwt.encode(authority.claims(), "", algorithm="none", headers={"kid": "key-1"}),
        jwt.encode(
            authority.claims(), "a-secret-of-thirty-two-characters-", algorithm="HS256", headers={"kid": "key-1"}
        ),
        jwt.encode(authority.claims(), authority.key, algorithm="RS512", headers={"kid": "key-1"}),
        jwt.encode(authority.claims(), authority.key, algorithm="RS256"),
        jwt.encode(authority.claims(), stranger, algorithm="RS256", headers={"kid": "key-1"}),
    ]
    for token in tokens:
        with pytest.raises(Unauthenticated):
            recognised(authority, f"Bearer {token}")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic eDp5", "Bearer x", "Bearer é", f"Bearer {'a' * 20000}", "Bearer a.b.c"],
)
def test_what_is_no_token_asks_entra_nothing(header: str | None, authority: Entra) -> None:
    """It is refused before any key is looked for."""
    with pytest.raises(Unauthenticated):
        recognised(authority, header)
    assert authority.reads == 0


class TestKeys:
    def test_keys_are_read_once(self, authority: Entra) -> None:
        """And again after hours."""
        now = [0.0]
        keys = SigningKeys(authority.trust.keys_url, lambda: now[0])
        assert keys.key("key-1") is keys.key("key-1") is not None
        assert authority.reads == 1
        now[0] += 7 * 3600
        assert keys.key("key-1") is not None
        assert authority.reads == 2

    def test_strangers_cannot_make_us_ask_entra_all_the_time(self, authority: Entra) -> None:
        """A key that is not known is looked for once a minute, and found when it is there."""
        now = [0.0]
        keys = SigningKeys(authority.trust.keys_url, lambda: now[0])
        assert [keys.key(f"made-up-{number}") for number in range(50)] == [None] * 50
        assert authority.reads == 1
        authority.document = {"keys": [authority.public("key-2")]}
        assert keys.key("key-2") is None
        now[0] += 61
        assert keys.key("key-2") is not None
        assert authority.reads == 2

    def test_an_outage_of_entra_is_said_and_known_keys_still_hold(self, authority: Entra) -> None:
        """Nobody is let in because nothing could be checked."""
        now = [0.0]
        good = authority.document
        authority.document = None
        keys = SigningKeys(authority.trust.keys_url, lambda: now[0])
        for _ in range(2):
            with pytest.raises(KeysUnavailable):
                keys.key("key-1")
        assert authority.reads == 1
        authority.document = good
        now[0] += 61
        assert keys.key("key-1") is not None
        authority.document, now[0] = None, now[0] + 7 * 3600
        assert keys.key("key-1") is not None

    @pytest.mark.parametrize("document", [b"<html>", b"[]", b"{}", b'{"keys": [{"kid": "x"}, 7]}', b"x" * 300_000])
    def test_what_is_no_key_set_is_an_outage(self, document: bytes, authority: Entra) -> None:
        """Also where it never ends."""
        authority.document = document
        with pytest.raises(KeysUnavailable):
            SigningKeys(authority.trust.keys_url).key("key-1")

    def test_keys_for_other_purposes_are_passed_over(self, authority: Entra) -> None:
        """Other kinds, other uses, broken ones."""
        strange = [authority.public("enc", use="enc"), {"kid": "ec", "kty": "EC"}, authority.public("broken", n=7)]
        authority.document = {"keys": [*strange, authority.public("key-1")]}
        keys = SigningKeys(authority.trust.keys_url)
        assert [name for name in ("enc", "ec", "broken", "key-1") if keys.key(name)] == ["key-1"]


def test_the_role_is_the_documented_one() -> None:
    """The deploy guide makes it by that name."""
    assert subject.ROLE == "Scangate.Onboard"
