"""The steps of a gate whose verdict does not hold any more; `scan_core.flow.gate_steps` has the table of all steps."""

from dataclasses import fields
from datetime import datetime, timedelta

from scan_core.flow.gate_steps import Question, earlier_of
from scan_core.model.gate import Decision, Gate, GateState


def asked_again(gate: Gate, question: Question, now: datetime, limit: timedelta, why: str) -> Gate | None:
    """Open a decided gate again, under rules or for results that its verdict did not know.

    Args:
        gate: The gate as it stands.
        question: What it has scanned now, and the rules as they are now.
        now: The time; the deadline counts from here.
        limit: The deadline.
        why: What does not hold any more, in a word.

    Returns:
        The gate as it shall stand; None where it has no verdict that could be outdated.
    """
    if not has_verdict(gate):
        return None
    clocks = {"accepted_at": now, "opened_at": now, "deadline": now + limit}
    nothing = {"decision": None, "earlier": earlier_of(gate, why), "problem": None, "ahead": None}
    return gate.model_copy(update={"state": GateState.OPEN, **clocks, **question.update, **nothing})


def decided_again(gate: Gate, decision: Decision) -> Gate | None:
    """Replace a verdict by one for which nothing has to be scanned.

    Args:
        gate: The gate as it stands.
        decision: The new verdict's part that the row holds.

    Returns:
        The gate as it shall stand, waiting for no scan; None where it has no verdict that could be outdated.
    """
    if not has_verdict(gate):
        return None
    return gate.model_copy(
        update={"decision": decision, "rules": None, "targets": (), "waits_for": (), "missing": (), "problem": None}
    )


def asked_already(gate: Gate) -> Question | None:
    """Give what a gate asks, whole, so that it can be asked again.

    Args:
        gate: The gate as it stands.

    Returns:
        Its question; None where it does not know its rules.
    """
    if gate.rules is None:
        return None
    return Question(**{each.name: getattr(gate, each.name) for each in fields(Question)})


def has_verdict(gate: Gate) -> bool:
    """Tell whether a gate has an answer that stays until its question changes.

    Args:
        gate: The gate.

    Returns:
        Whether it is decided, and not by a time-out.
    """
    return gate.state is GateState.DECIDED and gate.decision is not None and not gate.decision.provisional
