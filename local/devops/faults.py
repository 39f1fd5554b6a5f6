"""What can go wrong on purpose: answers, events, and the delivery of hooks."""

from typing import Final, override

from local.devops.errors import ServiceError
from local.http.faults import Fault, Faults

ANSWER_KINDS: Final = frozenset(
    {"status", "delay", "reset", "html203", "redirect302", "retry_after_200", "malformed", "hang"}
)
"""``retry_after_200``: the answer as it is, asking for patience of ``seconds``."""

EVENT_KINDS: Final = frozenset(
    {"drop_hook", "duplicate_hook", "delay_hook", "reorder_hooks", "fail_hook", "without_commits"}
)
"""``drop_hook`` loses an event without a trace; ``fail_hook`` writes it into the history as failed and sends nothing;
``delay_hook`` and ``reorder_hooks`` take ``seconds``; ``without_commits`` leaves them out of a push's event. The
request of a check or an agentless job is ``HOOK check``: it can be dropped or duplicated."""

DELIVERY_KINDS: Final = frozenset({"answer_hook"})
"""It lets one attempt to deliver meet an answer, ``status``, that the receiver never gave, so that retries and
probation follow."""


class ServiceFaults(Faults[Fault]):
    """The faults of an organisation; the route of those of hooks is matched against ``HOOK event.type``."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__(Fault, ANSWER_KINDS | EVENT_KINDS | DELIVERY_KINDS, _wrong)

    @override
    def for_call(self, subject: str) -> Fault | None:
        return self.first(subject, ANSWER_KINDS)

    def for_hook(self, event_type: str) -> Fault | None:
        """Return the first fault that strikes an event when it is queued for a subscription.

        Args:
            event_type: for example ``git.pullrequest.created``.
        """
        return self.first(f"HOOK {event_type}", EVENT_KINDS)

    def for_delivery(self, event_type: str) -> Fault | None:
        """Return the first fault that strikes one attempt to deliver.

        Args:
            event_type: for example ``git.pullrequest.created``.
        """
        return self.first(f"HOOK {event_type}", DELIVERY_KINDS)


def _wrong(why: str) -> ServiceError:
    return ServiceError(400, "ArgumentException", why)
