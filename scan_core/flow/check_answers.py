"""Answering a check at once, from what is known already (Azure Pipelines' ApiResponse mode)."""

from scan_core.flow.pages import gate_link
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, GateState
from scan_core.model.place import BuildPlace
from scan_core.model.subject import Check, StatusName
from scan_core.report.texts import status_for

_CALLBACK = "answers that wait are given in callback mode only"


def answer(services: Services, check: Check) -> dict[str, str | None]:
    """Say what is known of the build that a check stands in, without waiting for anything.

    Args:
        services: The doors to the outside.
        check: The check.

    Returns:
        ``status`` (passed, failed, error, not_applicable or unknown), ``description``, and ``page``, the link to the
        gate's page, None where there is none.
    """
    if check.judges != (StatusName.IMAGE,) or check.images or check.build is None:
        return _unknown(f"Only the images that a build is known to have made are answered for at once; {_CALLBACK}")
    place = BuildPlace(build=check.build, commit=None)
    row = services.gates.gate(place.gate_id)
    if row is None:
        return _unknown(f"No image of build {check.build_id} is known yet; ask again, or use callback mode")
    if not _is_of(row.value, check):
        return _unknown(f"Build {check.build_id} is not known to run the plan that this check belongs to; {_CALLBACK}")
    return _told(services, row.value)


def _is_of(gate: Gate, check: Check) -> bool:
    """Tell whether a build's gate is that of the build a check stands in; another's answers for nobody."""
    return any(check.plan_id in images.plan_ids for images in gate.builds)


def _told(services: Services, gate: Gate) -> dict[str, str | None]:
    shown = status_for(gate)
    outcome = gate.decision.outcome if gate.state is GateState.DECIDED and gate.decision else None
    return {
        "status": "unknown" if outcome is None else str(outcome),
        "description": "" if shown is None else shown.description,
        "page": gate_link(services, gate.gate_id),
    }


def _unknown(description: str) -> dict[str, str | None]:
    return {"status": "unknown", "description": description, "page": None}
