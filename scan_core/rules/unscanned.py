"""Verdicts of gates that no scan result decides."""

from collections.abc import Sequence
from datetime import datetime

from scan_core.model.rules import OnError, OnNothing, RulesRead
from scan_core.model.verdict import Outcome, Reason, ReasonCode, SeverityCounts, Verdict
from scan_core.rules.judge import ALLOWED

NO_IMAGE = "Nothing names an image of this build: neither an entry under images in .scangate.yml nor a tag of the build"


def disabled(rules_read: RulesRead, now: datetime) -> Verdict:
    """The rules switch the gate off.

    Args:
        rules_read: The rules that say ``enabled: false``.
        now: The time to put under the verdict.

    Returns:
        A verdict that is not applicable.
    """
    reason = Reason(code=ReasonCode.DISABLED, text="Switched off by the rules (enabled: false)", blocking=False)
    return _verdict(Outcome.NOT_APPLICABLE, [reason], rules_read, now)


def rules_unreadable(sentence: str, now: datetime, others: Sequence[str] = ()) -> Verdict:
    """The rules cannot be understood, so nothing can be allowed by them.

    Args:
        sentence: What is wrong with them, and where.
        now: The time to put under the verdict.
        others: What else is wrong with them.

    Returns:
        An error that names each problem.
    """
    reasons = [Reason(code=ReasonCode.RULES_UNREADABLE, text=text, blocking=True) for text in (sentence, *others)]
    return _verdict(Outcome.ERROR, reasons, None, now)


def merge_conflicts(rules_read: RulesRead | None, now: datetime) -> Verdict:
    """A fork's pull request has no merge commit to scan, and only its author can change that.

    Args:
        rules_read: The rules, if they were read already.
        now: The time to put under the verdict.

    Returns:
        An error, whatever the rules say about errors.
    """
    text = "The pull request conflicts with its target branch, so there is no merge to scan: resolve the conflicts"
    reason = Reason(code=ReasonCode.MERGE_CONFLICTS, text=text, blocking=True)
    return _verdict(Outcome.ERROR, [reason], rules_read, now)


def nothing_to_judge(rules_read: RulesRead, now: datetime) -> Verdict:
    """A gate that was asked for finds nothing to judge.

    Args:
        rules_read: The rules.
        now: The time to put under the verdict.

    Returns:
        An error; a visible pass where the rules say ``on_nothing: allow``.
    """
    blocks = rules_read.rules.on_nothing is OnNothing.BLOCK
    text = NO_IMAGE if blocks else f"{NO_IMAGE}; the rules let that pass (on_nothing: allow)"
    reason = Reason(code=ReasonCode.NOTHING_TO_JUDGE, text=text, blocking=blocks)
    return _verdict(Outcome.ERROR if blocks else Outcome.PASSED, [reason], rules_read, now)


def refused(sentence: str, now: datetime) -> Verdict:
    """A gate that was asked for in a way that cannot be answered, such as a check of another build.

    Args:
        sentence: What is wrong with it and what to do.
        now: The time to put under the verdict.

    Returns:
        An error, whatever the rules say about errors.
    """
    return _verdict(Outcome.ERROR, [Reason(code=ReasonCode.REFUSED, text=sentence, blocking=True)], None, now)


def timed_out(rules_read: RulesRead | None, sentence: str, now: datetime) -> Verdict:
    """The deadline came before the results.

    Args:
        rules_read: The rules, if they were read in time.
        sentence: What was waited for.
        now: The time to put under the verdict.

    Returns:
        An error, or a visible pass where the rules allow errors.
    """
    return _by_on_error(ReasonCode.TIMED_OUT, sentence, rules_read, now)


def service_error(rules_read: RulesRead | None, sentence: str, now: datetime) -> Verdict:
    """Something this gate depends on refused to work, such as a repository that may not be read.

    Args:
        rules_read: The rules, if they were read.
        sentence: What happened and what to do.
        now: The time to put under the verdict.

    Returns:
        An error, or a visible pass where the rules allow errors.
    """
    return _by_on_error(ReasonCode.SERVICE_ERROR, sentence, rules_read, now)


def _by_on_error(code: ReasonCode, text: str, rules_read: RulesRead | None, now: datetime) -> Verdict:
    if rules_read is None or rules_read.rules.on_error is OnError.BLOCK:
        return _verdict(Outcome.ERROR, [Reason(code=code, text=text, blocking=True)], rules_read, now)
    reasons = [
        Reason(code=code, text=text, blocking=False),
        Reason(code=ReasonCode.ALLOWED_ON_ERROR, text=ALLOWED, blocking=False),
    ]
    return _verdict(Outcome.PASSED, reasons, rules_read, now)


def _verdict(outcome: Outcome, reasons: Sequence[Reason], rules_read: RulesRead | None, now: datetime) -> Verdict:
    return Verdict(outcome=outcome, reasons=tuple(reasons), counts=SeverityCounts(), rules=rules_read, decided_at=now)
