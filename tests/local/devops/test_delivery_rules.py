"""How answers to hooks are read."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.devops.clock import Clock
from local.devops.delivery_rules import RETRY_SECONDS, Reading, Reply, after_reply, lost, reading
from local.devops.records import Identity, Notification, Subscription

CREATED = "git.pullrequest.created"
SOMEBODY = Identity("id", "Somebody", "somebody@example.com")


class StoppedClock(Clock):
    """Always tells the same time."""

    def now(self) -> float:
        """Return it."""
        return 1_000_000.0


def a_subscription(**more: Any) -> Subscription:
    """Make a subscription."""
    inputs = {"url": "http://127.0.0.1:1/"}
    made = Subscription(
        "s", "tfs", CREATED, "1.0", "webHooks", "httpRequest", {}, inputs, SOMEBODY, "now", SOMEBODY, "now"
    )
    return replace(made, **more)


A_NOTIFICATION = Notification(7, "s", "e", CREATED, "now", "now", "{}", 0.0)


class TestReadingAnswers:
    @pytest.mark.parametrize(
        ("status", "meaning"),
        [
            (200, Reading.DELIVERED),
            (202, Reading.DELIVERED),
            (204, Reading.DELIVERED),
            (410, Reading.GONE),
            *((code, Reading.TRANSIENT) for code in (None, 408, 502, 503, 504)),
            *((code, Reading.ENDURING) for code in (301, 302, 400, 401, 403, 404, 413, 429, 500, 501)),
        ],
    )
    def test_answers_mean_what_the_documentation_says(self, status: int | None, meaning: Reading) -> None:
        """Success, gone, transient, and everything else."""
        assert reading(Reply(status, "")) is meaning

    def test_transient_failures_are_retried_eight_times_and_then_put_on_probation(self) -> None:
        """With the pauses of the documentation, 183 seconds in all."""
        clock, notification, subscription = StoppedClock(), A_NOTIFICATION, a_subscription()
        pauses = []
        for _ in RETRY_SECONDS:
            subscription, notification = after_reply(subscription, notification, Reply(503, "busy"), clock)
            assert (subscription.status, notification.status) == ("enabled", "queued")
            pauses.append((notification.due or 0) - clock.now())
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
        subscription, notification = after_reply(subscription, notification, Reply(None, "refused"), clock)
        assert (subscription.status, subscription.probe) == ("onProbation", 7)
        assert notification.due == clock.now() + 20 * 60

    def test_probation_doubles_to_fifteen_hours_and_disables_after_seven_failures(self) -> None:
        """Any failure counts, also a transient one."""
        clock = StoppedClock()
        subscription, notification = after_reply(a_subscription(), A_NOTIFICATION, Reply(500, "broken"), clock)
        minutes = []
        while subscription.status == "onProbation":
            minutes.append(((notification.due or 0) - clock.now()) / 60)
            subscription, notification = after_reply(subscription, notification, Reply(503, "busy"), clock)
        assert minutes == [20, 40, 80, 160, 320, 640, 900]
        assert subscription.status == "disabledBySystem"
        assert (notification.status, notification.result, notification.due) == ("completed", "failed", None)

    def test_one_success_ends_probation(self) -> None:
        """The subscription is enabled as if nothing had been."""
        clock = StoppedClock()
        subscription, notification = after_reply(a_subscription(), A_NOTIFICATION, Reply(500, "broken"), clock)
        subscription, notification = after_reply(subscription, notification, Reply(400, "still"), clock)
        assert subscription.probation_retries == 1
        subscription, notification = after_reply(subscription, notification, Reply(200, "fine"), clock)
        assert (subscription.status, subscription.probation_retries, subscription.probe) == ("enabled", 0, None)
        assert (notification.result, notification.error) == ("succeeded", None)

    def test_gone_disables_at_once(self) -> None:
        """Without a second try."""
        subscription, notification = after_reply(a_subscription(), A_NOTIFICATION, Reply(410, "gone"), StoppedClock())
        assert (subscription.status, notification.result) == ("disabledBySystem", "failed")

    def test_what_was_waiting_at_probation_is_lost(self) -> None:
        """It ends as failed."""
        assert lost(A_NOTIFICATION, StoppedClock()).result == "failed"

    @given(st.lists(st.sampled_from([None, 200, 302, 400, 408, 410, 429, 500, 503]), max_size=40))
    def test_whatever_is_answered_a_notification_is_either_due_or_over(self, answers: list[int | None]) -> None:
        """And a subscription is on probation exactly when it has a probe."""
        clock, notification, subscription = StoppedClock(), A_NOTIFICATION, a_subscription()
        for status in answers:
            if notification.due is None:
                break
            subscription, notification = after_reply(subscription, notification, Reply(status, ""), clock)
            assert (notification.due is None) == (notification.status == "completed")
            assert (subscription.status == "onProbation") == (subscription.probe is not None)
