"""Any bytes and any values at all: read, or refused as it is promised."""

from contextlib import suppress
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from scan_core.rules.keys import COUNT_LIMITS, KEYS
from scan_core.rules.rules_file import RulesUnreadable, rules_from_mapping
from tests.rules.reading import DEFAULTS, read, refusal

_WORDS = [
    "enabled",
    "max_high",
    "mode",
    "exclude_dirs",
    "0",
    "-1",
    "true",
    "get-report",
    "images",
    "image",
    "pipeline",
    "a.b/c:$(Build.BuildId)",
    "&a",
    "*a",
    "<<",
    "---",
    "...",
]
_SIGNS = [": ", "\n", "- ", "  ", *"[]{},'\"#!|>%@\t?\\\x00\u2028é"]
_PIECES = st.sampled_from(_WORDS + _SIGNS)


class TestAnyInput:
    @given(st.binary(max_size=200))
    @example(b"%YAML " + b"9" * 5000 + b".1\n---\n")
    @example(b'"\\ud800": 1')
    @example(b"? |-\n" * 100)
    def test_any_bytes_are_read_or_refused(self, content: bytes) -> None:
        """No other error than the one that is promised."""
        _read_or_refuse(content)

    @given(st.lists(_PIECES, max_size=40))
    def test_anything_that_looks_like_yaml_is_read_or_refused(self, pieces: list[str]) -> None:
        """Tokens in any order."""
        _read_or_refuse("".join(pieces).encode())

    @given(
        st.dictionaries(
            st.sampled_from([*KEYS, "other"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
                max_leaves=5,
            ),
        )
    )
    def test_any_values_are_read_or_refused(self, values: dict[str, Any]) -> None:
        """From a setting and from a file, with the same answer where YAML and JSON mean the same."""
        _read_or_refuse(yaml.safe_dump(values, allow_unicode=True).encode("utf-8", "surrogatepass"))
        with suppress(RulesUnreadable):
            rules_from_mapping(values)

    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(COUNT_LIMITS, st.integers(-1, 9))))
    def test_limits_that_are_given_are_the_ones_that_hold(self, limits: dict[str, int]) -> None:
        """And -1 is none."""
        found = read(yaml.safe_dump(limits)).thresholds
        for name in COUNT_LIMITS:
            expected = limits.get(name, getattr(DEFAULTS.thresholds, name))
            assert getattr(found, name) == (None if expected == -1 else expected)


def _read_or_refuse(content: bytes) -> None:
    found = refusal(content)
    if found is not None:
        assert found.sentence.startswith(".scangate.yml")
        assert found.sentence.isprintable()
        assert found.line is None or 1 <= found.line <= len(content.decode("utf-8", "replace").splitlines()) + 2
