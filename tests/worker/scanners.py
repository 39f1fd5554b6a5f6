"""Programs that take QScanner's command line and do what a test needs of them."""

import json
from pathlib import Path

from scan_core.model.ids import CommitSha

_HEAD = """#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
        --output-dir) out=$2 ;;
        --cache) cache=$2 ;;
        repo | image) target=$2 ;;
    esac
    shift
done
"""
PREFIX = "0f1e2d3c4b5a"
FOUND_SECRET = "AKIAQ7GHTLPRVXW2NBZC"
"""What the inventory of a good run lists as found in the source."""


def sarif(revision: CommitSha | str | None = None, version: str = "4.6.0", **properties: str) -> str:
    """A report with one finding; optionally one that says which commit it is about, or more of what it is about."""
    rule = {
        "id": "376157",
        "shortDescription": {"text": "A flaw"},
        "properties": {"severity": 4, "cve-ids": ["CVE-2021-44228"]},
    }
    software = [{"name": "log4j-core", "installedVersion": "2.14.1", "fixedVersion": "2.17.1", "path": "pom.xml"}]
    result = {
        "ruleId": "376157",
        "level": "error",
        "message": {"text": "x"},
        "properties": {"QID": 376157, "vulnerableSoftware": software},
    }
    run: dict[str, object] = {
        "tool": {"driver": {"name": "QScanner", "version": version, "rules": [rule]}},
        "results": [result],
    }
    if revision is not None:
        run["versionControlProvenance"] = [{"revisionId": revision, "repositoryUri": "https://example.com/r"}]
    if properties:
        run["properties"] = properties
    return json.dumps({"version": "2.1.0", "runs": [run]})


def inventory() -> str:
    """An inventory that lists one secret, in plaintext."""
    return json.dumps({"secrets": [{"ruleId": "aws-key", "path": "app.env", "startLine": 3, "match": FOUND_SECRET}]})


def writes(name: str, content: str) -> str:
    """A line of a scanner that writes one output file."""
    return f"cat > \"$out/{PREFIX}-{name}\" <<'END_OF_FILE'\n{content}\nEND_OF_FILE\n"


GOOD = (
    writes("Report.sarif.json", sarif())
    + writes("ScanResult.json", inventory())
    + writes("ScanResult.spdx.json", json.dumps({"spdxVersion": "SPDX-2.3", "name": "n"}))
    + writes("ScanResult.cdx.json", json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6"}))
    + f'echo "found {FOUND_SECRET} in app.env"\n'
)


def program(folder: Path, body: str, name: str = "qscanner") -> Path:
    """Write a scanner; in its body ``$out``, ``$cache`` and ``$target`` are what it was given."""
    path = folder / name
    path.write_text(_HEAD + body)
    path.chmod(0o755)
    return path
