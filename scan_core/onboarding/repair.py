"""Repairs the subscriptions of onboarded projects by onboarding's plan and hands; what is refused is tried later."""

import random
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import SecretStr

from scan_core.devops.errors import DevOpsError
from scan_core.devops.hooks import SubscriptionId
from scan_core.model.value import Moment
from scan_core.onboarding.carry_out import Hands
from scan_core.onboarding.diagnosis import ProjectHooks, is_rotation
from scan_core.onboarding.hook_look import Look
from scan_core.onboarding.lost_events import take_leave
from scan_core.onboarding.plan import HookStep, ProjectPlan
from scan_core.onboarding.words import step_for_an_operator
from scan_core.store.hook_health import TroubledProject
from scan_core.telemetry import emit

MOST_A_DAY: Final = 3
"""How often a subscription is made anew within a day without one that delivers anything."""
DAY: Final = timedelta(days=1)
_DOUBLINGS: Final = 10
_WORN_OUT: Final = (
    f"Made anew {MOST_A_DAY} times within a day, it has delivered nothing since. Its history (project settings, Service"
    " hooks) and 'hook_received' in this log say what the app answers; 'scangate onboard' makes it anew at once."
)


def repair(look: Look, found: Sequence[ProjectHooks], delivered: Container[SubscriptionId], since: datetime) -> bool:
    """Repair project by project, for as long as the turn lasts.

    Args:
        look: The turn.
        found: The onboarded projects.
        delivered: The broken subscriptions that delivered something since they were made.
        since: Up to when the history was looked at.

    Returns:
        Whether nothing is left that could be done now.

    Raises:
        DevOpsError: No call to Azure DevOps gets through.
        Conflict: Somebody else is at work on a project.
    """
    password = look.services.settings.organisations[look.organisation].hook_secrets[0]
    for project in found:
        patient = _Patient(look, project, delivered, look.memory.of(project.project.id))
        steps = patient.treatable()
        if not steps:
            continue
        if look.services.now() >= look.end:
            return False
        patient.treat(steps, password, since)
    return True


@dataclass(frozen=True)
class _Patient:
    """One project whose subscriptions are to be repaired."""

    look: Look
    project: ProjectHooks
    delivered: Container[SubscriptionId]
    known: TroubledProject

    def treatable(self) -> tuple[HookStep, ...]:
        """Choose the steps to do now: none after a refusal, and nothing that was done too often in vain."""
        worn_out = [step for step in self.project.steps if len(self._in_vain(step)) >= MOST_A_DAY]
        if worn_out:
            self._not_repaired(worn_out, "worn_out", _WORN_OUT)
        if self.known.repair_at is not None and self.known.repair_at > self.look.services.now():
            return ()
        return tuple(step for step in self.project.steps if step not in worn_out)

    def treat(self, steps: tuple[HookStep, ...], password: SecretStr, since: datetime) -> None:
        """Do steps as onboarding does them, and remember what came of it."""
        look, project_id = self.look, self.project.project.id
        replaced: list[SubscriptionId] = []

        def leave(going: SubscriptionId) -> None:
            replaced.append(going)
            take_leave(look, self.project, going, since)

        hands = Hands(look.administration, look.patience, password, leave)
        for outcome in hands.carry_out([ProjectPlan(self.project.project, steps)]):
            done = steps[: len(outcome.done)]
            for step in done:
                self._tell(step)
            if any(_closes_a_gap(step) for step in done):
                # What happened while nothing listened is in no history.
                look.ask_for_project(project_id)
            # Of a step that failed, the new one may stand already.
            made = [*done, *(step for step in steps[len(done) :] if step.old in replaced)]
            self._remember(made, outcome.cause)
            if outcome.cause is not None and outcome.cause.everywhere:
                raise outcome.cause
            if outcome.cause is not None:
                self._refused(steps[len(done) :], outcome.cause)

    def _in_vain(self, step: HookStep) -> tuple[Moment, ...]:
        """Say when a step was done within a day, and nothing was delivered since."""
        if not _closes_a_gap(step) or step.old in self.delivered:
            return ()
        yesterday = self.look.services.now() - DAY
        return tuple(moment for moment in self.known.made_anew.get(step.label, ()) if moment > yesterday)

    def _remember(self, made: Sequence[HookStep], cause: DevOpsError | None) -> None:
        now = self.look.services.now()
        anew = {step.label: (*self._in_vain(step), now) for step in made if _closes_a_gap(step)}
        is_refused = cause is not None and not cause.everywhere
        refusals = self.known.refusals + 1 if is_refused else 0
        changes = {
            "made_anew": {**self.known.made_anew, **anew},
            "refusals": refusals,
            "repair_at": now + self._pause(refusals) if is_refused else None,
        }
        if anew or refusals or self.known.refusals:
            self.look.memory.change(self.project.project.id, changes)

    def _pause(self, refusals: int) -> timedelta:
        """Wait for as long as a look takes to come round, twice as long each time, a day at most."""
        seconds = self.look.services.settings.hook_health_seconds * 2 ** min(refusals - 1, _DOUBLINGS)
        spread = random.uniform(0.9, 1.0)  # noqa: S311 - spreads load, protects nothing
        return min(DAY, timedelta(seconds=seconds)) * spread

    def _tell(self, step: HookStep) -> None:
        organisation, project = self.look.organisation, self.project.project.id
        if step.wanted is None:
            self.look.told["removed"] += 1
            emit("hook_removed", organisation=organisation, project=project, hook=step.label, why=step.why)
        elif is_rotation(step):
            self.look.told["secrets_replaced"] += 1
            emit("hook_secret_replaced", organisation=organisation, project=project, hook=step.label)
        else:
            self.look.told["recreated"] += 1
            emit("hook_recreated", organisation=organisation, project=project, hook=step.label, why=step.why)

    def _refused(self, left: Sequence[HookStep], error: DevOpsError) -> None:
        self._not_repaired(left, error.kind, f"{error.sentence.rstrip('.')}. {step_for_an_operator(error)}")

    def _not_repaired(self, left: Sequence[HookStep], kind: str, sentence: str) -> None:
        self.look.told["not_repaired"] += len(left)
        emit(
            "hook_not_repaired",
            organisation=self.look.organisation,
            project=self.project.project.id,
            hooks=[step.label for step in left],
            kind=kind,
            sentence=sentence,
        )


def _closes_a_gap(step: HookStep) -> bool:
    """Tell whether events may have been lost without a trace before a step."""
    return step.wanted is not None and not is_rotation(step)
