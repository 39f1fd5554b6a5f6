"""Every call to the outside passes here: it is counted, and there the caller may die, fail, or have to wait."""

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, Self


class Killed(BaseException):
    """The process died here. Not an Exception: nothing may catch it."""


@dataclass(frozen=True, order=True)
class Point:
    """A place to die at: right before, or right after, a call that is known by its number."""

    call: int
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'}-{self.call}"

    @classmethod
    def named(cls, name: str) -> Self:
        """Read a point as it was printed.

        Args:
            name: Such as ``after-57``.

        Returns:
            The point.
        """
        when, _, call = name.partition("-")
        return cls(int(call), when == "after")


class Turns(Protocol):
    """Who may make the next call, where several threads want to."""

    def wait(self) -> AbstractContextManager[None]:
        """Hold this thread until it is its turn; the call is made inside the block."""
        ...


class Toll:
    """Counts calls, kills at points, and lets a test act right before a call. Shared by all threads."""

    def __init__(self) -> None:
        """Start at nought, without anything planned."""
        self.calls: list[str] = []
        """What was called so far; a call's number is its place here, from 1."""
        self.turns: Turns | None = None
        self.before_call: Callable[[int, str], None] = lambda _number, _label: None
        """Sees each call just before it is made."""
        self._kills: set[Point] = set()
        self._is_dead = False
        self._lock = threading.RLock()

    def plan(self, kills: Iterable[Point]) -> None:
        """Plan deaths, and count from the start.

        Args:
            kills: Where.
        """
        self._kills = set(kills)
        self.calls.clear()
        self._is_dead = False

    def plan_soon(self, calls: int, *, after: bool) -> None:
        """Plan one more death.

        Args:
            calls: Within how many calls from now.
            after: Whether right after the call, or right before it.
        """
        self._kills.add(Point(len(self.calls) + calls, after))

    def spare(self) -> None:
        """Call off the deaths that have not come yet."""
        self._kills.clear()

    def revive(self) -> None:
        """Start the process again that died."""
        self._is_dead = False

    def pay[T](self, label: str, call: Callable[[], T]) -> T:
        """Make a call.

        Args:
            label: What is called.
            call: Makes it.

        Returns:
            Its answer.

        Raises:
            Killed: The process dies here, or is dead already.
        """
        with self.turns.wait() if self.turns else nullcontext():
            number = self._enter(label)
            answer = call()
            self._leave(number, answer)
            return answer

    def _enter(self, label: str) -> int:
        with self._lock:
            if self._is_dead:
                raise Killed  # before it is counted: the dead make no calls
            self.calls.append(label)
            number = len(self.calls)
            self._die_at(Point(number, after=False))
        self.before_call(number, label)
        return number

    def _leave(self, number: int, answer: object) -> None:
        with self._lock:
            try:
                self._die_at(Point(number, after=True))
            except Killed:
                _drop(answer)
                raise

    def _die_at(self, point: Point) -> None:
        """Die here if that was planned, or if another thread of the process has died meanwhile."""
        if point in self._kills:
            self._kills.discard(point)
            self._is_dead = True
        if self._is_dead:
            raise Killed


def _drop(answer: object) -> None:
    """Close the connection of an answer that nobody lives to read."""
    close = getattr(getattr(answer, "internal_response", answer), "close", None)
    if close is not None:
        close()
