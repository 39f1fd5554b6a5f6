"""Telling another scan's report from our own: one left over in a folder, or one that names another commit."""

import os
import re

from scan_core.model.ids import CommitSha
from scan_core.qscanner.sarif import Report

# File systems round times (FAT to two seconds), and a worker's clock may be stepped a little while it runs.
_CLOCK_SLACK_SECONDS = 5.0
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")


def is_older_than_run(file: os.stat_result, started_epoch_seconds: float) -> bool:
    """Say whether a file was there before the run that should have written it.

    Args:
        file: The file's state.
        started_epoch_seconds: When the scanner was started, in seconds since 1970.

    Returns:
        True where the file was last written well before that.
    """
    return file.st_mtime < started_epoch_seconds - _CLOCK_SLACK_SECONDS


def contradiction(report: Report, commit: CommitSha) -> str | None:
    """Say whether a report states that it is about something else (SARIF 2.1.0, ``versionControlProvenance``).

    A report that states nothing is not contradicted: QScanner is not documented to state it.

    Args:
        report: The report as it was read.
        commit: The commit that was to be scanned.

    Returns:
        A sentence naming the difference, or None.
    """
    stated = [revision.lower() for revision in report.revisions if _COMMIT.fullmatch(revision)]
    if not stated or any(commit.startswith(revision) for revision in stated):
        return None
    return f"The report is about commit {stated[0][:12]}, and {commit[:12]} was to be scanned."
