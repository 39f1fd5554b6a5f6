"""Reading where secrets stand, in any of the shapes an inventory may have."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.finding import FoundSecret
from scan_core.qscanner import inventory as room
from scan_core.qscanner.inventory import read_secrets
from scan_core.qscanner.secret_fields import InventoryUnreadable, secret_values
from tests.qscanner.samples import as_stream

MATCH = "AKIAQ7ZK4TNVX3MPLS2D"
AWS = FoundSecret(kind="aws-key", path="src/config.py", line=3)


def secrets(document: Any) -> tuple[FoundSecret, ...]:
    """Read a document."""
    return read_secrets(as_stream(document))


class TestShapes:
    @pytest.mark.parametrize(
        "document",
        [
            {"secrets": [{"ruleId": "aws-key", "path": "src/config.py", "startLine": 3, "match": MATCH}]},
            {"Secrets": [{"Type": "aws-key", "File": "src/config.py", "Line": "3", "Secret": MATCH}]},
            {
                "Results": [
                    {"Secrets": [{"RuleID": "aws-key", "StartLine": 3, "Match": MATCH}], "Target": "src/config.py"}
                ]
            },
            {
                "Results": [
                    {"Target": "src/config.py", "Secrets": [{"RuleID": "aws-key", "StartLine": 3, "Match": MATCH}]}
                ]
            },
            {"secrets": {"src/config.py": [{"type": "aws-key", "line_number": 3, "value": MATCH}]}},
            {
                "secretScan": {
                    "engine": "e",
                    "items": [{"path": "src/config.py", "kind": "aws-key", "line": 3, "raw": MATCH}],
                }
            },
            {"secret_results": [{"file": {"path": "src/config.py"}, "secrets": [{"name": "aws-key", "line": 3}]}]},
            {
                "secrets": [
                    {"type": "aws-key", "location": {"path": "src/config.py", "line": 3}, "snippet": {"a": MATCH}}
                ]
            },
            {"secrets": [{"type": "aws-key", "path": "src/config.py", "line": MATCH, "lineNumber": 3, "tags": ["x"]}]},
            {
                "secrets": [
                    {"type": "aws-key", "path": "src/config.py", "lineno": 3, "code": {"lines": [{"content": MATCH}]}}
                ]
            },
            {"secrets": {"type": "aws-key", "path": "src/config.py", "startLine": 3}},
        ],
    )
    def test_the_same_secret_is_read_from_each(self, document: Any) -> None:
        """What it is, and where; scrubbed or not."""
        assert secrets(document) == (AWS,)
        assert secrets(json.loads(json.dumps(document).replace(MATCH, "***"))) == (AWS,)

    def test_each_place_of_a_secret_is_one(self) -> None:
        """Found in two places, to be removed from two places."""
        entry = {"type": "aws-key", "occurrences": [{"path": "a", "line": 1}, {"path": "b", "line": 2}]}
        assert [(each.path, each.line) for each in secrets({"secrets": [entry, entry]})] == [("a", 1), ("b", 2)]

    def test_a_bare_text_is_a_secret_of_unknown_kind(self) -> None:
        """Its place is that of what is around it."""
        assert secrets({"path": "a.py", "secrets": [MATCH]}) == (FoundSecret(kind="secret", path="a.py"),)

    @pytest.mark.parametrize(
        "document",
        [{}, {"secrets": []}, {"secrets": None}, {"secrets": 3}, {"secretsFound": True}, {"packages": [{"name": "x"}]}],
    )
    def test_without_a_list_of_secrets_there_are_none(self, document: Any) -> None:
        """Packages are not secrets."""
        assert secrets(document) == ()

    def test_the_match_is_never_shown(self) -> None:
        """Not even where it is the kind or the path."""
        (found,) = secrets({"secrets": [{"type": MATCH, "path": f"keys/{MATCH}.pem", "match": MATCH, "raw": " "}]})
        assert MATCH not in found.model_dump_json()
        assert found.path == "keys/***.pem"


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "says"),
        [(b"", "ends in the middle"), (b"[]", "not a JSON object"), (b'{"secrets": [', "ends"), (b"{} x", "goes on")],
    )
    def test_half_an_inventory_is_not_believed(self, content: bytes, says: str) -> None:
        """The other half could hold the secrets."""
        with pytest.raises(InventoryUnreadable, match=says):
            secrets(content)

    def test_too_many_secrets_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leaving some out would be a lie."""
        monkeypatch.setattr(room, "MOST_SECRETS", 2)
        with pytest.raises(InventoryUnreadable, match="more than 2"):
            secrets({"secrets": [{"type": "t", "line": line} for line in range(1, 5)]})

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["secrets", "path", "type", "match", "line", "a/b", "x"]), inner, max_size=4
                )
            ),
            max_leaves=15,
        )
    )
    def test_any_document_is_read_or_refused(self, document: Any) -> None:
        """In no other way, and no match is shown."""
        try:
            found = secrets({"inventory": document})
        except InventoryUnreadable:
            return
        hidden = secret_values(as_stream({"inventory": document}))
        assert not [each for each in found for value in hidden if value in each.path or value in each.kind]
