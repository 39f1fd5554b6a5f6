"""A deadline ends its own call, at whatever point, and no other."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from scan_core.devops.deadline import Deadline, _Watched

NEVER_SECONDS = 3600


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give both ends of a connection; reading from an open one waits only shortly."""
    near, far = socket.socketpair()
    near.settimeout(0.05)
    with closing(near), closing(far):
        yield near, far


def is_open(near: socket.socket) -> bool:
    """Whether reading from this end still waits for something."""
    try:
        return near.recv(1) != b""
    except TimeoutError:
        return True


def test_the_connection_of_its_call_is_shut_down(line: tuple[socket.socket, socket.socket]) -> None:
    """Whoever reads from it wakes up."""
    with Deadline(NEVER_SECONDS) as deadline:
        deadline.watch(_Watched(), line[0])
        assert is_open(line[0])
        deadline._expire()
        assert not is_open(line[0])
        assert deadline.expired


def test_the_time_runs_by_itself(line: tuple[socket.socket, socket.socket]) -> None:
    """Nobody has to look at a clock."""
    line[0].settimeout(30)
    with Deadline(0.01) as deadline:
        deadline.watch(_Watched(), line[0])
        assert line[0].recv(1) == b""


def test_time_that_was_over_before_the_answer_begins_counts(line: tuple[socket.socket, socket.socket]) -> None:
    """Sending may have taken all of it."""
    with Deadline(NEVER_SECONDS) as deadline:
        deadline._expire()
        deadline.watch(_Watched(), line[0])
        assert not is_open(line[0])


def test_a_connection_that_serves_another_call_is_left_alone(line: tuple[socket.socket, socket.socket]) -> None:
    """It may be back in the pool, and out again, when the time is over."""
    connection = _Watched()
    with Deadline(NEVER_SECONDS) as first:
        first.watch(connection, line[0])
        with Deadline(NEVER_SECONDS) as second:
            second.watch(connection, line[0])
            first._expire()
            assert is_open(line[0])
            second._expire()
            assert not is_open(line[0])


def test_a_call_that_is_done_keeps_its_connection(line: tuple[socket.socket, socket.socket]) -> None:
    """It is used again."""
    with Deadline(NEVER_SECONDS) as deadline:
        deadline.watch(_Watched(), line[0])
    deadline._expire()
    assert is_open(line[0])


def test_a_connection_that_is_gone_is_no_matter(line: tuple[socket.socket, socket.socket]) -> None:
    """The other side may have been faster."""
    with Deadline(NEVER_SECONDS) as deadline:
        deadline.watch(_Watched(), line[0])
        line[0].close()
        deadline._expire()


def test_a_connection_made_outside_any_call_is_not_watched(line: tuple[socket.socket, socket.socket]) -> None:
    """Requests' adapter can be used without a deadline."""
    connection = _Watched()
    connection._watch(line[0])
    assert connection.watched_by is None
