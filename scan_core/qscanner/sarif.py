"""Reading QScanner's SARIF report into findings: one pass, one result in memory at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import BinaryIO, NamedTuple

from scan_core.model.finding import Finding, Severity
from scan_core.model.image import Platform
from scan_core.qscanner.fields import each, field, name, path_to, text, whole_number
from scan_core.qscanner.image_statements import (
    full_layer,
    layer_commands,
    stated_digests,
    stated_ids,
    stated_layer,
    stated_platforms,
)
from scan_core.qscanner.json_stream import Json, JsonEvents, JsonUnreadable, Scalar
from scan_core.qscanner.version import scanner_version

MOST_FINDINGS = 100_000
LONGEST_TITLE = 300
LONGEST_PATH = 1_000
LONGEST_NAME = 300
MOST_CVES = 100
_MOST_NODES = 500_000
"""How many JSON nodes one result may be made of; one with 40,000 packages has about as many."""

_SEVERITY_NAMES = {severity.name.lower(): severity for severity in Severity} | {"info": Severity.INFORMATIONAL}
# SARIF 2.1.0, section 3.27.10: a result without a level is a warning.
_DEFAULT_LEVEL = "warning"
_LEVELS = {
    "error": Severity.CRITICAL,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.INFORMATIONAL,
}
_QID = re.compile(r"(?:qid)?[-_:# ]*([0-9]+)", re.IGNORECASE)
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}", re.IGNORECASE)


class ReportUnreadable(Exception):
    """A report is not a SARIF report that can be believed. `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Report(NamedTuple):
    """What a SARIF report says.

    Attributes:
        findings: One for each (QID, package, installed version, path), in the order of the report.
        scanner_version: The version of the scanner that wrote it; empty where the report does not say.
        revisions: The commits that the report says it is about; often none.
        repositories: The repository addresses that it says it is about; often none.
        image_digests: Hashes, 64 hex digits each, of the manifests or indexes that it says it is about; often none.
        image_ids: Hashes of the configurations of the images that it says it is about; often none.
        image_platforms: The platforms that it says those images are made for; often none.
    """

    findings: tuple[Finding, ...]
    scanner_version: str
    revisions: tuple[str, ...]
    repositories: tuple[str, ...]
    image_digests: tuple[str, ...] = ()
    image_ids: tuple[str, ...] = ()
    image_platforms: tuple[Platform, ...] = ()


def read_sarif(stream: BinaryIO) -> Report:
    """Read a SARIF 2.1.0 report (OASIS SARIF 2.1.0) as QScanner writes it.

    Missing keys, other spellings and numbers as text are forgiven; being cut off, or no SARIF at all, is not. The
    severity of a result is its own, else its rule's, else that of its level. Memory is bounded by the findings, not by
    the file.

    Args:
        stream: The report's bytes.

    Returns:
        The findings and what the report says about itself.

    Raises:
        ReportUnreadable: The report is not whole JSON or no SARIF, or has no run or more than `MOST_FINDINGS` findings.
    """
    try:
        events = JsonEvents(stream)
        runs = list(_runs(events))
        events.finish()
    except JsonUnreadable as error:
        raise ReportUnreadable(f"The report {error}.") from error
    if not runs:
        raise ReportUnreadable("The report holds no run of a scanner.")
    return Report(
        findings=_findings(runs),
        scanner_version=next((run.scanner_version for run in runs if run.scanner_version), ""),
        revisions=tuple(dict.fromkeys(revision for run in runs for revision in run.revisions)),
        repositories=tuple(dict.fromkeys(address for run in runs for address in run.repositories)),
        image_digests=tuple(dict.fromkeys(digest for run in runs for digest in run.image_digests)),
        image_ids=tuple(dict.fromkeys(image_id for run in runs for image_id in run.image_ids)),
        image_platforms=tuple(dict.fromkeys(platform for run in runs for platform in run.image_platforms)),
    )


class _Rule(NamedTuple):
    key: str
    title: str
    severity: Severity | None
    level: str
    cves: tuple[str, ...]


class _Sighting(NamedTuple):
    """One package of one result, before its rule is known: rules may come after the results."""

    qid: str
    rule: str
    rule_index: int | None
    severity: Severity | None
    level: str
    message: str
    cves: tuple[str, ...]
    package: str
    installed_version: str
    path: str
    fixed_version: str
    layer: str


@dataclass
class _Run:
    scanner_version: str = ""
    has_driver: bool = False
    has_results: bool = False
    rules: dict[str, _Rule] = attribute(default_factory=dict)
    rules_in_order: list[_Rule] = attribute(default_factory=list)
    sightings: list[_Sighting] = attribute(default_factory=list)
    revisions: list[str] = attribute(default_factory=list)
    repositories: list[str] = attribute(default_factory=list)
    image_digests: list[str] = attribute(default_factory=list)
    image_ids: list[str] = attribute(default_factory=list)
    image_platforms: list[Platform] = attribute(default_factory=list)
    layer_commands: dict[str, str] = attribute(default_factory=dict)


def _runs(events: JsonEvents) -> Iterator[_Run]:
    if events.next()[0] != "start_map":
        raise JsonUnreadable("is not a JSON object")
    for key in events.members():
        first = events.next()
        if key == "runs" and first[0] == "start_array":
            for item in events.items():
                yield _run(events, item)
        elif key == "version":
            _check_version(events.value(first))
        else:
            events.skip(first)


def _check_version(version: Json) -> None:
    if not text(version, 10).startswith("2."):
        raise JsonUnreadable("is not SARIF 2")


def _run(events: JsonEvents, first: tuple[str, Scalar]) -> _Run:
    if first[0] != "start_map":
        raise JsonUnreadable("has a run that is not an object")
    run = _Run()
    for key in events.members():
        value = events.next()
        if key == "tool" and value[0] == "start_map":
            _read_tool(events, run)
        elif key == "results" and value[0] == "start_array":
            _read_results(events, run)
        elif key == "results" and value[0] != "null":
            raise JsonUnreadable("has results that are not a list")
        elif key == "versionControlProvenance":
            _read_provenance(events.value(value), run)
        elif key == "properties":
            _read_image(events.value(value, most_nodes=_MOST_NODES), run)
        elif key == "artifacts" and value[0] == "start_array":
            _read_artifacts(events, run)
        else:
            events.skip(value)
    # A run without results found nothing (a clean one may write null), but only a scanner's run can say so.
    if not (run.has_driver or run.has_results):
        raise JsonUnreadable("has a run with neither a scanner nor results")
    return run


def _read_tool(events: JsonEvents, run: _Run) -> None:
    for key in events.members():
        value = events.next()
        if key == "driver" and value[0] == "start_map":
            run.has_driver = True
            _read_driver(events, run)
        else:
            events.skip(value)


def _read_driver(events: JsonEvents, run: _Run) -> None:
    said: dict[str, str] = {}
    for key in events.members():
        value = events.next()
        if key == "rules" and value[0] == "start_array":
            for item in events.items():
                _keep_rule(run, _rule(events.value(item)))
        elif key in {"version", "semanticVersion"}:
            said[key] = text(events.value(value), 100)
        else:
            events.skip(value)
    spoken = said.get("version") or said.get("semanticVersion") or ""
    run.scanner_version = scanner_version(spoken) or spoken


def _keep_rule(run: _Run, rule: _Rule) -> None:
    if len(run.rules_in_order) >= MOST_FINDINGS:
        raise JsonUnreadable(f"has more than {MOST_FINDINGS:,} rules")
    run.rules_in_order.append(rule)
    run.rules.setdefault(rule.key, rule)


def _rule(record: Json) -> _Rule:
    properties = field(record, "properties")
    described = path_to(record, "shortdescription", "text")
    return _Rule(
        key=name(field(record, "id"), LONGEST_NAME),
        title=text(described, LONGEST_TITLE) or text(field(record, "name"), LONGEST_TITLE),
        severity=_severity(field(properties, "severity")),
        level=text(path_to(record, "defaultconfiguration", "level"), 20).lower(),
        cves=_cves(properties),
    )


def _read_results(events: JsonEvents, run: _Run) -> None:
    run.has_results = True
    for item in events.items():
        record = events.value(item, most_nodes=_MOST_NODES)
        if not isinstance(record, dict):
            raise JsonUnreadable("has a result that is not an object")
        run.sightings.extend(_sightings(record))
        if len(run.sightings) > MOST_FINDINGS:
            raise JsonUnreadable(f"has more than {MOST_FINDINGS:,} findings")


def _sightings(record: Json) -> Iterator[_Sighting]:
    properties = field(record, "properties")
    rule = name(field(record, "ruleid"), LONGEST_NAME) or name(path_to(record, "rule", "id"), LONGEST_NAME)
    rule_index = whole_number(field(record, "ruleindex"))
    seen = _Sighting(
        qid=name(field(properties, "qid"), LONGEST_NAME),
        rule=rule,
        rule_index=rule_index if rule_index is not None else whole_number(path_to(record, "rule", "index")),
        severity=_severity(field(properties, "severity")),
        level=text(field(record, "level"), 20).lower(),
        message=text(path_to(record, "message", "text"), LONGEST_TITLE),
        cves=_cves(properties),
        package="",
        installed_version="",
        path=_location(field(record, "locations")),
        fixed_version="",
        layer="",
    )
    packages = [package for package in each(field(properties, "vulnerablesoftware")) if isinstance(package, dict)]
    if not packages:
        yield seen
    for package in packages:
        fixed = [name(version, LONGEST_NAME) for version in each(field(package, "fixedversion", "fixversion"))]
        yield seen._replace(
            package=name(field(package, "name", "packagename"), LONGEST_NAME),
            installed_version=name(field(package, "installedversion", "version"), LONGEST_NAME),
            path=name(field(package, "path", "packagepath", "filepath"), LONGEST_PATH) or seen.path,
            fixed_version=text(", ".join(filter(None, fixed)), LONGEST_NAME),
            layer=stated_layer(package),
        )


def _location(locations: Json) -> str:
    for location in each(locations):
        uri = path_to(location, "physicallocation", "artifactlocation", "uri")
        if path := name(uri, LONGEST_PATH):
            return path
    return ""


def _read_provenance(value: Json, run: _Run) -> None:
    for entry in each(value):
        if revision := text(field(entry, "revisionid"), LONGEST_NAME):
            run.revisions.append(revision)
        if address := text(field(entry, "repositoryuri"), LONGEST_PATH):
            run.repositories.append(address)


def _read_image(properties: Json, run: _Run) -> None:
    run.image_digests += stated_digests(properties)
    run.image_ids += stated_ids(properties)
    run.image_platforms += stated_platforms(properties)
    run.layer_commands |= layer_commands(properties)


def _read_artifacts(events: JsonEvents, run: _Run) -> None:
    """Read what the first artifact, the target, says of itself; the rest are files in it."""
    for number, item in enumerate(events.items()):
        if number:
            events.skip(item)
        else:
            _read_image(field(events.value(item, most_nodes=_MOST_NODES), "properties"), run)


def _severity(value: Json) -> Severity | None:
    number = whole_number(value)
    if number is not None:
        return Severity(number) if number in Severity else None
    return _SEVERITY_NAMES.get(text(value, 20).lower())


def _severity_of_level(level: str) -> Severity:
    """A level that nobody defined must not make a finding look harmless."""
    return _LEVELS.get(level or _DEFAULT_LEVEL, Severity.CRITICAL)


def _cves(properties: Json) -> tuple[str, ...]:
    """Read identifiers from a list, or from one text that holds several."""
    listed = " ".join(text(item, 10_000) for item in each(field(properties, "cveids", "cves", "cveid", "cve")))
    return tuple(dict.fromkeys(found.upper() for found in _CVE.findall(listed)))[:MOST_CVES]


def _findings(runs: list[_Run]) -> tuple[Finding, ...]:
    findings: dict[tuple[str, str, str, str], Finding] = {}
    for run in runs:
        for sighting in run.sightings:
            finding = _finding(sighting, _rule_of(sighting, run), run.layer_commands)
            known = findings.get(finding.key)
            if known is None or known.severity < finding.severity:
                findings[finding.key] = finding
    if len(findings) > MOST_FINDINGS:
        raise ReportUnreadable(f"The report has more than {MOST_FINDINGS:,} findings.")
    return tuple(findings.values())


def _rule_of(sighting: _Sighting, run: _Run) -> _Rule | None:
    if sighting.rule in run.rules:
        return run.rules[sighting.rule]
    index = sighting.rule_index
    if index is not None and 0 <= index < len(run.rules_in_order):
        return run.rules_in_order[index]
    return None


_NO_RULE = _Rule(key="", title="", severity=None, level="", cves=())


def _finding(sighting: _Sighting, known_rule: _Rule | None, layer_commands: dict[str, str]) -> Finding:
    rule = known_rule or _NO_RULE
    layer = full_layer(sighting.layer, layer_commands)
    qid = _qid(sighting.qid or sighting.rule or rule.key)
    return Finding(
        qid=qid,
        package=sighting.package,
        installed_version=sighting.installed_version,
        path=sighting.path,
        severity=sighting.severity or rule.severity or _severity_of_level(sighting.level or rule.level),
        title=rule.title or sighting.message or f"QID {qid}",
        cves=sighting.cves or rule.cves,
        fixed_version=sighting.fixed_version or None,
        layer=layer,
        layer_command=layer_commands.get(layer or "") or None,
    )


def _qid(said: str) -> str:
    """Write a QID as its number, also where it was written ``QID-38794``."""
    number = _QID.fullmatch(said)
    return number[1] if number else said or "unknown"
