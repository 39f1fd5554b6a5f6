"""The organisation: everything it remembers, and how things in it are found."""

import hashlib
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from local.devops.clock import Clock
from local.devops.directory import Directory
from local.devops.errors import project_not_found, pull_request_not_found, repository_not_found
from local.devops.faults import ServiceFaults
from local.devops.git import BareRepository
from local.devops.pipeline_records import (
    Build,
    Check,
    Endpoint,
    Environment,
    Plan,
    PlanLog,
    ServerTask,
    Stage,
)
from local.devops.records import (
    CommitStatuses,
    Counter,
    Discussion,
    Identity,
    Notification,
    Policy,
    Project,
    PullRequest,
    Push,
    Repository,
    Subscription,
    Token,
)
from local.devops.store import Store, Table

NAMESPACE = uuid.UUID("5d1cbb1a-6f3c-4b52-9a0e-6a7d1f0c9b11")
"""Ids that must be the same after a restart are derived within this namespace."""


@dataclass(frozen=True)
class Config:
    """How an organisation is set up.

    Attributes:
        data: folder for state and repositories; made when missing.
        organisation: its name.
        tokens: personal access tokens that may do everything.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose.
        base_url: what every link begins with, ending in a slash; set when the server has its port.
        time_scale: what waiting times of hook delivery are multiplied by.
    """

    data: Path
    organisation: str
    tokens: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 0
    base_url: str = "http://127.0.0.1/"
    time_scale: float = 1.0


class Organisation:
    """State of one organisation, guarded by ``store.lock``; git work is guarded per repository."""

    def __init__(self, config: Config, clock: Clock) -> None:
        """Load what a former run left.

        Args:
            config: how it is set up.
            clock: the time.
        """
        config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.config = config
        self.clock = clock
        self.faults = ServiceFaults()
        self.name = config.organisation
        self.store = Store(config.data / "state.sqlite")
        self.projects = Table(self.store, Project)
        self.repositories = Table(self.store, Repository)
        self.pushes = Table(self.store, Push)
        self.pull_requests = Table(self.store, PullRequest)
        self.discussions = Table(self.store, Discussion)
        self.commit_statuses = Table(self.store, CommitStatuses)
        self.policies = Table(self.store, Policy)
        self.builds = Table(self.store, Build)
        self.plans = Table(self.store, Plan)
        self.plan_logs = Table(self.store, PlanLog)
        self.stages = Table(self.store, Stage)
        self.server_tasks = Table(self.store, ServerTask)
        self.environments = Table(self.store, Environment)
        self.endpoints = Table(self.store, Endpoint)
        self.checks = Table(self.store, Check)
        self.subscriptions = Table(self.store, Subscription)
        self.notifications = Table(self.store, Notification)
        self.tokens = Table(self.store, Token)
        self.counters = Table(self.store, Counter)
        self.directory = Directory(self)
        self.merge_delay_seconds = 0.0
        self.wake_delivery = threading.Event()
        self.wake_server_jobs = threading.Event()
        self._git_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    @property
    def url(self) -> str:
        """Address of the organisation, ending in a slash."""
        return f"{self.config.base_url}{self.name}/"

    @property
    def id(self) -> str:
        """The organisation's own id."""
        return self.derived_id("organisation", self.name.lower())

    def derived_id(self, *words: str) -> str:
        """Return an id that is always the same for the same words."""
        return str(uuid.uuid5(NAMESPACE, "/".join(words)))

    def next_number(self, name: str) -> int:
        """Return the next number of a sequence, inside a change.

        Args:
            name: which sequence.
        """
        last = self.counters.get(name)
        value = (last.value if last else 0) + 1
        self.counters.put(name, Counter(name, value))
        return value

    def git(self, repository_id: str) -> BareRepository:
        """Return the bare repository behind a repository.

        Args:
            repository_id: its id.
        """
        return BareRepository(self.config.data / "git" / f"{repository_id}.git")

    def git_lock(self, repository_id: str) -> threading.RLock:
        """Return the lock that writes to a bare repository hold; taken before the state's lock, never after."""
        with self.store.lock:
            return self._git_locks[repository_id]

    def project(self, name_or_id: str) -> Project:
        """Find a project by id or, without case, by name.

        Args:
            name_or_id: as it stood in the URL, decoded.

        Raises:
            ServiceError: 404 when there is none.
        """
        wanted = name_or_id.casefold()
        for project in self.projects.all():
            if wanted in (project.id, project.name.casefold()):
                return project
        raise project_not_found(name_or_id)

    def project_of(self, repository: Repository) -> Project:
        """Return the project that a repository belongs to."""
        return self.project(repository.project_id)

    def repository(self, name_or_id: str, project: Project | None) -> Repository:
        """Find a repository by id or, within a project, by name.

        Args:
            name_or_id: as it stood in the URL, decoded.
            project: where to look; without one only ids are found.

        Raises:
            ServiceError: 404 when there is none.
        """
        wanted = name_or_id.casefold()
        for repository in self.repositories.all():
            if project and repository.project_id != project.id:
                continue
            if repository.id == wanted or (project and repository.name.casefold() == wanted):
                return repository
        raise repository_not_found(name_or_id)

    def repository_by_id(self, repository_id: str) -> Repository:
        """Return a repository that is known to exist.

        Args:
            repository_id: its id.

        Raises:
            ServiceError: 404 when it was deleted meanwhile.
        """
        return self.repository(repository_id, None)

    def pull_request(self, number: int) -> PullRequest:
        """Find a pull request by its number, which is unique in the organisation.

        Args:
            number: its id.

        Raises:
            ServiceError: 404 when there is none.
        """
        found = self.pull_requests.get(number)
        if found is None:
            raise pull_request_not_found()
        return found

    def pull_requests_of(self, repository_id: str) -> list[PullRequest]:
        """Return the pull requests into a repository, oldest first.

        Args:
            repository_id: the target repository's id.
        """
        return [found for found in self.pull_requests.all() if found.repository_id == repository_id]

    def identities(self) -> dict[str, Identity]:
        """Return everybody who has a token of their own, by id."""
        return {token.identity.id: token.identity for token in self.tokens.all() if token.task_id is None}


def digest_of(secret: str) -> str:
    """Return the hash under which a token is kept.

    Args:
        secret: the token itself.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
