"""What became of the events of a subscription: its delivery history (REST API 7.1, serviceHooks: Notification).

Azure DevOps keeps it for seven days. An event that came while a subscription was on probation or disabled is not in it.
"""

import re
from enum import StrEnum
from typing import Annotated, Final

from scan_core.devops.hooks import SubscriptionId
from scan_core.model.ids import Guid
from scan_core.model.value import Moment, Value

_STATUS_CODE: Final = re.compile(r"Status Code:\s{0,4}([1-5][0-9]{2})\b", re.ASCII)
"""As the history writes a receiver's answer: ``Status Code: 401``, then the reason phrase and the headers."""
_WHERE_IT_STANDS: Final = 400
"""Characters of the answer in which the status code is looked for."""


class DeliveryResult(StrEnum):
    """How a delivery stands (NotificationResult)."""

    PENDING = "pending"
    """It was not tried yet, or is to be tried again."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FILTERED = "filtered"
    """Azure DevOps decided that the subscription does not want the event."""


class Delivery(Value):
    """One event for one subscription."""

    id: int
    subscription_id: Annotated[SubscriptionId, Guid]
    created_at: Moment
    result: str
    """A DeliveryResult. Text, because one that is new to us must not make the others unreadable."""
    answer: str
    """What the receiver answered, as the history tells it; empty where it did not answer."""
    body: bytes | None
    """The event as JSON, much as a hook brings it, and as little to be trusted; None where the history has none."""

    @property
    def status_code(self) -> str:
        """The HTTP status of the receiver's answer; ``none`` where none is told."""
        found = _STATUS_CODE.search(self.answer[:_WHERE_IT_STANDS])
        return found[1] if found else "none"
