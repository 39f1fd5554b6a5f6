"""Foreign text on one line, visible and short."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.report.plain import marked, one_line, shortened, units


@given(st.text())
def test_one_line_shows_only_what_is_visible(text: str) -> None:
    """No control, format or surrogate character stays, and no break of a line."""
    line = one_line(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in line)
    assert line == line.strip()
    assert "  " not in line


def test_words_stay_apart() -> None:
    """A break of a line parts words as a space does."""
    assert one_line(" a\r\nb\tc\u2028d\u202e\x00e ") == "a b c de"


def test_the_invisible_is_marked() -> None:
    """A path that turns its own direction is seen to do so."""
    assert marked("exe\u202egpj.\nx") == "exe\ufffdgpj.\ufffdx"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.integers(1, 60))
def test_shortened_keeps_to_the_limit(text: str, limit: int) -> None:
    """Short texts stay, long ones end with an ellipsis within the limit."""
    short = shortened(text, limit)
    assert units(short) <= limit
    assert short == text or short.endswith("…")


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two three", 8, "one two…"),
        ("one two, three", 9, "one two…"),
        ("aaaaaaaaaaaaaaaa", 5, "aaaa…"),
        ("a bbbbbbbbbbbbbbbbbbbb", 10, "a bbbbbbb…"),
        ("😀😀😀", 5, "😀😀…"),
        ("😀😀😀", 4, "😀…"),
    ],
)
def test_where_it_is_cut(text: str, limit: int, short: str) -> None:
    """At a word where one ends in the second half, never within a character."""
    assert shortened(text, limit) == short
