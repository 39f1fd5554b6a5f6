"""Answering a check at once, from what is known already (Azure Pipelines' ApiResponse mode)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from scan_core.model.gate import Gate, GateState, Look
from scan_core.model.ids import GateId
from scan_core.model.place import BuildPlace
from scan_core.model.subject import Check, StatusName
from scan_core.model.verdict import Outcome
from scan_core.report.links import signed_path
from scan_core.report.texts import status_for
from scan_core.settings.deployment import Settings
from scan_core.store.gates import GateStore

_CALLBACK = "answers that wait are given in callback mode only"


@dataclass(frozen=True)
class AnswerDoor:
    """What answering at once needs, and nothing more, so that it is there within milliseconds."""

    settings: Settings
    gates: GateStore


def answer(door: AnswerDoor, check: Check, asked_at: datetime) -> dict[str, str | None]:
    """Say what is known of the build that a check stands in, without waiting for anything.

    What an earlier stage was told says nothing about an image that was pushed since. So nothing is final before the
    build was looked at by a request that is no older than this check's first question: by then, its tags are set.

    Args:
        door: What answering needs.
        check: The check.
        asked_at: When it asks; the look that its question asks for is no older.

    Returns:
        ``status`` (passed, failed, error, not_applicable or unknown), ``description``, and ``page``, the link to the
        gate's page, None where there is none.
    """
    build = check.build
    if check.judges != (StatusName.IMAGE,) or check.images or build is None:
        return _unknown(f"Only the images that a build is known to have made are answered for at once; {_CALLBACK}")
    first = door.gates.first_question(check.subject, asked_at)
    look = door.gates.look(build.subject)
    # In this order: a look that was taken has told the gate, so it is read after that.
    row = door.gates.gate(BuildPlace(build=build, commit=None).gate_id)
    if row is not None and not _is_of(row.value, check):
        return _unknown(f"Build {build.build_id} is not known to run the plan that this check belongs to; {_CALLBACK}")
    if look is None or not _was_taken_since(look.value, first.value.asked_at):
        return _unknown(f"Build {build.build_id} is being looked at; ask again, or use callback mode")
    if row is None:
        return _unknown(f"No image of build {build.build_id} is known yet; ask again, or use callback mode")
    told = _told(door, row.value, asked_at)
    if told["status"] == Outcome.PASSED:
        # It goes on now. Whoever asks by the same ids is another run of its stage, before which images may be pushed.
        door.gates.forget_question(check.subject, first)
    return told


def _was_taken_since(look: Look, moment: datetime) -> bool:
    """Tell whether a look was taken at what stood there at a moment; one that was given up was not taken."""
    return look.served and look.problem is None and look.newest_accepted_at >= moment


def _is_of(gate: Gate, check: Check) -> bool:
    """Tell whether a build's gate is that of the build a check stands in; another's answers for nobody."""
    return any(check.plan_id in images.plan_ids for images in gate.builds)


def _told(door: AnswerDoor, gate: Gate, now: datetime) -> dict[str, str | None]:
    shown = status_for(gate)
    outcome = gate.decision.outcome if gate.state is GateState.DECIDED and gate.decision else None
    return {
        "status": "unknown" if outcome is None else str(outcome),
        "description": "" if shown is None else shown.description,
        "page": _link(door.settings, gate.gate_id, now),
    }


def _link(settings: Settings, gate_id: GateId, now: datetime) -> str:
    key = settings.signing_keys[0].get_secret_value().encode()
    return settings.public_url + signed_path(f"/api/gates/{gate_id}", key, now + timedelta(days=settings.link_days))


def _unknown(description: str) -> dict[str, str | None]:
    return {"status": "unknown", "description": description, "page": None}
