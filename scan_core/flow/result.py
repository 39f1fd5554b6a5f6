"""A result: an attempt says that it ended; everyone who waits for its scan moves on."""

from scan_core.flow import attempts, gates, scans
from scan_core.flow.services import Services
from scan_core.model.attempt import ResultMessage
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
        gates.advance(services, gate_id)
    attempts.start_worker(services)
