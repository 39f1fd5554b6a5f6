"""Results, rules and findings for judging."""

from datetime import UTC, datetime
from typing import Any

from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.ids import AttemptNumber, BranchRef, ScanId
from scan_core.model.rules import Rules, RulesRead
from scan_core.model.target import ImageTarget
from scan_core.model.verdict import PolicyDecision, ScanFailure, ScanResult

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def finding(severity: Severity = Severity.HIGH, package: str = "lodash", **other: Any) -> Finding:
    """One finding."""
    known: dict[str, Any] = {"qid": "101", "installed_version": "1.0", "path": "package-lock.json", "title": "Bad"}
    return Finding(severity=severity, package=package, **(known | other))


def secret(path: str = "a.py", line: int | None = 1) -> FoundSecret:
    """One secret."""
    return FoundSecret(kind="aws-key", path=path, line=line)


def result(
    *findings: Finding,
    policy: PolicyDecision = PolicyDecision.NONE,
    secrets: tuple[FoundSecret, ...] = (),
    scan: str = "a" * 40,
) -> ScanResult:
    """A conclusive end of a scan."""
    return ScanResult(
        scan_id=ScanId(scan),
        attempt=AttemptNumber(1),
        policy=policy,
        findings=findings,
        secrets=secrets,
        scanner_version="4.6.0",
        finished_at=NOW,
    )


def image(name: str = "team/app", platform: str = "amd64", digit: str = "a", registry: str = "a.b") -> ImageTarget:
    """An image for one platform."""
    fields = {"organisation": "contoso", "registry": registry, "repository": name, "digest": f"sha256:{digit * 64}"}
    return ImageTarget.model_validate(fields | {"platform": {"os": "linux", "architecture": platform}})


def failure(sentence: str = "QScanner was ended from outside (SIGKILL).", scan: str = "b" * 40) -> ScanFailure:
    """An end of a scan that proves nothing."""
    return ScanFailure(scan_id=ScanId(scan), sentence=sentence)


def rules_read(**rules: Any) -> RulesRead:
    """Rules as they were read from a branch."""
    return RulesRead(rules=Rules(**rules), branch=BranchRef("refs/heads/main"))
