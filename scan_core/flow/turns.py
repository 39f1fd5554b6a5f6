"""Whose turn it is: which waiting scans may start now. Pure.

Caps hold for the deployment, each organisation and each repository. The repository with the fewest scans under way
comes first, and among equals the scan that has waited longest: a noisy repository cannot starve the others.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scan_core.model.ids import ScanId
from scan_core.store.admission import Enlisted


@dataclass(frozen=True)
class Caps:
    """How many scans may be under way at once."""

    deployment: int
    organisation: int
    repository: int


def in_order(entries: Sequence[Enlisted]) -> list[Enlisted]:
    """Put the scans that wait into the order in which they would start if each cap were wide.

    Args:
        entries: Every scan under way or waiting.

    Returns:
        The waiting ones, the next one first.
    """
    under_way = Counter(entry.repository for entry in entries if entry.admitted_at)
    by_age = sorted((entry for entry in entries if not entry.admitted_at), key=lambda entry: entry.since)
    ranked = []
    for entry in by_age:
        ranked.append((under_way[entry.repository], entry.since, entry.scan_id, entry))
        under_way[entry.repository] += 1
    return [entry for *_, entry in sorted(ranked, key=lambda rank: rank[:3])]


def next_ones(entries: Sequence[Enlisted], caps: Caps) -> list[ScanId]:
    """Choose the scans that may start now.

    Args:
        entries: Every scan under way or waiting.
        caps: The caps.

    Returns:
        Their ids, the first one first; none where every cap is reached.
    """
    admitted = [entry for entry in entries if entry.admitted_at]
    organisations = Counter(entry.organisation for entry in admitted)
    repositories = Counter(entry.repository for entry in admitted)
    chosen: list[ScanId] = []
    for entry in in_order(entries):
        if len(admitted) + len(chosen) >= caps.deployment:
            break
        fits = organisations[entry.organisation] < caps.organisation
        if fits and repositories[entry.repository] < caps.repository:
            organisations[entry.organisation] += 1
            repositories[entry.repository] += 1
            chosen.append(entry.scan_id)
    return chosen


def places(entries: Sequence[Enlisted], caps: Caps) -> dict[ScanId, int]:
    """Count how many scans start before each that waits.

    Args:
        entries: Every scan under way or waiting.
        caps: The caps.

    Returns:
        How many wait before it, for each that does not get its turn this moment.
    """
    starting = set(next_ones(entries, caps))
    order = [entry.scan_id for entry in in_order(entries)]
    return {scan_id: place for place, scan_id in enumerate(order) if scan_id not in starting}
