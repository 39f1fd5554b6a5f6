"""How often and how fast Azure DevOps is called: waits where it asks to, and says so."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind

TRIES_WHILE_THROTTLED = 10
TRIES_WITHOUT_ANSWER = 3
_THROTTLED_SECONDS = 30.0
"""Between two tries where a refusal does not say how long; the sliding window is 5 minutes long."""
_AGAIN_SECONDS = 2.0
_WORTH_A_WORD_SECONDS = 0.5
_PAUSE_WORDS = "Azure DevOps asks for a pause:"

_OUTAGES = {
    DevOpsErrorKind.UNAVAILABLE,
    DevOpsErrorKind.TIMED_OUT,
    DevOpsErrorKind.UNREACHABLE,
}


@dataclass(frozen=True)
class Patience:
    """Makes calls, each as often as is safe."""

    asked_to_wait: Callable[[], float]
    """Seconds for which Azure DevOps wants to be left alone."""
    say: Callable[[str], None]
    """Told of each pause, in words."""
    sleep: Callable[[float], None] = time.sleep

    def repeatedly[T](self, call: Callable[[], T]) -> T:
        """Make a call that may be made twice, such as a reading or a deletion: again where there is no answer.

        Args:
            call: Calls Azure DevOps.

        Returns:
            What it gives.

        Raises:
            DevOpsError: It failed for good, or too often.
        """
        for _ in range(TRIES_WITHOUT_ANSWER - 1):
            try:
                return self.once(call)
            except DevOpsError as error:
                if error.kind not in _OUTAGES:
                    raise
                self._pause(_AGAIN_SECONDS, "Azure DevOps does not answer; trying again in")
        return self.once(call)

    def once[T](self, call: Callable[[], T]) -> T:
        """Make a call that must not be made twice: again only where its pace was refused, so it was not carried out.

        Args:
            call: Calls Azure DevOps.

        Returns:
            What it gives.

        Raises:
            DevOpsError: It failed, or was refused for its pace too often.
        """
        for _ in range(TRIES_WHILE_THROTTLED - 1):
            self._pause(self.asked_to_wait(), _PAUSE_WORDS)
            try:
                return call()
            except DevOpsError as error:
                if error.kind is not DevOpsErrorKind.THROTTLED:
                    raise
                if error.retry_after is None:
                    self._pause(_THROTTLED_SECONDS, "Azure DevOps limits the rate of calls; waiting")
        self._pause(self.asked_to_wait(), _PAUSE_WORDS)
        return call()

    def _pause(self, seconds: float, words: str) -> None:
        if seconds <= 0:
            return
        if seconds >= _WORTH_A_WORD_SECONDS:
            self.say(f"{words} {seconds:.0f} s")
        self.sleep(seconds)


def asleep_until(end: datetime, now: Callable[[], datetime], sleep: Callable[[float], None]) -> Callable[[float], None]:
    """Make a sleep for whoever cannot wait for long: a pause that would end too late is an error at once.

    Args:
        end: When the last pause has to be over.
        now: Tells the time.
        sleep: Sleeps for seconds.

    Returns:
        Sleeps for seconds, or raises DevOpsError (THROTTLED) with them as ``retry_after``.
    """

    def pause(seconds: float) -> None:
        if now() + timedelta(seconds=seconds) > end:
            sentence = f"Azure DevOps asks to wait {seconds:.0f} s, longer than this turn lasts"
            raise DevOpsError(DevOpsErrorKind.THROTTLED, sentence, retry_after=seconds)
        sleep(seconds)

    return pause
