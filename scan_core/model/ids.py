"""Names and numbers that must not be swapped, and how the derived ones are made."""

import hashlib
import json
from typing import Annotated, NewType

from pydantic import Field, JsonValue

OrganisationName = NewType("OrganisationName", str)
"""An Azure DevOps organisation, as it stands in ``https://dev.azure.com/{organisation}``; lower case."""
ProjectId = NewType("ProjectId", str)
RepositoryId = NewType("RepositoryId", str)
PullRequestId = NewType("PullRequestId", int)
Iteration = NewType("Iteration", int)
"""Number of a pull request's iteration, from 1; 0 where Azure DevOps keeps none (``supportsIterations: false``)."""
CommitSha = NewType("CommitSha", str)
BranchRef = NewType("BranchRef", str)
"""A full ref name such as ``refs/heads/main``."""
SubjectId = NewType("SubjectId", str)
"""What has gates, such as one pull request: 24 hex digits, and the partition of its rows."""
BuildId = NewType("BuildId", int)
GateId = NewType("GateId", str)
"""``{subject id}-{number}``, with ``-image`` behind it where images are judged, not source.

The number is that of a pull request's iteration; 0 for everything else. Unguessable enough to be a path, never a
permission (links are signed).
"""
ScanId = NewType("ScanId", str)
"""40 hex digits: the hash of a target and a profile, so that equal work has one name."""
AttemptNumber = NewType("AttemptNumber", int)

Organisation = Annotated[OrganisationName, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")]
Guid = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
Sha1 = Field(pattern=r"^[0-9a-f]{40}$")
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ScanName = Annotated[ScanId, Sha1]
Subject = Annotated[SubjectId, Field(pattern=r"^[0-9a-f]{24}$")]
GateName = Annotated[GateId, Field(pattern=r"^[0-9a-f]{24}-(0|[1-9][0-9]{0,8})(-image)?$")]
BranchName = Annotated[BranchRef, Field(pattern=r"^refs/heads/[^\x00-\x20\x7f]+$", max_length=600)]
Positive = Field(ge=1)


def digest(value: JsonValue) -> str:
    """Hash a JSON value in its one canonical form.

    Args:
        value: Anything JSON can hold.

    Returns:
        The SHA-256 of the value's compact JSON with sorted keys, 64 hex digits.
    """
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
