"""The states of a scan."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.flow import scan_steps
from scan_core.flow.scan_steps import Freshness, Wanted
from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.model.ids import AttemptNumber, GateId
from scan_core.model.scan import Conclusion, Scan, ScanState
from scan_core.model.target import scan_id
from tests.builders import NOON, a_profile, a_target, gate_name

DAY = timedelta(hours=24)
FRESH = Freshness(DAY, None)
PAUSE = timedelta(seconds=5)
LOST = AttemptError(kind=AttemptErrorKind.LOST, sentence="lost")
FINAL = AttemptError(kind=AttemptErrorKind.SCANNER_FAILED, sentence="failed")
STOPPED = AttemptError(kind=AttemptErrorKind.CANCELLED, sentence="stopped")
TARGET, PROFILE = a_target(), a_profile()
FIRST, SECOND = gate_name(1), gate_name(2)


def wanted(gate: GateId = FIRST) -> Wanted:
    """What a gate wants."""
    return Wanted(scan_id(TARGET, PROFILE), TARGET, PROFILE, gate)


def join(scan: Scan | None, gate: GateId = FIRST, now: datetime = NOON) -> Scan:
    """Join; it must change something."""
    after = scan_steps.joined(scan, wanted(gate), FRESH, now)
    assert after is not None
    return after


def conclusion(attempt: int = 1, at: datetime = NOON) -> Conclusion:
    """A conclusive end."""
    return Conclusion(attempt=AttemptNumber(attempt), manifest_sha256="a" * 64, scanner_version="4.1", finished_at=at)


def concluded(scan: Scan, attempt: int = 1, at: datetime = NOON) -> Scan:
    """Conclude; it must change something."""
    after = scan_steps.concluded(scan, conclusion(attempt, at))
    assert after is not None
    return after


def failed(scan: Scan, attempt: int, error: AttemptError = LOST, cap: int = 3) -> Scan | None:
    """End an attempt without a result."""
    return scan_steps.failed(scan, AttemptNumber(attempt), error, NOON, cap=cap, pause=PAUSE)


def must[T](value: T | None) -> T:
    """Give what must be there."""
    assert value is not None
    return value


class TestJoining:
    def test_the_first_gate_opens_the_first_attempt(self) -> None:
        """Work begins with whoever wants it first."""
        scan = join(None)
        assert (scan.state, scan.current.number, scan.waiters) == (ScanState.ACTIVE, 1, (FIRST,))

    def test_the_second_gate_shares_the_attempt(self) -> None:
        """Equal work runs once."""
        scan = join(join(None), SECOND)
        assert (scan.current.number, scan.waiters) == (1, (FIRST, SECOND))

    def test_joining_twice_changes_nothing(self) -> None:
        """A repeated request is ordinary."""
        assert scan_steps.joined(join(None), wanted(), FRESH, NOON) is None

    def test_a_fresh_result_needs_no_joining(self) -> None:
        """It is judged at once."""
        scan = concluded(join(None))
        assert scan_steps.joined(scan, wanted(SECOND), FRESH, NOON + DAY) is None

    def test_a_stale_result_starts_a_new_round(self) -> None:
        """A result past its time to live is not judged any more."""
        late = NOON + DAY + timedelta(seconds=1)
        scan = must(scan_steps.joined(concluded(join(None)), wanted(SECOND), FRESH, late))
        assert (scan.state, scan.current.number, scan.round_start, scan.waiters) == (ScanState.ACTIVE, 2, 2, (SECOND,))

    def test_a_result_of_another_scanner_version_is_stale(self) -> None:
        """A new scanner may know more."""
        newer = Freshness(DAY, "4.2")
        scan = must(scan_steps.joined(concluded(join(None)), wanted(SECOND), newer, NOON))
        assert scan.current.number == 2

    def test_a_gate_that_waited_takes_its_result_however_long_it_took_to_look(self) -> None:
        """What ended after the gate was opened is new to that gate."""
        scan = concluded(join(None), at=NOON + timedelta(minutes=1))
        assert scan_steps.joined(scan, wanted(FIRST), FRESH, NOON + 3 * DAY) is None

    def test_who_finds_it_stopping_opens_a_new_attempt(self) -> None:
        """The attempt that was told to stop gives no result."""
        stopping = must(scan_steps.left(join(None), FIRST))
        scan = join(stopping, SECOND)
        assert (scan.state, scan.current.number, scan.waiters) == (ScanState.ACTIVE, 2, (SECOND,))

    def test_another_gate_tries_a_failed_scan_again(self) -> None:
        """A new request deserves new attempts; the gate that saw it fail does not start over."""
        gave_up = must(failed(join(None), 1, FINAL))
        assert gave_up.state is ScanState.FAILED
        assert scan_steps.joined(gave_up, wanted(FIRST), FRESH, NOON) is None
        assert join(gave_up, SECOND).round_start == 2


class TestLeaving:
    def test_the_last_one_out_stops_the_attempt(self) -> None:
        """Nobody pays for what nobody waits for."""
        assert must(scan_steps.left(join(None), FIRST)).state is ScanState.STOPPING

    def test_others_keep_it_running(self) -> None:
        """Shared work goes on for who is left."""
        scan = must(scan_steps.left(join(join(None), SECOND), FIRST))
        assert (scan.state, scan.waiters) == (ScanState.ACTIVE, (SECOND,))

    def test_leaving_a_finished_scan_keeps_its_result(self) -> None:
        """A result outlives who asked for it."""
        assert must(scan_steps.left(concluded(join(None)), FIRST)).state is ScanState.CONCLUDED

    @pytest.mark.parametrize("scan", [None, join(None, SECOND)])
    def test_who_does_not_wait_cannot_leave(self, scan: Scan | None) -> None:
        """Leaving twice is ordinary."""
        assert scan_steps.left(scan, FIRST) is None


class TestEnds:
    def test_the_first_conclusive_result_wins(self) -> None:
        """A late one changes nothing."""
        scan = concluded(join(None))
        assert scan_steps.concluded(scan, conclusion(1)) is None

    def test_an_attempt_thought_lost_may_still_conclude_its_round(self) -> None:
        """Its result is as good as its successor's."""
        scan = must(failed(join(None), 1))
        after = concluded(scan, 1)
        assert (after.state, must(after.conclusion).attempt, after.attempts[0].error) == (ScanState.CONCLUDED, 1, None)

    @pytest.mark.parametrize("attempt", [0, 2, 9])
    def test_a_result_of_no_attempt_of_the_round_is_ignored(self, attempt: int) -> None:
        """Neither older rounds nor attempts that never were."""
        assert scan_steps.concluded(join(None), conclusion(attempt)) is None

    def test_a_lost_attempt_is_followed_by_another_after_a_pause(self) -> None:
        """The watch queues it when it is due."""
        scan = must(failed(join(None), 1))
        assert (scan.state, scan.current.number, scan.current.due_at) == (ScanState.ACTIVE, 2, NOON + PAUSE)
        assert scan.attempts[0].error == LOST

    def test_at_the_cap_the_scan_fails(self) -> None:
        """Three attempts are enough."""
        scan = join(None)
        for attempt in (1, 2, 3):
            scan = must(failed(scan, attempt))
        assert (scan.state, scan.current.number) == (ScanState.FAILED, 3)

    def test_what_cannot_end_better_is_not_repeated(self) -> None:
        """A repository that is too large stays too large."""
        assert must(failed(join(None), 1, FINAL)).state is ScanState.FAILED

    def test_the_end_of_an_attempt_that_is_not_current_means_nothing(self) -> None:
        """Its successor is under way."""
        assert failed(must(failed(join(None), 1)), 1) is None

    def test_a_stopped_attempt_does_not_count_against_the_cap(self) -> None:
        """Pushing often must not use up attempts."""
        scan = join(None)
        for attempt in range(1, 6):
            stopping = must(scan_steps.left(scan, FIRST))
            ended = must(failed(stopping, attempt, STOPPED))
            assert ended.state is ScanState.FAILED
            scan = join(ended, FIRST)
        assert scan.state is ScanState.ACTIVE

    def test_an_attempt_that_was_told_to_stop_does_not_count_before_it_has_ended(self) -> None:
        """Who comes back at once has all attempts of the round, however often."""
        scan = join(None)
        for _ in range(5):
            scan = join(must(scan_steps.left(scan, FIRST)), FIRST)
        assert scan_steps.attempts_spent(scan) == 1
        assert concluded(scan, 2).state is ScanState.CONCLUDED

    def test_stopping_attempts_may_still_conclude(self) -> None:
        """What finished before it heard is kept."""
        stopping = must(scan_steps.left(join(None), FIRST))
        assert concluded(stopping).state is ScanState.CONCLUDED


class TestRecords:
    def test_queueing_and_claiming_are_noted_once_for_the_current_attempt(self) -> None:
        """The clocks count from here."""
        scan = must(scan_steps.queued(join(None), AttemptNumber(1), NOON))
        assert scan.current.queued_at == NOON
        assert scan_steps.claimed(scan, AttemptNumber(2), "worker-1", NOON) is None
        scan = must(scan_steps.claimed(scan, AttemptNumber(1), "worker-1", NOON))
        assert scan.current.execution == "worker-1"
        assert scan_steps.claimed(scan, AttemptNumber(1), "worker-1", NOON) is None
        assert scan_steps.queued(scan, AttemptNumber(2), NOON) is None
        assert scan_steps.queued(None, AttemptNumber(1), NOON) is None
        assert scan_steps.claimed(None, AttemptNumber(1), "worker-1", NOON) is None
        assert scan_steps.concluded(None, conclusion()) is None
        assert failed(must(scan_steps.left(concluded(join(None)), FIRST)), 1) is None


STEPS: dict[str, Callable[[Scan | None], Scan | None]] = {
    "join first": lambda scan: scan_steps.joined(scan, wanted(FIRST), FRESH, NOON),
    "join second": lambda scan: scan_steps.joined(scan, wanted(SECOND), FRESH, NOON),
    "leave first": lambda scan: scan_steps.left(scan, FIRST),
    "leave second": lambda scan: scan_steps.left(scan, SECOND),
    "end well": lambda scan: scan_steps.concluded(scan, conclusion(scan.current.number if scan else 1)),
    "lost": lambda scan: scan and failed(scan, scan.current.number, LOST),
    "fail": lambda scan: scan and failed(scan, scan.current.number, FINAL),
    "stop": lambda scan: scan and failed(scan, scan.current.number, STOPPED),
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=40))
def test_whatever_happens_a_scan_keeps_its_promises(names: list[str]) -> None:
    """Active means that somebody waits; attempts only grow; a conclusion names an attempt that was; the cap holds."""
    scan: Scan | None = None
    for name in names:
        after = STEPS[name](scan)
        if after is None:
            continue
        assert scan is None or after.current.number >= scan.current.number
        scan = after
        assert len(scan.attempts) <= 10
        if scan.state is ScanState.ACTIVE:
            assert scan.waiters
        if scan.state is ScanState.CONCLUDED:
            assert must(scan.conclusion).attempt <= scan.current.number
        assert scan_steps.attempts_spent(scan) <= 3
