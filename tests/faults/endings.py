"""How attempts and scans really ended, by their workers' own word; and whether a verdict was made of that."""

import hashlib
from collections.abc import Iterator

from azure.core.exceptions import ResourceNotFoundError

from scan_core.model.attempt import Artifact
from scan_core.model.gate import Gate
from scan_core.model.scan import Scan, ScanState
from scan_core.store.scans import ScanStore
from tests.faults.crew import CONCLUSIVE, LOST
from tests.faults.estate import Estate
from tests.faults.proposals import thing


def blob(estate: Estate, container: str, name: str) -> bytes | None:
    """Read what stands in storage.

    Args:
        estate: The deployment.
        container: The container.
        name: The blob's name.

    Returns:
        Its content; None where there is no such blob.
    """
    try:
        return estate.storage.blobs.get_blob_client(container, name).download_blob().readall()
    except ResourceNotFoundError:
        return None


def ending(estate: Estate, scan: str, attempt: int) -> str:
    """Tell how an attempt ended.

    Args:
        estate: The deployment.
        scan: The scan's id.
        attempt: The attempt's number.

    Returns:
        Its worker's own word for it, and that only if its manifest stands; else that it was lost.
    """
    stands = blob(estate, "scans", f"{scan}/{attempt}/{Artifact.MANIFEST}") is not None
    return estate.crew.intended.get((scan, attempt), LOST) if stands else LOST


def scans_of(estate: Estate, gate: Gate) -> list[Scan]:
    """Read the scans that a gate waits for.

    Args:
        estate: The deployment.
        gate: The gate.

    Returns:
        Those there are, in the order of its targets.
    """
    store = ScanStore(estate.storage.tables)
    rows = (store.read(scan) for scan in gate.waits_for)
    return [row.value for row in rows if row is not None]


def has_failed(estate: Estate, scan: Scan) -> bool:
    """Tell whether a scan failed, and rightly so.

    Args:
        estate: The deployment.
        scan: The scan.

    Returns:
        Whether no attempt of its last round had a result, and another was not allowed or of no use.
    """
    if scan.state is not ScanState.FAILED:
        return False
    last_round = [record for record in scan.attempts if record.number >= scan.round_start]
    endings = [ending(estate, scan.scan_id, record.number) for record in last_round]
    counted = [each for each in endings if each != "cancelled"]
    is_spent = len(counted) >= estate.settings.max_attempts or endings[-1] == "error"
    return is_spent and not CONCLUSIVE & set(endings)


def unproven(estate: Estate, gate: Gate, things: set[str]) -> Iterator[str]:
    """Tell what is wrong with a verdict's proof.

    Args:
        estate: The deployment.
        gate: The gate.
        things: The commit or the digests that its verdict may be about.

    Yields:
        Ends of a sentence that begins with the gate's verdict.
    """
    decision = gate.decision
    if decision is None or decision.verdict_sha256 is None:
        return
    body = blob(estate, "gates", f"{gate.gate_id}/verdict-{decision.verdict_sha256}.json")
    if body is None or hashlib.sha256(body).hexdigest() != decision.verdict_sha256:
        yield "is not in storage"
    for scan_id, attempt in decision.judged:
        if ending(estate, scan_id, attempt) not in CONCLUSIVE:
            yield "was made of an attempt that has no result"
        if {thing(scan.target) for scan in scans_of(estate, gate) if scan.scan_id == scan_id} - things:
            yield "was made of a scan of something else"
