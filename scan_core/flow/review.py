"""Reviewing a verdict: do the rules and the results that it was made from still hold? If not, it is judged again."""

from datetime import timedelta

from scan_core.devops.errors import DevOpsError
from scan_core.devops.pull_requests import PullRequest
from scan_core.flow import gate_steps, gates, review_steps, scans
from scan_core.flow.change import change_gate
from scan_core.flow.gate_steps import Question
from scan_core.flow.images_steps import asked_of
from scan_core.flow.pull_request import asked_by, target_rules
from scan_core.flow.pull_request_steps import iteration_of
from scan_core.flow.rules_reading import NotYet
from scan_core.flow.scan_steps import Freshness
from scan_core.flow.services import Services
from scan_core.model.gate import Decision, Gate, GateState
from scan_core.model.rules import RulesRead
from scan_core.model.subject import StatusName
from scan_core.model.verdict import Outcome, ReasonCode, Verdict
from scan_core.rules.rules_file import RulesUnreadable
from scan_core.rules.unscanned import disabled, rules_unreadable
from scan_core.telemetry import emit


class BranchRules:
    """The rules of target branches as they are now, each branch read once."""

    def __init__(self, services: Services) -> None:
        """Know nothing yet.

        Args:
            services: The doors to the outside.
        """
        self._services = services
        self._known: dict[tuple[str, str], RulesRead | RulesUnreadable | None] = {}

    def of(self, pull_request: PullRequest) -> RulesRead | RulesUnreadable | None:
        """Read the rules that a pull request is under.

        Args:
            pull_request: The pull request as it was read.

        Returns:
            The rules, or what is wrong with their file; None where that cannot be found out for this branch.

        Raises:
            DevOpsError: Azure DevOps as a whole gives no answers now.
        """
        key = (pull_request.ref.repository_id, pull_request.target_ref)
        if key not in self._known:
            self._known[key] = self._read(pull_request)
        return self._known[key]

    def _read(self, pull_request: PullRequest) -> RulesRead | RulesUnreadable | None:
        try:
            return target_rules(self._services, pull_request, None)
        except RulesUnreadable as unreadable:
            return unreadable
        except NotYet as not_yet:
            sentence = str(not_yet)
        except DevOpsError as error:
            if error.everywhere:
                raise
            sentence = error.sentence
        emit("rules_not_compared", repository=pull_request.ref.repository_id, sentence=sentence)
        return None


def rules_hold(gate: Gate, found: RulesRead | RulesUnreadable) -> bool:
    """Tell whether a verdict was made under the rules as they are now.

    Args:
        gate: A gate.
        found: The rules of its target branch, or what is wrong with them.

    Returns:
        Whether the file and the organisation's defaults together say the same, in whatever words, or are equally
        unreadable. True for a gate that is about to be judged, and for a verdict that no rules had a part in.
    """
    if gate.state is GateState.WAITING and gate.rules is not None:
        return not isinstance(found, RulesUnreadable) and gate.rules.rules == found.rules
    if not review_steps.has_verdict(gate) or gate.decision is None:
        return True
    unreadable = _unreadable_by(gate.decision)
    if isinstance(found, RulesUnreadable):
        return unreadable == found.sentences[: gates.REASONS_KEPT]
    if gate.decision.outcome is Outcome.NOT_APPLICABLE or not found.rules.enabled:
        return gate.decision.outcome is Outcome.NOT_APPLICABLE and not found.rules.enabled
    if unreadable:
        return False
    return gate.rules is None or (gate.rules.rules == found.rules and _misses_the_same(gate, found))


def _misses_the_same(gate: Gate, found: RulesRead) -> bool:
    """Tell whether rules keep from a gate's images what its verdict missed: once, they may not have been readable."""
    if iteration_of(gate).name is not StatusName.IMAGE:
        return True
    return asked_of(gate.place, found, gate.builds).missing == gate.missing


def results_hold(services: Services, gate: Gate) -> bool:
    """Tell whether the results behind a verdict still count. A failure to get one counts for as long as a result.

    Args:
        services: The doors to the outside.
        gate: A gate.

    Returns:
        Whether none is older than the time for which results count, or was replaced by a newer one. True for a gate
        without a verdict, and for one that waits for no scan.
    """
    if not review_steps.has_verdict(gate) or gate.decision is None or not gate.waits_for:
        return True
    ttl = timedelta(seconds=services.settings.result_ttl_seconds)
    if not gate.decision.judged:
        return services.now() - gate.decision.decided_at <= ttl
    # Of whatever scanner's version: where the version in use is set wrongly, every review would scan again.
    freshness = Freshness(ttl, None)
    rows = {scan: services.scans.read(scan) for scan in gate.waits_for}
    conclusions = {scan: row.value.conclusion for scan, row in rows.items() if row is not None}
    return all(
        conclusion is None
        or ((scan, conclusion.attempt) in gate.decision.judged and freshness.holds(conclusion, services.now()))
        for scan, conclusion in conclusions.items()
    )


def judge_again(
    services: Services, gate: Gate, pull_request: PullRequest, found: RulesRead | RulesUnreadable, why: str
) -> bool:
    """Judge a decided gate again: from stored results where they are fresh, by a new scan where not.

    The gate's row is changed in one write that knows the new rules, so whoever drives it on judges before reporting.

    Args:
        services: The doors to the outside.
        gate: The gate as it was read.
        pull_request: Its pull request as it was read.
        found: The rules of its target branch, or what is wrong with them.
        why: What does not hold any more, in a word.

    Returns:
        Whether it is judged again; False where the gate moved on meanwhile, or Azure DevOps has first to work out what
        is to be scanned.
    """
    asked = _asked(services, gate, pull_request, found)
    if asked is None:
        return False
    services.gates.touch(gate.place.subject, services.now())
    if not _taken(services, gate, asked, why):
        return False
    emit("gate_judged_again", gate=gate.gate_id, why=why)
    scans.leave_all(services, gate)  # before it joins again: who still waits would take a result of any age
    gates.advance(services, gate.gate_id)
    return True


def _asked(
    services: Services, gate: Gate, pull_request: PullRequest, found: RulesRead | RulesUnreadable
) -> Question | Verdict | None:
    if isinstance(found, RulesUnreadable):
        return rules_unreadable(found.sentence, services.now(), found.sentences[1:])
    if iteration_of(gate).name is StatusName.IMAGE:
        # What its images stood for stays; only how they are scanned and judged may change.
        same = asked_of(gate.place, found, gate.builds)
        return same if found.rules.enabled else disabled(found, services.now())
    try:
        return asked_by(services, gate, pull_request, found)
    except NotYet:
        return None


def _taken(services: Services, gate: Gate, asked: Question | Verdict, why: str) -> bool:
    if isinstance(asked, Verdict):
        return gates.decide(services, gate, asked, taken=review_steps.decided_again, why=why)
    now, limit = services.now(), timedelta(seconds=services.settings.deadline_seconds)

    def step(row: Gate) -> Gate | None:
        moved = not gate_steps.asks_the_same(row, gate)
        return None if moved else review_steps.asked_again(row, asked, now, limit, why)

    return change_gate(services.gates, gate.gate_id, step) is not None


def _unreadable_by(decision: Decision) -> tuple[str, ...]:
    return tuple(reason.text for reason in decision.reasons if reason.code is ReasonCode.RULES_UNREADABLE)
