"""How often and how fast Azure DevOps is called."""

from collections.abc import Callable

import pytest

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.onboarding.patience import TRIES_WHILE_THROTTLED, TRIES_WITHOUT_ANSWER, Patience


class Watch:
    """A clock that notes how long was waited, and words."""

    def __init__(self, *asked: float) -> None:
        self.asked = list(asked)
        self.slept: list[float] = []
        self.said: list[str] = []
        self.calls = 0

    @property
    def patience(self) -> Patience:
        """Give what is tested."""
        return Patience(lambda: self.asked.pop(0) if self.asked else 0.0, self.said.append, self.slept.append)

    def failing(self, kind: DevOpsErrorKind, times: int, retry_after: float | None = None) -> Callable[[], str]:
        """Give a call that fails some times and then gives something."""

        def call() -> str:
            self.calls += 1
            if self.calls <= times:
                raise DevOpsError(kind, "it failed", retry_after=retry_after)
            return "done"

        return call


def test_a_pause_that_was_asked_for_comes_first_and_is_told() -> None:
    """A short one is not worth a word."""
    watch = Watch(12.0, 0.1)
    patience = watch.patience
    assert [patience.once(lambda: "done"), patience.once(lambda: "done"), patience.once(lambda: "done")]
    assert watch.slept == [12.0, 0.1]
    assert watch.said == ["Azure DevOps asks for a pause: 12 s"]


def test_a_refusal_without_a_time_is_waited_out_by_our_own() -> None:
    """With one, the pause comes from the pace."""
    watch = Watch()
    assert watch.patience.once(watch.failing(DevOpsErrorKind.THROTTLED, 2)) == "done"
    assert watch.said == ["Azure DevOps limits the rate of calls; waiting 30 s"] * 2
    watch = Watch(0.0, 7.0)
    assert watch.patience.once(watch.failing(DevOpsErrorKind.THROTTLED, 1, retry_after=7.0)) == "done"
    assert watch.slept == [7.0]


@pytest.mark.parametrize(
    ("kind", "tries"),
    [
        (DevOpsErrorKind.THROTTLED, TRIES_WHILE_THROTTLED),
        (DevOpsErrorKind.TIMED_OUT, 1),
        (DevOpsErrorKind.FORBIDDEN, 1),
    ],
)
def test_what_may_have_been_done_is_not_done_twice(kind: DevOpsErrorKind, tries: int) -> None:
    """Only a refusal for the pace is sure not to have been carried out."""
    watch = Watch()
    with pytest.raises(DevOpsError):
        watch.patience.once(watch.failing(kind, 99))
    assert watch.calls == tries


@pytest.mark.parametrize(
    ("kind", "tries"),
    [
        (DevOpsErrorKind.UNAVAILABLE, TRIES_WITHOUT_ANSWER),
        (DevOpsErrorKind.UNREACHABLE, TRIES_WITHOUT_ANSWER),
        (DevOpsErrorKind.SIGNED_OUT, 1),
        (DevOpsErrorKind.NOT_FOUND, 1),
    ],
)
def test_what_may_be_done_twice_is_tried_again_where_no_answer_came(kind: DevOpsErrorKind, tries: int) -> None:
    """A refusal would only be repeated."""
    watch = Watch()
    with pytest.raises(DevOpsError):
        watch.patience.repeatedly(watch.failing(kind, 99))
    assert watch.calls == tries
    assert len(watch.said) == tries - 1
