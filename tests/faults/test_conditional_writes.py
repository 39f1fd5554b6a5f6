"""Writes whose condition only a race would miss: each race is played here, step by step."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from scan_core.model.ids import OrganisationName, SubjectId
from scan_core.model.onboarding import Order, new_onboarding
from scan_core.model.verdict import Outcome, SeverityCounts, Verdict
from scan_core.store.attempt_links import AlreadyThere, AttemptLinkClient
from scan_core.store.audit import AuditTrail
from scan_core.store.connection import Storage
from scan_core.store.gates import GateStore
from scan_core.store.onboardings import OnboardingStore
from scan_core.store.rows import Conflict, Rows
from scan_core.store.verdicts import VerdictStore
from tests.builders import NOON, a_gate


def test_a_touch_that_others_overtake_again_and_again_is_told(storage: Storage) -> None:
    """Theirs would not do: it may be settled before the row is written that this one is for."""
    gates, subject = GateStore(storage.tables), SubjectId("5" * 24)
    gates.touch(subject, NOON)

    def overtaken(*_: Any) -> None:
        raise Conflict(subject)

    with patch.object(Rows, "replace", overtaken), pytest.raises(Conflict):
        gates.touch(subject, NOON)


def test_a_verdict_that_stands_is_not_touched(storage: Storage) -> None:
    """Its blob keeps its version, so that whoever may write it later cannot have changed it unseen."""
    gate = a_gate().gate_id
    verdict = Verdict(outcome=Outcome.FAILED, reasons=(), counts=SeverityCounts(), decided_at=NOON)
    sha256 = VerdictStore(storage.blobs).write(gate, verdict)
    blob = storage.blobs.get_blob_client("gates", f"{gate}/verdict-{sha256}.json")
    first = blob.get_blob_properties().etag
    assert VerdictStore(storage.blobs).write(gate, verdict) == sha256
    assert blob.get_blob_properties().etag == first


def test_an_audit_trail_that_somebody_else_began_is_kept(storage: Storage) -> None:
    """Two find none and both make one: the line of whoever was first stands."""
    instance = f"race-{a_gate().gate_id}"
    trail = AuditTrail(storage.blobs, instance)
    blob = storage.blobs.get_blob_client("audit", f"2026-06-01/{instance}.jsonl")
    begin = trail._create

    def after_another(mine: Any) -> None:
        blob.create_append_blob()
        blob.append_block(b"theirs\n")
        begin(mine)

    with patch.object(trail, "_create", after_another):
        trail.append(NOON, "verdict", {})
    assert blob.download_blob().readall().startswith(b"theirs\n")
    assert len(blob.download_blob().readall().splitlines()) == 2


def test_a_worker_never_overwrites_whatever_its_link_permits(storage: Storage) -> None:
    """The link alone would keep it from that; where a link was made too wide, the condition still does."""
    name = f"{'a' * 64}/1/{a_gate().gate_id}"
    blob = storage.blobs.get_blob_client("scans", name)
    blob.upload_blob(b"theirs", overwrite=True)
    token = generate_blob_sas(
        account_name=str(storage.blobs.account_name),
        container_name="scans",
        blob_name=name,
        account_key=storage.account_key,
        permission=BlobSasPermissions(create=True, write=True, read=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    with pytest.raises(AlreadyThere):
        AttemptLinkClient().create_blob(f"{blob.url}?{token}", b"mine")
    assert blob.download_blob().readall() == b"theirs"


def test_an_onboarding_is_ordered_once_and_changed_in_the_version_read(storage: Storage) -> None:
    """Two instances work on one: whoever read it before the other wrote has to read it again."""
    store = OnboardingStore(storage)
    ordered = new_onboarding(OrganisationName("fabrikam"), Order(), "somebody", NOON)
    store.create(ordered)
    with pytest.raises(Conflict):
        store.create(ordered)
    read = store.read(ordered.id)
    assert read is not None
    store.write(read, ordered.model_copy(update={"turns": 1}))
    with pytest.raises(Conflict):
        store.write(read, ordered.model_copy(update={"turns": 2}))
