"""The states of a gate, as pure steps from one version of its row to the next.

| from                    | when                                          | to         |
|-------------------------|-----------------------------------------------|------------|
| none                    | the iteration is seen for the first time      | OPEN       |
| OPEN                    | it is a draft, and the rules let drafts wait  | WAITING    |
| WAITING                 | the draft is published                        | OPEN       |
| OPEN, DECIDED¹          | its rules are read and its scans are known    | OPEN²      |
| OPEN, DECIDED¹, WAITING | a verdict                                     | DECIDED    |
| OPEN                    | its deadline                                  | DECIDED¹   |
| OPEN, WAITING, DECIDED  | a newer iteration                             | SUPERSEDED |
| OPEN, WAITING, DECIDED  | the pull request is abandoned or completed    | CLOSED     |
| CLOSED, DECIDED         | reactivated, retargeted, moved³, merged anew  | OPEN       |
| DECIDED⁴                | its rules changed or its results aged         | OPEN⁵      |
| DECIDED⁴                | its rules changed, and nothing is to scan now | DECIDED⁴   |

¹ provisional: a time-out, which a verdict replaces while the gate is current. ² DECIDED¹ stays what it is. ³ Where
Azure DevOps keeps no iterations, one gate stands for all commits of a pull request. ⁴ Not provisional; these steps are
in `scan_core.flow.review_steps`. ⁵ In one write with the new rules and scans: whoever drives the gate on judges it
before anything is reported, so where a stored result is fresh the old status stays until the new verdict, and only a
new scan shows as pending.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from scan_core.model.gate import BuildImages, Decision, Earlier, Gate, GateState
from scan_core.model.place import CheckPlace, Place
from scan_core.model.rules import RulesRead
from scan_core.model.target import ImageTarget, Profile, Target, scan_id
from scan_core.model.verdict import ReasonCode

_EARLY = 0.05
"""Share of the deadline by which a time-out comes early, so that it is posted before the deadline has passed."""


def asks_the_same(gate: Gate, other: Gate) -> bool:
    """Tell whether what was found out for one version of a gate's row holds for another.

    Args:
        gate: One version.
        other: The other.

    Returns:
        Whether the gate was neither opened again nor told other rules or scans in between.
    """
    return _question(gate) == _question(other)


def expects_answer(gate: Gate) -> bool:
    """Tell whether a verdict would still be taken.

    Args:
        gate: The gate.

    Returns:
        Whether it is open, or timed out and still current.
    """
    provisional = gate.decision is not None and gate.decision.provisional
    return gate.state is GateState.OPEN or (gate.state is GateState.DECIDED and provisional)


@dataclass(frozen=True)
class Question:
    """What a gate has scanned, and under which rules it is judged."""

    place: Place
    rules: RulesRead
    targets: tuple[Target, ...]
    missing: tuple[str, ...] = ()
    builds: tuple[BuildImages, ...] = ()

    @property
    def update(self) -> dict[str, object]:
        """The fields of a gate that hold it."""
        return {
            "place": self.place,
            "rules": self.rules,
            "targets": self.targets,
            "waits_for": tuple(scan_id(target, profile_for(target, self.rules)) for target in self.targets),
            "missing": self.missing,
            "builds": self.builds,
        }


def profile_for(target: Target, rules: RulesRead) -> Profile:
    """Say how a gate's rules want one of its targets scanned.

    Args:
        target: The target.
        rules: The rules.

    Returns:
        The profile.
    """
    return rules.rules.image_profile if isinstance(target, ImageTarget) else rules.rules.profile


def was_given_up(gate: Gate) -> bool:
    """Tell whether a gate's verdict only says that Scangate failed at it, so that whoever looks again shall try again.

    Args:
        gate: The gate.

    Returns:
        Whether nobody ever came to judge it.
    """
    return gate.decision is not None and any(
        reason.code is ReasonCode.SERVICE_ERROR for reason in gate.decision.reasons
    )


def earlier_of(gate: Gate, why: str | None = None) -> Earlier | None:
    """Say which verdict the next one takes the place of.

    Args:
        gate: The gate before it.
        why: Why that one does not hold any more.

    Returns:
        The verdict; None where there was none on this question.
    """
    if gate.decision is None:
        return gate.earlier
    kept = {name: getattr(gate.decision, name) for name in Earlier.model_fields if name != "why"}
    return Earlier(**kept, why=why)


def started(gate: Gate, question: Question) -> Gate | None:
    """Tell a gate its rules and the scans it waits for.

    Args:
        gate: The gate as it stands.
        question: Both.

    Returns:
        The gate as it shall stand; None where it expects no answer.
    """
    if not expects_answer(gate):
        return None
    return gate.model_copy(update={**question.update, "problem": None})


def published(gate: Gate, accepted_at: datetime, limit: timedelta) -> Gate | None:
    """Open a waiting draft's gate, its deadline counted anew from the request that publishes it.

    Args:
        gate: The gate as it stands.
        accepted_at: When that request was accepted.
        limit: The deadline.

    Returns:
        The gate as it shall stand; None where it does not wait.
    """
    if gate.state is not GateState.WAITING:
        return None
    clocks = {"accepted_at": accepted_at, "opened_at": accepted_at, "deadline": accepted_at + limit}
    return gate.model_copy(update={"state": GateState.OPEN, **clocks})


def waiting(gate: Gate, rules: RulesRead) -> Gate | None:
    """Let a draft's gate wait for its publication.

    Args:
        gate: The gate as it stands.
        rules: The rules that say so.

    Returns:
        The gate as it shall stand; None where it waits under these rules already, or expects no answer.
    """
    waits = gate.state is GateState.WAITING
    if not (expects_answer(gate) or waits) or (waits and gate.rules == rules):
        return None
    return gate.model_copy(update={"state": GateState.WAITING, "rules": rules, "decision": None, "problem": None})


def troubled(gate: Gate, problem: str) -> Gate | None:
    """Note what keeps a gate from its answer.

    Args:
        gate: The gate as it stands.
        problem: In words.

    Returns:
        The gate as it shall stand; None where that is known or it expects no answer.
    """
    if not expects_answer(gate) or gate.problem == problem:
        return None
    return gate.model_copy(update={"problem": problem})


def placed(gate: Gate, ahead: int | None) -> Gate | None:
    """Note a gate's place in the queue, roughly: each change is posted, so small ones are not worth it.

    Args:
        gate: The gate as it stands.
        ahead: How many scans start before its own; None where it has its turn.

    Returns:
        The gate as it shall stand; None where its place is about the same, or it expects no answer.
    """
    if not expects_answer(gate) or _roughly(gate.ahead) == _roughly(ahead):
        return None
    return gate.model_copy(update={"ahead": ahead})


def _roughly(ahead: int | None) -> int | None:
    """The number of base-4 digits: 0, 1 to 3, 4 to 15, 16 to 63 and so on look alike."""
    return None if ahead is None else (ahead.bit_length() + 1) // 2


def decided(gate: Gate, decision: Decision) -> Gate | None:
    """Give a gate its verdict. A time-out never replaces a verdict.

    Args:
        gate: The gate as it stands.
        decision: The verdict's part that the row holds.

    Returns:
        The gate as it shall stand; None where it expects no answer.
    """
    if not (expects_answer(gate) or gate.state is GateState.WAITING):
        return None
    if decision.provisional and gate.state is not GateState.OPEN:
        return None
    return gate.model_copy(update={"state": GateState.DECIDED, "decision": decision, "problem": None})


def superseded(gate: Gate) -> Gate | None:
    """End a gate in favour of a newer iteration's.

    Args:
        gate: The gate as it stands.

    Returns:
        The gate as it shall stand; None where it is not current.
    """
    return gate.model_copy(update={"state": GateState.SUPERSEDED}) if gate.state.is_current else None


def closed(gate: Gate) -> Gate | None:
    """End a gate with its pull request.

    Args:
        gate: The gate as it stands.

    Returns:
        The gate as it shall stand; None where it is not current.
    """
    return gate.model_copy(update={"state": GateState.CLOSED}) if gate.state.is_current else None


def released(gate: Gate) -> Gate | None:
    """Note that an ended gate let go of its scans.

    Args:
        gate: The gate as it stands.

    Returns:
        The gate as it shall stand; None where it is current, or that is known.
    """
    return None if gate.state.is_current or gate.released else gate.model_copy(update={"released": True})


def made_final(gate: Gate) -> Gate | None:
    """Give up waiting for the verdict that should have replaced a time-out.

    Args:
        gate: The gate as it stands.

    Returns:
        The gate as it shall stand, with the time-out as its verdict; None where it has another.
    """
    if gate.state is not GateState.DECIDED or gate.decision is None or not gate.decision.provisional:
        return None
    return gate.model_copy(update={"decision": gate.decision.model_copy(update={"provisional": False})})


def time_out_at(gate: Gate) -> datetime:
    """Choose when a gate without an answer times out.

    Args:
        gate: The gate.

    Returns:
        Slightly before its deadline, so that the time-out is posted in time.
    """
    return time_out_of(gate.accepted_at, gate.deadline)


def time_out_of(accepted_at: datetime, deadline: datetime) -> datetime:
    """Choose when an answer that was promised for a deadline is given up.

    Args:
        accepted_at: When it was promised.
        deadline: The deadline.

    Returns:
        Slightly before it.
    """
    return deadline - (deadline - accepted_at) * _EARLY


def _question(gate: Gate) -> tuple[object, ...]:
    told = (gate.opened_at, gate.rules, gate.waits_for, gate.missing)
    if isinstance(gate.place, CheckPlace):  # what it came to know of its build is no other question
        return (*told, gate.place.subject)
    return (*told, gate.place, gate.builds)
