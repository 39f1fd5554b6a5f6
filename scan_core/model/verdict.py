"""Verdict: the answer of one gate, with its reasons; and the results of scans it is made from."""

from enum import StrEnum

from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.ids import AttemptNumber, ScanId, ScanName
from scan_core.model.rules import RulesRead
from scan_core.model.value import Moment, Value


class PolicyDecision(StrEnum):
    """What Qualys' own policies said (QScanner exit codes 0, 42 and 43 in evaluate-policy)."""

    NONE = "NONE"
    ALLOW = "ALLOW"
    DENY = "DENY"
    AUDIT = "AUDIT"


class ScanResult(Value):
    """A conclusive end of a scan: a conclusive exit code and a parsed SARIF whose hash the manifest names."""

    scan_id: ScanName
    attempt: AttemptNumber
    policy: PolicyDecision
    findings: tuple[Finding, ...]
    secrets: tuple[FoundSecret, ...]
    scanner_version: str
    finished_at: Moment


class ScanFailure(Value):
    """A scan that has no conclusive result, in a sentence for the developer."""

    scan_id: ScanId | None
    """None where it did not come to a scan: what was to be scanned could not be found."""
    sentence: str


class Outcome(StrEnum):
    """How a gate ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"
    """Only where the rules say ``enabled: false``."""


class ReasonCode(StrEnum):
    """Why a verdict is what it is; stable names for machines."""

    SEVERITY = "severity"
    COUNT = "count"
    SECRETS = "secrets"
    POLICY_DENY = "policy_deny"
    POLICY_AUDIT = "policy_audit"
    POLICY_ALLOW = "policy_allow"
    WITHIN_LIMITS = "within_limits"
    SCAN_FAILED = "scan_failed"
    RULES_UNREADABLE = "rules_unreadable"
    NOTHING_TO_JUDGE = "nothing_to_judge"
    REFUSED = "refused"
    MERGE_CONFLICTS = "merge_conflicts"
    TIMED_OUT = "timed_out"
    DISABLED = "disabled"
    ALLOWED_ON_ERROR = "allowed_on_error"
    SERVICE_ERROR = "service_error"


class Reason(Value):
    """One sentence of a verdict. A blocking reason is why a gate does not pass."""

    code: ReasonCode
    text: str
    blocking: bool


class SeverityCounts(Value):
    """How many findings there are of each severity, and how many secrets."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    informational: int = 0
    secrets: int = 0

    def of(self, severity: Severity) -> int:
        """Look up one severity.

        Args:
            severity: Which.

        Returns:
            The number of its findings.
        """
        by_severity = (self.informational, self.low, self.medium, self.high, self.critical)
        return by_severity[severity - 1]


class Verdict(Value):
    """Passed, failed or error, for one gate: a pure function of results, rules and date."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    counts: SeverityCounts
    findings: tuple[Finding, ...] = ()
    """All findings, the worst first."""
    secrets: tuple[FoundSecret, ...] = ()
    scans: tuple[ScanName, ...] = ()
    rules: RulesRead | None = None
    decided_at: Moment
