"""Request: an authenticated, parsed, wanted event. Small, typed, queued."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from scan_core.model.gate import PullRequestRef
from scan_core.model.ids import Guid, Organisation, ProjectId
from scan_core.model.value import Moment, Value


class PullRequestRequest(Value):
    """Look at this pull request and gate what is to be gated."""

    kind: Literal["pull_request"] = "pull_request"
    request_id: str
    pull_request: PullRequestRef
    accepted_at: Moment


class ProjectRequest(Value):
    """Something happened to a pull request of this project, and the event did not say which."""

    kind: Literal["project"] = "project"
    request_id: str
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    accepted_at: Moment


type Request = PullRequestRequest | ProjectRequest

RequestMessage: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])
"""Reads and writes a request as it stands in the queue ``scan-requests``."""
