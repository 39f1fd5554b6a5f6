"""What is read of a project (Azure DevOps REST API 7.1, core: TeamProjectReference)."""

from typing import Annotated

from pydantic import Field

from scan_core.model.ids import Guid, ProjectId
from scan_core.model.value import Value


class Project(Value):
    """A project as an organisation lists it."""

    id: Annotated[ProjectId, Guid]
    name: Annotated[str, Field(min_length=1)]
