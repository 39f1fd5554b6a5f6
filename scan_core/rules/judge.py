"""From the results of a gate's scans to its verdict: the worst counts, and every reason is given."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.ids import ScanId
from scan_core.model.rules import OnAudit, OnError, Rules, RulesRead
from scan_core.model.target import Mode
from scan_core.model.verdict import (
    Outcome,
    PolicyDecision,
    Reason,
    ReasonCode,
    ScanFailure,
    ScanResult,
    SeverityCounts,
    Verdict,
)
from scan_core.rules.wording import counted, listed, severity_name, tagged

NO_SCAN = "No scan was made, so there is nothing to judge."
NO_DECISION = "The scan brought no decision of the Qualys policies, and the rules ask for one."
ALLOWED = "There is no complete result, and the rules let that pass (on_error: allow)."

_ERRORS = frozenset({ReasonCode.SCAN_FAILED, ReasonCode.NOTHING_TO_JUDGE})


def judge(results: Sequence[ScanResult | ScanFailure], rules_read: RulesRead, now: datetime) -> Verdict:
    """Judge a gate.

    In ``get-report`` the limits of the rules decide, and an explicit DENY fails as well. In ``evaluate-policy`` the
    Qualys policies decide; of the limits, only the one on secrets applies. A scan without a conclusive result is an
    error, or passes visibly under ``on_error: allow``. A violation outweighs an error: no retry would undo it.

    Args:
        results: How each scan of the gate ended.
        rules_read: The rules, and where they were read.
        now: The time to put under the verdict.

    Returns:
        The verdict with all reasons, the blocking ones first, and all findings, the worst first.
    """
    conclusive = [result for result in results if isinstance(result, ScanResult)]
    findings = merged_findings(finding for result in conclusive for finding in result.findings)
    secrets = merged_secrets(secret for result in conclusive for secret in result.secrets)
    counts = count(findings, secrets)
    reasons = [*_violations(conclusive, counts, rules_read.rules), *_errors(results, rules_read.rules)]
    if not any(reason.blocking for reason in reasons):
        reasons += _passes(conclusive, counts, rules_read.rules)
    return Verdict(
        outcome=outcome_of(reasons),
        reasons=tuple(sorted(reasons, key=lambda reason: not reason.blocking)),
        counts=counts,
        findings=findings,
        secrets=secrets,
        scans=tuple(dict.fromkeys(ScanId(result.scan_id) for result in results)),
        rules=rules_read,
        decided_at=now,
    )


def outcome_of(reasons: Iterable[Reason]) -> Outcome:
    """Say how a gate ends for these reasons.

    Args:
        reasons: The reasons of a verdict.

    Returns:
        FAILED if anything but an error blocks, ERROR if only errors do, else PASSED.
    """
    blocking = {reason.code for reason in reasons if reason.blocking}
    if not blocking:
        return Outcome.PASSED
    return Outcome.ERROR if blocking <= _ERRORS else Outcome.FAILED


def merged_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Bring the findings of several scans together.

    Args:
        findings: Findings, some perhaps of the same vulnerability in the same place.

    Returns:
        Each one once, with the worst severity that a scan gave it; the worst first, then by package.
    """
    worst: dict[tuple[str, str, str, str], Finding] = {}
    for finding in findings:
        known = worst.get(finding.key)
        if known is None or known.severity < finding.severity:
            worst[finding.key] = finding
    return tuple(sorted(worst.values(), key=lambda each: (-each.severity, each.package, *each.key)))


def merged_secrets(secrets: Iterable[FoundSecret]) -> tuple[FoundSecret, ...]:
    """Bring the secrets of several scans together.

    Args:
        secrets: Found secrets, some perhaps the same.

    Returns:
        Each one once, by path and line.
    """
    return tuple(sorted(set(secrets), key=lambda each: (each.path, each.line or 0, each.kind)))


def count(findings: Iterable[Finding], secrets: Sequence[FoundSecret]) -> SeverityCounts:
    """Count findings by severity.

    Args:
        findings: Findings, each once.
        secrets: Secrets, each once.

    Returns:
        How many there are.
    """
    numbers = dict.fromkeys(Severity, 0)
    for finding in findings:
        numbers[finding.severity] += 1
    by_name = {severity.name.lower(): number for severity, number in numbers.items()}
    return SeverityCounts(**by_name, secrets=len(secrets))


def _violations(results: Sequence[ScanResult], counts: SeverityCounts, rules: Rules) -> Iterator[Reason]:
    yield from _decisions(results, counts, rules)
    if rules.mode is Mode.GET_REPORT:
        yield from _exceeded(counts, rules)
    if rules.max_secrets is not None and counts.secrets > rules.max_secrets:
        text = f"{counted(counts.secrets, 'secret')} in the source, at most {rules.max_secrets} allowed"
        yield Reason(code=ReasonCode.SECRETS, text=text, blocking=True)


def _decisions(results: Sequence[ScanResult], counts: SeverityCounts, rules: Rules) -> Iterator[Reason]:
    decisions = {result.policy for result in results}
    if PolicyDecision.DENY in decisions:
        text = f"Qualys policies{tagged(rules)} deny this: {listed(counts)}"
        yield Reason(code=ReasonCode.POLICY_DENY, text=text, blocking=True)
    if PolicyDecision.AUDIT in decisions:
        fails = rules.on_audit is OnAudit.FAIL
        what = "fail this" if fails else "let this pass"
        text = f"No Qualys policy matched{tagged(rules)}, so nothing was evaluated; the rules {what} (on_audit)"
        yield Reason(code=ReasonCode.POLICY_AUDIT, text=text, blocking=fails)


def _exceeded(counts: SeverityCounts, rules: Rules) -> Iterator[Reason]:
    limits = rules.thresholds
    if limits.fail_on_severity is not None:
        yield from _at_or_above(limits.fail_on_severity, counts)
    for severity, most in (
        (Severity.CRITICAL, limits.max_critical),
        (Severity.HIGH, limits.max_high),
        (Severity.MEDIUM, limits.max_medium),
        (Severity.LOW, limits.max_low),
    ):
        number = counts.of(severity)
        if most is not None and number > most:
            text = f"{counted(number, f'{severity_name(severity)} finding')}, at most {most} allowed"
            yield Reason(code=ReasonCode.COUNT, text=text, blocking=True)


def _at_or_above(lowest: Severity, counts: SeverityCounts) -> Iterator[Reason]:
    bad = SeverityCounts(**{each.name.lower(): counts.of(each) for each in Severity if each >= lowest})
    if bad == SeverityCounts():
        return
    text = f"{listed(bad)}; the rules fail on {severity_name(lowest)} and worse"
    yield Reason(code=ReasonCode.SEVERITY, text=text, blocking=True)


def _errors(results: Sequence[ScanResult | ScanFailure], rules: Rules) -> Iterator[Reason]:
    blocks = rules.on_error is OnError.BLOCK
    errors = [Reason(code=code, text=text, blocking=blocks) for code, text in _gaps(results, rules)]
    yield from dict.fromkeys(errors)
    if errors and not blocks:
        yield Reason(code=ReasonCode.ALLOWED_ON_ERROR, text=ALLOWED, blocking=False)


def _gaps(results: Sequence[ScanResult | ScanFailure], rules: Rules) -> Iterator[tuple[ReasonCode, str]]:
    """Walk what is missing from a full set of conclusive results."""
    if not results:
        yield ReasonCode.NOTHING_TO_JUDGE, NO_SCAN
    for result in results:
        if isinstance(result, ScanFailure):
            yield ReasonCode.SCAN_FAILED, result.sentence
        elif rules.mode is Mode.EVALUATE_POLICY and result.policy is PolicyDecision.NONE:
            yield ReasonCode.SCAN_FAILED, NO_DECISION


def _passes(results: Sequence[ScanResult], counts: SeverityCounts, rules: Rules) -> Iterator[Reason]:
    if not results:
        return
    if rules.mode is Mode.EVALUATE_POLICY and any(result.policy is PolicyDecision.ALLOW for result in results):
        text = f"Qualys policies{tagged(rules)} allow this: {listed(counts)}"
        yield Reason(code=ReasonCode.POLICY_ALLOW, text=text, blocking=False)
    if rules.mode is Mode.GET_REPORT:
        text = listed(counts) if counts == SeverityCounts() else f"{listed(counts)}, within the limits"
        yield Reason(code=ReasonCode.WITHIN_LIMITS, text=text, blocking=False)
