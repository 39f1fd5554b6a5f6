"""SARIF files as a bad scanner leaves them."""

import json
import os
from pathlib import Path
from typing import Any

# What an older run elsewhere would have left: no findings, so that taking it for one's own would look clean.
_OTHER_PREFIX = "0" * 64
_OTHER_REPOSITORY = "https://dev.azure.com/other-organisation/other-project/_git/other-repository"
_OTHER_COMMIT = "f" * 40
_OTHER_IMAGE = "registry.example/other/image"
_ONE_DAY_SECONDS = 86_400


def spoil_sarif(report: Path, wanted: dict[str, str]) -> None:
    """Change the SARIF file of a finished scan.

    Args:
        report: The file; where it was not written, nothing is changed.
        wanted: Faults by kind, among them ``huge_sarif`` with the number of results to add.
    """
    if not report.is_file():
        return
    if "huge_sarif" in wanted:
        _grow(report, int(wanted["huge_sarif"]))
    if "half_sarif" in wanted:
        os.truncate(report, report.stat().st_size // 2)
    if "other_sarif" in wanted:
        _exchange(report)
    if "no_sarif" in wanted:
        report.unlink()


def _exchange(report: Path) -> None:
    document = json.loads(report.read_bytes())
    run = document["runs"][0]
    run["tool"]["driver"]["rules"] = []
    run["results"] = []
    run["properties"]["targetId"] = _OTHER_PREFIX
    if "imageDigest" in run["properties"]:
        _name_another_image(run)
    else:
        _name_another_commit(run)
    other = report.with_name(report.name.replace(report.name.partition("-")[0], _OTHER_PREFIX))
    older = report.stat().st_mtime - _ONE_DAY_SECONDS
    report.unlink()
    other.write_text(json.dumps(document), encoding="utf-8")
    os.utime(other, (older, older))


def _name_another_commit(run: dict[str, Any]) -> None:
    run["artifacts"] = [{"location": {"uri": _OTHER_REPOSITORY}, "properties": {"revision": _OTHER_COMMIT}}]
    run["properties"]["target"] = "/other/checkout"
    run["versionControlProvenance"] = [
        {"repositoryUri": _OTHER_REPOSITORY, "revisionId": _OTHER_COMMIT, "branch": "main"}
    ]


def _name_another_image(run: dict[str, Any]) -> None:
    digest = f"sha256:{_OTHER_PREFIX}"
    reference = f"{_OTHER_IMAGE}@{digest}"
    run["artifacts"] = [
        {"location": {"uri": reference}, "properties": {"imageID": _OTHER_PREFIX, "repoDigest": reference}}
    ]
    run["properties"] |= {
        "target": reference,
        "imageID": _OTHER_PREFIX,
        "imageDigest": digest,
        "imageName": _OTHER_IMAGE,
        "repoTags": [],
        "repoDigests": [reference],
        "layerInfo": [],
    }


def _grow(report: Path, count: int) -> None:
    """Write as many results as asked for, one at a time, under one rule."""
    document = json.loads(report.read_bytes())
    run = document["runs"][0]
    rules, results = run["tool"]["driver"]["rules"], run.pop("results")
    rule_id = "9990001"
    rules.append({"id": rule_id, "name": "One of very many", "properties": {"severity": 2, "cve-ids": []}})
    head = json.dumps(document).removesuffix("}]}")
    with report.open("w", encoding="utf-8") as file:
        file.write(head + ', "results": [\n')
        file.write(",\n".join(json.dumps(result) for result in results))
        for number in range(count):
            file.write(",\n" if number or results else "")
            file.write(json.dumps(_synthetic_result(rule_id, len(rules) - 1, number)))
        file.write("\n]}]}\n")


def _synthetic_result(rule_id: str, rule_index: int, number: int) -> dict[str, Any]:
    software = {
        "name": f"package-{number}",
        "path": "package-lock.json",
        "installedVersion": "1.0.0",
        "fixedVersion": "1.0.1",
    }
    return {
        "ruleId": rule_id,
        "ruleIndex": rule_index,
        "level": "note",
        "message": {"text": f"Synthetic result {number}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "package-lock.json"}}}],
        "properties": {"QID": int(rule_id), "severity": 2, "vulnerableSoftware": [software]},
    }
