"""Telling another scan's report from our own: one left over in a folder, or about another commit or image."""

import os
import re
from collections.abc import Collection

from scan_core.model.ids import CommitSha
from scan_core.model.image import Platform
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


def image_contradiction(report: Report, expected: Collection[str]) -> str | None:
    """Say whether a report states that it is about another image.

    A report that states no digest is not contradicted. An image id alone contradicts nothing: it is the hash of the
    configuration, which not everyone who asks for a scan has looked up.

    Args:
        report: The report as it was read.
        expected: Every hash that the image may be named by, with ``sha256:`` or without: of the index that was asked
            for, of the platform's manifest, and of its configuration, as far as they are known.

    Returns:
        A sentence naming the difference, or None.
    """
    known = {digest.removeprefix("sha256:").lower() for digest in expected}
    if not report.image_digests or known.intersection((*report.image_digests, *report.image_ids)):
        return None
    wanted = min(known, default="nothing known")
    return f"The report is about image sha256:{report.image_digests[0][:12]}, and {wanted[:12]} was to be scanned."


def platform_contradiction(report: Report, platform: Platform) -> str | None:
    """Say whether a report states that it is about an image for another platform.

    Args:
        report: The report as it was read.
        platform: What the image was to be scanned for.

    Returns:
        A sentence naming the difference, or None; also where the report states no platform.
    """
    # Not by its variant, which not everyone who names a platform says.
    wanted = (platform.os, platform.architecture)
    if not report.image_platforms or wanted in {(each.os, each.architecture) for each in report.image_platforms}:
        return None
    stated = report.image_platforms[0].text
    return f"The report is about an image for {stated}, and one for {platform.text} was to be scanned."
