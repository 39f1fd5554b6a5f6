"""Faults on demand: what goes wrong, where, and how often. As for the Azure DevOps simulator."""

import re
import threading
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Final

from local.arm.errors import wrong

KINDS: Final = frozenset({"status", "delay", "reset", "malformed", "hang", "accepted"})
_ASKED: Final = frozenset({"route", "kind", "status", "seconds", "count", "skip", "after"})


@dataclass
class Fault:
    """One fault.

    Attributes:
        id: its number.
        route: regular expression searched in ``METHOD /path``.
        kind: what happens. ``accepted`` is no error: a start is answered with 202 and a Location.
        status: for ``status``, the code answered.
        seconds: for ``delay`` and ``hang`` how long; for ``status`` what Retry-After says (no header where it is 0);
            for ``accepted`` when the Location gives the name.
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


class Faults:
    """The faults in force, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._numbers = count(1)

    def add(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Add a fault and return it as JSON.

        Args:
            wanted: fields of ``Fault`` but id, hits and seen; ``route`` and ``kind`` are required.

        Raises:
            Refused: 400 naming what is wrong.
        """
        if unknown := sorted(wanted.keys() - _ASKED):
            raise wrong(f"unknown keys {unknown}; known are {sorted(_ASKED)}")
        if wanted.get("kind") not in KINDS:
            raise wrong(f"unknown kind {wanted.get('kind')!r}; known are {sorted(KINDS)}")
        try:
            re.compile(wanted["route"])
            fault = Fault(**{**wanted, "id": next(self._numbers), "seconds": float(wanted.get("seconds", 0.0))})
        except (KeyError, TypeError, ValueError, re.error) as problem:
            raise wrong(f"not a fault: {problem!r}") from None
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

    def for_call(self, subject: str) -> Fault | None:
        """Return the first fault that strikes a call.

        Args:
            subject: ``METHOD /path``.
        """
        with self._lock:
            return next((fault for fault in self._faults if fault.strikes(subject)), None)
