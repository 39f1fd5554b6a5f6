"""Telling another scan's report from our own."""

import os
from pathlib import Path

import pytest

from scan_core.model.ids import CommitSha
from scan_core.qscanner.foreign import contradiction, is_older_than_run
from tests.qscanner.samples import read, run, sarif

COMMIT = CommitSha("a1" * 20)


@pytest.mark.parametrize(
    ("revisions", "is_ours"),
    [
        ([], True),
        ([COMMIT], True),
        ([COMMIT.upper()], True),
        ([COMMIT[:7]], True),
        (["main"], True),
        (["f" * 40], False),
        (["f" * 40, COMMIT], True),
    ],
)
def test_a_report_about_another_commit_is_foreign(revisions: list[str], is_ours: bool) -> None:
    """One that says nothing, or names no commit, is not contradicted."""
    report = read(sarif(run(versionControlProvenance=[{"revisionId": revision} for revision in revisions])))
    found = contradiction(report, COMMIT)
    assert (found is None) == is_ours
    if found is not None:
        assert COMMIT[:12] in found


def test_a_file_from_before_the_run_is_not_its_own(tmp_path: Path) -> None:
    """A little slack is left for clocks and file systems."""
    path = tmp_path / "report"
    path.touch()
    os.utime(path, (1_000_000, 1_000_000))
    assert is_older_than_run(path.stat(), 1_000_060)
    assert not is_older_than_run(path.stat(), 1_000_001)
