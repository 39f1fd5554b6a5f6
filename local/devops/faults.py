"""Faults on demand: what goes wrong, where, and how often."""

import re
import threading
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Final

from local.devops.errors import ServiceError

ANSWER_KINDS: Final = frozenset(
    {"status", "delay", "reset", "html203", "redirect302", "retry_after_200", "malformed", "hang"}
)
EVENT_KINDS: Final = frozenset(
    {"drop_hook", "duplicate_hook", "delay_hook", "reorder_hooks", "fail_hook", "without_commits"}
)
DELIVERY_KINDS: Final = frozenset({"answer_hook"})
HOOK_KINDS: Final = EVENT_KINDS | DELIVERY_KINDS


@dataclass
class Fault:
    """One fault.

    Attributes:
        id: its number.
        route: regular expression searched in ``METHOD /decoded/path``, or ``HOOK event.type`` for hook kinds.
        kind: what happens. ``drop_hook`` loses an event without a trace; ``fail_hook`` writes it into the history as
            failed and sends nothing; ``answer_hook`` lets one attempt to deliver meet an answer that the receiver
            never gave, so that retries and probation follow; ``without_commits`` leaves them out of a push's event.
            The request of a check or an agentless job is ``HOOK check``: it can be dropped or duplicated.
        status: for ``status`` and ``answer_hook``, the code answered.
        seconds: for ``delay``, ``hang``, ``delay_hook`` and ``reorder_hooks`` how long; for ``retry_after_200`` and
            ``status`` what Retry-After says (``status`` sends the header only when this is not 0).
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
        self.count -= 1 if self.count > 0 else 0
        self.hits += 1
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
            ServiceError: 400 naming what is wrong.
        """
        known = {"route", "kind", "status", "seconds", "count", "skip", "after"}
        unknown = sorted(set(wanted) - known)
        if unknown:
            raise _bad(f"unknown keys {unknown}; known are {sorted(known)}")
        kind = wanted.get("kind")
        if kind not in ANSWER_KINDS | HOOK_KINDS:
            raise _bad(f"unknown kind {kind!r}; known are {sorted(ANSWER_KINDS | HOOK_KINDS)}")
        try:
            re.compile(str(wanted["route"]))
            fault = Fault(
                id=next(self._numbers),
                route=str(wanted["route"]),
                kind=str(kind),
                status=int(wanted.get("status", 500)),
                seconds=float(wanted.get("seconds", 0.0)),
                count=int(wanted.get("count", 1)),
                skip=int(wanted.get("skip", 0)),
                after=bool(wanted.get("after", False)),
            )
        except (KeyError, TypeError, ValueError, re.error) as problem:
            raise _bad(f"not a fault: {problem!r}") from None
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
        return self._first(subject, ANSWER_KINDS)

    def for_hook(self, event_type: str) -> Fault | None:
        """Return the first fault that strikes an event when it is queued for a subscription.

        Args:
            event_type: for example ``git.pullrequest.created``.
        """
        return self._first(f"HOOK {event_type}", EVENT_KINDS)

    def for_delivery(self, event_type: str) -> Fault | None:
        """Return the first fault that strikes one attempt to deliver.

        Args:
            event_type: for example ``git.pullrequest.created``.
        """
        return self._first(f"HOOK {event_type}", DELIVERY_KINDS)

    def _first(self, subject: str, kinds: frozenset[str]) -> Fault | None:
        with self._lock:
            return next((fault for fault in self._faults if fault.kind in kinds and fault.strikes(subject)), None)


def _bad(why: str) -> ServiceError:
    return ServiceError(400, "ArgumentException", why)
