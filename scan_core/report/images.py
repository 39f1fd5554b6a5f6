"""The images of a gate as rows of its page: what each is called, what it stands for, and what was found in it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scan_core.model.finding import Finding, FoundSecret
from scan_core.model.gate import Gate, GateState
from scan_core.model.ids import ScanId
from scan_core.model.scan import Scan
from scan_core.model.target import ImageTarget, SourceTarget
from scan_core.model.verdict import SeverityCounts, Verdict
from scan_core.report.counts import SEVERITIES, in_words
from scan_core.rules.image_names import full_name, short_digest, short_names
from scan_core.rules.merging import SOURCE, count

MOST_IMAGE_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image for one platform."""

    reference: str
    """As it was named, or where that is not known any more, without a tag."""
    digest: str
    short_digest: str
    platform: str
    builds: str
    found: str


def image_rows(gate: Gate, verdict: Verdict | None) -> tuple[ImageRow, ...]:
    """Tell the images of a gate.

    Args:
        gate: The gate.
        verdict: Its whole verdict, where it is to be had.

    Returns:
        At most `MOST_IMAGE_ROWS` rows, those with the worst findings first.
    """
    scans = zip(gate.targets, gate.waits_for, strict=True)
    images = [(target, scan) for target, scan in scans if isinstance(target, ImageTarget)]
    counts = {} if verdict is None else _counts(verdict)
    found = [(target, scan, counts.get(full_name(target), SeverityCounts())) for target, scan in images]
    worst_first = sorted(found, key=lambda each: _weight(each[2]), reverse=True)[:MOST_IMAGE_ROWS]
    return tuple(_row(gate, target, _found(gate, verdict, scan, number)) for target, scan, number in worst_first)


def names_in_findings(gate: Gate) -> dict[str, str]:
    """Name what findings may stand in, where a gate judges more than one thing.

    Args:
        gate: The gate.

    Returns:
        Short names by the names that a verdict's findings hold; none where there is nothing to be told apart.
    """
    images = [target for target in gate.targets if isinstance(target, ImageTarget)]
    if not images or len(gate.targets) == 1:
        return {}
    source = {SOURCE: SOURCE} if len(images) < len(gate.targets) else {}
    return source | {full_name(target): name for target, name in short_names(images).items()}


def scan_names(gate: Gate, scans: Iterable[Scan]) -> Mapping[ScanId, tuple[str, str]]:
    """Name what scans are of.

    Args:
        gate: The gate that waits for them.
        scans: The scans.

    Returns:
        For each what kind of thing it is of, and that thing's name.
    """
    known = list(scans)
    targets = (*gate.targets, *(scan.target for scan in known))
    names = short_names(target for target in targets if isinstance(target, ImageTarget))
    return {scan.scan_id: _named(scan.target, names) for scan in known}


def _named(target: SourceTarget | ImageTarget, names: Mapping[ImageTarget, str]) -> tuple[str, str]:
    if isinstance(target, SourceTarget):
        return ("commit", target.commit[:7])
    return ("image", names[target])


def _row(gate: Gate, target: ImageTarget, found: str) -> ImageRow:
    builds = [build for build in gate.builds if target in build.targets]
    name = f"{target.registry}/{target.repository}"
    named = (text for build in builds for text in build.references if text.startswith((f"{name}:", f"{name}@")))
    return ImageRow(
        reference=next(named, name),
        digest=target.digest,
        short_digest=short_digest(target.digest),
        platform=target.platform.text,
        builds=", ".join(str(build.build_id) for build in builds),
        found=found,
    )


def _found(gate: Gate, verdict: Verdict | None, scan: ScanId, counts: SeverityCounts) -> str:
    if gate.state is not GateState.DECIDED or gate.decision is None:
        return "not known yet"
    if scan not in {judged for judged, _ in gate.decision.judged}:
        return "no result"
    if verdict is None:
        return "not to be had at the moment"
    return in_words(counts) or "no findings"


def _counts(verdict: Verdict) -> dict[str, SeverityCounts]:
    """Count what was found in each image, by the names that findings hold."""
    findings, secrets = _by_place(verdict.findings), _by_place(verdict.secrets)
    return {name: count(findings.get(name, ()), secrets.get(name, ())) for name in {*findings, *secrets}}


def _by_place[Found: (Finding, FoundSecret)](everything: Iterable[Found]) -> dict[str, list[Found]]:
    by_place: dict[str, list[Found]] = defaultdict(list)
    for found in everything:
        for name in found.targets:
            by_place[name].append(found)
    return by_place


def _weight(counts: SeverityCounts) -> tuple[int, ...]:
    return (*(getattr(counts, severity) for severity in SEVERITIES), counts.secrets)
