"""What a gate's page says first: the verdict in a sentence, and what to do next."""

from dataclasses import dataclass
from typing import Final

from scan_core.model.gate import Decision, Gate, GateState
from scan_core.model.verdict import Outcome, ReasonCode
from scan_core.report.gist import Gist, gist, has
from scan_core.report.plain import one_line


@dataclass(frozen=True, slots=True)
class Headline:
    """The top of the page. The tone chooses colour and symbol, and never says more than the word does."""

    tone: str
    word: str
    sentence: str
    advice: tuple[str, ...]


_AGAIN = "then push to this pull request again; an empty commit is enough"

_ADVICE: Final = {
    ReasonCode.SEVERITY: "Upgrade the packages under Findings to the version in “Fixed in”, then push.",
    ReasonCode.COUNT: "Upgrade the packages under Findings to the version in “Fixed in”, then push.",
    ReasonCode.SECRETS: "Revoke every secret under Secrets first: it stays readable in the history of the branch. "
    "Then remove it from the code and push.",
    ReasonCode.POLICY_DENY: "A policy of the Qualys account denies this commit. What it judged is under Findings; "
    "if the reason is not there, ask whoever keeps the policies.",
    ReasonCode.POLICY_AUDIT: "No Qualys policy matched, and the rules do not accept that. Have one assigned to the "
    "policy tags under Rules, or change on_audit on the target branch.",
    ReasonCode.SCAN_FAILED: "What went wrong stands under Attempts. If the repository is the cause, correct it, "
    f"{_AGAIN}.",
    ReasonCode.RULES_UNREADABLE: f"Correct .scangate.yml on the target branch, {_AGAIN}.",
    ReasonCode.NOTHING_TO_JUDGE: "If this repository holds nothing to scan, switch its gate off: enabled: false in "
    ".scangate.yml on the target branch.",
    ReasonCode.MERGE_CONFLICTS: "Resolve the conflicts with the target branch and push.",
    ReasonCode.TIMED_OUT: f"A result that still arrives replaces this one. If none does, {_AGAIN}.",
    ReasonCode.SERVICE_ERROR: "The change itself is not the cause. Wait until the service answers, " + _AGAIN + ".",
}

_OUTCOMES: Final = {
    Outcome.PASSED: ("good", "Passed", "This change passes"),
    Outcome.FAILED: ("bad", "Failed", "This change does not pass"),
    Outcome.ERROR: ("warn", "Error", "This change could not be judged"),
    Outcome.NOT_APPLICABLE: ("off", "Not applicable", "This change is not judged"),
}


def headline(gate: Gate) -> Headline:
    """Say how a gate stands and what to do about it.

    Args:
        gate: The gate.

    Returns:
        The verdict in a sentence, or what is being waited for.
    """
    match gate.state:
        case GateState.DECIDED if gate.decision:
            return _decided(gate.decision)
        case GateState.WAITING:
            advice = "Publish the pull request and it is scanned, without another push."
            return Headline("wait", "Waiting", "This pull request is a draft: it is scanned once published.", (advice,))
        case GateState.SUPERSEDED:
            advice = "Open the status on the pull request again to see the newer one."
            return Headline("off", "Superseded", "A newer state of the pull request has replaced this one.", (advice,))
        case GateState.CLOSED:
            sentence = "The pull request was completed or abandoned, so nothing is waited for any more."
            return Headline("off", "Closed", sentence, ())
        case _:
            return _open(gate)


def _open(gate: Gate) -> Headline:
    problem = one_line(gate.problem or "").rstrip(".")
    sentence = f"Delayed: {problem}." if problem else f"Commit {gate.scanned_commit[:7]} is being scanned."
    advice = "Nothing has to be done. This page renews itself every 10 seconds."
    if problem:
        advice = "Scangate tries again by itself. This page renews itself every 10 seconds."
    return Headline("wait", "Scanning", sentence, (advice,))


def _decided(decision: Decision) -> Headline:
    tone, word, opening = _OUTCOMES[decision.outcome]
    sentence = _sentence(opening, gist(decision))
    if decision.outcome is Outcome.PASSED:
        return Headline(_passed_tone(decision), word, sentence, _after_passing(decision))
    if decision.outcome is Outcome.NOT_APPLICABLE:
        return Headline(tone, word, sentence, ("Nothing has to be done.",))
    codes = [reason.code for reason in decision.reasons if reason.blocking]
    advice = tuple(dict.fromkeys(_ADVICE[code] for code in codes if code in _ADVICE))
    return Headline(tone, word, sentence, advice or (f"Look at the reasons below, {_AGAIN}.",))


def _sentence(opening: str, said: Gist) -> str:
    joint = "." if said.phrase[0].isupper() else ":"
    whole = f"{opening}{joint} {said.phrase} {said.aside}".rstrip()
    return whole if whole[-1] in ".?!…" else f"{whole}."


def _passed_tone(decision: Decision) -> str:
    odd = has(decision, ReasonCode.ALLOWED_ON_ERROR) or has(decision, ReasonCode.POLICY_AUDIT)
    return "warn" if odd else "good"


def _after_passing(decision: Decision) -> tuple[str, ...]:
    if has(decision, ReasonCode.ALLOWED_ON_ERROR):
        return ("There is no conclusive result: the rules let errors through. What went wrong stands under Attempts.",)
    if has(decision, ReasonCode.POLICY_AUDIT):
        return ("No Qualys policy matched, so none was evaluated (AUDIT): the rules accept that.",)
    return ("Nothing has to be done.",)
