"""What rows hold of verdicts: a decision, and gates that were decided."""

from scan_core.model.gate import Decision, GateState
from scan_core.model.verdict import Outcome, SeverityCounts
from tests.builders import NOON, a_gate


def decision(*, provisional: bool = False, outcome: Outcome = Outcome.PASSED) -> Decision:
    """What a row holds of a verdict."""
    return Decision(
        number=1, outcome=outcome, reasons=(), counts=SeverityCounts(), decided_at=NOON, provisional=provisional
    )


TIMED_OUT = a_gate(state=GateState.DECIDED, decision=decision(provisional=True, outcome=Outcome.ERROR))
DECIDED = a_gate(state=GateState.DECIDED, decision=decision())
