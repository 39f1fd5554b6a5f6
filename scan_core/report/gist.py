"""A decision in one phrase: what status and page both say first."""

from dataclasses import dataclass
from typing import Final

from scan_core.model.gate import Decision
from scan_core.model.verdict import Outcome, ReasonCode
from scan_core.report.counts import counted, in_words
from scan_core.report.plain import one_line

_WITHOUT_REASON: Final = {
    Outcome.PASSED: "no blocking findings",
    Outcome.FAILED: "the rules are not met",
    Outcome.ERROR: "there is no conclusive result",
    Outcome.NOT_APPLICABLE: "the rules switch this gate off",
}
_ALLOWING: Final = {
    ReasonCode.ALLOWED_ON_ERROR,
    ReasonCode.POLICY_ALLOW,
    ReasonCode.POLICY_AUDIT,
    ReasonCode.WITHIN_LIMITS,
}
"""Codes that let a gate through, and so do not tell what was the matter."""


@dataclass(frozen=True, slots=True)
class Gist:
    """A phrase on one line, and what is to be said beside it."""

    phrase: str
    notes: tuple[str, ...] = ()

    @property
    def aside(self) -> str:
        """The notes in parentheses; empty where there are none."""
        return f"({'; '.join(self.notes)})" if self.notes else ""


def gist(decision: Decision, of: str | None = None) -> Gist:
    """Say why a decision is what it is.

    Args:
        decision: The decision.
        of: What was judged, to be named where nothing blocks, such as "2 images"; None where it need not be.

    Returns:
        The first blocking reason and the number of further ones; for a pass, what was found. An AUDIT, and that an
        error was let through, are always told.
    """
    if decision.outcome is not Outcome.PASSED:
        return Gist(_first(decision), _further(decision) + _audit(decision))
    if has(decision, ReasonCode.ALLOWED_ON_ERROR):
        return Gist(f"allowed on error by the rules. {_first(decision)}", _audit(decision))
    if has(decision, ReasonCode.NOTHING_TO_JUDGE):
        return Gist(_first(decision), _audit(decision))
    found = in_words(decision.counts)
    return Gist(_pass(decision, found, of), ((found,) if found else ()) + _audit(decision))


def has(decision: Decision, code: ReasonCode) -> bool:
    """Look for a reason.

    Args:
        decision: The decision.
        code: The reason's code.

    Returns:
        Whether one of the reasons, blocking or not, has this code.
    """
    return any(reason.code is code for reason in decision.reasons)


def _pass(decision: Decision, found: str, of: str | None) -> str:
    """On what a pass rests: policies may allow what the limits would not, or none may have been asked."""
    if has(decision, ReasonCode.POLICY_AUDIT):
        return "nothing was evaluated"
    if has(decision, ReasonCode.POLICY_ALLOW):
        return "Qualys policies allow this"
    nothing = "no blocking findings" if found else "no findings"
    return nothing if of is None else f"{nothing} in {of}"


def _first(decision: Decision) -> str:
    """The first reason that blocks; where none does, the first that tells what was the matter."""
    by_weight = sorted(decision.reasons, key=lambda reason: (not reason.blocking, reason.code in _ALLOWING))
    phrases = (one_line(reason.text).rstrip(". ") for reason in by_weight)
    return next(filter(None, phrases), _WITHOUT_REASON[decision.outcome])


def _further(decision: Decision) -> tuple[str, ...]:
    further = sum(reason.blocking for reason in decision.reasons) - 1
    return (f"and {counted(further, 'further reason')}",) if further > 0 else ()


def _audit(decision: Decision) -> tuple[str, ...]:
    return ("AUDIT: no policy matched",) if has(decision, ReasonCode.POLICY_AUDIT) else ()
