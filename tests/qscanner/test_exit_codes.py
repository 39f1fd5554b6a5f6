"""What exit codes mean."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.attempt import AttemptErrorKind
from scan_core.model.target import Mode
from scan_core.model.verdict import PolicyDecision
from scan_core.qscanner.exit_codes import ExitMeaning, error_of, meaning_of, policy_of

CONCLUSIVE = {0, 42, 43}
INCOMPLETE = {33, 37, 39, 40, 41}
UNSUPPORTED = {15, 17}


class TestMeaning:
    @given(st.integers(0, 255))
    def test_every_code_has_one(self, code: int) -> None:
        """Codes that nobody assigned are errors."""
        expected = (
            ExitMeaning.CONCLUSIVE
            if code in CONCLUSIVE
            else ExitMeaning.INCOMPLETE
            if code in INCOMPLETE
            else ExitMeaning.UNSUPPORTED
            if code in UNSUPPORTED
            else ExitMeaning.ERROR
        )
        found = meaning_of(code)
        assert (found.code, found.meaning) == (code, expected)
        assert found.sentence.endswith(".")

    @pytest.mark.parametrize("code", [4, *range(22, 30), 99, 137])
    def test_an_unassigned_code_is_named(self, code: int) -> None:
        """There is nothing else to say about it."""
        assert str(code) in meaning_of(code).sentence


class TestError:
    @given(st.integers(0, 255))
    def test_only_a_conclusive_code_is_none(self, code: int) -> None:
        """40 and 41 least of all."""
        error = error_of(code)
        assert (error is None) == (code in CONCLUSIVE)
        if error is not None:
            assert error.kind.retryable == (code in INCOMPLETE)
            assert (error.kind is AttemptErrorKind.UNSUPPORTED) == (code in UNSUPPORTED)
            assert f"exit code {code}" in error.sentence

    @pytest.mark.parametrize(
        ("code", "number", "says"),
        [
            (None, signal.SIGKILL, "SIGKILL"),
            (-15, None, "SIGTERM"),
            (None, None, "without an exit code"),
            (-200, None, "200"),
        ],
    )
    def test_a_death_by_signal_is_no_result(self, code: int | None, number: int | None, says: str) -> None:
        """However it is reported."""
        error = error_of(code, number)
        assert error is not None
        assert error.kind is AttemptErrorKind.SCANNER_KILLED
        assert says in error.sentence

    def test_a_signal_outweighs_a_good_code(self) -> None:
        """Nobody who was killed has finished."""
        assert error_of(0, signal.SIGKILL) is not None


class TestPolicy:
    @pytest.mark.parametrize(
        ("code", "mode", "decision"),
        [
            (0, Mode.GET_REPORT, PolicyDecision.NONE),
            (0, Mode.EVALUATE_POLICY, PolicyDecision.ALLOW),
            (42, Mode.GET_REPORT, PolicyDecision.DENY),
            (42, Mode.EVALUATE_POLICY, PolicyDecision.DENY),
            (43, Mode.GET_REPORT, PolicyDecision.AUDIT),
            (43, Mode.EVALUATE_POLICY, PolicyDecision.AUDIT),
        ],
    )
    def test_zero_allows_only_where_policies_were_asked(self, code: int, mode: Mode, decision: PolicyDecision) -> None:
        """A run that asked no policy got no answer from one."""
        assert policy_of(code, mode) is decision

    @pytest.mark.parametrize("code", [1, 40, 41, 99])
    def test_an_inconclusive_code_holds_no_decision(self, code: int) -> None:
        """Asking for it is a mistake."""
        with pytest.raises(ValueError, match="not conclusive"):
            policy_of(code, Mode.EVALUATE_POLICY)
