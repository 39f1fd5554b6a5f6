"""Events that Azure DevOps had and could not deliver: found in the history, and asked for as their hooks would have.

An event is settled some minutes after it came, for Azure DevOps tries again for three ("Troubleshoot service hooks",
learn.microsoft.com). So each look goes through the history from where the last one ended to some minutes ago; whatever
is not delivered by then counts as lost, and one that arrives in the end changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import Final

from scan_core.devops.deliveries import Delivery, DeliveryResult
from scan_core.devops.errors import DevOpsError
from scan_core.devops.hooks import Subscription, SubscriptionId
from scan_core.intake.events import request_from
from scan_core.intake.hooks import LARGEST_BODY
from scan_core.intake.payload import Unwanted, Why
from scan_core.model.ids import ProjectId
from scan_core.model.request import Request
from scan_core.onboarding.diagnosis import ProjectHooks
from scan_core.onboarding.hook_look import Look
from scan_core.telemetry import emit

SETTLED_AFTER: Final = timedelta(minutes=5)
MOST_DELIVERIES: Final = 100
"""Of one subscription. What lies beyond is asked for by its project."""
MOST_LOOKS: Final = 50
"""In one project; above that it is cheaper to look at the whole project."""
DETAILED_AT_ONCE: Final = 20
"""Subscriptions whose lost events are read in one call."""
MOST_DETAILED: Final = 100
"""Subscriptions whose lost events are read in one turn; those of others are asked for by their projects."""

_LOST: Final = (DeliveryResult.FAILED, DeliveryResult.PENDING)
_NOT_WANTED: Final = {Why.TEST.value, Why.UNWANTED_EVENT.value, Why.NO_BRANCH.value}

type Counts = Mapping[SubscriptionId, Counter[str]]


def find_lost(look: Look, found: Sequence[ProjectHooks], since: datetime, until: datetime) -> None:
    """Ask for a look at whatever an event told of that was not delivered.

    Args:
        look: The turn.
        found: The onboarded projects.
        since: Up to when the whole organisation was looked at before.
        until: Up to when events are settled.

    Raises:
        DevOpsError: A call failed. What was asked for so far is remembered.
        Conflict: Somebody else is at work on a project.
    """
    begins = {
        project.project.id: max(since, look.memory.of(project.project.id).looked_until or since) for project in found
    }
    counts: dict[SubscriptionId, Counter[str]] = {}
    for begin in sorted({begin for begin in begins.values() if begin < until}):
        ids = [one.id for project in found if begins[project.project.id] == begin for one in project.ours]
        counts |= look.patience.repeatedly(partial(look.administration.delivery_counts, ids, begin, until))
    for result in DeliveryResult:
        look.told[result.value] += sum(each[result] for each in counts.values())
    concerned = [project for project in found if any(_lost(counts, one) for one in project.ours)]
    details = _details(look, concerned, counts, begins, until)
    for project in concerned:
        _ask_for(look, project, counts, [each for one in project.ours for each in details[one.id]])
        look.memory.change(project.project.id, {"looked_until": until})


def take_leave(look: Look, project: ProjectHooks, going: SubscriptionId, since: datetime) -> None:
    """Ask for a look at what a subscription has not delivered that is about to be deleted, and its history with it.

    Args:
        look: The turn.
        project: Its project.
        going: The subscription; another one stands in its place already.
        since: Up to when its history was looked at before.

    Raises:
        DevOpsError: No call to Azure DevOps gets through.
    """
    try:
        last = look.patience.repeatedly(
            partial(look.administration.deliveries, [going], since, None, None, MOST_DELIVERIES)
        )
    except DevOpsError as error:
        if error.everywhere:
            raise
        look.ask_for_project(project.project.id)
        return
    undelivered = [each for each in last if each.result in _LOST]
    for request in _requests(look, project, undelivered, is_whole=len(last) < MOST_DELIVERIES):
        look.ask_for(request)


def last_deliveries(look: Look, subscriptions: Iterable[Subscription]) -> dict[SubscriptionId, datetime]:
    """Read when subscriptions last delivered anything.

    Args:
        look: The turn.
        subscriptions: Which.

    Returns:
        For each that did within the seven days of the history, the time of the event.

    Raises:
        DevOpsError: A call failed.
    """
    found: dict[SubscriptionId, datetime] = {}
    week = look.services.now() - timedelta(days=7)
    for some in batched([one.id for one in subscriptions], DETAILED_AT_ONCE, strict=False):
        read = partial(look.administration.deliveries, some, week, None, DeliveryResult.SUCCEEDED, 1)
        for each in look.patience.repeatedly(read):
            found[each.subscription_id] = max(each.created_at, found.get(each.subscription_id, each.created_at))
    return found


def _lost(counts: Counts, subscription: Subscription) -> int:
    each = counts.get(subscription.id, Counter[str]())
    return sum(each[result] for result in _LOST)


def _details(
    look: Look, concerned: Sequence[ProjectHooks], counts: Counts, begins: Mapping[ProjectId, datetime], until: datetime
) -> Mapping[SubscriptionId, list[Delivery]]:
    """Read the lost events of the first subscriptions concerned."""
    first = [
        (one.id, begins[project.project.id]) for project in concerned for one in project.ours if _lost(counts, one)
    ]
    found: defaultdict[SubscriptionId, list[Delivery]] = defaultdict(list)
    for result in _LOST:
        chosen = {one: begin for one, begin in first[:MOST_DETAILED] if counts[one][result]}
        for some in batched(chosen, DETAILED_AT_ONCE, strict=False):
            since = min(chosen[one] for one in some)
            read = partial(look.administration.deliveries, some, since, until, result, MOST_DELIVERIES)
            for each in look.patience.repeatedly(read):
                if each.subscription_id in chosen and each.created_at >= chosen[each.subscription_id]:
                    found[each.subscription_id].append(each)
    return found


def _ask_for(look: Look, project: ProjectHooks, counts: Counts, lost: Sequence[Delivery]) -> None:
    number = sum(_lost(counts, one) for one in project.ours)
    requests = _requests(look, project, lost, is_whole=len(lost) >= number)
    for request in requests:
        look.ask_for(request)
    emit(
        "hook_deliveries_failed",
        organisation=look.organisation,
        project=project.project.id,
        failed=number,
        by_status={**Counter(each.status_code for each in lost)},
        looks=len(requests),
    )


def _requests(look: Look, project: ProjectHooks, lost: Sequence[Delivery], *, is_whole: bool) -> list[Request]:
    """Make of lost events what their hooks would have been made of, each thing once."""
    found: dict[str, Request] = {}
    for each in lost:
        request = _request(look, project, each)
        if request is not None:
            found.setdefault(request.model_dump_json(exclude={"request_id", "accepted_at"}), request)
    if not is_whole or len(found) > MOST_LOOKS:
        return [look.project_request(project.project.id)]
    return list(found.values())


def _request(look: Look, project: ProjectHooks, lost: Delivery) -> Request | None:
    """Read a lost event as a hook's; where it does not say enough, its subscription says which project it was."""
    if lost.body is None or len(lost.body) > LARGEST_BODY:
        return look.project_request(project.project.id)
    try:
        return request_from(
            lost.body, organisation=look.organisation, now=look.services.now(), new_id=look.services.new_id
        )
    except Unwanted as unwanted:
        return None if unwanted.reason in _NOT_WANTED else look.project_request(project.project.id)
