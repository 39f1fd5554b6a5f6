"""What the organisation remembers: plain, frozen records. Dates are ISO 8601 strings, commits 40 hex digits."""

from dataclasses import dataclass, field
from typing import Any

ZERO_SHA = "0" * 40
"""In a ref update: the ref did not exist before, or does not any more."""


@dataclass(frozen=True)
class Identity:
    """Somebody who acts. ``unique_name`` is an e-mail address, as the service shows it."""

    id: str
    display_name: str
    unique_name: str


@dataclass(frozen=True)
class Token:
    """A credential, kept as a hash only, with what it may do.

    One that was issued for a task of a pipeline names it in ``task_id``; ``expires`` is in seconds since 1970.
    """

    digest: str
    identity: Identity
    rights: tuple[str, ...]
    task_id: str | None = None
    expires: float | None = None


@dataclass(frozen=True)
class Project:
    """A team project."""

    id: str
    name: str
    description: str
    visibility: str
    created: str
    operation_id: str


@dataclass(frozen=True)
class Repository:
    """A git repository; its objects live in a bare repository of the same id."""

    id: str
    project_id: str
    name: str
    created: str
    default_branch: str | None = None
    parent_id: str | None = None
    refs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RefUpdate:
    """One ref moved from one commit to another."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class Push:
    """One push with all its ref updates."""

    id: int
    repository_id: str
    pusher: Identity
    date: str
    updates: tuple[RefUpdate, ...]


@dataclass(frozen=True)
class Status:
    """A status on a pull request or commit. Never changed once posted."""

    id: int
    state: str
    description: str | None
    genre: str | None
    name: str
    target_url: str | None
    author: Identity
    created: str
    iteration: int | None = None


@dataclass(frozen=True)
class CommitStatuses:
    """All statuses of one commit, oldest first."""

    repository_id: str
    commit: str
    statuses: tuple[Status, ...] = ()


@dataclass(frozen=True)
class Iteration:
    """One state of the source branch under review."""

    id: int
    reason: str
    source: str
    target: str
    common: str
    created: str
    author: Identity
    push_id: int | None = None
    old_target_ref: str | None = None
    new_target_ref: str | None = None


@dataclass(frozen=True)
class Reviewer:
    """A reviewer and the vote: 10 approved, 5 with suggestions, 0 none, -5 waiting, -10 rejected."""

    identity: Identity
    vote: int
    required: bool = False


@dataclass(frozen=True)
class PullRequest:
    """A pull request with its iterations, statuses and reviewers, oldest first.

    ``source_repository_id`` differs from ``repository_id`` for a fork. ``merge_due`` is the moment (seconds since
    1970) at which a queued merge is computed.
    """

    id: int
    repository_id: str
    source_repository_id: str
    title: str
    description: str | None
    source_ref: str
    target_ref: str
    created_by: Identity
    created: str
    merge_id: str
    merge_source: str
    merge_target: str
    status: str = "active"
    is_draft: bool = False
    merge_status: str = "queued"
    merge_commit: str | None = None
    merge_failure: str | None = None
    merge_due: float | None = None
    supports_iterations: bool = True
    closed: str | None = None
    closed_by: Identity | None = None
    auto_complete_set_by: Identity | None = None
    completion_options: dict[str, Any] | None = None
    iterations: tuple[Iteration, ...] = ()
    statuses: tuple[Status, ...] = ()
    reviewers: tuple[Reviewer, ...] = ()

    @property
    def latest(self) -> Iteration:
        """The latest iteration; every pull request has one from its creation on."""
        return self.iterations[-1]

    @property
    def is_fork(self) -> bool:
        """Whether the source lies in another repository."""
        return self.source_repository_id != self.repository_id


@dataclass(frozen=True)
class Comment:
    """A comment in a thread. A deleted one keeps its place and loses its content."""

    id: int
    parent_id: int
    author: Identity
    content: str | None
    kind: str
    published: str
    updated: str
    deleted: bool = False


@dataclass(frozen=True)
class Thread:
    """A discussion thread."""

    id: int
    status: str | None
    published: str
    updated: str
    comments: tuple[Comment, ...]
    properties: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] | None = None
    iteration_context: dict[str, Any] | None = None


@dataclass(frozen=True)
class Discussion:
    """All threads of one pull request."""

    pull_request_id: int
    threads: tuple[Thread, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A branch policy's configuration in its latest revision."""

    id: int
    project_id: str
    type_id: str
    is_enabled: bool
    is_blocking: bool
    settings: dict[str, Any]
    created_by: Identity
    created: str
    revision: int = 1


@dataclass(frozen=True)
class Subscription:
    """A service hook: which events go to which URL, and how delivery is going.

    ``probe`` is the notification that a subscription on probation is tried with.
    """

    id: str
    publisher_id: str
    event_type: str
    resource_version: str
    consumer_id: str
    consumer_action_id: str
    publisher_inputs: dict[str, str]
    consumer_inputs: dict[str, str]
    created_by: Identity
    created: str
    modified_by: Identity
    modified: str
    status: str = "enabled"
    probation_retries: int = 0
    last_probation_retry: str | None = None
    probe: int | None = None


@dataclass(frozen=True)
class Notification:
    """One event for one subscription, and what came of delivering it.

    ``due`` is the moment of the next attempt in seconds since 1970, or nothing when delivery has ended.
    ``held_in_order`` marks those that a fault delivers newest first.
    """

    id: int
    subscription_id: str
    event_id: str
    event_type: str
    created: str
    modified: str
    body: str
    due: float | None
    status: str = "queued"
    result: str = "pending"
    attempts: int = 0
    response: str | None = None
    error: str | None = None
    held_in_order: bool = False


@dataclass(frozen=True)
class Counter:
    """The last number given out in a sequence."""

    name: str
    value: int
