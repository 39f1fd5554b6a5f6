"""Threads that take turns: at each call to the outside a seed decides who goes on, so a race can be run again."""

import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self


class Turnstile:
    """Lets one thread run at a time, from one call to the outside to its next."""

    def __init__(self, seed: int) -> None:
        """Decide by a seed."""
        self._dice = random.Random(seed)
        self._changed = threading.Condition()
        self._seats: dict[int, int] = {}
        """The seat of each thread that takes part; what such a thread starts itself runs in its turn."""
        self._waiting: set[int] = set()
        self._turn: int | None = None
        self._ended: set[int] = set()
        self._failed: list[BaseException] = []

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Wait for this thread's turn.

        Yields:
            Once; the turn is kept until this thread waits again, or ends.
        """
        seat = self._seats.get(threading.get_ident())
        if seat is not None:
            self._take(seat)
        yield

    def run(self, tasks: list[Callable[[], object]]) -> None:
        """Run tasks against each other to their ends.

        Args:
            tasks: What to run, each in a thread of its own.

        Raises:
            BaseException: What the first of them raised.
        """
        threads = [threading.Thread(target=self._perform, args=(seat, task)) for seat, task in enumerate(tasks)]
        self._ended.clear()
        self._failed.clear()
        for thread in threads:
            thread.start()
        while alive := self._all_at_rest(set(range(len(tasks)))):
            with self._changed:
                self._turn = self._dice.choice(sorted(alive))
                self._changed.notify_all()
        for thread in threads:
            thread.join()
        if self._failed:
            raise self._failed[0]

    def _all_at_rest(self, seats: set[int]) -> set[int]:
        """Wait until nobody runs, and tell who waits for a turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._turn is None and self._waiting | self._ended == seats)
            return set(self._waiting)

    def _perform(self, seat: int, task: Callable[[], object]) -> None:
        with self._changed:
            self._seats[threading.get_ident()] = seat
        try:
            self._take(seat)
            task()
        except BaseException as error:  # noqa: BLE001 - handed to whoever runs the tasks
            self._failed.append(error)
        finally:
            with self._changed:
                del self._seats[threading.get_ident()]
                self._ended.add(seat)
                if self._turn == seat:
                    self._turn = None
                self._changed.notify_all()

    def _take(self, seat: int) -> None:
        with self._changed:
            if self._turn == seat:
                self._turn = None
            self._waiting.add(seat)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._turn == seat)
            self._waiting.discard(seat)  # only who holds the turn leaves, so nobody else is chosen meanwhile


class InTurn:
    """Stands in for a thread pool: does one thing after the other, so that whoever waits in turn does so for each."""

    def __init__(self, *_: object, **__: object) -> None:
        """Take what a pool takes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for nothing."""

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Do something for each."""
        return [function(item) for item in items]
