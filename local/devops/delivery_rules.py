"""How the answer to a delivery is read: delivered, tried again, on probation, disabled. Pure.

"Troubleshoot service hooks" of the Azure DevOps documentation: 410 disables at once; transient failures are retried
with growing pauses; anything else puts the subscription on probation, from which seven failures disable it.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from local.devops.clock import Clock
from local.devops.records import Notification, Subscription

RETRY_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0)
TRANSIENT: Final = frozenset({408, 502, 503, 504})
PROBATION_FIRST_SECONDS: Final = 20 * 60.0
PROBATION_LONGEST_SECONDS: Final = 15 * 3600.0
PROBATION_FAILURES: Final = 7


class Reading(Enum):
    """What an answer means."""

    DELIVERED = "delivered"
    GONE = "gone"
    TRANSIENT = "transient"
    ENDURING = "enduring"


@dataclass(frozen=True)
class Reply:
    """What the receiver answered; no status when it could not be reached in time."""

    status: int | None
    text: str


def reading(reply: Reply) -> Reading:
    """Read a reply.

    Args:
        reply: the receiver's.
    """
    if reply.status is None or reply.status in TRANSIENT:
        return Reading.TRANSIENT
    if 200 <= reply.status < 300:
        return Reading.DELIVERED
    return Reading.GONE if reply.status == 410 else Reading.ENDURING


def after_reply(
    subscription: Subscription, notification: Notification, reply: Reply, clock: Clock
) -> tuple[Subscription, Notification]:
    """Return both records as they stand after one attempt.

    Args:
        subscription: whose URL was called.
        notification: what was sent.
        reply: what came back.
        clock: the time, and what waiting times are scaled by.
    """
    meaning = reading(reply)
    told = replace(
        notification,
        attempts=notification.attempts + 1,
        modified=clock.stamp(),
        response=reply.text if reply.status else None,
        error=None if meaning is Reading.DELIVERED else reply.text,
    )
    match meaning:
        case Reading.DELIVERED:
            return _trusted(subscription), _ended(told, "succeeded")
        case Reading.GONE:
            return replace(subscription, status="disabledBySystem", probe=None), _ended(told, "failed")
        case _ if subscription.probe == notification.id:
            return _failed_probe(subscription, told, clock)
        case Reading.TRANSIENT if told.attempts <= len(RETRY_SECONDS):
            return subscription, replace(told, due=clock.after(RETRY_SECONDS[told.attempts - 1]))
        case _:
            return _on_probation(subscription, told, clock)


def lost(notification: Notification, clock: Clock) -> Notification:
    """Return a notification as it stands when its subscription no longer takes any.

    Args:
        notification: not delivered.
        clock: the time.
    """
    why = "The subscription is on probation or disabled."
    return _ended(replace(notification, modified=clock.stamp(), error=why), "failed")


def _trusted(subscription: Subscription) -> Subscription:
    if subscription.status != "onProbation":
        return subscription
    return replace(subscription, status="enabled", probation_retries=0, last_probation_retry=None, probe=None)


def _ended(notification: Notification, result: str) -> Notification:
    return replace(notification, due=None, status="completed", result=result)


def _on_probation(
    subscription: Subscription, notification: Notification, clock: Clock
) -> tuple[Subscription, Notification]:
    waiting = replace(notification, due=clock.after(PROBATION_FIRST_SECONDS))
    return replace(subscription, status="onProbation", probation_retries=0, probe=notification.id), waiting


def _failed_probe(
    subscription: Subscription, notification: Notification, clock: Clock
) -> tuple[Subscription, Notification]:
    failures = subscription.probation_retries + 1
    marked = replace(subscription, probation_retries=failures, last_probation_retry=clock.stamp())
    if failures >= PROBATION_FAILURES:
        return replace(marked, status="disabledBySystem", probe=None), _ended(notification, "failed")
    pause = min(PROBATION_FIRST_SECONDS * 2**failures, PROBATION_LONGEST_SECONDS)
    return marked, replace(notification, due=clock.after(pause))
