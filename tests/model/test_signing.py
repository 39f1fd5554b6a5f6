"""The signature under a manifest."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.attempt import Artifact, AttemptError, AttemptErrorKind, Manifest, ManifestFile
from scan_core.model.ids import AttemptNumber, ScanId
from scan_core.model.signing import attempt_secret, signature_holds, signed

SCAN = ScanId("a" * 40)
KEY = b"k" * 32
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MANIFEST = Manifest(
    scan_id=SCAN,
    attempt=AttemptNumber(1),
    execution="worker-1",
    exit_code=0,
    scanner_version="4.6.0",
    started_at=NOW,
    finished_at=NOW,
    files=(ManifestFile(name=Artifact.SARIF, size=3, sha256="0" * 64),),
)
SECRET = attempt_secret(KEY, SCAN, AttemptNumber(1))


def test_a_signed_manifest_holds() -> None:
    """Also after it was stored and read again, and when it is signed anew."""
    whole = signed(MANIFEST, SECRET)
    assert signature_holds(whole, SECRET)
    assert signature_holds(Manifest.model_validate_json(whole.model_dump_json()), SECRET)
    assert signed(whole, SECRET) == whole


@pytest.mark.parametrize(
    "change",
    [
        {"attempt": 2},
        {"scan_id": "b" * 40},
        {"exit_code": 42},
        {"scanner_version": None},
        {"files": ()},
        {"error": AttemptError(kind=AttemptErrorKind.LOST, sentence="x")},
        {"signature": ""},
        {"signature": "é"},
    ],
)
def test_any_change_breaks_it(change: dict[str, Any]) -> None:
    """Whatever was changed."""
    assert not signature_holds(signed(MANIFEST, SECRET).model_copy(update=change), SECRET)


@given(st.binary(min_size=16, max_size=32), st.integers(1, 5), st.sampled_from("ab"))
def test_each_attempt_has_a_key_of_its_own(key: bytes, attempt: int, letter: str) -> None:
    """So that none can answer for another."""
    secret = attempt_secret(key, ScanId(letter * 40), AttemptNumber(attempt))
    assert len(bytes.fromhex(secret)) == 32
    is_same = (key, attempt, letter) == (KEY, 1, "a")
    assert signature_holds(signed(MANIFEST, secret), SECRET) == is_same
