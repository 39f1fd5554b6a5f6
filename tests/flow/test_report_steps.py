"""The steps of reporting a gate."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from scan_core.flow import gate_steps, report_steps
from scan_core.model.gate import Status, StatusState
from tests.builders import NOON, a_gate

STATUS = Status(state=StatusState.PENDING, description="Scanning")
LATER = NOON + timedelta(minutes=10)
LEASE = timedelta(seconds=90)


class TestReporting:
    def test_one_reports_at_a_time(self) -> None:
        """Another has to wait until the lease ends."""
        mine = report_steps.leased(a_gate(), "me", NOON, LEASE)
        assert mine is not None
        assert report_steps.leased(mine, "you", NOON, LEASE) is None
        assert report_steps.leased(mine, "me", NOON, LEASE) is not None
        assert report_steps.leased(mine, "you", NOON + LEASE, LEASE) is not None

    def test_what_was_posted_is_noted_by_its_poster_alone(self) -> None:
        """Who lost the lease has no say any more."""
        mine = report_steps.leased(a_gate(tries=3), "me", NOON, LEASE)
        assert mine is not None
        after = report_steps.posted(mine, "me", STATUS, NOON)
        assert after is not None
        assert (after.posted, after.tries, after.reporter) == (STATUS, 0, None)
        assert report_steps.posted(mine, "you", STATUS, NOON) is None

    def test_a_failed_post_is_tried_later(self) -> None:
        """The row says when, and why."""
        mine = report_steps.leased(a_gate(), "me", NOON, LEASE)
        assert mine is not None
        after = report_steps.unposted(mine, "me", "throttled", LATER)
        assert after is not None
        assert (after.tries, after.next_try_at, after.report_problem, after.reporter) == (1, LATER, "throttled", None)
        assert report_steps.unposted(mine, "you", "throttled", LATER) is None

    def test_while_somebody_posts_it_is_not_known_what_is_shown(self) -> None:
        """Nor after a failure, which the post may have survived, nor after one that came too late."""
        shown = a_gate(posted=STATUS)
        mine = report_steps.leased(shown, "me", NOON, LEASE)
        assert mine is not None
        assert mine.posted is None
        failed = report_steps.unposted(mine, "me", "reset", LATER)
        assert failed is not None
        assert failed.posted is None
        assert report_steps.doubted(shown).posted is None

    def test_after_a_failed_post_there_is_a_pause(self) -> None:
        """Until its end nobody posts."""
        assert report_steps.rests(a_gate(next_try_at=LATER), NOON)
        assert not report_steps.rests(a_gate(next_try_at=LATER), LATER)
        assert not report_steps.rests(a_gate(), NOON)

    def test_a_lease_can_be_given_back(self) -> None:
        """Where there was nothing to post after all."""
        mine = report_steps.leased(a_gate(), "me", NOON, LEASE)
        assert mine is not None
        back = report_steps.yielded(mine, "me")
        assert back is not None
        assert back.reporter is None
        assert report_steps.yielded(mine, "you") is None


class TestPauses:
    @given(st.integers(0, 5000), st.integers(1, 300))
    def test_end_in_time_for_the_deadline(self, passed: int, pause: int) -> None:
        """At the time-out at the latest, and from there on again and again; after it they are what they are."""
        gate, now = a_gate(), NOON + timedelta(seconds=passed)
        shortened = report_steps.pause_in_time(gate, pause, 0, now)
        if now >= gate.deadline:
            assert shortened == pause
        else:
            assert shortened <= pause
            until = max(gate_steps.time_out_at(gate), now + timedelta(seconds=15))
            assert now + timedelta(seconds=shortened) <= until

    @given(st.integers(0, 5000), st.integers(1, 300), st.floats(0, 4000))
    def test_are_never_shorter_than_asked_for(self, passed: int, pause: int, least: float) -> None:
        """Whoever asks for a pause gets it, whatever the deadline."""
        usual = max(pause, int(least) + 1)
        assert report_steps.pause_in_time(a_gate(), usual, least, NOON + timedelta(seconds=passed)) >= least
