"""A whole deployment under the test's clock: instances, workers, queues, developers and their Azure DevOps."""

import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import requests
from azure.core.exceptions import AzureError

from scan_core.intake.answers import Answer
from scan_core.runner.api import Runner
from scan_core.settings.deployment import Settings
from scan_core.store.connection import Storage
from tests.faults.crew import Crew, attempts_link
from tests.faults.doors import close_storage, tolled_links, tolled_storage
from tests.faults.events import Events
from tests.faults.instance import HOOK_SECRET, TIMERS, Instance
from tests.faults.post_office import REQUESTS, RESULTS, Letter, PostOffice
from tests.faults.proposals import Developers, Proposal
from tests.faults.registry import TolledRegistry
from tests.faults.toll import Killed, Toll
from tests.flow.fakes import Clock
from tests.intake.deliveries import basic, event
from tests.local.devops.driver import Sim

if TYPE_CHECKING:
    from tests.faults.workshop import Workshop

LEASE_SECONDS: Final = 600
"""After this long a message comes back whose process died (Microsoft, "Azure Queue storage trigger": 10 minutes)."""
FAILED_SECONDS: Final = 30
"""After this long a message comes back whose function failed (host.json, visibilityTimeout)."""
MOST_TAKEN: Final = 5
"""How often a message is tried before it is poison (host.json, maxDequeueCount)."""
_HOOK_SECONDS: Final = 60
_STEPS: Final = (15, 15, 30, 60, 120)
"""Seconds that pass in a round in which nobody did anything; the longer nobody does, the longer."""
_POSTED: Final = re.compile(r"/pullRequests/(\d+)(?:/iterations/(\d+))?/statuses$", re.IGNORECASE)
_LOOKED: Final = re.compile(r"/pullRequests/(\d+)/iterations$", re.IGNORECASE)


@dataclass(frozen=True)
class Post:
    """A status on its way to Azure DevOps."""

    at: datetime
    pull_request: int
    iteration: int
    name: str
    state: str
    known_latest: int
    """The latest iteration there was when the app last asked before it posted."""


@dataclass(frozen=True)
class Sent:
    """A call to Azure DevOps that changes something, right before it is made."""

    at: datetime
    method: str
    path: str
    body: Any
    """Its JSON; None where it is something else."""


@dataclass(frozen=True)
class Hook:
    """Something that Azure DevOps tells, and tells again where nobody takes it."""

    deliver: Callable[[Instance], Answer]
    """Tells it as things are when it is told."""
    accepted: Callable[[datetime], None] = lambda _: None
    """Hears when it was taken."""
    answer: int = 202
    """The status that says so; 503 is the only other one that it may get."""


@dataclass(frozen=True)
class Late:
    """A hook that its sender sends later, or again."""

    hook: Hook
    due_at: datetime


@dataclass
class Estate:
    """Everything, and time."""

    connection: str
    settings: Settings
    storage: Storage
    """Reached without a toll, to look at what stands there."""
    sim: Sim
    developers: Developers
    toll: Toll
    clock: Clock
    office: PostOffice
    skews: tuple[float, ...] = (0.0,)
    """How far each instance's clock is off, in seconds; one instance for each."""
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    runs: Callable[[Crew, Clock], Runner] = lambda crew, _: crew
    """Makes what the app starts workers with; the crew itself does."""

    def __post_init__(self) -> None:
        links = tolled_links(self.connection, self.toll, "worker")
        natures = self.developers.nature
        reached = tolled_storage(self.connection, self.toll, "worker")
        queue = attempts_link(reached)
        close_storage(reached)
        self.crew = Crew(self.toll, links, self.office, self.clock, lambda name: natures[name], queue)
        self.runner = self.runs(self.crew, self.clock)
        self.registry = TolledRegistry(self.toll)
        self.workshop: Workshop | None = None
        """What is pushed, built and checked in this story beside pull requests."""
        self.posts: list[Post] = []
        self.sent: list[Sent] = []
        self.late_hooks: list[Late] = []
        self.surprises: list[BaseException] = []
        """What went wrong that is not a dependency's fault."""
        self.excused = timedelta(0)
        """By how much a deadline may be missed, because time jumped or Azure DevOps was away."""
        self.is_devops_away = False
        self.after_step: Callable[[], None] = lambda: None
        """Called whenever somebody has finished what they were doing, or failed at it."""
        self._asked: dict[tuple[int, int], int] = {}
        self._fired = dict.fromkeys(TIMERS, self.clock())
        self._quiet_rounds = 0
        self.events = Events()
        self.events.attach()
        self.instances = [self._new(skew) for skew in self.skews]

    def close(self) -> None:
        """Give everything back."""
        self.events.detach()
        for instance in self.instances:
            instance.close()

    # ---------------------------------------------------------------------------------------- life and death

    def _new(self, skew: float) -> Instance:
        return Instance(self, lambda: self.clock() + timedelta(seconds=skew))

    def restart(self, instance: Instance) -> None:
        """Put a new process in the place of one that died."""
        place = self.instances.index(instance)
        self.toll.revive()
        instance.close()
        self.instances[place] = self._new(self.skews[place])

    @contextmanager
    def mortal(self, instance: Instance) -> Iterator[None]:
        """Do something as an instance, which may die of it and is then started again."""
        try:
            yield
        except Killed:
            self.restart(instance)
        finally:
            self.after_step()

    def any_instance(self) -> Instance:
        """Choose an instance."""
        return self.dice.choice(self.instances)

    # ---------------------------------------------------------------------------------------- what arrives

    def tell(self, proposal: Proposal) -> None:
        """Deliver a hook about a proposal; where nobody answers, its sender sends it again."""
        self.hear(self.hook_of(proposal))

    def hook_of(self, proposal: Proposal) -> Hook:
        """Make the hook that tells of a proposal."""

        def deliver(instance: Instance) -> Answer:
            return instance.receive(basic(HOOK_SECRET), json.dumps(event(proposal.pull.json())).encode())

        def accepted(at: datetime) -> None:
            proposal.told_at.setdefault(proposal.iteration, at)

        return Hook(deliver, accepted)

    def hear(self, hook: Hook) -> None:
        """Deliver a hook; where nobody answers, its sender sends it again."""
        instance = self.any_instance()
        statuses: list[int] = []
        with self.mortal(instance):
            statuses.append(hook.deliver(instance).status)
        self.office.collect()
        if statuses == [hook.answer]:
            hook.accepted(self.clock())
            return
        assert statuses in ([], [503]), statuses
        self.late_hooks.append(Late(hook, self.clock() + timedelta(seconds=_HOOK_SECONDS)))

    def serve(self) -> int:
        """Deliver every message that is due, in no order that means anything.

        Returns:
            How many.
        """
        self.office.collect()
        served = 0
        while due := [(name, letter) for name in (REQUESTS, RESULTS) for letter in self.office.due(name)]:
            self.deliver(*self.dice.choice(due))
            served += 1
            assert served < 200, "messages breed messages"
        return served

    def deliver(self, queue: str, letter: Letter, instance: Instance | None = None) -> None:
        """Have an instance take a message, as the Functions host does."""
        instance = instance or self.any_instance()
        letter.taken += 1
        self.office.hide(letter, LEASE_SECONDS)
        with self.mortal(instance):
            if letter.taken <= MOST_TAKEN and self._is_taken(queue, letter, instance):
                self.office.finish(queue, letter)
            elif letter.taken >= MOST_TAKEN:
                with suppress(AzureError):  # then it stays in the poison queue, hidden until its lease ends
                    instance.take_poisoned(queue, letter.body)
                    self.office.finish(queue, letter)
            else:
                self.office.hide(letter, FAILED_SECONDS)

    def _is_taken(self, queue: str, letter: Letter, instance: Instance) -> bool:
        take = instance.take_request if queue == REQUESTS else instance.take_result
        try:
            take(letter.body)
        except Exception as error:  # noqa: BLE001 - as the host: whatever it was, the message comes back
            if not isinstance(error, AzureError):
                self.surprises.append(error)
            return False
        return True

    def fire(self) -> None:
        """Let the timers fire that are due, each on one instance."""
        for name, every in TIMERS.items():
            if (self.clock() - self._fired[name]).total_seconds() >= every:
                self._fired[name] = self.clock()
                self.fire_now(name)

    def fire_now(self, name: str, instance: Instance | None = None) -> None:
        """Let one timer fire."""
        instance = instance or self.any_instance()
        with self.mortal(instance):
            try:
                instance.fire(name)
            except Exception as error:  # noqa: BLE001 - as the host: the timer fires again
                self.surprises.append(error)

    # ---------------------------------------------------------------------------------------- time

    def round(self) -> bool:
        """Let everybody do what there is to do, then let time pass.

        Returns:
            Whether anybody did anything.
        """
        due = [late for late in self.late_hooks if late.due_at <= self.clock()]
        self.late_hooks = [late for late in self.late_hooks if late not in due]
        for late in due:
            self.hear(late.hook)
        is_busy = bool(len(due) + self.serve() + self._work())
        self._quiet_rounds = 0 if is_busy else self._quiet_rounds + 1
        if not is_busy:
            # Workers that run give a sign of life at every step.
            self.clock.advance(_STEPS[0] if self.crew.jobs else _STEPS[min(self._quiet_rounds, len(_STEPS)) - 1])
        self.fire()
        return is_busy

    def _work(self) -> int:
        try:
            return self.crew.work()
        finally:
            self.after_step()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, everybody at work, even where nothing needs attention."""
        ends = self.clock() + timedelta(seconds=seconds)
        while self.clock() < ends:
            self.round()

    def settle(self, rounds: int = 300) -> None:
        """Let everybody do their work, and time pass, until nothing needs attention."""
        self.crew.release()
        for _ in range(rounds):
            is_busy = self.round()
            if not is_busy and self.is_quiet():
                return
        raise AssertionError(f"not quiet after {rounds} rounds: {self.remains()}")

    def reconcile(self) -> None:
        """Let so much time pass that reconciling has seen everything: from here on no lost hook is an excuse."""
        self.settle()
        self.pass_time(2 * self.settings.reconcile_seconds + 2 * self.settings.verify_seconds)
        self.developers.trust()
        self.settle()

    def until(self, condition: Callable[[], bool], what: str, rounds: int = 200) -> None:
        """Let everybody do their work until something is so."""
        for _ in range(rounds):
            if condition():
                return
            self.round()
        raise AssertionError(f"waited {rounds} rounds for {what}: {self.remains()}")

    def is_quiet(self) -> bool:
        """Tell whether nothing needs attention."""
        waiting = self.office.letters[REQUESTS] or self.office.letters[RESULTS] or self.late_hooks
        return not waiting and self.crew.is_idle and not self.agenda()

    def agenda(self) -> list[str]:
        """List the subjects that need attention."""
        rows = self.storage.tables.get_table_client("gates").query_entities("PartitionKey eq 'agenda'")
        return [str(row["RowKey"]) for row in rows]

    def remains(self) -> dict[str, Any]:
        """Tell what keeps it from being quiet."""
        letters = {name: [letter.text[:300] for letter in found] for name, found in self.office.letters.items()}
        jobs = [(job.execution, job.is_held) for job in self.crew.jobs]
        return {"letters": letters, "agenda": self.agenda(), "jobs": jobs, "hooks": len(self.late_hooks)}

    # ---------------------------------------------------------------------------------------- record

    def note(self, request: requests.PreparedRequest) -> None:
        """Keep record of a request to Azure DevOps right before it is sent; let it fail while that is away."""
        if self.is_devops_away:
            raise requests.ConnectionError("Azure DevOps is away")
        path, asker = str(request.url).partition("?")[0], threading.get_ident()
        if looked := _LOOKED.search(path):
            number = int(looked[1])
            self._asked[asker, number] = self._latest(number)
        is_json = "json" in str(request.headers.get("Content-Type"))
        body: Any = json.loads(request.body) if is_json and request.body else None
        if request.method != "GET":
            self.sent.append(Sent(self.clock(), str(request.method), path, body))
        if request.method == "POST" and (posted := _POSTED.search(path)):
            number = int(posted[1])
            known = self._asked.pop((asker, number), self._latest(number))
            name, state = str(body["context"]["name"]), str(body.get("state"))
            self.posts.append(Post(self.clock(), number, int(posted[2] or 0), name, state, known))

    def _latest(self, pull_request: int) -> int:
        found = (proposal for proposal in self.developers.proposals if proposal.pull.id == pull_request)
        return next((proposal.iteration for proposal in found), 0)
