"""The retry policy."""

from hypothesis import given
from hypothesis import strategies as st

from scan_core.flow.backoff import LONGEST_SECONDS, pause_seconds


@given(st.integers(1, 10_000), st.floats(0.1, 60))
def test_pauses_grow_to_a_cap_and_never_vanish(tries: int, first: float) -> None:
    """At least a second, at most five minutes, around the doubled first pause."""
    pause = pause_seconds(tries, first)
    assert 1 <= pause <= LONGEST_SECONDS
    assert pause >= min(LONGEST_SECONDS, first * 2 ** min(tries - 1, 12)) / 2 - 1


@given(st.integers(1, 20), st.floats(0, 4000))
def test_what_the_other_side_asks_for_is_never_undercut(tries: int, asked: float) -> None:
    """Retry-After is a floor, also above our own cap."""
    assert pause_seconds(tries, 1.0, asked) >= asked
