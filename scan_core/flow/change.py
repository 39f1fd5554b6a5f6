"""How a row is changed: by a pure step on its latest version, again until nobody interferes."""

from collections.abc import Callable

from scan_core.model.gate import Gate
from scan_core.model.ids import GateId, ScanId
from scan_core.model.scan import Scan
from scan_core.store.gates import GateStore
from scan_core.store.rows import Conflict
from scan_core.store.scans import ScanStore

_ROUNDS = 50


def change_gate(gates: GateStore, gate_id: GateId, step: Callable[[Gate], Gate | None]) -> Gate | None:
    """Apply a step to a gate.

    Args:
        gates: Where gates are kept.
        gate_id: Which.
        step: Takes the gate as it stands and returns it as it shall stand; None = leave it.

    Returns:
        The gate as this step wrote it; None where the step left it, or there is no such gate.

    Raises:
        Conflict: Others changed it at every one of 50 tries.
    """
    for _ in range(_ROUNDS):
        row = gates.gate(gate_id)
        if row is None:
            return None
        changed = step(row.value)
        if changed is None:
            return None
        try:
            return gates.replace_gate(row, changed).value
        except Conflict:
            continue
    raise Conflict(gate_id)


def change_scan(scans: ScanStore, scan_id: ScanId, step: Callable[[Scan | None], Scan | None]) -> Scan | None:
    """Apply a step to a scan.

    Args:
        scans: Where scans are kept.
        scan_id: Which.
        step: Takes the scan as it stands, None where there is none yet; returns it as it shall stand; None = leave it.

    Returns:
        The scan as it stands after the step, whether or not the step changed it.

    Raises:
        Conflict: Others changed it at every one of 50 tries.
    """
    for _ in range(_ROUNDS):
        row = scans.read(scan_id)
        changed = step(None if row is None else row.value)
        if changed is None:
            return None if row is None else row.value
        try:
            return scans.write(row, changed).value
        except Conflict:
            continue
    raise Conflict(scan_id)
