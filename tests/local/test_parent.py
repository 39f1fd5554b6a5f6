"""A process that ends with the one that started it."""

import os
import threading

from local.parent import end_with_parent


def test_it_ends_when_the_pipe_closes_and_not_before() -> None:
    """What is written into the pipe does not matter; its end does."""
    reading, writing = os.pipe()
    ended = threading.Event()
    watching = end_with_parent(reading, end=ended.set)
    os.write(writing, b"still here")
    assert not ended.is_set()

    os.close(writing)
    assert ended.wait(10)
    watching.join()
    os.close(reading)


def test_a_descriptor_that_cannot_be_read_is_as_good_as_closed() -> None:
    """A process started without the pipe does not live on unwatched."""
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    ended = threading.Event()
    end_with_parent(reading, end=ended.set).join()
    assert ended.is_set()
