"""One instance of the function app: the real triggers and wiring over doors that the test can close."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol
from unittest.mock import patch

import requests

from scan_core import triggers, wiring, workers
from scan_core.devops.client import DevOps
from scan_core.flow import results
from scan_core.intake.answers import Answer
from scan_core.registry.client import Registry
from scan_core.rules.rules_file import rules_from_mapping
from scan_core.runner.api import Runner
from scan_core.settings.deployment import Settings
from tests.faults.doors import close_storage, tolled_devops, tolled_storage
from tests.faults.post_office import PostOffice, TimedQueues
from tests.faults.toll import Toll
from tests.flow.fakes import Clock, TimedAttempts
from tests.flow.world import ORG
from tests.local.devops.driver import TOKEN

HOOK_SECRET: Final = "planted-hook-secret-of-the-faults"
CHECK_SECRET: Final = "planted-check-secret-of-the-faults"
SIGNING_KEY: Final = "planted-signing-key-of-the-faults-0123456789"
SEALING_KEY: Final = "planted-sealing-key-of-the-faults-0123456789"
TIMERS: Final = {"watch": 15, "reconcile": 60}
"""Seconds between two runs of each of the app's timers."""
_build: Final = wiring.services.__wrapped__
_building: Final = threading.Lock()
_here: Final = threading.local()


class Place(Protocol):
    """Where an instance runs."""

    connection: str
    settings: Settings
    toll: Toll
    office: PostOffice
    clock: Clock

    @property
    def registry(self) -> Registry:
        """What holds images."""
        ...

    @property
    def runner(self) -> Runner:
        """What starts workers."""
        ...

    def note(self, request: requests.PreparedRequest) -> None:
        """Keep record of a request to Azure DevOps right before it is sent."""
        ...


@dataclass(eq=False)
class Instance:
    """A process of the function app. It is thrown away when it dies; nothing of it is left but storage."""

    place: Place
    now: Callable[[], datetime]

    def __post_init__(self) -> None:
        self.toll = self.place.toll
        self.settings = self.place.settings
        self.storage = tolled_storage(self.place.connection, self.toll, "app")
        self.door = wiring.Door(self.settings, TimedQueues(self.storage, self.place.office))
        self._adapter: DevOps | None = None
        results._kept.clear()  # the memory of the process that died
        own: dict[str, Any] = {
            "settings": lambda: self.settings,
            "now": self.now,
            "back_door": lambda: self.door,
            "_storage": lambda: self.storage,
            "_devops": lambda _: self.devops,
            "_default_rules": lambda: rules_from_mapping(self.settings.default_rules),
            "_registry_client": lambda _: self.place.registry,
        }
        runner = patch.object(workers, "runner_of", lambda *_: self.place.runner)
        with _building, patch.multiple(wiring, **own), runner:
            built = _build()
        # How long ago a worker was heard of is what storage says; here, time passes by the test's clock.
        self.services = replace(built, attempts=TimedAttempts(self.storage, self.place.clock))

    @property
    def devops(self) -> DevOps:
        """The adapter, made when it is first needed."""
        if self._adapter is None:
            url = self.settings.organisations[ORG].url
            seconds = self.settings.devops_timeout_seconds
            self._adapter = tolled_devops(self.toll, self.place.note, ORG, url, TOKEN, seconds=seconds)
            self._adapter._pace._clock = lambda: self.now().timestamp()
        return self._adapter

    def close(self) -> None:
        """Give the connections back."""
        if self._adapter is not None:
            self._adapter.close()
        close_storage(self.storage)

    # ------------------------------------------------------------------------------------------------ triggers

    def receive(self, authorization: str, body: bytes) -> Answer:
        """Take a hook's delivery."""
        return self._run(lambda: triggers.receive(ORG, authorization, body))

    def receive_check(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Answer:
        """Take a check of a pipeline."""
        return self._run(lambda: triggers.receive_check(ORG, headers, query, body))

    def take_request(self, body: bytes) -> None:
        """Take a message of ``scan-requests``."""
        self._run(lambda: triggers.take_request(body))

    def take_result(self, body: bytes) -> None:
        """Take a message of ``scan-results``."""
        self._run(lambda: triggers.take_result(body))

    def take_poisoned(self, queue: str, body: bytes) -> None:
        """Take a message that failed again and again."""
        take = triggers.take_poisoned_request if queue == "scan-requests" else triggers.take_poisoned_result
        self._run(lambda: take(body))

    def fire(self, timer: str) -> None:
        """Let a timer fire."""
        self._run(getattr(triggers, timer))

    def _run[T](self, call: Callable[[], T]) -> T:
        _here.instance = self
        try:
            return call()
        finally:
            _here.instance = None


@contextmanager
def hosted() -> Iterator[None]:
    """Have the triggers of this process run as whichever instance the calling thread is.

    Yields:
        Once, while it is so.
    """
    theirs: dict[str, Any] = {
        "settings": lambda: _here.instance.settings,
        "now": lambda: _here.instance.now(),  # noqa: PLW0108 - it is another one each time
        "door": lambda: _here.instance.door,
        "services": lambda: _here.instance.services,
        "_storage": lambda: _here.instance.storage,
    }
    secrets = patch.object(triggers, "_hook_secrets", lambda: {ORG: (HOOK_SECRET,)})
    with patch.multiple(wiring, **theirs), secrets:
        yield
