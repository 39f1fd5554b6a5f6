"""Status descriptions: the reason in words, on one line, under 200 characters."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.gate import Gate, GateState, StatusState
from scan_core.model.verdict import Outcome, Reason, ReasonCode, SeverityCounts
from scan_core.report.plain import units
from scan_core.report.texts import status_for
from tests.report.builders import counts, decided, gate, reason

texts = st.text(max_size=400)
reasons = st.builds(Reason, code=st.sampled_from(ReasonCode), text=texts, blocking=st.booleans())
numbers = st.builds(SeverityCounts, **dict.fromkeys(SeverityCounts.model_fields, st.integers(0, 10_000_000)))


def shown(of: Gate) -> str:
    """Return the description a gate shows."""
    status = status_for(of)
    assert status
    return status.description


class TestPending:
    def test_scanning(self) -> None:
        """An open gate names the commit."""
        status = status_for(gate())
        assert status
        assert (status.state, status.description) == (StatusState.PENDING, "Scanning 1a2b3c4…")

    def test_a_problem(self) -> None:
        """What delays is said."""
        delayed = gate(problem="Azure DevOps did not answer\nin time")
        assert shown(delayed) == "Scanning 1a2b3c4 is delayed: Azure DevOps did not answer in time"

    def test_a_draft(self) -> None:
        """A draft that is not to be scanned says what it waits for."""
        waiting = status_for(gate(GateState.WAITING))
        assert waiting
        assert (waiting.state, waiting.description) == (StatusState.PENDING, "Draft: waits for publication")


class TestDecided:
    def test_failed(self) -> None:
        """The first blocking reason and how many follow."""
        one, two = reason("2 critical findings, at most 0 allowed."), reason("1 secret, at most 0 allowed")
        note = reason("3 low", blocking=False, code=ReasonCode.WITHIN_LIMITS)
        assert shown(decided(Outcome.FAILED, note, one)) == "Failed: 2 critical findings, at most 0 allowed"
        assert shown(decided(Outcome.FAILED, one, two)).endswith("at most 0 allowed (and 1 further reason)")
        assert shown(decided(Outcome.FAILED, one, two, two)).endswith("(and 2 further reasons)")

    def test_passed_says_what_was_found(self) -> None:
        """A pass is not silent about what it let through."""
        within = reason("all within limits", blocking=False, code=ReasonCode.WITHIN_LIMITS)
        found = counts(medium=3, secrets=1)
        assert shown(decided(Outcome.PASSED, within, counts=found)) == (
            "Passed: no blocking findings (3 medium, 1 secret)"
        )
        assert shown(decided(Outcome.PASSED, within)) == "Passed: no findings"

    def test_passed_in_audit(self) -> None:
        """That no policy matched is seen."""
        audit = reason("no policy matched", blocking=False, code=ReasonCode.POLICY_AUDIT)
        assert shown(decided(Outcome.PASSED, audit)) == "Passed: nothing was evaluated (AUDIT: no policy matched)"
        found = counts(critical=2)
        assert shown(decided(Outcome.PASSED, audit, counts=found)).endswith("(2 critical; AUDIT: no policy matched)")

    def test_passed_by_policy(self) -> None:
        """What the account's policies allow may be what the limits would not."""
        allowed = reason("Qualys policies allow this: 2 critical", blocking=False, code=ReasonCode.POLICY_ALLOW)
        assert shown(decided(Outcome.PASSED, allowed, counts=counts(critical=2))) == (
            "Passed: Qualys policies allow this (2 critical)"
        )

    def test_passed_on_error(self) -> None:
        """That the rules let an error through is seen, and which."""
        allowed = reason("on_error is allow", blocking=False, code=ReasonCode.ALLOWED_ON_ERROR)
        failed = reason("The scan ended 3 times without a result.", blocking=False, code=ReasonCode.SCAN_FAILED)
        assert shown(decided(Outcome.PASSED, allowed, failed)) == (
            "Passed: allowed on error by the rules. The scan ended 3 times without a result"
        )

    def test_passed_with_nothing_to_judge(self) -> None:
        """No package is not the same as no finding."""
        nothing = reason("There is nothing to judge", blocking=False, code=ReasonCode.NOTHING_TO_JUDGE)
        assert shown(decided(Outcome.PASSED, nothing)) == "Passed: There is nothing to judge"

    @pytest.mark.parametrize(
        ("outcome", "state", "description"),
        [
            (Outcome.PASSED, StatusState.SUCCEEDED, "Passed: no findings"),
            (Outcome.FAILED, StatusState.FAILED, "Failed: the rules are not met"),
            (Outcome.ERROR, StatusState.ERROR, "Error: there is no conclusive result"),
            (Outcome.NOT_APPLICABLE, StatusState.NOT_APPLICABLE, "Not applicable: the rules switch this gate off"),
        ],
    )
    def test_without_a_reason(self, outcome: Outcome, state: StatusState, description: str) -> None:
        """Even a decision that gives no reason is put in words."""
        status = status_for(decided(outcome))
        assert status
        assert (status.state, status.description) == (state, description)


@pytest.mark.parametrize("state", [GateState.SUPERSEDED, GateState.CLOSED, GateState.DECIDED])
def test_nothing_is_posted(state: GateState) -> None:
    """For gates that are over, and for a decision that is not there."""
    assert status_for(gate(state)) is None


@given(st.sampled_from(Outcome), st.lists(reasons, max_size=4), numbers)
def test_every_description_fits(outcome: Outcome, why: list[Reason], found: SeverityCounts) -> None:
    """Whatever the reasons say: short, on one line, visible; and AUDIT and allowed errors are told."""
    description = shown(decided(outcome, *why, counts=found))
    fits(description)
    codes = {one.code for one in why}
    if ReasonCode.POLICY_AUDIT in codes:
        assert "AUDIT" in description
    if outcome is Outcome.PASSED and ReasonCode.ALLOWED_ON_ERROR in codes:
        assert "allowed on error" in description


@given(texts)
def test_every_problem_fits(problem: str) -> None:
    """What went wrong elsewhere is foreign text too."""
    fits(shown(gate(problem=problem)))


def fits(description: str) -> None:
    """Check what holds for every description."""
    assert 0 < units(description) < 200
    assert not any(unicodedata.category(character).startswith("C") for character in description)
    assert description == description.strip()
