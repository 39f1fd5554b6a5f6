"""Scans' rows, verdicts whole, and the audit trail."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from scan_core.flow.scan_steps import Freshness, Wanted, joined
from scan_core.model.ids import AttemptNumber, GateId
from scan_core.model.target import scan_id
from scan_core.model.verdict import Outcome, SeverityCounts, Verdict
from scan_core.store.audit import AuditTrail
from scan_core.store.connection import Storage, from_connection_string
from scan_core.store.rows import Conflict
from scan_core.store.scans import ScanStore
from scan_core.store.verdicts import VerdictStore
from tests.builders import NOON, a_gate, a_profile, a_target


class TestScans:
    def test_a_scan_changes_only_in_the_version_read(self, storage: Storage) -> None:
        """Joining and stopping at once: one has to look again."""
        scans, target, profile = ScanStore(storage.tables), a_target(), a_profile()
        wanted = Wanted(scan_id(target, profile), target, profile, a_gate().gate_id)
        fresh = joined(None, wanted, Freshness(timedelta(hours=1), None), NOON)
        assert fresh is not None
        assert scans.read(fresh.scan_id) is None
        first = scans.write(None, fresh)
        with pytest.raises(Conflict):
            scans.write(None, fresh)
        scans.write(first, fresh.model_copy(update={"round_start": AttemptNumber(2)}))
        with pytest.raises(Conflict):
            scans.write(first, fresh)


class TestVerdicts:
    def test_a_verdict_is_found_by_its_hash(self, storage: Storage) -> None:
        """Writing it twice leaves one; another hash finds nothing."""
        verdicts, gate = VerdictStore(storage.blobs), a_gate().gate_id
        verdict = Verdict(outcome=Outcome.PASSED, reasons=(), counts=SeverityCounts(), decided_at=NOON)
        sha256 = verdicts.write(gate, verdict)
        assert verdicts.write(gate, verdict) == sha256
        assert verdicts.read(gate, sha256) == verdict
        assert verdicts.read(GateId("0" * 24 + "-1"), sha256) is None


class TestAudit:
    def test_lines_of_many_threads_all_stand(self, storage: Storage) -> None:
        """Nobody's line is lost, not even when the blob is made by two at once."""
        instance = f"test-{a_gate().gate_id}"
        trail = AuditTrail(storage.blobs, instance)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: trail.append(NOON, "verdict", {"number": number}), range(40)))
        body = storage.blobs.get_blob_client("audit", f"2026-06-01/{instance}.jsonl").download_blob().readall()
        lines = [json.loads(line) for line in body.decode().splitlines()]
        assert sorted(line["number"] for line in lines) == list(range(40))
        assert {line["what"] for line in lines} == {"verdict"}


class TestConnection:
    def test_a_string_without_a_key_is_refused(self) -> None:
        """The message says what was expected."""
        with pytest.raises(ValueError, match="AccountKey="):
            from_connection_string("DefaultEndpointsProtocol=http")
