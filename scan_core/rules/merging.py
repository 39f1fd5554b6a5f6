"""Bringing the findings of several scans together, and counting them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.ids import ScanId
from scan_core.model.target import ImageTarget
from scan_core.model.verdict import ScanResult, SeverityCounts
from scan_core.rules.image_names import full_name

SOURCE: Final = "the source"


def merged_findings(results: Iterable[ScanResult], images: Mapping[ScanId, ImageTarget]) -> tuple[Finding, ...]:
    """Bring the findings of several scans together.

    Args:
        results: Results, some perhaps with the same vulnerability in the same place.
        images: Which of the scans are of an image, and of which.

    Returns:
        Each finding once, with the worst severity that a scan gave it and every image that it was found in. A layer, or
        what made it, is told only where it is the same in all of them. The worst come first, then by package.
    """
    alike: dict[tuple[str, ...], list[tuple[Finding, str | None]]] = defaultdict(list)
    for result in results:
        name = _name(result, images)
        for finding in result.findings:
            alike[finding.key].append((finding, name))
    merged = map(_one_of, alike.values())
    return tuple(sorted(merged, key=lambda each: (-each.severity, each.package, *each.key)))


def merged_secrets(results: Iterable[ScanResult], images: Mapping[ScanId, ImageTarget]) -> tuple[FoundSecret, ...]:
    """Bring the secrets of several scans together.

    Args:
        results: Results, some perhaps with the same secrets.
        images: Which of the scans are of an image, and of which.

    Returns:
        Each secret once, by path and line, with every image that it was found in.
    """
    alike: dict[FoundSecret, list[str | None]] = defaultdict(list)
    for result in results:
        for secret in result.secrets:
            alike[secret].append(_name(result, images))
    merged = (secret.model_copy(update={"targets": _each(names)}) for secret, names in alike.items())
    return tuple(sorted(merged, key=lambda each: (each.path, each.line or 0, each.kind)))


def count(findings: Iterable[Finding], secrets: Sequence[FoundSecret]) -> SeverityCounts:
    """Count findings by severity.

    Args:
        findings: Findings, each once.
        secrets: Secrets, each once.

    Returns:
        How many there are.
    """
    numbers = dict.fromkeys(Severity, 0)
    for finding in findings:
        numbers[finding.severity] += 1
    by_name = {severity.name.lower(): number for severity, number in numbers.items()}
    return SeverityCounts(**by_name, secrets=len(secrets))


def _one_of(found: Sequence[tuple[Finding, str | None]]) -> Finding:
    worst = max((finding for finding, _ in found), key=lambda finding: finding.severity)
    layers = {finding.layer for finding, _ in found}
    commands = {finding.layer_command for finding, _ in found}
    return worst.model_copy(
        update={
            "targets": _each(name for _, name in found),
            "layer": worst.layer if len(layers) == 1 else None,
            "layer_command": worst.layer_command if len(commands) == 1 else None,
        }
    )


def _name(result: ScanResult, images: Mapping[ScanId, ImageTarget]) -> str | None:
    image = images.get(result.scan_id)
    if image is not None:
        return full_name(image)
    return SOURCE if images else None


def _each(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name is not None))
