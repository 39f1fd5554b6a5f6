"""Faults on demand: what goes wrong, where, and how often. Which kinds there are, each stand-in says for itself."""

import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Final, get_type_hints

_COUNTED: Final = frozenset({"id", "hits", "seen"})


@dataclass
class Fault:
    """One fault.

    Attributes:
        id: its number.
        route: regular expression searched in ``METHOD /decoded/path``.
        kind: what happens.
        status: for ``status``, the code answered.
        seconds: for ``delay`` and ``hang`` how long; for ``status`` what Retry-After says (no header where it is 0).
        count: how often; -1 for ever.
        skip: how many matching calls pass first.
        after: the call is carried out, then its answer fails.
        hits: how often it struck.
        seen: how many calls matched.
    """

    id: int
    route: str
    kind: str
    status: int = 500
    seconds: float = 0.0
    count: int = 1
    skip: int = 0
    after: bool = False
    hits: int = 0
    seen: int = 0

    @property
    def retry_after(self) -> dict[str, str]:
        """The header that asks for patience; none where ``seconds`` is 0."""
        return {"Retry-After": f"{self.seconds:g}"} if self.seconds else {}

    def strikes(self, subject: str) -> bool:
        """Count a call and tell whether the fault strikes it.

        Args:
            subject: as ``route`` is matched against.
        """
        if self.count == 0 or not re.search(self.route, subject, re.IGNORECASE):
            return False
        self.seen += 1
        if self.seen <= self.skip:
            return False
        self.hits += 1
        self.count -= 1 if self.count > 0 else 0
        return True


class Faults[F: Fault]:
    """The faults in force, in the order in which they were added."""

    def __init__(self, shape: type[F], kinds: frozenset[str], wrong: Callable[[str], Exception]) -> None:
        """Begin with none.

        Args:
            shape: what a fault is here.
            kinds: those that can be asked for.
            wrong: makes the refusal of what is no fault, from what is wrong with it.
        """
        self._shape = shape
        self._kinds = kinds
        self._wrong = wrong
        self._types = {name: type_ for name, type_ in get_type_hints(shape).items() if name not in _COUNTED}
        self._lock = threading.Lock()
        self._faults: list[F] = []
        self._numbers = count(1)

    def add(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Add a fault and return it as JSON.

        Args:
            wanted: fields of the fault but id, hits and seen; ``route`` and ``kind`` are required.

        Raises:
            Exception: the refusal that names what is wrong.
        """
        if unknown := sorted(wanted.keys() - self._types.keys()):
            raise self._wrong(f"unknown keys {unknown}; known are {sorted(self._types)}")
        if wanted.get("kind") not in self._kinds:
            raise self._wrong(f"unknown kind {wanted.get('kind')!r}; known are {sorted(self._kinds)}")
        try:
            read = {name: self._types[name](value) for name, value in wanted.items()}
            fault = self._shape(id=next(self._numbers), **read)
            re.compile(fault.route)
        except (TypeError, ValueError, re.error) as problem:
            raise self._wrong(f"not a fault: {problem!r}") from None
        with self._lock:
            self._faults.append(fault)
            return asdict(fault)

    def listing(self) -> list[dict[str, Any]]:
        """Return every fault with its counts, spent ones too."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults.clear()

    def for_call(self, subject: str) -> F | None:
        """Return the first fault that strikes a call.

        Args:
            subject: ``METHOD /decoded/path``.
        """
        return self.first(subject, self._kinds)

    def first(self, subject: str, kinds: frozenset[str]) -> F | None:
        """Return the first fault of some kinds that strikes.

        Args:
            subject: as routes are matched against.
            kinds: which.
        """
        with self._lock:
            return next((fault for fault in self._faults if fault.kind in kinds and fault.strikes(subject)), None)
