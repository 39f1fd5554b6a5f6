"""How fast Azure DevOps wants to be called."""

import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from scan_core.devops.pace import LONGEST_WAIT_SECONDS, Pace, delay_seconds, retry_after_seconds

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7.5 ", 7.5),
        ("-1", 0.0),
        ("86400", LONGEST_WAIT_SECONDS),
        ("inf", LONGEST_WAIT_SECONDS),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Mon, 23 Nov 2026 08:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 08:00:30", 30.0),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 0.0),
        ("Mon, 99 Nov 99999999999999999999 07:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """Never negative, never longer than an hour, and nothing where it makes no sense."""
    assert retry_after_seconds({"Retry-After": value}, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_a_sensible_wait_or_none(value: str) -> None:
    """It comes from outside."""
    seconds = retry_after_seconds({"Retry-After": value}, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT_SECONDS


def test_the_longest_wait_asked_for_holds() -> None:
    """Answers of several threads come in any order."""
    now = [100.0]
    pace = Pace(lambda: now[0])
    assert pace.slow_down_seconds() == 0
    assert pace.note(200, {"Retry-After": "30"}) == 30
    assert pace.note(429, {"Retry-After": "10"}) == 10
    assert pace.note(200, {}) is None
    assert pace.slow_down_seconds() == 30
    now[0] = 125.0
    assert pace.slow_down_seconds() == 5
    now[0] = 200.0
    assert pace.slow_down_seconds() == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2.5", 2.5),
        ("0", None),
        ("0.000", None),
        ("-3", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", 3600.0),
    ],
)
def test_an_answer_that_was_held_back_asks_for_as_long_a_pause(value: str, seconds: float | None) -> None:
    """Azure DevOps delays calls before it refuses any; without sense or delay there is no pause."""
    assert delay_seconds({"X-RateLimit-Delay": value}) == seconds
    pace = Pace(lambda: 0.0)
    pace.note(200, {"X-RateLimit-Delay": value})
    assert pace.slow_down_seconds() == (seconds or 0)


def test_what_is_asked_for_counts_more_than_what_was_done() -> None:
    """Retry-After says how long to wait; the delay is over."""
    assert Pace().note(200, {"Retry-After": "1", "X-RateLimit-Delay": "20"}) == 1


def test_a_wait_is_logged_with_its_limits(caplog: pytest.LogCaptureFixture) -> None:
    """The operator sees which limit it was; what a header holds cannot forge a line."""
    headers = CaseInsensitiveDict(
        {"retry-after": "5", "x-ratelimit-resource": "Core\nforged", "X-RateLimit-Delay": "2"}
    )
    with caplog.at_level(logging.WARNING):
        Pace().note(200, headers)
    assert caplog.messages == [
        "Azure DevOps answered 200 and asks to wait 5 s (limit Coreforged, delayed 2 s, remaining -)"
    ]
