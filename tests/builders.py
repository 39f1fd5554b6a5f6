"""Values for tests: each builder makes a valid one and takes what a test cares about."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from scan_core.model.attempt import AttemptSpec, Limits
from scan_core.model.gate import Gate, GateState
from scan_core.model.ids import (
    AttemptNumber,
    BranchRef,
    CommitSha,
    GateId,
    Iteration,
    OrganisationName,
    ProjectId,
    PullRequestId,
    RepositoryId,
)
from scan_core.model.place import PullRequestPlace
from scan_core.model.rules import Rules, RulesRead
from scan_core.model.subject import PullRequestRef
from scan_core.model.target import Mode, Profile, ScanType, SourceTarget, Target, scan_id

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_commit() -> CommitSha:
    return CommitSha(secrets.token_hex(20))


def a_pull_request(**changes: Any) -> PullRequestRef:
    known = {
        "organisation": OrganisationName("fabrikam"),
        "project_id": ProjectId(str(uuid4())),
        "repository_id": RepositoryId(str(uuid4())),
        "pull_request_id": PullRequestId(7),
    }
    return PullRequestRef(**{**known, **changes})


def an_iteration(**changes: Any) -> PullRequestPlace:
    commit = changes.pop("source_commit", a_commit())
    known = {
        "pull_request": a_pull_request(),
        "iteration": Iteration(1),
        "source_commit": commit,
        "commit": commit,
        "target_ref": BranchRef("refs/heads/main"),
    }
    return PullRequestPlace(**{**known, **changes})


def a_gate(**changes: Any) -> Gate:
    place = changes.pop("place", None) or an_iteration()
    known = {
        "gate_id": place.gate_id,
        "place": place,
        "state": GateState.OPEN,
        "accepted_at": NOON,
        "opened_at": NOON,
        "deadline": NOON + HOUR,
    }
    return Gate(**{**known, **changes})


def some_rules(**changes: Any) -> RulesRead:
    return RulesRead(rules=Rules(**changes), branch=BranchRef("refs/heads/main"))


def a_target(**changes: Any) -> SourceTarget:
    known = {
        "organisation": OrganisationName("fabrikam"),
        "project_id": ProjectId(str(uuid4())),
        "repository_id": RepositoryId(str(uuid4())),
        "commit": a_commit(),
    }
    return SourceTarget(**{**known, **changes})


def source_of(target: Target) -> SourceTarget:
    """The commit that is scanned."""
    assert isinstance(target, SourceTarget)
    return target


def a_profile(**changes: Any) -> Profile:
    return Profile(**{"scan_types": (ScanType.PKG,), "mode": Mode.GET_REPORT, **changes})


def a_spec(**changes: Any) -> AttemptSpec:
    target, profile = changes.pop("target", a_target()), changes.pop("profile", a_profile())
    known = {
        "scan_id": scan_id(target, profile),
        "attempt": AttemptNumber(1),
        "target": target,
        "clone_url": "https://dev.azure.com/fabrikam/p/_git/r",
        "profile": profile,
        "pod": "US1",
        "limits": some_limits(),
        "opened_at": NOON,
    }
    return AttemptSpec(**{**known, **changes})


def some_limits(**changes: Any) -> Limits:
    known = {
        "fetch_seconds": 60,
        "scan_seconds": 60,
        "repository_bytes": 10_000_000,
        "repository_files": 1000,
        "artifact_bytes": 10_000_000,
        "log_bytes": 100_000,
        "heartbeat_seconds": 1.0,
    }
    return Limits(**{**known, **changes})


def gate_name(number: int = 1) -> GateId:
    return an_iteration(iteration=Iteration(number)).gate_id
