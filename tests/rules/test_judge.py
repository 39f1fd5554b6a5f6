"""Judging: the worst counts, and every reason is given."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.ids import ScanId
from scan_core.model.rules import OnAudit, OnError, Rules, RulesRead, Thresholds
from scan_core.model.target import Mode
from scan_core.model.verdict import (
    Outcome,
    PolicyDecision,
    ReasonCode,
    ScanFailure,
    ScanResult,
    SeverityCounts,
    Verdict,
)
from scan_core.rules.image_names import full_name
from scan_core.rules.judge import judge
from tests.rules.builders import NOW, failure, finding, image, result, rules_read, secret

CRITICAL, HIGH, MEDIUM, LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW


_INCOMPLETE: tuple[list[ScanResult | ScanFailure], ...] = ([], [failure()], [failure(), result()])


def texts(verdict: Verdict) -> list[str]:
    """What a verdict says, in its order."""
    return [reason.text for reason in verdict.reasons]


class TestLimits:
    def test_every_limit_that_is_exceeded_is_named(self) -> None:
        """With the count and the limit."""
        findings = [
            finding(severity, f"{severity} {number}")
            for severity in (CRITICAL, HIGH, MEDIUM, LOW)
            for number in range(3)
        ]
        limits = Thresholds(max_critical=0, max_high=2, max_medium=3, max_low=1)
        verdict = judge([result(*findings)], rules_read(thresholds=limits), NOW)
        assert verdict.outcome is Outcome.FAILED
        assert texts(verdict) == [
            "3 critical findings, at most 0 allowed",
            "3 high findings, at most 2 allowed",
            "3 low findings, at most 1 allowed",
        ]
        assert {reason.code for reason in verdict.reasons} == {ReasonCode.COUNT}

    def test_one_finding_is_spoken_of_in_the_singular(self) -> None:
        """People read it."""
        assert texts(judge([result(finding(CRITICAL))], rules_read(), NOW)) == ["1 critical finding, at most 0 allowed"]

    def test_a_severity_blocks_itself_and_what_is_worse(self) -> None:
        """The other vocabulary."""
        findings = (finding(CRITICAL, "a"), finding(MEDIUM, "b"), finding(LOW, "c"))
        verdict = judge([result(*findings)], rules_read(thresholds=Thresholds(fail_on_severity=MEDIUM)), NOW)
        assert [(each.code, each.text) for each in verdict.reasons] == [
            (ReasonCode.SEVERITY, "1 critical and 1 medium findings; the rules fail on medium and worse")
        ]

    def test_what_is_within_the_limits_passes_and_says_so(self) -> None:
        """With what was found all the same."""
        verdict = judge([result(finding(MEDIUM, "a"), finding(LOW, "b"))], rules_read(), NOW)
        assert verdict.outcome is Outcome.PASSED
        assert texts(verdict) == ["1 medium and 1 low findings, within the limits"]
        assert [reason.code for reason in verdict.reasons] == [ReasonCode.WITHIN_LIMITS]

    def test_nothing_found_passes(self) -> None:
        """In two words."""
        for limits in (Thresholds(), Thresholds(fail_on_severity=Severity.INFORMATIONAL)):
            assert texts(judge([result()], rules_read(thresholds=limits), NOW)) == ["no findings"]

    def test_secrets_have_a_limit_of_their_own(self) -> None:
        """In either mode."""
        found = result(secrets=(secret("a"), secret("b")), policy=PolicyDecision.ALLOW)
        for mode in Mode:
            verdict = judge([found], rules_read(mode=mode), NOW)
            assert texts(verdict) == ["2 secrets in the source, at most 0 allowed"]
            assert verdict.outcome is Outcome.FAILED
        assert judge([found], rules_read(max_secrets=None), NOW).outcome is Outcome.PASSED
        assert judge([found], rules_read(max_secrets=2), NOW).outcome is Outcome.PASSED


class TestPolicy:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_a_denial_fails_in_either_mode(self, mode: Mode) -> None:
        """Explained from the findings and the tags, because QScanner leaves no reasons."""
        denied = result(finding(LOW), policy=PolicyDecision.DENY)
        verdict = judge([denied], rules_read(mode=mode, policy_tags=("prod", "web")), NOW)
        assert verdict.outcome is Outcome.FAILED
        assert texts(verdict) == ["Qualys policies (tags prod, web) deny this: 1 low finding"]
        assert verdict.reasons[0].code is ReasonCode.POLICY_DENY

    def test_an_allowance_passes_whatever_the_limits_say(self) -> None:
        """In evaluate-policy the policies decide."""
        allowed = result(finding(CRITICAL), policy=PolicyDecision.ALLOW)
        verdict = judge([allowed], rules_read(mode=Mode.EVALUATE_POLICY, policy_tags=("prod",)), NOW)
        assert verdict.outcome is Outcome.PASSED
        assert texts(verdict) == ["Qualys policies (tag prod) allow this: 1 critical finding"]

    @pytest.mark.parametrize(("on_audit", "outcome"), [(OnAudit.PASS, Outcome.PASSED), (OnAudit.FAIL, Outcome.FAILED)])
    def test_an_audit_is_its_own_state(self, on_audit: OnAudit, outcome: Outcome) -> None:
        """Nothing was evaluated, and that is said."""
        verdict = judge(
            [result(policy=PolicyDecision.AUDIT)], rules_read(mode=Mode.EVALUATE_POLICY, on_audit=on_audit), NOW
        )
        assert verdict.outcome is outcome
        assert [reason.code for reason in verdict.reasons] == [ReasonCode.POLICY_AUDIT]
        assert "nothing was evaluated" in verdict.reasons[0].text

    def test_no_decision_where_one_was_asked_for_is_an_error(self) -> None:
        """It is not an allowance."""
        verdict = judge([result()], rules_read(mode=Mode.EVALUATE_POLICY), NOW)
        assert (verdict.outcome, verdict.reasons[0].code) == (Outcome.ERROR, ReasonCode.SCAN_FAILED)


class TestErrors:
    def test_nothing_to_judge_is_an_error(self) -> None:
        """No scan is no clean scan."""
        verdict = judge([], rules_read(), NOW)
        assert (verdict.outcome, verdict.reasons[0].code) == (Outcome.ERROR, ReasonCode.NOTHING_TO_JUDGE)

    def test_a_failed_scan_is_an_error_with_its_sentence(self) -> None:
        """However clean the others are."""
        verdict = judge([result(), failure("It broke.")], rules_read(), NOW)
        assert (verdict.outcome, texts(verdict)) == (Outcome.ERROR, ["It broke."])
        assert verdict.scans == ("a" * 40, "b" * 40)

    def test_the_same_sentence_stands_once(self) -> None:
        """Ten scans may fail for one reason."""
        assert len(judge([failure(), failure(scan="c" * 40)], rules_read(), NOW).reasons) == 1

    def test_a_violation_outweighs_an_error(self) -> None:
        """Both are told, and no retry would undo the first."""
        verdict = judge([failure("It broke."), result(finding(CRITICAL))], rules_read(), NOW)
        assert verdict.outcome is Outcome.FAILED
        assert texts(verdict) == ["1 critical finding, at most 0 allowed", "It broke."]

    def test_the_rules_may_let_errors_pass_visibly(self) -> None:
        """Both the error and the allowance are shown."""
        for results in _INCOMPLETE:
            verdict = judge(results, rules_read(on_error=OnError.ALLOW), NOW)
            assert verdict.outcome is Outcome.PASSED
            assert ReasonCode.ALLOWED_ON_ERROR in {reason.code for reason in verdict.reasons}
            assert not any(reason.blocking for reason in verdict.reasons)

    def test_letting_errors_pass_lets_no_violation_pass(self) -> None:
        """What was found still counts."""
        verdict = judge([failure(), result(finding(CRITICAL))], rules_read(on_error=OnError.ALLOW), NOW)
        assert verdict.outcome is Outcome.FAILED
        assert verdict.reasons[0].blocking


APP, WEB, ARM = image(), image("web", digit="b"), image(platform="arm64", digit="c")
IMAGES = {ScanId(digit * 40): of for digit, of in zip("abc", (APP, WEB, ARM), strict=True)}


def in_app(*findings: Finding, **other: Any) -> ScanResult:
    """What the first image's scan brought."""
    return result(*findings, scan="a" * 40, **other)


def in_web(*findings: Finding, **other: Any) -> ScanResult:
    """What the second image's scan brought."""
    return result(*findings, scan="b" * 40, **other)


class TestImages:
    def test_one_image_is_spoken_of_as_a_source_is(self) -> None:
        """Only its secrets are in the image."""
        found = in_app(finding(CRITICAL), secrets=(secret(),))
        assert texts(judge([found], rules_read(), NOW, IMAGES)) == [
            "1 critical finding, at most 0 allowed",
            "1 secret in the image, at most 0 allowed",
        ]

    def test_the_worst_image_is_named(self) -> None:
        """With how many are over the limit."""
        ends = [in_app(finding(CRITICAL), secrets=(secret(),)), in_web(finding(CRITICAL), finding(CRITICAL, "b"))]
        verdict = judge([*ends, result(scan="c" * 40)], rules_read(), NOW, IMAGES)
        assert texts(verdict) == [
            "2 critical findings in web, at most 0 allowed; over the limit: 2 of 3 images",
            "1 secret in team/app (linux/amd64), at most 0 allowed; over the limit: 1 of 3 images",
        ]

    def test_each_image_is_held_to_the_limits_by_itself(self) -> None:
        """Two images of one base are not twice as bad."""
        ends = [in_app(finding(HIGH)), in_web(finding(HIGH, "b"))]
        verdict = judge(ends, rules_read(thresholds=Thresholds(max_high=1)), NOW, IMAGES)
        assert texts(verdict) == ["2 high findings in 2 images, within the limits"]
        assert verdict.counts.high == 2

    def test_a_severity_names_the_worst(self) -> None:
        """In the other vocabulary."""
        ends = [in_app(finding(HIGH), finding(HIGH, "b")), in_web(finding(CRITICAL))]
        verdict = judge(ends, rules_read(thresholds=Thresholds(fail_on_severity=HIGH)), NOW, IMAGES)
        assert texts(verdict) == [
            "1 critical finding in web; the rules fail on high and worse; over the limit: 2 of 2 images"
        ]

    def test_nothing_found(self) -> None:
        """In how many."""
        assert texts(judge([in_app(), in_web()], rules_read(), NOW, IMAGES)) == ["no findings in 2 images"]
        allowed = judge([in_app(), failure()], rules_read(on_error=OnError.ALLOW), NOW, IMAGES)
        assert "no findings in 1 of 2 images" in texts(allowed)

    def test_policies(self) -> None:
        """Say for how many of the images, and name one."""
        ends = [
            in_app(finding(LOW), policy=PolicyDecision.DENY),
            in_web(policy=PolicyDecision.AUDIT),
            result(policy=PolicyDecision.ALLOW, scan="c" * 40),
        ]
        rules = rules_read(mode=Mode.EVALUATE_POLICY)
        assert texts(judge(ends, rules, NOW, IMAGES)) == [
            "Qualys policies deny 1 of 3 images, such as team/app (linux/amd64): 1 low finding",
            "No Qualys policy matched for 1 of 3 images, so nothing was evaluated; the rules let this pass (on_audit)",
        ]
        assert texts(judge(ends[1:], rules, NOW, IMAGES))[-1] == "Qualys policies allow 1 of 2 images: no findings"

    def test_what_failed_is_named(self) -> None:
        """Once, however many failed alike; what was not found names itself."""
        gone = ScanFailure(scan_id=None, sentence="a.b/x:1 is not in its registry.")
        ends: list[ScanResult | ScanFailure] = [failure("It broke.", "c" * 40), in_web()]
        ends += [failure("It broke.", "a" * 40), gone]
        assert texts(judge(ends, rules_read(), NOW, IMAGES)) == [
            "It broke (team/app (linux/amd64) and 1 more).",
            "a.b/x:1 is not in its registry.",
        ]
        assert texts(judge([failure("It broke.", "c" * 40), in_web()], rules_read(), NOW, IMAGES)) == [
            "It broke (team/app)."
        ]

    def test_source_and_image_together(self) -> None:
        """A check may judge both."""
        ends = [result(secrets=(secret(),), scan="d" * 40), in_web(secrets=(secret(),))]
        verdict = judge(ends, rules_read(), NOW, IMAGES)
        assert texts(verdict) == ["1 secret in the source, at most 0 allowed; over the limit: 2 of 2 scans"]
        assert verdict.secrets[0].targets == ("the source", full_name(WEB))

    def test_the_same_finding_of_two_images_says_where_it_is(self) -> None:
        """Its layer is told only where it is the same."""
        ours = finding(layer="1" * 64, layer_command="RUN a")
        theirs = finding(CRITICAL, layer="2" * 64, layer_command="RUN a")
        (merged,) = judge([in_app(ours), in_web(theirs)], rules_read(), NOW, IMAGES).findings
        assert merged.targets == (full_name(APP), full_name(WEB))
        assert (merged.severity, merged.layer, merged.layer_command) == (CRITICAL, None, "RUN a")
        (alone,) = judge([in_app(ours)], rules_read(), NOW, IMAGES).findings
        assert (alone.targets, alone.layer) == ((full_name(APP),), "1" * 64)

    def test_a_source_names_no_place(self) -> None:
        """There is only one."""
        verdict = judge([result(finding(), secrets=(secret(),))], rules_read(), NOW)
        assert (verdict.findings[0].targets, verdict.secrets[0].targets) == ((), ())


class TestMerging:
    def test_findings_of_several_scans_are_counted_once_and_sorted(self) -> None:
        """The worst severity of each, the worst first, then by package."""
        one = result(finding(LOW, "b"), finding(HIGH, "z"))
        two = result(finding(CRITICAL, "b"), finding(HIGH, "a"), scan="c" * 40)
        verdict = judge([one, two], rules_read(), NOW)
        assert [(each.package, each.severity) for each in verdict.findings] == [
            ("b", CRITICAL),
            ("a", HIGH),
            ("z", HIGH),
        ]
        assert verdict.counts == SeverityCounts(critical=1, high=2)

    def test_secrets_are_counted_once_and_sorted(self) -> None:
        """By path and line."""
        one, two = result(secrets=(secret("b"), secret("a", 9))), result(secrets=(secret("b"), secret("a", None)))
        assert judge([one, two], rules_read(), NOW).secrets == (secret("a", None), secret("a", 9), secret("b"))

    def test_the_verdict_holds_rules_and_time(self) -> None:
        """It explains itself without anything else."""
        rules = rules_read()
        verdict = judge([result()], rules, NOW)
        assert (verdict.rules, verdict.decided_at) == (rules, NOW)


_FINDINGS = st.builds(
    finding, st.sampled_from(Severity), st.sampled_from("abc"), qid=st.sampled_from(["1", "2"]), path=st.just("p")
)
_LIMIT = st.none() | st.integers(0, 4)
_RULES = st.builds(
    Rules,
    mode=st.sampled_from(Mode),
    thresholds=st.builds(Thresholds, fail_on_severity=st.none() | st.sampled_from(Severity))
    | st.builds(Thresholds, max_critical=_LIMIT, max_high=_LIMIT, max_medium=_LIMIT, max_low=_LIMIT),
    max_secrets=_LIMIT,
    on_audit=st.sampled_from(OnAudit),
    on_error=st.sampled_from(OnError),
).map(lambda rules: rules_read().model_copy(update={"rules": rules}))
_RESULTS = st.builds(
    lambda findings, secrets, policy, scan: result(*findings, secrets=tuple(secrets), policy=policy, scan=scan * 40),
    st.lists(_FINDINGS, max_size=5),
    st.lists(st.builds(secret, st.sampled_from("xy"), st.integers(1, 3)), max_size=3),
    st.sampled_from(PolicyDecision),
    st.sampled_from("abcd"),
)
_ENDS = st.lists(_RESULTS | st.builds(failure), max_size=3)
_BADNESS = {Outcome.PASSED: 0, Outcome.ERROR: 1, Outcome.FAILED: 2}


class TestAlways:
    @given(_ENDS, _RULES, _FINDINGS, st.builds(secret, st.sampled_from("xyz")))
    def test_finding_more_never_makes_it_better(
        self, ends: list[ScanResult | ScanFailure], rules: RulesRead, more: Finding, leak: FoundSecret
    ) -> None:
        """Neither one more finding nor one more secret."""
        before = judge(ends, rules, NOW, IMAGES).outcome
        for number, end in enumerate(ends):
            if isinstance(end, ScanResult):
                grown = end.model_copy(update={"findings": (*end.findings, more), "secrets": (*end.secrets, leak)})
                after = judge([*ends[:number], grown, *ends[number + 1 :]], rules, NOW, IMAGES).outcome
                assert _BADNESS[after] >= _BADNESS[before]

    @given(_ENDS, _RULES)
    def test_one_more_failure_never_makes_it_better(
        self, ends: list[ScanResult | ScanFailure], rules: RulesRead
    ) -> None:
        """Unless there was nothing to judge before."""
        before, after = judge(ends, rules, NOW, IMAGES), judge([*ends, failure("One more.")], rules, NOW, IMAGES)
        assert _BADNESS[after.outcome] >= _BADNESS[before.outcome]
        assert any(text.startswith("One more") for text in texts(after))

    @given(_ENDS, _RULES)
    def test_the_order_of_scans_does_not_matter(self, ends: list[ScanResult | ScanFailure], rules: RulesRead) -> None:
        """Results come in any order."""
        there, back = judge(ends, rules, NOW, IMAGES), judge(ends[::-1], rules, NOW, IMAGES)
        assert (there.outcome, there.counts, set(there.reasons)) == (back.outcome, back.counts, set(back.reasons))

    @given(_ENDS, _RULES)
    def test_the_outcome_agrees_with_its_reasons(self, ends: list[ScanResult | ScanFailure], rules: RulesRead) -> None:
        """A pass has none that blocks, and only complete results or a visible allowance lead to one."""
        verdict = judge(ends, rules, NOW, IMAGES)
        assert verdict.reasons
        assert any(reason.blocking for reason in verdict.reasons) == (verdict.outcome is not Outcome.PASSED)
        complete = bool(ends) and all(isinstance(end, ScanResult) for end in ends)
        if verdict.outcome is Outcome.PASSED and not complete:
            assert ReasonCode.ALLOWED_ON_ERROR in {reason.code for reason in verdict.reasons}
