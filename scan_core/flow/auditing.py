"""The audit of gates: a row owes its lines until they are written, so a death in between loses none.

Whoever changes a gate adds the line to the row in the same write, then writes the line, then takes it off the row. Who
dies in between leaves a row that owes a line, and that row stays on the agenda until somebody has written it. So each
line stands there at least once; one that stands there twice has the same id.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from scan_core.flow.change import change_gate
from scan_core.flow.gate_steps import earlier_of
from scan_core.flow.services import Services
from scan_core.flow.showing import where
from scan_core.model.gate import AuditLine, Decision, Gate
from scan_core.model.ids import AttemptNumber, ScanId, digest
from scan_core.model.value import Moment
from scan_core.model.verdict import Verdict

_ID_DIGITS = 16


def line(gate: Gate, what: str, at: Moment, fields: Mapping[str, JsonValue]) -> AuditLine:
    """Make a line about a gate.

    Args:
        gate: The gate.
        what: What happened, in a word.
        at: When.
        fields: Who, why, hashes.

    Returns:
        The line, with an id that follows from what it says.
    """
    said = {"gate": gate.gate_id, **where(gate.place), **fields}
    return AuditLine(line_id=digest([what, at.isoformat(), said])[:_ID_DIGITS], at=at, what=what, fields=said)


def owing(gate: Gate, owed: AuditLine) -> Gate:
    """Let a gate's row owe a line.

    Args:
        gate: The gate as it shall stand otherwise.
        owed: The line.

    Returns:
        The gate as it shall stand.
    """
    return gate.model_copy(update={"unaudited": (*gate.unaudited, owed)})


def settle(services: Services, gate: Gate) -> None:
    """Write the lines that a gate's row owes, and take them off it.

    Args:
        services: The doors to the outside.
        gate: The gate as it stands.
    """
    kept = [owed for owed in gate.unaudited if services.audit.keep(owed)]
    if kept:
        change_gate(services.gates, gate.gate_id, lambda row: _without(row, kept))


def line_of_verdict(services: Services, gate: Gate, decision: Decision, verdict: Verdict, why: str | None) -> AuditLine:
    """Make the line of a verdict; an ``override`` where it takes an earlier one's place.

    Args:
        services: The doors to the outside.
        gate: The gate before it.
        decision: The verdict's part that the row holds.
        verdict: The verdict.
        why: Why an earlier one did not hold any more; None where none was looked at again.

    Returns:
        The line.
    """
    earlier = earlier_of(gate)
    rules = verdict.rules
    said: dict[str, JsonValue] = {
        "number": decision.number,
        "outcome": decision.outcome,
        "provisional": decision.provisional,
        "reasons": [reason.text for reason in decision.reasons],
        "verdict_sha256": decision.verdict_sha256,
        "rules_branch": rules.branch if rules else None,
        "rules_commit": rules.commit if rules else None,
        "rules_sha256": rules.file_sha256 if rules else None,
        "scans": [
            {"scan": scan, "attempt": attempt, "manifest_sha256": _manifest_of(services, scan, attempt)}
            for scan, attempt in decision.judged
        ],
    }
    if earlier is None:
        return line(gate, "verdict", decision.decided_at, said)
    said["why"] = "a time-out came first" if earlier.provisional else why or earlier.why
    said["replaces"] = earlier.model_dump(mode="json", exclude={"why"})
    return line(gate, "override", decision.decided_at, said)


def _manifest_of(services: Services, scan: ScanId, attempt: AttemptNumber) -> str | None:
    row = services.scans.read(scan)
    conclusion = None if row is None else row.value.conclusion
    return conclusion.manifest_sha256 if conclusion is not None and conclusion.attempt == attempt else None


def _without(gate: Gate, kept: list[AuditLine]) -> Gate | None:
    left = tuple(owed for owed in gate.unaudited if owed not in kept)
    return None if left == gate.unaudited else gate.model_copy(update={"unaudited": left})
