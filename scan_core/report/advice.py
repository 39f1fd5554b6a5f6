"""What to do about a verdict, by what was judged and where."""

from collections.abc import Iterator
from typing import Final

from scan_core.model.finding import Finding
from scan_core.model.gate import Decision, Gate
from scan_core.model.place import CheckPlace, CommitPlace, PullRequestPlace
from scan_core.model.subject import StatusName
from scan_core.model.verdict import ReasonCode, Verdict
from scan_core.report.counts import counted
from scan_core.report.place_words import kinds

_MOST_FIXES: Final = 6

_UPGRADE: Final = "Upgrade the packages under Findings to the version in “Fixed in”, then push."
_REBUILD: Final = (
    "Rebuild on a newer base image, and upgrade what the build installs itself to the version in “Fixed in”. Each "
    "finding names the layer that brought its package, where the scanner told it."
)
_OF_SOURCE: Final = {
    ReasonCode.SEVERITY: _UPGRADE,
    ReasonCode.COUNT: _UPGRADE,
    ReasonCode.SECRETS: "Revoke every secret under Secrets first: it stays readable in the history of the branch. "
    "Then remove it from the code and push.",
    ReasonCode.POLICY_DENY: "A policy of the Qualys account denies this commit. What it judged is under Findings; "
    "if the reason is not there, ask whoever keeps the policies.",
    ReasonCode.SCAN_FAILED: "What went wrong stands under Attempts. If the repository is the cause, correct it, "
    "then {again}.",
    ReasonCode.NOTHING_TO_JUDGE: "If this repository holds nothing to scan, switch its gate off: enabled: false in "
    ".scangate.yml {rules}.",
}
_OF_IMAGES: Final = {
    ReasonCode.SEVERITY: _REBUILD,
    ReasonCode.COUNT: _REBUILD,
    ReasonCode.SECRETS: "Revoke every secret under Secrets first: it stays readable in the layers of what was pushed. "
    "Then keep it out of the build, for instance as a secret mount, and {again}.",
    ReasonCode.POLICY_DENY: "A policy of the Qualys account denies this image. What it judged is under Findings; "
    "if the reason is not there, ask whoever keeps the policies.",
    ReasonCode.SCAN_FAILED: "What went wrong stands under Images and Attempts. If the image or its registry is the "
    "cause, correct that, then {again}.",
    ReasonCode.NOTHING_TO_JUDGE: "Name the images that this pipeline makes: by a tag of the build, or under images in "
    ".scangate.yml {rules}. Where it makes none, on_nothing: allow lets that pass.",
}
_OF_ANY: Final = {
    ReasonCode.POLICY_AUDIT: "No Qualys policy matched, and the rules do not accept that. Have one assigned to the "
    "policy tags under Rules, or change on_audit {rules}.",
    ReasonCode.RULES_UNREADABLE: "Correct .scangate.yml {rules}, then {again}.",
    ReasonCode.REFUSED: "Correct the check's settings in Azure Pipelines, then {again}.",
    ReasonCode.MERGE_CONFLICTS: "Resolve the conflicts with the target branch and push.",
    ReasonCode.TIMED_OUT: "A result that still arrives replaces this one. If none does, {again}.",
    ReasonCode.SERVICE_ERROR: "What was to be judged is not the cause. Wait until the service answers, then {again}.",
}
_OF_CHECKS: Final = {
    ReasonCode.TIMED_OUT: "A check is answered once, so {again}: what was scanned meanwhile is not scanned anew.",
}
_BY_KIND: Final = {StatusName.SOURCE: _OF_SOURCE, StatusName.IMAGE: _OF_IMAGES}
_FOR_VERSIONS: Final = {ReasonCode.SEVERITY, ReasonCode.COUNT, ReasonCode.POLICY_DENY}


def advice(gate: Gate, decision: Decision) -> tuple[str, ...]:
    """Say what to do about a verdict that does not pass.

    Args:
        gate: The gate.
        decision: Its verdict.

    Returns:
        A sentence or two for each kind of reason; at least one.
    """
    codes = [reason.code for reason in decision.reasons if reason.blocking]
    words = {"again": again(gate), "rules": _rules_place(gate)}
    lines = (line.format(**words) for code in dict.fromkeys(codes) for line in _lines(gate, code))
    return tuple(dict.fromkeys(lines)) or (f"Look at the reasons below, then {words['again']}.",)


def again(gate: Gate) -> str:
    """Say how to have a gate judged once more.

    Args:
        gate: The gate.

    Returns:
        A request, without a full stop.
    """
    match gate.place:
        case PullRequestPlace(name=StatusName.SOURCE):
            return "push to this pull request again; an empty commit is enough"
        case CommitPlace(name=StatusName.SOURCE):
            return "push to the branch again; an empty commit is enough"
        case CheckPlace():
            return "run the stage again"
        case _:
            return "run the pipeline again"


def fixes(gate: Gate, verdict: Verdict) -> tuple[str, ...]:
    """Say which newer packages a rebuilt image needs.

    Args:
        gate: The gate.
        verdict: Its whole verdict.

    Returns:
        A sentence with a stranger's names in it, for images that do not pass and for which fixes are known; else none.
    """
    blocking = {reason.code for reason in verdict.reasons if reason.blocking}
    if StatusName.IMAGE not in kinds(gate) or not blocking & _FOR_VERSIONS:
        return ()
    packages = {finding.package for finding in verdict.findings}
    fixed = _fixed(verdict.findings)
    if not fixed:
        return ("No fix is known for any of the packages under Findings: choose another base image or package.",)
    shown = ", ".join(f"{package} {version}" for package, version in list(fixed.items())[:_MOST_FIXES])
    further = f" and {len(fixed) - _MOST_FIXES} more" if len(fixed) > _MOST_FIXES else ""
    return (f"{len(fixed)} of {counted(len(packages), 'package')} with findings can be had fixed: {shown}{further}.",)


def _fixed(findings: tuple[Finding, ...]) -> dict[str, str]:
    """Take the fixed version of each package, that of its worst finding."""
    fixed: dict[str, str] = {}
    for finding in findings:
        if finding.fixed_version:
            fixed.setdefault(finding.package, finding.fixed_version)
    return fixed


def _lines(gate: Gate, code: ReasonCode) -> Iterator[str]:
    if isinstance(gate.place, CheckPlace) and code in _OF_CHECKS:
        yield _OF_CHECKS[code]
        return
    if code in _OF_ANY:
        yield _OF_ANY[code]
    for kind in sorted(kinds(gate), reverse=True):
        if code in _BY_KIND[kind]:
            yield _BY_KIND[kind][code]


def _rules_place(gate: Gate) -> str:
    match gate.place:
        case PullRequestPlace():
            return "on the target branch"
        case CommitPlace() as place if place.ref is not None:
            return "on this branch"
        case _:
            return "on the branch named under Rules" if gate.rules else "on the default branch"
