"""Findings and secrets as rows of a page: what can be fixed first within each severity, and never too many."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from scan_core.model.finding import Finding, FoundSecret
from scan_core.report.plain import marked, shortened
from scan_core.rules.image_names import short_digest
from scan_core.rules.merging import SOURCE

MOST_ROWS = 500
"""More make a page that a phone cannot hold; the reports to download have all."""

_MOST_CVES = 8
_MOST_PLACES = 3
_LONGEST_TEXT = 300
_LONGEST_COMMAND = 120
_UNNAMED: Mapping[str, str] = MappingProxyType({})
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}", re.ASCII)
"""CVE Program, "CVE ID syntax": a year and four to nineteen digits."""


@dataclass(frozen=True, slots=True)
class Cve:
    """The name of a vulnerability; linked only where it is one, whatever the scanner wrote."""

    name: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Layer:
    """Which layer of an image brought a package."""

    digest: str | None
    short_digest: str | None
    command: str | None
    """What made it."""


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding, every text of it short and visible."""

    severity: str
    package: str
    installed: str
    fixed: str | None
    title: str
    cves: tuple[Cve, ...]
    further_cves: int
    qid: str
    path: str
    layer: Layer | None
    found_in: str | None
    """Which of several things that were judged; None where there is only one."""


@dataclass(frozen=True, slots=True)
class SecretRow:
    """Where one secret stands."""

    kind: str
    path: str
    line: int | None
    found_in: str | None


def finding_rows(findings: Sequence[Finding], names: Mapping[str, str] = _UNNAMED) -> tuple[FindingRow, ...]:
    """Choose and order what a page shows.

    Args:
        findings: All findings.
        names: Short names of what they may stand in, where that is to be told.

    Returns:
        At most `MOST_ROWS` rows: the worst severity first, within it those with a fix.
    """
    ordered = sorted(findings, key=lambda one: (-one.severity, not one.fixed_version, one.package, one.key))
    return tuple(_row(finding, names) for finding in ordered[:MOST_ROWS])


def secret_rows(secrets: Sequence[FoundSecret], names: Mapping[str, str] = _UNNAMED) -> tuple[SecretRow, ...]:
    """Choose and order what a page shows.

    Args:
        secrets: All secrets found.
        names: As for `finding_rows`.

    Returns:
        At most `MOST_ROWS` rows by path and line.
    """
    ordered = sorted(secrets, key=lambda one: (one.path, one.line or 0, one.kind))
    return tuple(
        SecretRow(foreign(one.kind), foreign(one.path), one.line, _found_in(one.targets, names))
        for one in ordered[:MOST_ROWS]
    )


def foreign(text: str) -> str:
    """Prepare a text that somebody else wrote.

    Args:
        text: Any text.

    Returns:
        At most 300 UTF-16 code units of it, what is invisible in it marked. Still to be escaped for HTML.
    """
    return shortened(marked(text), _LONGEST_TEXT)


def _row(finding: Finding, names: Mapping[str, str]) -> FindingRow:
    return FindingRow(
        severity=finding.severity.name.lower(),
        package=foreign(finding.package),
        installed=foreign(finding.installed_version),
        fixed=foreign(finding.fixed_version) if finding.fixed_version else None,
        title=foreign(finding.title),
        cves=tuple(_cve(name) for name in finding.cves[:_MOST_CVES]),
        further_cves=max(0, len(finding.cves) - _MOST_CVES),
        qid=foreign(finding.qid),
        path=foreign(finding.path),
        layer=_layer(finding),
        found_in=_found_in(finding.targets, names),
    )


def _layer(finding: Finding) -> Layer | None:
    if not finding.layer and not finding.layer_command:
        return None
    digest = f"sha256:{finding.layer}" if finding.layer else None
    command = shortened(marked(finding.layer_command), _LONGEST_COMMAND) if finding.layer_command else None
    return Layer(digest, digest and short_digest(digest), command)


def _found_in(targets: Sequence[str], names: Mapping[str, str]) -> str | None:
    if not names or not targets:
        return None
    if len(targets) == len(names):
        return "the source and all images" if SOURCE in names else f"all {len(names)} images"
    shown = ", ".join(foreign(names.get(target, target)) for target in targets[:_MOST_PLACES])
    further = len(targets) - _MOST_PLACES
    return f"{shown} and {further} more" if further > 0 else shown


def _cve(name: str) -> Cve:
    known = _CVE.fullmatch(name)
    return Cve(foreign(name), f"https://nvd.nist.gov/vuln/detail/{name}" if known else None)
