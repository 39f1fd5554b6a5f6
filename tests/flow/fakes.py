"""What stands in for the outside world where the real thing would make a test slow or blind."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from scan_core.model.attempt import Claim, Heartbeat
from scan_core.model.ids import AttemptNumber, ScanId
from scan_core.model.image import ImageDigest, ImageReference, Platform
from scan_core.model.request import Request
from scan_core.registry.manifest import Resolved, ResolvedImage
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from scan_core.runner.api import RunnerError
from scan_core.store.attempts import AttemptStore, Left
from scan_core.store.connection import Storage
from scan_core.store.queues import Queues


class Clock:
    """The time, moved by the test. It starts at the real one, so that links to storage are still good."""

    def __init__(self) -> None:
        """Start."""
        self.moment = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True, eq=False)
class Sent:
    """A request that was queued. Each is itself alone: one request may be queued twice."""

    request: Request
    delay_seconds: int
    due_at: datetime


class HandedQueues(Queues):
    """Real queues, but for requests: those are kept in hand, since their delays count by the test's clock."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        """Use the queues of an account."""
        super().__init__(storage)
        self._clock = clock
        self.sent: list[Sent] = []
        """All requests there ever were."""
        self.requests: list[Sent] = []
        """Those that were not served yet."""

    def send_request(self, request: Request, delay_seconds: int = 0) -> None:
        """Queue a request, and note when it is due."""
        sent = Sent(request, delay_seconds, self._clock() + timedelta(seconds=delay_seconds))
        self.sent.append(sent)
        self.requests.append(sent)


class TimedAttempts(AttemptStore):
    """The folders of attempts, where time passes by the test's clock: it stands in what workers leave."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        """Use the blobs of an account."""
        super().__init__(storage)
        self._clock = clock

    def claim(self, scan: ScanId, attempt: AttemptNumber) -> Left[Claim] | None:
        """Read who took an attempt."""
        left = super().claim(scan, attempt)
        return left and Left(left.document, self._clock() - left.document.claimed_at)

    def heartbeat(self, scan: ScanId, attempt: AttemptNumber) -> Left[Heartbeat] | None:
        """Read when a worker last said that it lives."""
        left = super().heartbeat(scan, attempt)
        return left and Left(left.document, self._clock() - left.document.beat_at)


@dataclass
class RecordingRunner:
    """Remembers what it was asked for; refuses when told to."""

    starts: int = 0
    stopped: list[str] = field(default_factory=list)
    refuses: bool = False
    most: int | None = None
    """How many it starts in all; any number where None."""

    def start(self) -> str | None:
        """Count a start."""
        self._refuse()
        if self.most is not None and self.starts >= self.most:
            return None
        self.starts += 1
        return f"worker-{self.starts}"

    def stop(self, execution: str) -> None:
        """Note a stop."""
        self.stopped.append(execution)
        self._refuse()

    def reason_of(self, execution: str) -> str | None:
        """Nobody knows."""
        return None

    def is_alive(self, execution: str) -> bool | None:
        """Know nothing."""
        return None

    def _refuse(self) -> None:
        if self.refuses:
            raise RunnerError("There is no room for a worker.", transient=True)


class Killed(BaseException):
    """The process died here. Not an Exception: nothing may catch it."""


class Fuse:
    """Burns through after a number of changes, and takes the process with it."""

    def __init__(self, changes: int) -> None:
        """Allow some changes; the last of them still takes effect."""
        self._changes = changes
        self.spent = 0

    @property
    def is_burnt(self) -> bool:
        """Whether the process is dead."""
        return self.spent >= self._changes

    def burn(self) -> None:
        """Count a change that was made."""
        self.spent += 1
        if self.is_burnt:
            raise Killed


_READS = frozenset(
    {
        *(
            "agenda",
            "artifact",
            "attempts_waiting",
            "claim",
            "gate",
            "gates_of",
            "heartbeat",
            "look",
            "manifest",
            "read",
        ),
        *("active_pull_requests", "clone_url", "file_on_branch", "latest_iteration", "links", "pull_request"),
        *("branch_tip", "branches", "completed", "default_branch", "file_at_commit"),
        *("enrolled", "entries", "entry", "followed", "results_link", "slow_down_seconds", "statuses", "turn"),
    }
)
"""Calls that change nothing: to die after one of them is to die after the change before it."""


_PARTS = frozenset({"builds", "checks", "repositories"})
"""What is not called itself, but has calls of its own."""


class Mortal:
    """Passes every call on to what it wraps, and dies with the fuse after a change. The dead make no calls."""

    def __init__(self, target: object, fuse: Fuse) -> None:
        """Wrap something."""
        self._target = target
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        """Find a method of what is wrapped."""
        found = getattr(self._target, name)
        if name in _PARTS:
            return Mortal(found, self._fuse)

        def call(*arguments: Any, **named: Any) -> Any:
            if self._fuse.is_burnt:
                raise Killed
            answer = found(*arguments, **named)
            if name not in _READS:
                self._fuse.burn()
            return answer

        return call


class Meddling:
    """Passes every call on, and does something else right before or after one method's."""

    def __init__(
        self,
        target: object,
        method: str,
        *,
        before: Callable[[], object] = lambda: None,
        after: Callable[[], object] = lambda: None,
        times: int = 1,
    ) -> None:
        """Wrap something; the meddling happens at the first calls only."""
        self._target = target
        self._method = method
        self._before = before
        self._after = after
        self._times = times

    def __getattr__(self, name: str) -> Any:
        """Find a method of what is wrapped."""
        found = getattr(self._target, name)
        if name != self._method:
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._times -= 1
            meddles = self._times >= 0
            if meddles:
                self._before()
            answer = found(*arguments, **named)
            if meddles:
                self._after()
            return answer

        return call


class Having:
    """Azure DevOps with some of its parts replaced."""

    def __init__(self, real: Any, **parts: Any) -> None:
        """Take the real one and the parts."""
        self._real = real
        self._parts = parts

    def __getattr__(self, name: str) -> Any:
        """Find a part, or what the real one has."""
        return self._parts.get(name) or getattr(self._real, name)


class ScriptedRegistry:
    """The registries of an organisation, as a test says they are."""

    def __init__(self) -> None:
        """Hold no image."""
        self.images: dict[str, dict[str, str] | RegistryRefused] = {}
        self.asked: list[str] = []

    def push(self, reference: str, *, platforms: tuple[str, ...] = ("linux/amd64",)) -> str:
        """Put a new image under a reference; gives the digest of its first platform."""
        digests = {each: f"sha256:{secrets.token_hex(32)}" for each in platforms}
        self.images[reference] = digests
        return digests[platforms[0]]

    def refuse(
        self,
        reference: str,
        kind: RefusalKind,
        sentence: str = "The registry refuses.",
        *,
        retry_after: float | None = None,
    ) -> None:
        """Have a reference refused."""
        self.images[reference] = RegistryRefused(kind, sentence, retry_after=retry_after)

    def resolve(
        self, reference: ImageReference, platforms: Sequence[Platform] = (), *, deadline_seconds: float = 30
    ) -> Resolved:
        """Find the digests of a reference."""
        assert deadline_seconds > 0
        self.asked.append(reference.text)
        known = self.images.get(reference.text)
        if isinstance(known, RegistryRefused):
            raise known
        if known is None:
            raise RegistryRefused(RefusalKind.NOT_FOUND, f"{reference.text} is not there.")
        images = tuple(ResolvedImage(each, ImageDigest(known[each.text])) for each in platforms)
        return Resolved(reference, images[0].digest, images)
