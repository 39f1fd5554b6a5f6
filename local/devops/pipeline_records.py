"""What the organisation remembers of pipelines: builds, plans, logs, stages, agentless tasks, checks.

Plain, frozen records, as in ``records``. Moments are seconds since 1970, dates ISO 8601 strings.
"""

from dataclasses import dataclass, field
from typing import Any

from local.devops.records import Identity


@dataclass(frozen=True)
class Build:
    """A pipeline run, or a plan for one."""

    id: int
    project_id: str
    definition_id: int
    definition_name: str
    number: str
    plan_id: str
    repository_id: str
    source_branch: str
    source_version: str
    reason: str
    requested_by: Identity
    queued: str
    status: str = "notStarted"
    result: str | None = None
    started: str | None = None
    finished: str | None = None
    parameters: str | None = None
    trigger_info: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What orchestrates a build, or the evaluation of a check apart from it: a timeline of records by id.

    ``hub`` is ``build`` or ``checks``. Records hold the fields of the task area's TimelineRecord, without addresses.
    """

    id: str
    project_id: str
    build_id: int
    hub: str
    timeline_id: str
    changed: str
    change_id: int = 0
    records: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanLog:
    """One log of a plan; its number counts from 1 within the plan."""

    id: int
    plan_id: str
    path: str
    created: str
    changed: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One request that an agentless task sent; no status when nothing answered in time."""

    at: str
    status: int | None
    text: str


@dataclass(frozen=True)
class ServerTask:
    """A task that runs without an agent: the evaluation of a check, or the task of an agentless job.

    ``state`` is notStarted, inProgress, succeeded, failed, timedOut or canceled. ``due`` is the moment of the next
    request, ``deadline`` the moment at which it times out.
    """

    id: str
    plan_id: str
    job_id: str
    build_id: int
    stage: str
    check_id: int | None
    kind: str
    name: str
    inputs: dict[str, str]
    timeout_minutes: float
    retry_minutes: float
    created: str
    variables: dict[str, str] = field(default_factory=dict)
    state: str = "notStarted"
    due: float | None = None
    deadline: float | None = None
    started: str | None = None
    finished: str | None = None
    message: str | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def in_callback_mode(self) -> bool:
        """Whether it ends by an event rather than by the answer to its request."""
        return self.inputs.get("waitForCompletion", "false").lower() == "true"


@dataclass(frozen=True)
class Stage:
    """A stage that a build has reached, or will reach once the stages before it have succeeded.

    ``state`` is notStarted, waiting (for its checks), inProgress, succeeded, failed, skipped or canceled.
    """

    build_id: int
    number: int
    name: str
    environment: str | None
    record_id: str
    suite_id: str
    checks: tuple[str, ...]
    job: str | None
    ends_build: bool
    state: str = "notStarted"
    started: str | None = None
    finished: str | None = None


@dataclass(frozen=True)
class Environment:
    """What a stage deploys to; checks stand on it."""

    id: int
    project_id: str
    name: str
    description: str
    created_by: Identity
    created: str


@dataclass(frozen=True)
class Endpoint:
    """A generic service connection: an address, with a user and a password that are sent along."""

    id: str
    project_id: str
    name: str
    url: str
    username: str
    password: str
    created_by: Identity


@dataclass(frozen=True)
class Check:
    """A check's configuration on an environment, in its latest version."""

    id: int
    project_id: str
    environment_id: int
    settings: dict[str, Any]
    timeout_minutes: int
    is_disabled: bool
    created_by: Identity
    created: str
    modified_by: Identity
    modified: str
