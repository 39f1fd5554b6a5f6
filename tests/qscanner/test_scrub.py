"""No planted secret survives, whatever it looks like, however it is written and wherever a chunk ends."""

import base64
import io
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scan_core.qscanner import scrub as room
from scan_core.qscanner import secret_fields
from scan_core.qscanner.literals import Literals, written_forms
from scan_core.qscanner.scrub import Scrubber, token_secrets
from scan_core.qscanner.secret_fields import InventoryUnreadable, secret_values
from tests.qscanner.samples import as_stream

TOKEN = 'eyJ0b2tlbiI6/+"<&>é\n-secret'
PEM = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEAv3x\nq9Zr7LmP0aTgYh2Kd8Ws==\n-----END KEY-----"

# A mask is no secret, and neither are the characters that it is made of.
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="*"), max_size=30)
_SECRET = st.text(st.sampled_from('abXY09/+="\\<&é€😀\n\t -_'), min_size=6, max_size=40).filter(
    lambda value: len(value.strip()) >= 6
)


def scrubbed(content: bytes, *values: str) -> bytes:
    """Scrub a file."""
    sink = io.BytesIO()
    Scrubber(values).scrub_stream(io.BytesIO(content), sink)
    return sink.getvalue()


def scrubbed_json(document: Any, *values: str) -> Any:
    """Scrub a document and read it again: it has to stay JSON."""
    return json.loads(scrubbed(json.dumps(document).encode(), *values))


class TestText:
    @pytest.mark.parametrize(
        "written",
        [
            TOKEN,
            json.dumps(TOKEN),
            json.dumps(TOKEN, ensure_ascii=False),
            json.dumps(TOKEN).replace("/", "\\/"),
            json.dumps(TOKEN).replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003E".lower()),
            json.dumps(json.dumps({"t": TOKEN})),
            "".join(f"\\u{ord(character):04X}" for character in TOKEN),
            quote(TOKEN),
            quote(TOKEN, safe="").lower().replace("eyj0b2tlbii6", "eyJ0b2tlbiI6"),
            quote_plus(TOKEN),
            TOKEN.encode().hex(),
            *(base64.b64encode(b"u" * before + TOKEN.encode() + b":x").decode() for before in range(4)),
            base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("="),
        ],
    )
    def test_a_secret_is_found_however_it_is_written(self, written: str) -> None:
        """Raw, escaped, percent-encoded, in hex or in base64 at any offset."""
        log = scrubbed(f"before {written} after\n".encode(), TOKEN).decode()
        assert "***" in log
        assert log.startswith("before ")
        assert log.endswith(" after\n")
        assert not [form for form in written_forms(TOKEN) if len(form) >= 6 and form in log]

    @given(
        st.lists(_SECRET, min_size=1, max_size=4),
        st.lists(_TEXT, min_size=1, max_size=6),
        st.integers(1, 50),
        st.data(),
    )
    def test_none_survives_at_any_border(
        self, values: list[str], between: list[str], size: int, data: st.DataObject
    ) -> None:
        """And what comes out is the same wherever the text was cut."""
        planted = "".join(text + data.draw(st.sampled_from([*values, ""])) for text in between)
        literals = Literals(values)
        whole = literals.masked(planted)
        chunks = [planted[at : at + size] for at in range(0, len(planted), size)]
        assert "".join(literals.masked_stream(chunks)) == whole
        assert not [value for value in values if value in whole]

    @given(st.binary(max_size=200), _SECRET, st.binary(max_size=200), st.integers(1, 40))
    def test_bytes_that_are_no_text_pass_unharmed(self, before: bytes, value: str, after: bytes, size: int) -> None:
        """Around a secret that does not."""
        original = room._CHUNK_BYTES
        room._CHUNK_BYTES = size
        try:
            found = scrubbed(b"\xff:" + before + value.encode() + after, value)
        finally:
            room._CHUNK_BYTES = original
        assert value.encode() not in found
        assert found.startswith(b"\xff:")

    def test_overlapping_secrets_are_hidden_together(self) -> None:
        """No rest of the second one stays."""
        assert scrubbed(b"..abcdefgh..", "abcdef", "defgh-", "cdefgh") == b"..***.."

    def test_short_and_empty_values_are_left_alone(self) -> None:
        """Hiding them would hide everything."""
        assert scrubbed(b"a token of abc", "", "a", "abc", "token") == b"a token of abc"

    def test_a_secret_with_space_around_it_is_found_without(self) -> None:
        """A token read from a file often ends in a newline."""
        assert scrubbed(b"x tokentoken y", " tokentoken\n") == b"x *** y"

    def test_a_very_long_secret_is_hidden_whole(self) -> None:
        """Although it is looked for in pieces."""
        value = "".join(f"{number:05}," for number in range(2_000))
        found = scrubbed(f"a {value} b".encode(), value).decode()
        assert found.startswith("a ***")
        assert found.endswith(" b")
        assert not set(found) & set("0123456789")


class TestCredentials:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("fetch https://user:pa@ss@host/a/b@c", "fetch https://***@host/a/b@c"),
            ("origin https://pat@dev.azure.com/x", "origin https://***@dev.azure.com/x"),
            ('"url": "https:\\/\\/u:p@h\\/x"', '"url": "https:\\/\\/***@h\\/x"'),
            ("https://host/path?mail=a@b", "https://host/path?mail=a@b"),
            ("pkg:npm/@scope/name@1.0", "pkg:npm/@scope/name@1.0"),
            ("Authorization: Bearer abc.def-1", "Authorization: Bearer ***"),
            ('{"authorization":"basic dXNlcjpwYXNz"}x', '{"authorization":"basic ***"}x'),
            ("basic understanding", "basic understanding"),
            ("QSCANNER_REGISTRY_TOKEN=abc.d-1 next", "QSCANNER_REGISTRY_TOKEN=*** next"),
            ('{"QSCANNER_REGISTRY_PASSWORD": "p,w"}x', '{"QSCANNER_REGISTRY_PASSWORD": "***,w"}x'),
            ("env: QUALYS_ACCESS_TOKEN: 'eyJx'", "env: QUALYS_ACCESS_TOKEN: '***'"),
            ("set QSCANNER_REGISTRY_TOKEN to a token", "set QSCANNER_REGISTRY_TOKEN to a token"),
        ],
    )
    def test_credentials_in_addresses_and_headers_are_hidden(self, line: str, expected: str) -> None:
        """Nobody has to know them beforehand."""
        assert scrubbed(line.encode()).decode() == expected
        assert Scrubber([]).scrub_text(line) == expected

    @given(st.integers(0, 20_000), st.integers(1_000, 9_000))
    @example(8_300, 8_300)
    def test_they_are_found_across_chunks(self, before: int, size: int) -> None:
        """Wherever one begins."""
        line = "-" * before + " https://user:password@host Authorization: Bearer " + "t0ken" * 200 + "\n" + "=" * 10_000
        chunks = [line[at : at + size] for at in range(0, len(line), size)]
        found = "".join(room._credentials_masked(chunks))
        assert found == "-" * before + " https://***@host Authorization: Bearer ***\n" + "=" * 10_000


class TestJson:
    @given(_SECRET, st.dictionaries(_TEXT, _TEXT | st.integers() | st.none() | st.booleans(), max_size=4))
    def test_a_document_stays_one_and_loses_its_secrets(self, value: str, other: dict[str, Any]) -> None:
        """In values, in keys, within longer texts, and as JSON within JSON."""
        document = other | {
            "text": f"<{value}>",
            value: [value, {"deep": f"{value}{value}"}],
            "nested": json.dumps({"a": value}),
        }
        found = scrubbed_json(document, value)
        text = json.dumps(found, ensure_ascii=False)
        assert value not in " ".join(_texts(found))
        assert json.dumps(value)[1:-1] not in text

    def test_escapes_that_nobody_has_to_use_are_understood(self) -> None:
        """A document is read as JSON, not as text."""
        assert scrubbed(rb'{"a": "s\u0065cret\u002Dvalue", "n": 1.50}', "secret-value") == b'{"a":"***","n":1.50}\n'

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | _TEXT,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
            max_leaves=15,
        )
    )
    def test_a_document_without_secrets_is_not_changed(self, document: Any) -> None:
        """Only its spacing is."""
        assert scrubbed_json({"a": document}, "never-in-there") == {"a": document} or "://" in json.dumps(document)

    def test_a_number_that_is_a_secret_becomes_a_text(self) -> None:
        """The document stays JSON."""
        assert scrubbed_json({"card": 4111111111111111, "n": 5}, "4111111111111111") == {"card": "***", "n": 5}

    def test_half_a_document_is_scrubbed_as_text(self) -> None:
        """Evidence of a failure is worth keeping, its secrets are not."""
        assert scrubbed(b'{"a": "topsecretvalue", "b": "tops', "topsecretvalue") == b'{"a": "***", "b": "tops'

    def test_a_large_document_is_written_in_pieces(self) -> None:
        """More than one chunk of it."""
        document = {"items": [{"number": number, "text": "x" * 50} for number in range(5_000)]}
        assert scrubbed_json(document, "never-in-there") == document


class TestInventory:
    def test_a_match_is_blanked_and_hidden_everywhere_else(self) -> None:
        """The secret of the inventory also stands in the report and the log."""
        match = "AKIAQ7ZK4TNVX3MPLS2D"
        inventory = {"secrets": [{"ruleId": "aws", "path": "a.py", "startLine": 3, "severity": "HIGH", "match": match}]}
        values = secret_values(as_stream(inventory))
        assert values == {match}
        assert scrubbed_json(inventory, *values)["secrets"][0] == inventory["secrets"][0] | {"match": "***"}
        assert scrubbed_json({"message": {"text": f"key {match}"}}, *values) == {"message": {"text": "key ***"}}
        assert scrubbed(f"found {match}\n".encode(), *values) == b"found ***\n"

    def test_what_a_matched_line_assigns_is_hidden_too(self) -> None:
        """The log may show the value without its line; a key may show line by line."""
        line = "password = 'hunter2-hunter2'"
        values = secret_values(as_stream({"secrets": [{"match": line}, {"Match": "key: abcd1234efgh"}, {"raw": PEM}]}))
        assert {line, "hunter2-hunter2", "abcd1234efgh", PEM, "q9Zr7LmP0aTgYh2Kd8Ws=="} <= values
        assert "-----BEGIN KEY-----" not in values

    @pytest.mark.parametrize(
        "key", ["match", "Secret", "raw_value", "snippet", "lineContent", "undocumented", "context"]
    )
    def test_any_text_not_known_to_be_harmless_is_blanked(self, key: str) -> None:
        """The shape of an entry is not documented, so nothing is let through on trust."""
        found = scrubbed_json({"secrets": [{"type": "t", key: "abc", "more": {key: ["d", {"text": "e"}]}}]})
        assert found == {"secrets": [{"type": "t", key: "***", "more": {key: ["***", {"text": "***"}]}}]}

    @pytest.mark.parametrize("key", ["password", "access_token", "registryPassword", "snippet", "Authorization"])
    def test_credentials_are_blanked_anywhere(self, key: str) -> None:
        """Such as a registry's."""
        document = {
            "registry": {"url": "https://u:p@r", key: "short", "port": 1},
            "list": [{key: {"text": 5, "x": "y"}}],
        }
        assert scrubbed_json(document) == {
            "registry": {"url": "https://***@r", key: "***", "port": 1},
            "list": [{key: {"text": 5, "x": "***"}}],
        }

    def test_numbers_that_say_where_are_kept(self) -> None:
        """A number is a secret only where a secret is expected."""
        entry = {"line": 3, "endLine": 4, "entropy": 3.5, "value": 12345678, "verified": True, "note": None}
        assert scrubbed_json({"secrets": [entry]}) == {"secrets": [entry | {"value": "***"}]}
        assert secret_values(as_stream({"secrets": [entry | {"value": 123456789012}]})) == {"123456789012"}

    @pytest.mark.parametrize(
        "match", ["abc", "results", "ropertie", "ruleId", "12345678", "CVE-2021-44228", "********", "      ", "warning"]
    )
    def test_a_match_that_would_destroy_documents_stays_in_its_field(self, match: str) -> None:
        """Planted text must not rewrite a report by being called a secret."""
        inventory = {"secrets": [{"match": match}]}
        assert secret_values(as_stream(inventory)) == set()
        assert scrubbed_json(inventory) == {"secrets": [{"match": "***"}]}

    def test_an_ordinary_word_in_an_undocumented_field_stays_readable_elsewhere(self) -> None:
        """It is blanked there and no more; what looks like a secret is hidden everywhere."""
        entry = {"engine": "classic", "engine2": "two words", "extra": "tok3n-like", "blob": "abcdefghijklmnop"}
        assert secret_values(as_stream({"secrets": [entry]})) == {"tok3n-like", "abcdefghijklmnop"}

    def test_half_an_inventory_is_refused(self) -> None:
        """What it would have to hide is not known."""
        with pytest.raises(InventoryUnreadable, match="ends in the middle") as refused:
            secret_values(as_stream(b'{"secrets": [{"match": "abc'))
        assert refused.value.sentence.startswith("The inventory ")

    def test_more_secrets_than_can_be_hidden_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Rather than hiding some."""
        monkeypatch.setattr(secret_fields, "MOST_SECRET_CHARACTERS", 20)
        with pytest.raises(InventoryUnreadable, match="more secrets"):
            secret_values(as_stream({"secrets": [{"match": "abcdefgh-0123456789"}, {"match": "zyxwvu-987654321"}]}))

    @given(st.lists(_SECRET, min_size=1, max_size=5))
    def test_no_match_survives_in_any_file(self, matches: list[str]) -> None:
        """Unless it was too ordinary to be looked for."""
        inventory = {"secrets": [{"type": "t", "match": match} for match in matches]}
        values = secret_values(as_stream(inventory))
        report = {"results": [{"message": {"text": f"found {match}"}} for match in matches]}
        for document in (inventory, report):
            left = " ".join(_texts(scrubbed_json(document, *values)))
            assert not [match for match in matches if match in values and match in left]
        assert all(entry["match"] == "***" for entry in scrubbed_json(inventory, *values)["secrets"])


def _texts(document: Any) -> list[str]:
    if isinstance(document, dict):
        return [text for pair in document.items() for part in pair for text in _texts(part)]
    if isinstance(document, list):
        return [text for item in document for text in _texts(item)]
    return [document] if isinstance(document, str) else []


class TestRegistryLogins:
    @pytest.mark.parametrize(
        "login",
        [
            {"registry": {"server": "shop.azurecr.io", "username": "puller", "password": "a-long-password-1"}},
            {"registryToken": "a-long-password-1"},
            {"registryCredentials": {"user": "x", "value": "a-long-password-1"}},
            {"auths": {"shop.azurecr.io": {"auth": "a-long-password-1"}}},
            {"X-Registry-Auth": "a-long-password-1"},
            {"config": {"Env": ["QSCANNER_REGISTRY_PASSWORD=a-long-password-1"]}},
            {"repository": "https://puller:a-long-password-1@shop.azurecr.io/v2/"},
            {"log": "Authorization: Basic a-long-password-1"},
        ],
    )
    def test_a_registrys_login_is_hidden_in_the_inventory(self, login: Any) -> None:
        """In every place that tools are known to write one, without knowing it beforehand."""
        assert "a-long-password-1" not in json.dumps(scrubbed_json({"metadata": login, "packages": []}))

    def test_a_login_that_the_inventory_names_is_hidden_elsewhere_too(self) -> None:
        """The log may repeat it."""
        inventory = {"auths": {"shop.azurecr.io": {"identitytoken": "a-long-password-1"}}}
        assert "a-long-password-1" in secret_values(as_stream(inventory))

    def test_a_pull_token_is_hidden_whole_and_in_parts(self) -> None:
        """A log may quote the claims of a JSON web token alone."""
        header, claims, signature = "eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJwdWxsZXIifQ", "c2lnbmF0dXJlLW9mLXRva2Vu"
        hidden = token_secrets(f"{header}.{claims}.{signature}")
        assert hidden == {f"{header}.{claims}.{signature}", claims, signature}
        line = f"used {claims} and {signature} of {header}.{claims}.{signature}"
        assert scrubbed(line.encode(), *hidden) == b"used *** and *** of ***"

    def test_a_token_in_one_part_is_hidden_whole(self) -> None:
        """And none is nothing to hide."""
        assert token_secrets("opaque-token.v1") == {"opaque-token.v1"}
        assert token_secrets("") == frozenset()
