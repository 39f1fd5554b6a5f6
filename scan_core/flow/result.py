"""A result: an attempt says that it ended; everyone who waits for its scan moves on."""

from datetime import timedelta

from scan_core.flow import attempts, gates, review_steps, scans
from scan_core.flow.change import change_gate
from scan_core.flow.services import Services
from scan_core.model.attempt import ResultMessage
from scan_core.model.gate import Gate
from scan_core.model.ids import GateId
from scan_core.model.place import CheckPlace
from scan_core.model.scan import Scan, ScanState
from scan_core.telemetry import emit


def take(services: Services, message: ResultMessage) -> None:
    """Take the end of an attempt and drive the gates that wait for it.

    Args:
        services: The doors to the outside.
        message: Which attempt says so; what it left in storage is the proof.
    """
    row = services.scans.read(message.scan_id)
    if row is None:
        emit("result_dropped", scan=message.scan_id, attempt=message.attempt, why="unknown scan")
        return
    after = scans.take_end(services, row.value, message.attempt)
    if after is None:
        emit("result_dropped", scan=message.scan_id, attempt=message.attempt, why="late, or without a manifest")
        after = row.value
    for gate_id in after.waiters:
        _ask_again(services, gate_id, after)
        gates.advance(services, gate_id)
    attempts.start_worker(services)


def _ask_again(services: Services, gate_id: GateId, scan: Scan) -> None:
    """Let a gate be judged anew that had an error because this scan was thought to have failed.

    Also where the scan was concluded before this message came: whoever did that may have died before it asked.
    """
    row = services.gates.gate(gate_id)
    if row is None or not _is_news(scan, row.value):
        return
    limit = timedelta(seconds=services.settings.deadline_seconds)
    services.gates.touch(row.value.place.subject, services.now())

    def step(gate: Gate) -> Gate | None:
        question = review_steps.asked_already(gate)
        if question is None or not _is_news(scan, gate):
            return None
        return review_steps.asked_again(gate, question, services.now(), limit, "late result")

    change_gate(services.gates, gate_id, step)


def _is_news(scan: Scan, gate: Gate) -> bool:
    """Tell whether a gate has a verdict that does not know a scan's result, and could have another one."""
    if scan.state is not ScanState.CONCLUDED or scan.conclusion is None or scan.scan_id not in gate.waits_for:
        return False
    if not review_steps.has_verdict(gate) or gate.decision is None or isinstance(gate.place, CheckPlace):
        return False  # a check is answered once
    return (scan.scan_id, scan.conclusion.attempt) not in gate.decision.judged
