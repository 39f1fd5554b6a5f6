"""Synthetic reports and inventories. No real QScanner wrote them; their shape follows what public wrappers read."""

import io
import json
from typing import Any

from scan_core.qscanner.sarif import Report, read_sarif


def software(name: str = "lodash", **other: Any) -> dict[str, Any]:
    """One package of a result."""
    return {"name": name, "path": "package-lock.json", "installedVersion": "4.17.20", "fixedVersion": "4.17.21"} | other


def result(rule: str = "101", packages: list[Any] | None = None, **other: Any) -> dict[str, Any]:
    """One result, with one package unless others are given."""
    properties = {"QID": int(rule), "vulnerableSoftware": [software()] if packages is None else packages}
    return {"ruleId": rule, "level": "error", "message": {"text": "found"}, "properties": properties} | other


def rule(key: str = "101", severity: Any = 4, **other: Any) -> dict[str, Any]:
    """One rule."""
    properties = {"severity": severity, "cve-ids": ["CVE-2021-23337"]}
    return {"id": key, "shortDescription": {"text": "Command injection"}, "properties": properties} | other


def run(results: Any = None, rules: list[Any] | None = None, **other: Any) -> dict[str, Any]:
    """One run."""
    driver = {"name": "QScanner", "version": "4.6.0", "rules": [rule()] if rules is None else rules}
    return {"tool": {"driver": driver}, "results": [result()] if results is None else results} | other


def sarif(*runs: Any, **other: Any) -> dict[str, Any]:
    """A report."""
    return {"version": "2.1.0", "runs": list(runs or [run()])} | other


def as_stream(document: Any) -> io.BytesIO:
    """A document as a file; bytes stay as they are."""
    return io.BytesIO(document if isinstance(document, bytes) else json.dumps(document).encode())


def read(document: Any) -> Report:
    """Read a report from a document or from bytes."""
    return read_sarif(as_stream(document))
