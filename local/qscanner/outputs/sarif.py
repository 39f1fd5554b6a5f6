"""``-Report.sarif.json``: the vulnerabilities as SARIF 2.1.0 (OASIS standard), with QScanner's own properties.

One result is one QID with every package that it concerns; one rule describes the QID.
"""

from itertools import groupby
from typing import Any
from urllib.parse import quote

from local.qscanner.advisories import Advisory, Vulnerability
from local.qscanner.image_facts import ImageFacts
from local.qscanner.outputs.clock import utc
from local.qscanner.packages import Package
from local.qscanner.scan_result import ScanResult
from local.qscanner.version import NAME, NOTICE, current_version, full_name

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {5: "error", 4: "error", 3: "warning", 2: "note", 1: "note"}


def sarif(result: ScanResult) -> dict[str, Any]:
    """Give the SARIF log of a scan: one run, with its rules and results in the order of QIDs."""
    by_advisory = [
        (advisory, list(group)) for advisory, group in groupby(result.vulnerabilities, key=lambda each: each.advisory)
    ]
    run: dict[str, Any] = {
        "tool": {"driver": _driver([_rule(advisory) for advisory, _ in by_advisory])},
        "invocations": [{"executionSuccessful": True, "startTimeUtc": utc(result.started)}],
        "artifacts": [_artifact(result)],
        "results": [_result(advisory, group, index) for index, (advisory, group) in enumerate(by_advisory)],
        "properties": {
            "target": result.target,
            "targetType": result.kind,
            "targetId": result.prefix,
            "os": result.operating_system,
            **(_image(result.image) if result.image else {}),
        },
    }
    if result.git.origin and result.git.commit:
        run["versionControlProvenance"] = [
            {"repositoryUri": _uri(result.git.origin), "revisionId": result.git.commit, "branch": result.git.branch},
        ]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver(rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": NAME,
        "fullName": full_name(),
        "version": current_version(),
        "rules": rules,
        "properties": {"standIn": True, "notice": NOTICE},
    }


def _image(image: ImageFacts) -> dict[str, Any]:
    """Name the image by everything it is known by, and its layers by the hashes that findings use."""
    return {
        "imageID": image.image_id,
        "imageDigest": f"sha256:{image.digest}",
        "imageName": image.name,
        "repoTags": image.repo_tags,
        "repoDigests": image.repo_digests,
        "platform": image.platform,
        "layerInfo": [{"LayerContentHash": layer.diff_id, "Command": layer.command} for layer in image.layers],
    }


def _artifact(result: ScanResult) -> dict[str, Any]:
    properties: dict[str, str] = {"osName": result.operating_system, "revision": result.git.commit}
    if result.image:
        properties |= {"imageID": result.image.image_id, "repoDigest": result.image.repo_digests[0]}
    return {"location": {"uri": _uri(result.git.origin or result.target)}, "properties": properties}


def _rule(advisory: Advisory) -> dict[str, Any]:
    return {
        "id": str(advisory.qid),
        "name": advisory.title,
        "shortDescription": {"text": f"{advisory.title} in {advisory.package}"},
        "help": {
            "text": f"{', '.join(advisory.cves)}: {advisory.title}. Update {advisory.package} to a fixed version."
        },
        "defaultConfiguration": {"level": _LEVELS[advisory.severity]},
        "properties": {
            "severity": advisory.severity,
            "cve-ids": list(advisory.cves),
            "cvss3Info": {"baseScore": advisory.cvss},
        },
    }


def _result(advisory: Advisory, group: list[Vulnerability], rule_index: int) -> dict[str, Any]:
    packages = ", ".join(dict.fromkeys(f"{each.package.name} {each.package.version}" for each in group))
    paths = dict.fromkeys(each.package.path for each in group)
    return {
        "ruleId": str(advisory.qid),
        "ruleIndex": rule_index,
        "level": _LEVELS[advisory.severity],
        "message": {"text": f"{', '.join(advisory.cves)}: {advisory.title}. Found in {packages}."},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(path)}}} for path in paths],
        "properties": {
            "QID": advisory.qid,
            "severity": advisory.severity,
            "vulnerableSoftware": [_software(each.package, each.fixed_version) for each in group],
        },
    }


def _software(package: Package, fixed_version: str) -> dict[str, str]:
    software = {
        "name": package.name,
        "path": package.path,
        "installedVersion": package.version,
        "fixedVersion": fixed_version,
    }
    return software | ({"layerSHA": package.layer} if package.layer else {})


def _uri(text: str) -> str:
    """Write a path or an address as a URI reference (RFC 3986)."""
    return quote(text, safe="/:@!$&'()*+,;=~?#%[]" if "://" in text else "/!$&'()*+,;=~@")
