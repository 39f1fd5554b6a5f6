"""Service hook subscriptions: what is read of them, and what one of ours asks for (REST API 7.1, serviceHooks)."""

from typing import Annotated, Final, Literal, NewType

from scan_core.devops.projects import Project
from scan_core.model.ids import Guid
from scan_core.model.value import Value

SubscriptionId = NewType("SubscriptionId", str)

PUBLISHER: Final = "tfs"
CONSUMER: Final = "webHooks"
ACTION: Final = "httpRequest"
RESOURCE_VERSION: Final = "1.0"
"""Events of pull requests and pushes have no other ("Service hooks events", learn.microsoft.com)."""
BUILD_RESOURCE_VERSION: Final = "2.0"
"""Of ``build.complete``, where 1.0 lacks the project."""
ENABLED: Final = "enabled"
PASSWORD_INPUT: Final = "basicAuthPassword"  # noqa: S105 - the name of an input


class Subscription(Value):
    """A subscription of a web hook, anyone's. Its password is masked and not read."""

    id: Annotated[SubscriptionId, Guid]
    event_type: str
    resource_version: str
    status: str
    """A SubscriptionStatus. Text, because one that is new to us must not make the whole list unreadable."""
    publisher_inputs: dict[str, str]
    """The event's filters, such as ``projectId``, and keys that the server adds."""
    consumer_inputs: dict[str, str]
    """Where the event is sent, how, and how much of it."""
    created_by: Annotated[str, Guid] | None


class HookWanted(Value):
    """A subscription that sends one kind of event of one project to one address.

    Ids and names of branches are all that is taken from an event, so the least is asked for: no messages, and minimal
    details wherever they have the ids.
    """

    project: Project
    event_type: str
    notification_type: str | None
    """The filter of ``git.pullrequest.updated``; None for every update."""
    url: str
    user_name: str
    resource_version: str = RESOURCE_VERSION
    details: Literal["minimal", "all"] = "minimal"

    @property
    def publisher_inputs(self) -> dict[str, str]:
        """The filters to ask for."""
        narrowed = {"notificationType": self.notification_type} if self.notification_type else {}
        return {"projectId": self.project.id, **narrowed}

    @property
    def consumer_inputs(self) -> dict[str, str]:
        """The delivery to ask for, without the password."""
        return {
            "url": self.url,
            "basicAuthUsername": self.user_name,
            "resourceDetailsToSend": self.details,
            "messagesToSend": "none",
            "detailedMessagesToSend": "none",
        }
