"""Verdicts of gates that no scan result decides."""

from collections.abc import Callable

import pytest

from scan_core.model.rules import OnError, OnNothing, RulesRead
from scan_core.model.verdict import Outcome, ReasonCode, Verdict
from scan_core.rules.unscanned import (
    disabled,
    merge_conflicts,
    nothing_to_judge,
    refused,
    rules_unreadable,
    service_error,
    timed_out,
)
from tests.rules.builders import NOW, rules_read


def test_a_gate_that_is_switched_off_is_not_applicable() -> None:
    """And nothing blocks."""
    verdict = disabled(rules_read(enabled=False), NOW)
    assert verdict.outcome is Outcome.NOT_APPLICABLE
    assert [(each.code, each.blocking) for each in verdict.reasons] == [(ReasonCode.DISABLED, False)]


def test_unreadable_rules_are_an_error_with_every_problem() -> None:
    """They can allow nothing."""
    verdict = rules_unreadable(".scangate.yml, line 3: unknown key", NOW, ["another"])
    assert verdict.outcome is Outcome.ERROR
    assert [each.text for each in verdict.reasons] == [".scangate.yml, line 3: unknown key", "another"]
    assert {each.code for each in verdict.reasons} == {ReasonCode.RULES_UNREADABLE}


@pytest.mark.parametrize("rules", [None, rules_read(), rules_read(on_error=OnError.ALLOW)])
def test_merge_conflicts_are_for_the_author_to_resolve(rules: RulesRead | None) -> None:
    """Letting errors pass does not help."""
    verdict = merge_conflicts(rules, NOW)
    assert verdict.outcome is Outcome.ERROR
    assert "resolve the conflicts" in verdict.reasons[0].text


@pytest.mark.parametrize(
    ("make", "code"), [(timed_out, ReasonCode.TIMED_OUT), (service_error, ReasonCode.SERVICE_ERROR)]
)
class TestWithoutResult:
    @pytest.mark.parametrize("rules", [None, rules_read()])
    def test_it_is_an_error(self, make: Callable[..., Verdict], code: ReasonCode, rules: RulesRead | None) -> None:
        """Also where the rules are not known."""
        verdict = make(rules, "No worker came.", NOW)
        assert verdict.outcome is Outcome.ERROR
        assert [(each.code, each.text, each.blocking) for each in verdict.reasons] == [(code, "No worker came.", True)]
        assert (verdict.rules, verdict.decided_at) == (rules, NOW)

    def test_the_rules_may_let_it_pass_visibly(self, make: Callable[..., Verdict], code: ReasonCode) -> None:
        """Both the error and the allowance are shown."""
        verdict = make(rules_read(on_error=OnError.ALLOW), "No worker came.", NOW)
        assert verdict.outcome is Outcome.PASSED
        assert [(each.code, each.blocking) for each in verdict.reasons] == [
            (code, False),
            (ReasonCode.ALLOWED_ON_ERROR, False),
        ]


def test_nothing_to_judge_blocks_unless_the_rules_let_it_pass() -> None:
    """Visibly in either case."""
    blocked, passed = nothing_to_judge(rules_read(), NOW), nothing_to_judge(rules_read(on_nothing=OnNothing.ALLOW), NOW)
    assert (blocked.outcome, blocked.reasons[0].blocking) == (Outcome.ERROR, True)
    assert (passed.outcome, passed.reasons[0].blocking) == (Outcome.PASSED, False)
    assert passed.reasons[0].text.endswith("; the rules let that pass (on_nothing: allow)")


def test_what_cannot_be_answered_is_refused() -> None:
    """Whatever any rules say."""
    verdict = refused("The check does not say which build it stands in", NOW)
    assert (verdict.outcome, verdict.reasons[0].code, verdict.rules) == (Outcome.ERROR, ReasonCode.REFUSED, None)
