"""Faults on demand: what goes wrong, where, and how often. As for the Azure DevOps simulator."""

import re
import threading
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Final

from local.registry.errors import Refused

INSTEAD: Final = frozenset({"status", "hang", "reset", "sign_in", "malformed"})
"""What comes in place of the answer; with ``after``, the call is carried out first."""

UPON: Final = frozenset(
    {"delay", "trickle", "cut", "redirect", "realm", "wrong_digest", "no_digest", "wrong_content", "oversize"}
)
"""What becomes of the answer."""

_ASKED: Final = frozenset({"route", "kind", "status", "seconds", "count", "skip", "after", "location"})


@dataclass
class Fault:
    """One fault.

    Attributes:
        id: its number.
        route: regular expression searched in ``METHOD /decoded/path``.
        kind: what happens. ``sign_in``: a page to sign in, with 200. ``trickle``: the content comes in small pieces.
            ``cut``: the connection ends in the middle of the content. ``redirect``: 307 in place of a success.
            ``realm``: a challenge names another place for tokens. ``wrong_digest`` and ``no_digest`` are about the
            header Docker-Content-Digest, ``wrong_content`` about bytes that are not those of the digest; ``oversize``
            lets the content grow beyond 4 MiB, without saying its length first.
        status: for ``status``, the code answered.
        seconds: for ``delay``, ``trickle`` and ``hang`` how long; for ``status`` what Retry-After says (no header
            where it is 0).
        count: how often; -1 for ever.
        skip: how many matching calls pass first.
        after: the call is carried out, then its answer fails.
        location: for ``realm`` what it names; for ``redirect`` where to, by default the registry's data endpoint, which
            gives blobs and refuses everything else.
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
    location: str = ""
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
            raise _wrong(f"unknown keys {unknown}; known are {sorted(_ASKED)}")
        if wanted.get("kind") not in INSTEAD | UPON:
            raise _wrong(f"unknown kind {wanted.get('kind')!r}; known are {sorted(INSTEAD | UPON)}")
        if wanted["kind"] == "realm" and not wanted.get("location"):
            raise _wrong("a realm needs a location")
        try:
            re.compile(wanted["route"])
            fault = Fault(**{**wanted, "id": next(self._numbers), "seconds": float(wanted.get("seconds", 0.0))})
        except (KeyError, TypeError, ValueError, re.error) as problem:
            raise _wrong(f"not a fault: {problem!r}") from None
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
            subject: ``METHOD /decoded/path``.
        """
        with self._lock:
            return next((fault for fault in self._faults if fault.strikes(subject)), None)


def _wrong(message: str) -> Refused:
    return Refused(400, "UNSUPPORTED", message)
