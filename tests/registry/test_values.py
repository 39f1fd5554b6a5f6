"""The pure parts: listed registries, addresses, challenges, waiting, and sentences."""

import contextlib
import ipaddress
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scan_core.model.image import Login
from scan_core.registry.access import RegistryAccess, address
from scan_core.registry.addresses import Reach, reach
from scan_core.registry.challenge import Challenge, read_challenge
from scan_core.registry.exchange import retry_after_seconds
from scan_core.registry.manifest import read_config, read_manifest
from scan_core.registry.refusals import SENTENCE_CHARACTERS, RefusalKind, RegistryRefused, shown
from tests.registry.conftest import NOON
from tests.registry.images import OCI_CONFIG, OCI_IMAGE, OCI_INDEX, config, entry, image, index

_KEYS = ["mediaType", "manifests", "config", "layers", "digest", "size", "platform", "os", "architecture", "variant"]


class TestAccess:
    @pytest.mark.parametrize(
        ("url", "host"),
        [
            ("https://contoso.azurecr.io", "contoso.azurecr.io"),
            ("https://contoso.azurecr.io/", "contoso.azurecr.io"),
            ("https://contoso.azurecr.io:443", "contoso.azurecr.io"),
            ("https://CONTOSO.azurecr.io", "contoso.azurecr.io"),
            ("https://registry.contoso.com:5000", "registry.contoso.com:5000"),
            ("http://127.0.0.1:5000", "127.0.0.1:5000"),
            ("http://localhost:5000", "localhost:5000"),
        ],
    )
    def test_a_registry_is_named_as_references_name_it(self, url: str, host: str) -> None:
        """Without the port that its scheme has anyway."""
        assert RegistryAccess(url=url).host == host

    @pytest.mark.parametrize(
        "fields",
        [
            {"url": "contoso.azurecr.io"},
            {"url": "ftp://contoso.azurecr.io"},
            {"url": "https://"},
            {"url": "https://contoso.azurecr.io/path"},
            {"url": "https://contoso.azurecr.io?x"},
            {"url": "https://contoso.azurecr.io#x"},
            {"url": "https://user:hunter22@contoso.azurecr.io"},
            {"url": "https://contoso azurecr.io"},
            {"url": "https://contoso.azurecr.io:0x"},
            {"url": "http://contoso.azurecr.io"},
            {"url": "http://10.0.0.1:5000"},
            {"url": "https://contoso.azurecr.io", "token_realms": ["http://auth.example.net/token"]},
            {"url": "https://contoso.azurecr.io", "token_realms": ["auth.example.net"]},
            {"url": "https://contoso.azurecr.io", "login": "basic"},
            {"url": "https://contoso.azurecr.io", "login": "basic", "username": "robot"},
            {"url": "https://contoso.azurecr.io", "login": "basic", "password": "hunter22"},
            {"url": "https://contoso.azurecr.io", "login": "none", "password": "hunter22"},
            {"url": "https://contoso.azurecr.io", "password": ["hunter22"]},
        ],
    )
    def test_what_cannot_be_used_is_refused(self, fields: dict[str, object]) -> None:
        """When it is read, and never with its password."""
        with pytest.raises(ValidationError) as caught:
            RegistryAccess.model_validate(fields)
        assert "hunter22" not in str(caught.value)

    def test_a_password_is_not_shown(self) -> None:
        """By whatever prints the value."""
        access = RegistryAccess(url="https://x.io", login=Login.BASIC, username="robot", password="hunter22")  # type: ignore[arg-type]  # pydantic wraps it
        assert "hunter22" not in f"{access!r} {access}"

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_a_url_is_taken_apart_or_refused(self, host: str, rest: str) -> None:
        """What comes out can be sent as it is."""
        try:
            found = address(f"https://{host}/{rest}")
        except ValueError:
            return
        assert found.target.startswith("/")
        assert all("!" <= character <= "~" for character in found.target + found.origin.host)


class TestReach:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("20.60.1.1", Reach.PUBLIC),
            ("2603:1030::1", Reach.PUBLIC),
            ("64:ff9b::143c:101", Reach.PUBLIC),
            ("10.0.0.1", Reach.PRIVATE),
            ("172.31.255.255", Reach.PRIVATE),
            ("192.168.1.1", Reach.PRIVATE),
            ("100.64.0.1", Reach.PRIVATE),
            ("fd12::1", Reach.PRIVATE),
            ("::ffff:192.168.1.1", Reach.PRIVATE),
            ("2002:a00:1::", Reach.NEVER),
            ("64:ff9b::a00:1", Reach.PRIVATE),
            ("64:ff9b:1::a00:1", Reach.NEVER),
            ("127.1.2.3", Reach.LOOPBACK),
            ("::1", Reach.LOOPBACK),
            ("::ffff:127.0.0.1", Reach.LOOPBACK),
            ("169.254.169.254", Reach.NEVER),
            ("::ffff:169.254.169.254", Reach.NEVER),
            ("fe80::1", Reach.NEVER),
            ("168.63.129.16", Reach.NEVER),
            ("0.0.0.0", Reach.NEVER),
            ("::", Reach.NEVER),
            ("224.0.0.1", Reach.NEVER),
            ("ff0e::1", Reach.NEVER),
            ("255.255.255.255", Reach.NEVER),
            ("240.0.0.1", Reach.NEVER),
            ("192.0.2.1", Reach.NEVER),
            ("2001:db8::1", Reach.NEVER),
            ("198.18.0.1", Reach.NEVER),
        ],
    )
    def test_an_address_reaches(self, text: str, expected: Reach) -> None:
        """As far as the address within it does."""
        assert reach(ipaddress.ip_address(text)) is expected

    @given(st.ip_addresses())
    def test_nothing_public_is_unroutable(self, found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
        """The registries of the internet are at global addresses."""
        if reach(found) is Reach.PUBLIC:
            assert found.is_global
            assert not found.is_multicast


class TestChallenge:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (['Bearer realm="https://a/t",service="s",scope="x"'], Challenge("bearer", "https://a/t", "s")),
            (['bearer realm=x , service="s \\"q\\""'], Challenge("bearer", "x", 's "q"')),
            (['BEARER REALM="x"'], Challenge("bearer", "x")),
            (['Bearer realm="x",realm="y"'], Challenge("bearer", "x")),
            (['Bearer realm="x" junk'], None),
            (['Bearer realm="x",service="' + "s" * 300 + '"'], Challenge("bearer", "x", "s" * 256)),
            (['Basic realm="x"'], Challenge("basic", "x")),
            (["Basic"], Challenge("basic", "")),
            (['Basic realm="x"', 'Bearer realm="y"'], Challenge("bearer", "y")),
            (["Negotiate", "Basic"], Challenge("basic", "")),
            (["Bearer"], None),
            (['Bearer realm=""'], None),
            (["=,="], None),
            ([""], None),
            ([], None),
        ],
    )
    def test_a_challenge_is_read(self, values: list[str], expected: Challenge | None) -> None:
        """Tokens before passwords."""
        assert read_challenge(values) == expected

    @given(st.lists(st.text(max_size=200) | st.text(alphabet='Bearer basic realm="\\,x ', max_size=200), max_size=3))
    def test_any_header_is_read_or_passed_over(self, values: list[str]) -> None:
        """Nothing a registry writes raises."""
        found = read_challenge(values)
        assert found is None or found.scheme in {"bearer", "basic"}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([OCI_IMAGE, OCI_INDEX, OCI_CONFIG]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


class TestManifests:
    @given(json_values, st.sampled_from([OCI_IMAGE, OCI_INDEX, ""]) | st.text(max_size=8))
    def test_any_document_is_read_or_refused(self, document: object, content_type: str) -> None:
        """Whatever a registry writes, it is one of the two."""
        content = json.dumps(document).encode()
        for read in (lambda: read_manifest(content, content_type, "x"), lambda: read_config(content, "x")):
            with contextlib.suppress(RegistryRefused):
                read()

    @pytest.mark.parametrize("media_type", [[], {}, None, 7])
    def test_a_type_that_is_no_text_is_no_type(self, media_type: object) -> None:
        """In a configuration's descriptor as in an entry of an index."""
        single = image(config(), config={**config().descriptor(), "mediaType": media_type})
        listed = index(entry("linux/amd64", mediaType=media_type))
        for content in (single, listed):
            with pytest.raises(RegistryRefused) as caught:
                read_manifest(content.body, content.media_type, "x")
            assert caught.value.kind is RefusalKind.NOT_AN_IMAGE


class TestWaiting:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("17", 17.0),
            (" 17 ", 17.0),
            ("999999999999999999999999", 3600.0),
            ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
            ("Mon, 23 Nov 2026 12:00:30", 30.0),
            ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
            ("Mon, 23 Nov 2099 11:00:00 GMT", 3600.0),
            ("soon", None),
            ("-5", None),
            ("nan", None),
            ("\u0663", None),
            ("", None),
        ],
    )
    def test_a_wait_is_read(self, text: str, seconds: float | None) -> None:
        """In either form, and never more than an hour."""
        assert retry_after_seconds({"Retry-After": text}, NOON) == seconds

    def test_no_wait_is_said(self) -> None:
        """Mostly."""
        assert retry_after_seconds({}, NOON + timedelta(1)) is None


class TestSentences:
    @given(st.text(max_size=200))
    def test_a_strangers_text_is_made_harmless(self, text: str) -> None:
        """ASCII, visible, short, and nothing that could act as markup."""
        found = shown(text)
        assert len(found) <= 61
        assert not set(found) & set("<>&\"'`()[]{}|*\\\n\r\x00")
        assert found.rstrip("…").isascii()

    def test_a_long_sentence_is_cut(self) -> None:
        """For a status there is a limit."""
        refused = RegistryRefused(RefusalKind.NOT_FOUND, "x" * 999)
        assert len(refused.sentence) == SENTENCE_CHARACTERS == len(str(refused))
        assert refused.sentence.endswith("…")


def test_a_worker_can_afford_the_room() -> None:
    """Two processes a scan pay for what is imported: no client library, no SDK."""
    program = (
        "import sys, scan_core.registry.client; print({'httpx2', 'requests', 'azure', 'anyio'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
