"""Who may knock: Basic credentials against one or two live secrets."""

import base64
import hmac
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.intake import credentials
from scan_core.intake.credentials import authenticate
from tests.intake.deliveries import SECRET, basic


class TestWhatOpens:
    @pytest.mark.parametrize("user", ["", "hook", "ünï", "a b"])
    def test_any_user_name(self, user: str) -> None:
        """The user name is not looked at."""
        assert authenticate(basic(SECRET, user), [SECRET])

    @pytest.mark.parametrize("password", ["old", "new"])
    def test_either_live_secret(self, password: str) -> None:
        """While a secret is replaced, both open."""
        assert authenticate(basic(password), ["old", "new"])

    def test_scheme_in_any_case(self) -> None:
        """RFC 7617: the scheme's name has no case."""
        assert authenticate(basic(SECRET).replace("Basic", "bAsIc"), [SECRET])

    def test_a_secret_with_colons(self) -> None:
        """Only the first colon parts user and password."""
        assert authenticate(basic("a:b:c"), ["a:b:c"])

    @given(st.text(min_size=1).filter(lambda text: text.isprintable()))
    def test_every_secret_opens_its_own_door(self, secret: str) -> None:
        """Whatever characters a secret is made of."""
        assert authenticate(basic(secret), [secret])


class TestWhatDoesNot:
    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "Basic",
            "Basic ",
            "Basic !!!!",
            "Basic é",
            "Basic " + base64.b64encode(SECRET.encode()).decode(),
            "Basic " + base64.b64encode(b"\xff\xfe").decode(),
            "Bearer " + SECRET,
            basic(SECRET.upper()),
            basic(SECRET + " "),
            basic(""),
        ],
    )
    def test_wrong_or_malformed(self, header: str | None) -> None:
        """No header, other schemes, broken base64, no colon, other passwords."""
        assert not authenticate(header, [SECRET])

    def test_an_empty_secret(self) -> None:
        """A secret that was never filled in opens nothing."""
        assert not authenticate(basic(""), ["", ""])

    def test_no_secrets(self) -> None:
        """Nothing opens an unknown organisation, not even what pads the comparison."""
        assert not authenticate(basic(credentials._NOBODYS), [])

    @given(st.text(), st.lists(st.text(), max_size=2))
    def test_nothing_raises(self, header: str, secrets: list[str]) -> None:
        """Any header is answered."""
        authenticate(header, [secret for secret in secrets if secret.isascii()])


@pytest.mark.parametrize("secrets", [(), ("one",), ("one", "two")])
@pytest.mark.parametrize("header", [None, "Basic !!!!", basic("one"), basic("wrong")])
def test_every_answer_costs_the_same(header: str | None, secrets: tuple[str, ...]) -> None:
    """As many comparisons are made for no secret as for two, and for a match as for none."""
    with mock.patch("hmac.compare_digest", wraps=hmac.compare_digest) as compare:
        authenticate(header, secrets)
    assert compare.call_count == 2
