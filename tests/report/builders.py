"""Values of the model for the tests of reports, ordinary unless a test says otherwise."""

from datetime import UTC, datetime, timedelta
from typing import Any

from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.gate import Decision, Gate, GateState, PullRequestRef
from scan_core.model.ids import gate_id
from scan_core.model.rules import Rules, RulesRead
from scan_core.model.scan import AttemptRecord, Conclusion, Scan, ScanState
from scan_core.model.target import SourceTarget, scan_id
from scan_core.model.verdict import Outcome, Reason, ReasonCode, SeverityCounts, Verdict
from scan_core.report.gate_page import GatePage, ScanPage

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f80912a3b4c5"
PROJECT = "0d7e1f8a-2b3c-4d5e-8f90-a1b2c3d4e5f6"
REPOSITORY = "5f6e7d8c-9b0a-4c1d-8e2f-3a4b5c6d7e8f"
PULL_REQUEST = PullRequestRef.model_validate(
    {"organisation": "contoso", "project_id": PROJECT, "repository_id": REPOSITORY, "pull_request_id": 12}
)
TARGET = SourceTarget.model_validate(
    {"organisation": "contoso", "project_id": PROJECT, "repository_id": REPOSITORY, "commit": COMMIT}
)
SCAN = scan_id(TARGET, Rules().profile)
RULES = RulesRead.model_validate(
    {"rules": Rules(), "branch": "refs/heads/main", "commit": "9" * 40, "file_sha256": "7" * 64}
)


def reason(text: str = "2 critical findings, at most 0 allowed", **changes: Any) -> Reason:
    """Build a reason that blocks."""
    return Reason.model_validate({"code": ReasonCode.COUNT, "text": text, "blocking": True} | changes)


def counts(**numbers: int) -> SeverityCounts:
    """Build counts."""
    return SeverityCounts(**numbers)


def decision(outcome: Outcome = Outcome.FAILED, *reasons: Reason, **changes: Any) -> Decision:
    """Build a decision."""
    fields = {"number": 1, "outcome": outcome, "reasons": reasons, "counts": counts(), "decided_at": NOW}
    return Decision.model_validate(fields | changes)


def gate(state: GateState = GateState.OPEN, **changes: Any) -> Gate:
    """Build a gate."""
    fields: dict[str, Any] = {
        "gate_id": gate_id(PULL_REQUEST.subject, 3),  # type: ignore[arg-type]  # a plain number reads better
        "pull_request": PULL_REQUEST,
        "iteration": 3,
        "source_commit": COMMIT,
        "scanned_commit": COMMIT,
        "target_ref": "refs/heads/main",
        "state": state,
        "accepted_at": NOW - timedelta(minutes=5),
        "opened_at": NOW - timedelta(minutes=5),
        "deadline": NOW + timedelta(minutes=55),
        "rules": RULES,
        "waits_for": (SCAN,),
    }
    return Gate.model_validate(fields | changes)


def decided(outcome: Outcome = Outcome.FAILED, *reasons: Reason, **changes: Any) -> Gate:
    """Build a decided gate."""
    return gate(GateState.DECIDED, decision=decision(outcome, *reasons, **changes))


def finding(**changes: Any) -> Finding:
    """Build a finding that has a fix."""
    fields = {
        "qid": "376157",
        "package": "log4j-core",
        "installed_version": "2.14.1",
        "path": "service/pom.xml",
        "severity": Severity.CRITICAL,
        "title": "Apache Log4j remote code execution (Log4Shell)",
        "cves": ("CVE-2021-44228", "CVE-2021-45046"),
        "fixed_version": "2.17.1",
    }
    return Finding.model_validate(fields | changes)


def attempt(number: int = 1, **changes: Any) -> AttemptRecord:
    """Build an attempt whose message is queued."""
    start = NOW - timedelta(minutes=4)
    fields = {"number": number, "opened_at": start, "due_at": start, "queued_at": start}
    return AttemptRecord.model_validate(fields | changes)


def lost_attempt(number: int = 1) -> AttemptRecord:
    """Build an attempt that ended without a result."""
    error = AttemptError(kind=AttemptErrorKind.LOST, sentence="The worker ended without a manifest.")
    return attempt(number, claimed_at=NOW - timedelta(minutes=3), ended_at=NOW - timedelta(minutes=1), error=error)


def scan(state: ScanState = ScanState.ACTIVE, *attempts: AttemptRecord, **changes: Any) -> Scan:
    """Build a scan with one attempt in the queue."""
    fields: dict[str, Any] = {
        "scan_id": SCAN,
        "target": TARGET,
        "profile": Rules().profile,
        "state": state,
        "round_start": 1,
        "attempts": attempts or (attempt(),),
    }
    return Scan.model_validate(fields | changes)


def concluded_scan() -> Scan:
    """Build a scan whose second attempt was conclusive."""
    finished = NOW - timedelta(seconds=10)
    second = attempt(2, claimed_at=NOW - timedelta(seconds=50), ended_at=finished)
    conclusion = {"attempt": 2, "manifest_sha256": "5" * 64, "scanner_version": "4.5.0", "finished_at": finished}
    return scan(ScanState.CONCLUDED, lost_attempt(), second, conclusion=Conclusion.model_validate(conclusion))


def verdict(outcome: Outcome = Outcome.FAILED, *reasons: Reason, **changes: Any) -> Verdict:
    """Build a verdict under the ordinary rules."""
    fields = {"outcome": outcome, "reasons": reasons, "counts": counts(), "rules": RULES, "decided_at": NOW}
    return Verdict.model_validate(fields | changes)


def page(of: Gate, *scans: Scan, **changes: Any) -> GatePage:
    """Build what a page shows, with every link."""
    shown = [
        ScanPage(
            scan=one,
            sarif=f"/api/scans/{one.scan_id}/report.sarif.json",
            spdx=f"/api/scans/{one.scan_id}/sbom.spdx.json",
            cyclonedx=f"/api/scans/{one.scan_id}/sbom.cdx.json",
        )
        for one in scans
    ]
    links = {
        "verdict_link": f"/api/gates/{of.gate_id}/verdict.json",
        "pull_request_link": f"https://dev.azure.com/contoso/{PROJECT}/_git/{REPOSITORY}/pullrequest/12",
    }
    return GatePage.model_validate({"gate": of, "scans": shown, "now": NOW, **links} | changes)


def failed_page(**changes: Any) -> GatePage:
    """Build the page of a gate that failed for packages and a secret."""
    reasons = (
        reason("2 critical findings, at most 0 allowed"),
        reason("1 secret, at most 0 allowed", code=ReasonCode.SECRETS),
        reason("3 medium findings, no limit", code=ReasonCode.WITHIN_LIMITS, blocking=False),
    )
    found = (
        finding(),
        finding(qid="989871", package="lodash", installed_version="4.17.15", fixed_version="4.17.21",
                path="web/package-lock.json", severity=Severity.HIGH, title="Lodash command injection by template",
                cves=("CVE-2021-23337",)),
        finding(qid="983000", package="event-stream", installed_version="3.3.6", fixed_version=None,
                path="web/package-lock.json", title="event-stream carries a malicious dependency", cves=()),
        finding(qid="982400", package="requests", installed_version="2.19.0", fixed_version="2.20.0",
                path="tools/requirements.txt", severity=Severity.MEDIUM,
                title="Requests sends Authorization on redirect to plain HTTP", cves=("CVE-2018-18074",)),
        finding(qid="982401", package="urllib3", installed_version="1.24.1", fixed_version="1.24.2",
                path="tools/requirements.txt", severity=Severity.MEDIUM,
                title="urllib3 accepts CA certificates it should not", cves=("CVE-2019-11324",)),
        finding(qid="982402", package="golang.org/x/text", installed_version="0.3.2", fixed_version="0.3.3",
                path="agent/go.mod", severity=Severity.LOW,
                title="golang.org/x/text loops without end on some UTF-16 input", cves=("CVE-2020-14040",)),
    )  # fmt: skip
    secrets = (FoundSecret(kind="AWS access key", path="deploy/settings.ini", line=14),)
    numbers = counts(critical=2, high=1, medium=2, low=1, secrets=1)
    whole = verdict(Outcome.FAILED, *reasons, findings=found, secrets=secrets, counts=numbers, scans=(SCAN,))
    return page(decided(Outcome.FAILED, *reasons, counts=numbers), concluded_scan(), verdict=whole, **changes)
