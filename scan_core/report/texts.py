"""The status of a gate: what its row shows in Azure DevOps. Pure."""

from typing import Final

from scan_core.model.gate import Decision, Gate, GateState, Status, StatusState
from scan_core.model.verdict import Outcome
from scan_core.report.gist import gist
from scan_core.report.place_words import awaited, image_number
from scan_core.report.plain import one_line, shortened, units

_LONGEST = 199
"""A description stays under 200 characters."""
_LONGEST_ASIDE = 160
"""Room for every count up to ten millions; the rest is for the phrase before it."""

_SHOWN: Final = {
    Outcome.PASSED: (StatusState.SUCCEEDED, "Passed"),
    Outcome.FAILED: (StatusState.FAILED, "Failed"),
    Outcome.ERROR: (StatusState.ERROR, "Error"),
    Outcome.NOT_APPLICABLE: (StatusState.NOT_APPLICABLE, "Not applicable"),
}


def status_for(gate: Gate) -> Status | None:
    """Say what a gate's row shows in Azure DevOps.

    Args:
        gate: The gate as it stands.

    Returns:
        State and description (one line, under 200 UTF-16 code units); None where nothing is to be posted, as for a
        gate that is superseded or closed.
    """
    match gate.state:
        case GateState.OPEN:
            return _pending(_progress(gate))
        case GateState.WAITING:
            return _pending("Draft: waits for publication")
        case GateState.DECIDED if gate.decision:
            return _decided(gate.decision, image_number(gate))
        case _:
            return None


def _pending(text: str) -> Status:
    return Status(state=StatusState.PENDING, description=shortened(text, _LONGEST))


def _progress(gate: Gate) -> str:
    what = awaited(gate)
    problem = one_line(gate.problem or "")
    if gate.ahead is not None and not problem:
        return (
            f"Queued: {gate.ahead} ahead of {what.text}"
            if gate.ahead
            else f"Queued: {what.with_verb('is', 'are')} next"
        )
    return f"Scanning {what.text} is delayed: {problem}" if problem else f"Scanning {what.text}…"


def _decided(decision: Decision, images: str | None) -> Status:
    state, word = _SHOWN[decision.outcome]
    said = gist(decision, images)
    aside = shortened(f" {said.aside}", _LONGEST_ASIDE) if said.aside else ""
    return Status(state=state, description=shortened(f"{word}: {said.phrase}", _LONGEST - units(aside)) + aside)
