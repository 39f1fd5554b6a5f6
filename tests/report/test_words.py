"""Counts, times, rules, attempts and headlines in words."""

from datetime import timedelta
from typing import Any

import pytest

from scan_core.model.finding import Severity
from scan_core.model.gate import GateState
from scan_core.model.rules import OnAudit, OnError, Rules, RulesRead, Thresholds
from scan_core.model.scan import Scan, ScanState
from scan_core.model.subject import StatusName
from scan_core.model.target import Mode, ScanType
from scan_core.model.verdict import Outcome, ReasonCode
from scan_core.report.counts import in_words
from scan_core.report.headline import headline
from scan_core.report.moments import clock, lasted
from scan_core.report.progress import attempt_lines, progress
from scan_core.report.rules_words import read_from, rules_in_words
from tests.report.builders import NOW, RULES, attempt, concluded_scan, counts, decided, gate, lost_attempt, reason, scan

SOURCE = frozenset({StatusName.SOURCE})


def test_counts() -> None:
    """The worst first, noughts left out, thousands parted."""
    found = counts(critical=2, low=1200, secrets=2)
    assert in_words(found) == "2 critical, 1,200 low, 2 secrets"
    assert in_words(counts()) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
        (86_399, "23 h 59 min"),
        (100_800, "1 d 4 h"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    """In the two largest units."""
    assert lasted(timedelta(seconds=seconds)) == words


def test_times() -> None:
    """Always in UTC."""
    assert clock(NOW) == "2026-11-23 12:00:00 UTC"


class TestRules:
    def test_where_they_were_read(self) -> None:
        """Branch and commit; the file or the defaults."""
        assert read_from(RULES) == ".scangate.yml on branch main at commit 9999999."
        bare = RulesRead.model_validate({"rules": Rules(), "branch": "refs/heads/release/1"})
        assert read_from(bare) == "The organisation’s defaults: there is no .scangate.yml on branch release/1."

    def test_what_they_ask_for(self) -> None:
        """The defaults, in words."""
        words = dict(rules_in_words(Rules(), SOURCE))
        assert words["Looks for"] == "packages, secrets"
        assert words["Blocks on"] == "any critical, any high, any secret"
        assert words["Qualys policies"] == "not asked"
        assert words["Left out"] == "nothing"
        assert words["Without a result"] == "blocks"

    def test_other_limits(self) -> None:
        """Both vocabularies, and none."""
        assert dict(rules_in_words(Rules(thresholds=Thresholds(max_medium=3), max_secrets=2), SOURCE))["Blocks on"] == (
            "more than 3 medium, more than 2 secrets"
        )
        severe = Rules(thresholds=Thresholds(fail_on_severity=Severity.HIGH), scan_types=(ScanType.PKG,))
        assert dict(rules_in_words(severe, SOURCE))["Blocks on"] == "any finding of severity high or worse"
        free = Rules(thresholds=Thresholds(), max_secrets=None)
        assert dict(rules_in_words(free, SOURCE))["Blocks on"] == "no number of findings"

    def test_policies(self) -> None:
        """Tags, and what happens where none matches."""
        tagged = Rules(mode=Mode.EVALUATE_POLICY, policy_tags=("web",), on_audit=OnAudit.FAIL, on_error=OnError.ALLOW)
        words = dict(rules_in_words(tagged, SOURCE))
        assert words["Qualys policies"] == "those tagged web; where none matches (AUDIT) the gate blocks"
        assert words["Without a result"] == "lets through, visibly"
        default = dict(rules_in_words(Rules(mode=Mode.EVALUATE_POLICY, exclude_dirs=("docs",)), SOURCE))
        assert default["Qualys policies"].startswith("the account’s default policy; ")
        assert default["Left out"] == "docs"


class TestAttempts:
    @pytest.mark.parametrize(
        ("of", "words"),
        [
            (scan(ScanState.ACTIVE, attempt(queued_at=None)), "Attempt 1 of 3 is about to start."),
            (
                scan(ScanState.ACTIVE, attempt(queued_at=None, due_at=NOW + timedelta(seconds=20))),
                "Attempt 1 of 3 starts at 2026-11-23 12:00:20 UTC, in 20 s.",
            ),
            (scan(), "Attempt 1 of 3 waits for a worker since 2026-11-23 11:56:00 UTC (4 min)."),
            (
                scan(
                    ScanState.ACTIVE, lost_attempt(4), attempt(5, claimed_at=NOW - timedelta(seconds=9)), round_start=4
                ),
                "Attempt 2 of 3 is running since 2026-11-23 11:59:51 UTC (9 s).",
            ),
            (
                scan(ScanState.ACTIVE, lost_attempt()),
                "Attempt 1 of 3 has ended without a conclusive result; the next one is about to start.",
            ),
            (
                scan(ScanState.FAILED, lost_attempt()),
                "Attempt 1 of 3 has ended without a conclusive result; there is no further one.",
            ),
            (scan(ScanState.STOPPING), "The scan is being stopped: nothing waits for it any more."),
            (concluded_scan(), "The scan has finished."),
        ],
    )
    def test_progress(self, of: Scan, words: str) -> None:
        """What is happening now; attempts are counted within their round."""
        assert progress(of, 3, NOW) == words

    def test_lines(self) -> None:
        """The newest first, with how long each waited and ran."""
        newest, oldest = attempt_lines(concluded_scan(), NOW)
        assert (newest.number, newest.state, newest.waited, newest.ran) == (2, "Finished", "3 min 10 s", "40 s")
        assert (oldest.state, oldest.error) == ("No result", "The worker ended without a manifest.")

    @pytest.mark.parametrize(
        ("of", "state"),
        [
            (scan(), "Waiting"),
            (scan(ScanState.ACTIVE, attempt(queued_at=None)), "Starting"),
            (scan(ScanState.ACTIVE, attempt(claimed_at=NOW)), "Running"),
            (scan(ScanState.STOPPING, attempt(claimed_at=NOW)), "Stopping"),
        ],
    )
    def test_states(self, of: Scan, state: str) -> None:
        """In a word."""
        assert attempt_lines(of, NOW)[0].state == state


class TestHeadlines:
    @pytest.mark.parametrize(
        ("state", "tone", "word"),
        [
            (GateState.OPEN, "wait", "Scanning"),
            (GateState.WAITING, "wait", "Waiting"),
            (GateState.SUPERSEDED, "off", "Superseded"),
            (GateState.CLOSED, "off", "Closed"),
        ],
    )
    def test_undecided(self, state: GateState, tone: str, word: str) -> None:
        """Each state has its word."""
        top = headline(gate(state))
        assert (top.tone, top.word) == (tone, word)

    def test_a_problem(self) -> None:
        """What delays the gate comes first."""
        top = headline(gate(problem="Azure DevOps did not answer."))
        assert top.sentence == "Delayed: Azure DevOps did not answer."
        assert "tries again by itself" in top.advice[0]

    def test_failed(self) -> None:
        """Advice once for each kind of reason."""
        why = (reason(), reason(), reason("1 secret", code=ReasonCode.SECRETS))
        top = headline(decided(Outcome.FAILED, *why))
        assert top.sentence == (
            "This change does not pass: 2 critical findings, at most 0 allowed (and 2 further reasons)."
        )
        assert len(top.advice) == 2
        assert top.advice[1].startswith("Revoke every secret")

    @pytest.mark.parametrize("code", ReasonCode)
    @pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.ERROR])
    def test_there_is_always_something_to_do(self, outcome: Outcome, code: ReasonCode) -> None:
        """No reason leaves a developer without a next step."""
        assert headline(decided(outcome, reason("Something", code=code))).advice

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("did you mean 'drafts'?", "This change could not be judged: did you mean 'drafts'?"),
            ("The scan was lost.", "This change could not be judged. The scan was lost."),
        ],
    )
    def test_sentences_end_once(self, text: str, sentence: str) -> None:
        """Whatever the reason ends with."""
        assert headline(decided(Outcome.ERROR, reason(text, code=ReasonCode.SCAN_FAILED))).sentence == sentence

    @pytest.mark.parametrize(
        ("changes", "tone", "told"),
        [
            ({"code": ReasonCode.WITHIN_LIMITS}, "good", "Nothing has to be done."),
            ({"code": ReasonCode.POLICY_AUDIT}, "warn", "AUDIT"),
            ({"code": ReasonCode.ALLOWED_ON_ERROR}, "warn", "no conclusive result"),
        ],
    )
    def test_passed(self, changes: dict[str, Any], tone: str, told: str) -> None:
        """A pass that rests on a permission looks different."""
        top = headline(decided(Outcome.PASSED, reason("All is well", blocking=False, **changes)))
        assert (top.tone, top.word) == (tone, "Passed")
        assert told in top.advice[0]

    def test_not_applicable(self) -> None:
        """Switched off is said to be that."""
        top = headline(decided(Outcome.NOT_APPLICABLE, reason("The rules say enabled: false", blocking=False)))
        assert top.sentence == "This change is not judged. The rules say enabled: false."
        assert top.advice == ("Nothing has to be done.",)
