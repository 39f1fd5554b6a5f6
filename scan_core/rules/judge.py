"""From the results of a gate's scans to its verdict: the worst counts, and every reason is given."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from scan_core.model.finding import Severity
from scan_core.model.ids import ScanId
from scan_core.model.rules import OnAudit, OnError, Rules, RulesRead
from scan_core.model.target import ImageTarget, Mode
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
from scan_core.rules.merging import count, merged_findings, merged_secrets
from scan_core.rules.shares import Share, Shares, shares_of, worst
from scan_core.rules.wording import counted, listed, severity_name, tagged

NO_SCAN = "No scan was made, so there is nothing to judge."
NO_DECISION = "The scan brought no decision of the Qualys policies, and the rules ask for one."
ALLOWED = "There is no complete result, and the rules let that pass (on_error: allow)."

_NO_IMAGES: Mapping[ScanId, ImageTarget] = MappingProxyType({})
_ERRORS = frozenset({ReasonCode.SCAN_FAILED, ReasonCode.NOTHING_TO_JUDGE})


def judge(
    results: Sequence[ScanResult | ScanFailure],
    rules_read: RulesRead,
    now: datetime,
    images: Mapping[ScanId, ImageTarget] = _NO_IMAGES,
) -> Verdict:
    """Judge a gate.

    In ``get-report`` the limits of the rules decide, and an explicit DENY fails as well. In ``evaluate-policy`` the
    Qualys policies decide; of the limits, only the one on secrets applies. A scan without a conclusive result is an
    error, or passes visibly under ``on_error: allow``. A violation outweighs an error: no retry would undo it.

    Each scan is held to the limits by itself, and the worst counts: several images of one base are not the worse for
    each other. The verdict's own counts are of everything that was found, each finding once.

    Args:
        results: How each scan of the gate ended.
        rules_read: The rules, and where they were read.
        now: The time to put under the verdict.
        images: Which of the scans are of an image, and of which; the others are of source.

    Returns:
        The verdict with all reasons, the blocking ones first, and all findings, the worst first.
    """
    conclusive = [result for result in results if isinstance(result, ScanResult)]
    findings, secrets = merged_findings(conclusive, images), merged_secrets(conclusive, images)
    counts, shares = count(findings, secrets), shares_of(results, images)
    reasons = [*_violations(shares, rules_read.rules), *_errors(results, shares, rules_read.rules)]
    if not any(reason.blocking for reason in reasons):
        reasons += _passes(shares, counts, rules_read.rules)
    return Verdict(
        outcome=outcome_of(reasons),
        reasons=tuple(sorted(reasons, key=lambda reason: not reason.blocking)),
        counts=counts,
        findings=findings,
        secrets=secrets,
        scans=tuple(dict.fromkeys(result.scan_id for result in results if result.scan_id is not None)),
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


def _violations(shares: Shares, rules: Rules) -> Iterator[Reason]:
    yield from _decisions(shares, rules)
    if rules.mode is Mode.GET_REPORT:
        yield from _exceeded(shares, rules)
    yield from _secrets(shares, rules)


def _decisions(shares: Shares, rules: Rules) -> Iterator[Reason]:
    denied = [share for share in shares.conclusive if share.policy is PolicyDecision.DENY]
    if denied:
        bad = worst(denied, lambda share: share.weight)
        what = f"{shares.part(len(denied))}, such as {bad.place}" if shares.is_several else "this"
        text = f"Qualys policies{tagged(rules)} deny {what}: {listed(bad.counts)}"
        yield Reason(code=ReasonCode.POLICY_DENY, text=text, blocking=True)
    unmatched = sum(share.policy is PolicyDecision.AUDIT for share in shares.conclusive)
    if unmatched:
        fails = rules.on_audit is OnAudit.FAIL
        what = "fail this" if fails else "let this pass"
        of = f" for {shares.part(unmatched)}" if shares.is_several else ""
        text = f"No Qualys policy matched{tagged(rules)}{of}, so nothing was evaluated; the rules {what} (on_audit)"
        yield Reason(code=ReasonCode.POLICY_AUDIT, text=text, blocking=fails)


def _exceeded(shares: Shares, rules: Rules) -> Iterator[Reason]:
    limits = rules.thresholds
    if limits.fail_on_severity is not None:
        yield from _at_or_above(limits.fail_on_severity, shares)
    for severity, most in (
        (Severity.CRITICAL, limits.max_critical),
        (Severity.HIGH, limits.max_high),
        (Severity.MEDIUM, limits.max_medium),
        (Severity.LOW, limits.max_low),
    ):
        over = [share for share in shares.conclusive if most is not None and share.counts.of(severity) > most]
        if over:
            bad = worst(over, _number_of(severity))
            found = counted(bad.counts.of(severity), f"{severity_name(severity)} finding")
            text = f"{found}{shares.where(bad)}, at most {most} allowed{shares.over(len(over))}"
            yield Reason(code=ReasonCode.COUNT, text=text, blocking=True)


def _number_of(severity: Severity) -> Callable[[Share], int]:
    return lambda share: share.counts.of(severity)


def _at_or_above(lowest: Severity, shares: Shares) -> Iterator[Reason]:
    over = [share for share in shares.conclusive if _from(lowest, share) != SeverityCounts()]
    if not over:
        return
    bad = worst(over, lambda share: share.weight)
    found = f"{listed(_from(lowest, bad))}{shares.where(bad)}"
    text = f"{found}; the rules fail on {severity_name(lowest)} and worse{shares.over(len(over))}"
    yield Reason(code=ReasonCode.SEVERITY, text=text, blocking=True)


def _from(lowest: Severity, share: Share) -> SeverityCounts:
    return SeverityCounts(**{each.name.lower(): share.counts.of(each) for each in Severity if each >= lowest})


def _secrets(shares: Shares, rules: Rules) -> Iterator[Reason]:
    most = rules.max_secrets
    over = [share for share in shares.conclusive if most is not None and share.counts.secrets > most]
    if over:
        bad = worst(over, lambda share: share.counts.secrets)
        found = f"{counted(bad.counts.secrets, 'secret')} in {bad.place}"
        text = f"{found}, at most {most} allowed{shares.over(len(over))}"
        yield Reason(code=ReasonCode.SECRETS, text=text, blocking=True)


def _errors(results: Sequence[ScanResult | ScanFailure], shares: Shares, rules: Rules) -> Iterator[Reason]:
    blocks = rules.on_error is OnError.BLOCK
    found: dict[tuple[ReasonCode, str], set[str]] = {}
    for code, text, place in _gaps(results, shares, rules):
        found.setdefault((code, text), set()).update(() if place is None else (place,))
    for (code, text), places in found.items():
        yield Reason(code=code, text=_of(text, sorted(places)) if shares.is_several else text, blocking=blocks)
    if found and not blocks:
        yield Reason(code=ReasonCode.ALLOWED_ON_ERROR, text=ALLOWED, blocking=False)


def _gaps(
    results: Sequence[ScanResult | ScanFailure], shares: Shares, rules: Rules
) -> Iterator[tuple[ReasonCode, str, str | None]]:
    """Walk what is missing from a full set of conclusive results, with what it is missing of."""
    if not results:
        yield ReasonCode.NOTHING_TO_JUDGE, NO_SCAN, None
    for result in results:
        place = None if result.scan_id is None else shares.places[result.scan_id]
        if isinstance(result, ScanFailure):
            yield ReasonCode.SCAN_FAILED, result.sentence, place
        elif rules.mode is Mode.EVALUATE_POLICY and result.policy is PolicyDecision.NONE:
            yield ReasonCode.SCAN_FAILED, NO_DECISION, place


def _of(sentence: str, places: Sequence[str]) -> str:
    if not places:
        return sentence
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"{sentence.rstrip('.')} ({places[0]}{more})."


def _passes(shares: Shares, counts: SeverityCounts, rules: Rules) -> Iterator[Reason]:
    if not shares.conclusive:
        return
    allowed = sum(share.policy is PolicyDecision.ALLOW for share in shares.conclusive)
    if rules.mode is Mode.EVALUATE_POLICY and allowed:
        what = shares.part(allowed) if shares.is_several else "this"
        text = f"Qualys policies{tagged(rules)} allow {what}: {listed(counts)}"
        yield Reason(code=ReasonCode.POLICY_ALLOW, text=text, blocking=False)
    if rules.mode is Mode.GET_REPORT:
        text = f"{listed(counts)} in {shares.with_result}" if shares.is_several else listed(counts)
        text = text if counts == SeverityCounts() else f"{text}, within the limits"
        yield Reason(code=ReasonCode.WITHIN_LIMITS, text=text, blocking=False)
