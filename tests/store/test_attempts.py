"""The folder of an attempt: what the app writes and reads, and what the worker's links allow."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient

from scan_core.model.attempt import Artifact, AttemptLinks, Cancel, Claim, Heartbeat
from scan_core.model.ids import AttemptNumber
from scan_core.store.attempts import AttemptStore, TooLarge, _age
from scan_core.store.connection import Storage
from tests.builders import NOON, a_spec

ONE = AttemptNumber(1)


@pytest.fixture
def attempts(storage: Storage) -> AttemptStore:
    return AttemptStore(storage)


def links(attempts: AttemptStore, ends_in: timedelta = timedelta(hours=1)) -> tuple[AttemptLinks, str]:
    spec = a_spec()
    return attempts.links(spec.scan_id, ONE, "results", datetime.now(UTC) + ends_in), spec.scan_id


def put(url: str, body: bytes, *, overwrite: bool = False) -> None:
    with BlobClient.from_blob_url(url) as blob:
        blob.upload_blob(body, overwrite=overwrite)


class TestDocuments:
    def test_what_was_not_written_is_none(self, attempts: AttemptStore) -> None:
        """No claim, no heartbeat, no manifest: all ordinary."""
        spec = a_spec()
        assert attempts.claim(spec.scan_id, ONE) is None
        assert attempts.heartbeat(spec.scan_id, ONE) is None
        assert attempts.manifest(spec.scan_id, ONE) is None
        with attempts.artifact(spec.scan_id, ONE, Artifact.SARIF, 100) as stream:
            assert stream is None

    def test_a_spec_and_a_cancel_are_written_once(self, attempts: AttemptStore, storage: Storage) -> None:
        """A repeat changes nothing."""
        spec = a_spec()
        attempts.write_spec(spec)
        attempts.write_spec(spec.model_copy(update={"pod": "EU1"}))
        attempts.write_cancel(spec.scan_id, ONE, Cancel(reason="first", cancelled_at=NOON))
        attempts.write_cancel(spec.scan_id, ONE, Cancel(reason="second", cancelled_at=NOON))
        folder = storage.blobs.get_container_client("scans")
        assert b"EU1" not in folder.download_blob(f"{spec.scan_id}/1/spec.json").readall()
        assert b"first" in folder.download_blob(f"{spec.scan_id}/1/cancel.json").readall()

    def test_a_document_that_cannot_be_read_is_none(self, attempts: AttemptStore) -> None:
        """What a worker wrote wrongly is as good as not written."""
        found, scan = links(attempts)
        put(found.heartbeat, b"{not json", overwrite=True)
        assert attempts.heartbeat(a_spec().scan_id, ONE) is None
        assert attempts.heartbeat(type(a_spec().scan_id)(scan), ONE) is None

    def test_an_artifact_over_its_limit_is_refused(self, attempts: AttemptStore) -> None:
        """It is not even downloaded."""
        spec = a_spec()
        found = attempts.links(spec.scan_id, ONE, "", datetime.now(UTC) + timedelta(hours=1))
        put(found.artifacts[Artifact.SARIF], b"x" * 101)
        with pytest.raises(TooLarge), attempts.artifact(spec.scan_id, ONE, Artifact.SARIF, 100):
            pass

    def test_a_manifest_over_a_mebibyte_is_refused(self, attempts: AttemptStore) -> None:
        """A hostile worker cannot make the app read without end."""
        spec = a_spec()
        found = attempts.links(spec.scan_id, ONE, "", datetime.now(UTC) + timedelta(hours=1))
        put(found.artifacts[Artifact.MANIFEST], b" " * (1024 * 1024 + 1))
        with pytest.raises(TooLarge):
            attempts.manifest(spec.scan_id, ONE)


class TestLinks:
    def test_a_claim_is_made_once(self, attempts: AttemptStore) -> None:
        """Of two workers that claim, one is refused."""
        found, _ = links(attempts)
        claim = Claim(execution="a", claimed_at=NOON).model_dump_json().encode()
        put(found.claim, claim)
        with pytest.raises(HttpResponseError):
            put(found.claim, claim)

    def test_an_artifact_cannot_be_changed(self, attempts: AttemptStore) -> None:
        """What was uploaded stands, and can be read back to be compared."""
        spec = a_spec()
        found = attempts.links(spec.scan_id, ONE, "", datetime.now(UTC) + timedelta(hours=1))
        put(found.artifacts[Artifact.SARIF], b"first")
        with pytest.raises(HttpResponseError):
            put(found.artifacts[Artifact.SARIF], b"second", overwrite=True)
        with attempts.artifact(spec.scan_id, ONE, Artifact.SARIF, 100) as stream:
            assert stream is not None
            assert stream.read() == b"first"

    def test_the_heartbeat_can_be_written_again(self, attempts: AttemptStore) -> None:
        """It is the one blob that a worker overwrites."""
        spec = a_spec()
        found = attempts.links(spec.scan_id, ONE, "", datetime.now(UTC) + timedelta(hours=1))
        for step in ("fetch", "scan"):
            beat = Heartbeat(execution="e", step=step, beat_at=NOON)
            put(found.heartbeat, beat.model_dump_json().encode(), overwrite=True)
        latest = attempts.heartbeat(spec.scan_id, ONE)
        assert latest is not None
        assert latest.document.step == "scan"

    def test_its_age_is_that_of_storage_whatever_the_workers_clock_says(self, attempts: AttemptStore) -> None:
        """Hours of difference in what was written a moment ago are the worker's clock."""
        spec = a_spec()
        found = attempts.links(spec.scan_id, ONE, "", datetime.now(UTC) + timedelta(hours=1))
        for beat_at in (NOON, datetime.now(UTC) + timedelta(hours=8)):
            put(
                found.heartbeat,
                Heartbeat(execution="e", step="scan", beat_at=beat_at).model_dump_json().encode(),
                overwrite=True,
            )
            latest = attempts.heartbeat(spec.scan_id, ONE)
            assert latest is not None
            assert latest.age < timedelta(minutes=5)

    @pytest.mark.parametrize(
        ("dates", "age"),
        [
            (["Mon, 01 Jun 2026 12:00:40 GMT"], timedelta(seconds=40)),
            (["Mon, 01 Jun 2026 11:59:59 GMT"], timedelta(0)),
        ],
    )
    def test_an_age_is_the_time_between_writing_and_reading(self, dates: list[str], age: timedelta) -> None:
        """Never less than nothing: both times are cut to the second."""
        assert _age(NOON, dates) == age

    @pytest.mark.parametrize("dates", [[], [""], ["soon"]])
    def test_an_answer_without_its_date_is_dated_here(self, dates: list[str]) -> None:
        """A proxy may have taken it away."""
        assert _age(NOON, dates) > timedelta(days=30)

    def test_the_cancel_link_cannot_write(self, attempts: AttemptStore) -> None:
        """A worker may look whether it shall stop, and not tell others to."""
        found, _ = links(attempts)
        with pytest.raises(HttpResponseError):
            put(found.cancel, b"{}")

    def test_a_link_does_not_reach_another_attempt(self, attempts: AttemptStore) -> None:
        """Each link holds for one blob."""
        found, scan = links(attempts)
        with pytest.raises(HttpResponseError):
            put(found.claim.replace(f"{scan}/1/", f"{scan}/2/"), b"{}")

    def test_an_expired_link_opens_nothing(self, attempts: AttemptStore) -> None:
        """Links end with their attempt."""
        found, _ = links(attempts, timedelta(minutes=-1))
        with pytest.raises(HttpResponseError):
            put(found.claim, b"{}")
