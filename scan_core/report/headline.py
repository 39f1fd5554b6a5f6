"""What a gate's page says first: the verdict in a sentence, and what to do next."""

from dataclasses import dataclass
from typing import Final

from scan_core.model.gate import Decision, Gate, GateState
from scan_core.model.place import CommitPlace, PullRequestPlace
from scan_core.model.verdict import Outcome, ReasonCode
from scan_core.report.advice import advice
from scan_core.report.counts import counted
from scan_core.report.gist import Gist, gist, has
from scan_core.report.place_words import awaited, judged
from scan_core.report.plain import one_line


@dataclass(frozen=True, slots=True)
class Headline:
    """The top of the page. The tone chooses colour and symbol, and never says more than the word does."""

    tone: str
    word: str
    sentence: str
    advice: tuple[str, ...]


_OUTCOMES: Final = {
    Outcome.PASSED: ("good", "Passed", ("passes", "pass")),
    Outcome.FAILED: ("bad", "Failed", ("does not pass", "do not pass")),
    Outcome.ERROR: ("warn", "Error", ("could not be judged", "could not be judged")),
    Outcome.NOT_APPLICABLE: ("off", "Not applicable", ("is not judged", "are not judged")),
}
_PERMISSIONS: Final = {
    ReasonCode.ALLOWED_ON_ERROR: "There is no conclusive result: the rules let errors through. What went wrong stands "
    "under Attempts.",
    ReasonCode.NOTHING_TO_JUDGE: "Nothing was judged, and the rules let that pass (on_nothing: allow).",
    ReasonCode.POLICY_AUDIT: "No Qualys policy matched, so none was evaluated (AUDIT): the rules accept that.",
}
"""What a pass may rest on other than on what was found."""
_ITSELF: Final = "This page renews itself every 10 seconds."


def headline(gate: Gate) -> Headline:
    """Say how a gate stands and what to do about it.

    Args:
        gate: The gate.

    Returns:
        The verdict in a sentence, or what is being waited for.
    """
    match gate.state:
        case GateState.DECIDED if gate.decision:
            return _decided(gate, gate.decision)
        case GateState.WAITING:
            publish = "Publish the pull request and it is scanned, without another push."
            return Headline(
                "wait", "Waiting", "This pull request is a draft: it is scanned once published.", (publish,)
            )
        case GateState.SUPERSEDED:
            return _superseded(gate)
        case GateState.CLOSED:
            return Headline("off", "Closed", f"{_end_of(gate)}, so nothing is waited for any more.", ())
        case _:
            return _open(gate)


def _superseded(gate: Gate) -> Headline:
    if isinstance(gate.place, CommitPlace):
        counts = "The status of the branch’s newest commit is the one that counts."
        return Headline("off", "Superseded", "A newer commit of the branch has replaced this one.", (counts,))
    if not isinstance(gate.place, PullRequestPlace):
        return Headline("off", "Superseded", "A newer state of the pipeline has replaced this one.", ())
    newer = "Open the status on the pull request again to see the newer one."
    return Headline("off", "Superseded", "A newer state of the pull request has replaced this one.", (newer,))


def _end_of(gate: Gate) -> str:
    match gate.place:
        case PullRequestPlace():
            return "The pull request was completed or abandoned"
        case CommitPlace() as place if place.ref is not None:
            return "The branch was deleted, or its pushes are not judged any more"
        case _:
            return "What this gate stood in has ended"


def _open(gate: Gate) -> Headline:
    problem = one_line(gate.problem or "").rstrip(".")
    if problem:
        return Headline("wait", "Scanning", f"Delayed: {problem}.", (f"Scangate tries again by itself. {_ITSELF}",))
    nothing = (f"Nothing has to be done. {_ITSELF}",)
    whole = awaited(gate).with_verb("is", "are")
    whole = whole[:1].upper() + whole[1:]
    if gate.ahead is None:
        return Headline("wait", "Scanning", f"{whole} being scanned.", nothing)
    before = f"about {counted(gate.ahead, 'scan')} before it" if gate.ahead else "next in turn"
    return Headline("wait", "Queued", f"{whole} waiting for a free worker, {before}.", nothing)


def _decided(gate: Gate, decision: Decision) -> Headline:
    tone, word, verbs = _OUTCOMES[decision.outcome]
    sentence = _sentence(judged(gate).with_verb(*verbs), gist(decision))
    if decision.outcome is Outcome.PASSED:
        permissions = tuple(says for code, says in _PERMISSIONS.items() if has(decision, code))
        return Headline(
            "warn" if permissions else tone, word, sentence, permissions[:1] or ("Nothing has to be done.",)
        )
    if decision.outcome is Outcome.NOT_APPLICABLE:
        return Headline(tone, word, sentence, ("Nothing has to be done.",))
    return Headline(tone, word, sentence, advice(gate, decision))


def _sentence(opening: str, said: Gist) -> str:
    joint = "." if said.phrase[0].isupper() else ":"
    whole = f"{opening}{joint} {said.phrase} {said.aside}".rstrip()
    return whole if whole[-1] in ".?!…" else f"{whole}."
