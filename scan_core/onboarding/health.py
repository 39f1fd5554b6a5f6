"""The timer that looks after hooks: how they stand, what they lost, and what of them has to be repaired.

Every organisation has its own turn. Whoever moves its next turn on has this one; what a kill or Azure DevOps cuts short
is made up for by the next: what was lost is asked for before that is remembered, and a repair is planned from what
stands.
"""

import logging
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from azure.core.exceptions import AzureError

from scan_core.devops.errors import DevOpsError
from scan_core.devops.hooks import SubscriptionId
from scan_core.model.ids import OrganisationName
from scan_core.onboarding.diagnosis import ProjectHooks, diagnose, disabled_by, places, secrets, states
from scan_core.onboarding.hook_look import HookServices, Look, Memory
from scan_core.onboarding.lost_events import SETTLED_AFTER, find_lost, last_deliveries
from scan_core.onboarding.ours import ON_PROBATION
from scan_core.onboarding.patience import Patience, asleep_until
from scan_core.onboarding.repair import DAY, repair
from scan_core.onboarding.wish import scope_of, wish_for
from scan_core.onboarding.words import step_for_an_operator
from scan_core.store.hook_health import HookTurn
from scan_core.store.rows import Conflict, Versioned
from scan_core.telemetry import emit

LONGEST_TURN: Final = timedelta(minutes=4)
"""Within the time that Functions gives one invocation."""
_KEPT: Final = timedelta(days=7)
"""For how long Azure DevOps keeps the history."""
_THE_REST_SECONDS: Final = 60.0

_logger = logging.getLogger(__name__)


def look_after_hooks(services: HookServices) -> None:
    """Give each organisation whose turn has come its turn. One that fails does not keep the others waiting.

    Args:
        services: The doors to the outside.
    """
    names = [OrganisationName(name) for name in services.settings.organisations]
    random.shuffle(names)  # several instances begin with different ones
    for organisation in names:
        try:
            _take_turn(services, organisation)
        except Conflict:
            continue  # another instance has this turn
        except AzureError as error:
            # The row says when the next try is, or cannot be reached: then the next tick tries.
            emit("hook_health_postponed", organisation=organisation, kind="storage", sentence=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a defect in one organisation must not stop the others
            emit(
                "hook_health_failed",
                organisation=organisation,
                error=type(error).__name__,
                detail=str(error)[:300],
            )


def _take_turn(services: HookServices, organisation: OrganisationName) -> None:
    now, cycle = services.now(), timedelta(seconds=services.settings.hook_health_seconds)
    # What happened on the day before the first look is looked at as well.
    first = HookTurn(organisation=organisation, next_at=now, looked_until=now - DAY)
    row = services.hooks.turn(first)
    if row.value.next_at > now:
        return
    wait = services.asked_to_wait(organisation)
    if wait > 0:
        _come_back(services, row, wait)
        return
    # Nobody else may begin before this turn is over, however short the cycle.
    claimed = services.hooks.write(row, row.value.model_copy(update={"next_at": now + max(cycle, LONGEST_TURN)}))
    try:
        looked_until, is_done = _look(services, claimed.value, now + LONGEST_TURN)
    except DevOpsError as error:
        _postpone(services, claimed, error)
        return
    rest = timedelta(seconds=_THE_REST_SECONDS)
    next_at = now + cycle * random.uniform(0.9, 1.1) if is_done else services.now() + min(cycle, rest)  # noqa: S311 - spreads load
    update = {"next_at": next_at, "looked_until": looked_until, "failures": 0}
    services.hooks.write(claimed, claimed.value.model_copy(update=update))


def _look(services: HookServices, turn: HookTurn, end: datetime) -> tuple[datetime, bool]:
    """Look at an organisation. Returns up to when lost events were asked for, and whether all was done."""
    organisation = turn.organisation
    if not _has_secret(services, organisation):
        emit(
            "hook_not_repaired",
            organisation=organisation,
            kind="no_secret",
            sentence="The organisation has no hook secret, so its hooks are answered 503. Put one into hook_secrets in"
            " SCANGATE_ORGANISATIONS.",
        )
        return turn.looked_until, True
    administration = services.administration(organisation)
    before = administration.requests_sent()
    sleep = asleep_until(end, services.now, services.sleep)
    patience = Patience(lambda: services.asked_to_wait(organisation), _logger.info, sleep)
    identity = patience.repeatedly(administration.authenticated_id)
    wish = wish_for(services.settings, organisation, identity, scope_of(()))
    listed = patience.repeatedly(administration.subscriptions)
    found = diagnose(listed, wish)
    look = Look(services, organisation, administration, patience, wish, Memory(services.hooks, organisation), end)
    try:
        return _examine(look, found, turn)
    finally:
        old, unknown = secrets(listed, wish)
        emit(
            "hook_health",
            organisation=organisation,
            calls=administration.requests_sent() - before,
            projects=len(found),
            hooks=sum(len(project.ours) for project in found),
            states={**states(found)},
            missing=sum(len(project.missing) for project in found),
            delivered=look.told["succeeded"],
            failed=look.told["failed"],
            undelivered=look.told["pending"],
            looks=look.told["looks"],
            recreated=look.told["recreated"],
            removed=look.told["removed"],
            secrets_replaced=look.told["secrets_replaced"],
            not_repaired=look.told["not_repaired"],
            old_secret=old,
            unknown_secret=unknown,
        )


def _has_secret(services: HookServices, organisation: OrganisationName) -> bool:
    secrets_held = services.settings.organisations[organisation].hook_secrets
    return bool(secrets_held and secrets_held[0].get_secret_value())


def _examine(look: Look, found: Sequence[ProjectHooks], turn: HookTurn) -> tuple[datetime, bool]:
    now = look.services.now()
    look.memory.forget_the_past(turn.looked_until, now - DAY)
    since = max(turn.looked_until, now - _KEPT)
    until = max(since, now - SETTLED_AFTER)
    delivered: dict[SubscriptionId, datetime] = {}
    try:
        try:
            delivered = last_deliveries(look, [one for project in found for one in project.broken])
        finally:
            for project in found:
                _tell(look, project, delivered)
        find_lost(look, found, since, until)
    except DevOpsError as error:
        if error.everywhere:
            raise
        # Subscriptions can be seen and repaired all the same; the next look begins where this one did.
        until = turn.looked_until
        emit("hook_history_unread", organisation=look.organisation, kind=error.kind, sentence=error.sentence)
    is_done = not look.services.settings.hook_repair or repair(look, found, delivered, until)
    return until, is_done


def _tell(look: Look, project: ProjectHooks, delivered: Mapping[SubscriptionId, datetime]) -> None:
    """Say which subscriptions of a project do not deliver, or are not there."""
    project_id = project.project.id
    for status in sorted({one.status for one in project.broken}):
        these = project.in_state(status)
        last = max((delivered[one.id] for one in these if one.id in delivered), default=None)
        shown = None if last is None else last.isoformat(timespec="seconds")
        if status == ON_PROBATION:
            emit(
                "hook_on_probation",
                level=logging.WARNING,
                organisation=look.organisation,
                project=project_id,
                hooks=[*places(these)],
                last_delivery=shown,
            )
        else:
            emit(
                "hook_disabled",
                level=logging.WARNING,
                organisation=look.organisation,
                project=project_id,
                hooks=[*places(these)],
                by=disabled_by(status),
                last_delivery=shown,
            )
    if project.missing:
        emit(
            "hook_missing",
            level=logging.WARNING,
            organisation=look.organisation,
            project=project_id,
            hooks=[*project.missing],
        )


def _postpone(services: HookServices, claimed: Versioned[HookTurn], error: DevOpsError) -> None:
    settings, failures = services.settings, claimed.value.failures + 1
    seconds = float(services.pause(failures, settings.retry_seconds, error.retry_after))
    if not error.everywhere:  # a right that is missing is not granted within seconds
        seconds = max(seconds, float(settings.hook_health_seconds))
    emit(
        "hook_health_postponed",
        level=logging.WARNING,
        organisation=claimed.value.organisation,
        kind=error.kind,
        sentence=f"{error.sentence.rstrip('.')}. {step_for_an_operator(error)}",
        seconds=round(seconds),
    )
    services.failed(claimed.value.organisation, error)
    update = {"next_at": services.now() + timedelta(seconds=seconds), "failures": failures}
    services.hooks.write(claimed, claimed.value.model_copy(update=update))


def _come_back(services: HookServices, row: Versioned[HookTurn], seconds: float) -> None:
    """Later than asked for by up to a fifth, so that not all come back at once."""
    spread = random.uniform(1.0, 1.2)  # noqa: S311 - spreads load, protects nothing
    update = {"next_at": services.now() + timedelta(seconds=seconds * spread)}
    services.hooks.write(row, row.value.model_copy(update=update))
