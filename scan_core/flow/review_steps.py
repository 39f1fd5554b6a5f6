"""The steps of a gate whose verdict does not hold any more; `scan_core.flow.gate_steps` has the table of all steps."""

from datetime import datetime, timedelta

from scan_core.model.gate import Decision, Gate, GateState
from scan_core.model.ids import CommitSha, ScanId
from scan_core.model.rules import RulesRead


def asked_again(
    gate: Gate, rules: RulesRead, scanned: CommitSha, scans: tuple[ScanId, ...], now: datetime, limit: timedelta
) -> Gate | None:
    """Open a decided gate again, under rules or for results that its verdict did not know.

    Args:
        gate: The gate as it stands.
        rules: The rules as they are now.
        scanned: The commit that is scanned.
        scans: The scans it waits for now.
        now: The time; the deadline counts from here.
        limit: The deadline.

    Returns:
        The gate as it shall stand; None where it has no verdict that could be outdated.
    """
    if not has_verdict(gate):
        return None
    clocks = {"accepted_at": now, "opened_at": now, "deadline": now + limit}
    asked = {"rules": rules, "scanned_commit": scanned, "waits_for": scans}
    nothing = {"decision": None, "problem": None, "ahead": None}
    return gate.model_copy(update={"state": GateState.OPEN, **clocks, **asked, **nothing})


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
    return gate.model_copy(update={"decision": decision, "rules": None, "waits_for": (), "problem": None})


def has_verdict(gate: Gate) -> bool:
    """Tell whether a gate has an answer that stays until its question changes.

    Args:
        gate: The gate.

    Returns:
        Whether it is decided, and not by a time-out.
    """
    return gate.state is GateState.DECIDED and gate.decision is not None and not gate.decision.provisional
