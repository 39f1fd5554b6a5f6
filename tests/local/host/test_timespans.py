"""Durations of host.json and of timers."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.timespans import NotATimeSpan, parse_timespan


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:02", timedelta(seconds=2)),
        ("00:00:00.250", timedelta(milliseconds=250)),
        ("01:30", timedelta(hours=1, minutes=30)),
        ("23:59:59", timedelta(hours=23, minutes=59, seconds=59)),
        # From 24 on the first number is days.
        ("24:00:00", timedelta(days=24)),
        ("25:01:02", timedelta(days=25, hours=1, minutes=2)),
        ("25:00:00:00", timedelta(days=25)),
        ("1.00:00:00", timedelta(days=1)),
        (" 00:01:00 ", timedelta(minutes=1)),
    ],
)
def test_the_documented_forms_are_read(text: str, expected: timedelta) -> None:
    """Each form of the documentation means what it says there."""
    assert parse_timespan(text) == expected.total_seconds()


@pytest.mark.parametrize(
    "text", ["", "5", "-00:00:01", "00:60:00", "00:00:60", "1.24:00:00", "1.2:3:4:5", "1:2:3:4:5", "soon", "0x:00:00"]
)
def test_anything_else_is_refused(text: str) -> None:
    """A number out of range or another form is an error that quotes the text."""
    with pytest.raises(NotATimeSpan, match="is not a duration"):
        parse_timespan(text)


@given(st.integers(0, 400), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_the_full_form_is_read_back(days: int, hours: int, minutes: int, seconds: int) -> None:
    """Whatever can be written as days, hours, minutes and seconds is read as their sum."""
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    assert parse_timespan(f"{days}.{hours:02}:{minutes:02}:{seconds:02}") == expected
    assert parse_timespan(f"{days}:{hours:02}:{minutes:02}:{seconds:02}") == expected
