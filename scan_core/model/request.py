"""Request: an authenticated, parsed, wanted event. Small, typed, queued."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from scan_core.model.ids import BranchName, Guid, Organisation, ProjectId, RepositoryId
from scan_core.model.subject import Subject
from scan_core.model.value import Moment, Value


class LookRequest(Value):
    """Look at this and gate what is to be gated."""

    kind: Literal["look"] = "look"
    request_id: str
    of: Subject = Field(discriminator="kind")
    accepted_at: Moment


class ProjectRequest(Value):
    """Something happened to a pull request of this project, and the event did not say which."""

    kind: Literal["project"] = "project"
    request_id: str
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    accepted_at: Moment


class PushRequest(Value):
    """Several branches of a repository were moved by one push."""

    kind: Literal["push"] = "push"
    request_id: str
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    repository_id: Annotated[RepositoryId, Guid]
    refs: tuple[BranchName, ...] = Field(max_length=50)
    """The branches; none where there are more of them than a message holds, or the event did not say."""
    accepted_at: Moment


type Request = LookRequest | ProjectRequest | PushRequest

RequestMessage: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])
"""Reads and writes a request as it stands in the queue ``scan-requests``."""
