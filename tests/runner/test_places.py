"""Places for workers: counted now and then, reckoned in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.runner.api import RunnerError
from scan_core.runner.places import Census, Places


def test_a_started_worker_counts_before_it_shows() -> None:
    """And no longer than a list may take to show it."""
    now = [0.0]
    census = Census(frozenset(), frozenset())
    given_out = Places(1, lambda: census, lambda: now[0])
    assert given_out.take()
    given_out.settle("a")
    now[0] = 30.0
    assert not given_out.take()
    now[0] = 100.0
    assert given_out.take()


def test_a_worker_that_shows_counts_once() -> None:
    """Its end makes room."""
    now = [0.0]
    shown = [Census(frozenset(), frozenset())]
    given_out = Places(2, lambda: shown[0], lambda: now[0])
    assert given_out.take()
    given_out.settle("a")
    shown[0], now[0] = Census(frozenset({"a"}), frozenset({"a"})), 6.0
    assert given_out.take()
    given_out.settle("b")
    assert not given_out.take()
    shown[0], now[0] = Census(frozenset({"b"}), frozenset({"a", "b"})), 8.0
    assert given_out.take()


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=30))
def test_the_cap_holds(most: int, named: list[bool]) -> None:
    """However starts end, while nothing shows."""
    given_out = Places(most, lambda: Census(frozenset(), frozenset()), lambda: 0.0)
    names = 0
    for number, is_named in enumerate(named):
        if given_out.take():
            given_out.settle(str(number) if is_named else None)
            names += is_named
    assert names <= most


def test_a_count_that_fails_takes_no_place() -> None:
    """What it raises is raised; the next one counts again."""
    failures = [RunnerError("x", transient=True)]

    def count() -> Census:
        if failures:
            raise failures.pop()
        return Census(frozenset(), frozenset())

    given_out = Places(1, count)
    with pytest.raises(RunnerError):
        given_out.take()
    assert given_out.take()
