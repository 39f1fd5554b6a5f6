"""Event ``git.push``: which branches were moved, by ids and names alone.

A branch that was created, moved or deleted is looked at alike; which commit it has by then is asked for. Microsoft,
"Service hooks events"; ``commits`` may be absent and is not read. With minimal details an event names the repository
and no branch, with none the project alone.
"""

import re
from collections.abc import Callable
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from scan_core.intake.envelope import GUID, container_project, ids_in_url, require_project, resource_of
from scan_core.intake.payload import Fields, Unwanted, Why, guid_at, list_at, object_at, text_at
from scan_core.intake.samples import is_sample_place
from scan_core.model.ids import BranchName, BranchRef, OrganisationName, ProjectId, RepositoryId
from scan_core.model.request import LookRequest, ProjectRequest, PushRequest, Request
from scan_core.model.subject import Branch

_MOST_BRANCHES = 50
"""What a `PushRequest` holds."""
_MOST_BYTES = 16 * 1024
"""Of all names together. A message holds 48 KiB, and quotes and backslashes count twice in it."""
_BRANCHES = "refs/heads/"
_REPOSITORY_URL = re.compile(
    rf"(?:/(?P<project>{GUID}))?/_apis/(?:repos/)?git/repositories/(?P<repository>{GUID})(?:/pushes/[0-9]{{1,19}})?/?$",
    re.IGNORECASE | re.ASCII,
)
"""Both of a push and of its repository."""

_branch: TypeAdapter[BranchRef] = TypeAdapter(BranchName)


def push_request(
    event: Fields,
    *,
    organisation: OrganisationName,
    now: datetime,
    new_id: Callable[[], str],
) -> Request:
    """Take from a push what is to be looked at.

    Args:
        event: The event.
        organisation: Whose hook it came in by; the event itself does not say.
        now: When it was received.
        new_id: Gives the request its id.

    Returns:
        A request for the branch; for all of them, where there are several; for all that matter of its repository, where
        there are too many for one message or the event names none; for its project, where it names no repository.

    Raises:
        Unwanted: It is a test, moved no branch, or holds too little, or something wrong.
    """
    resource = resource_of(event)
    repository = object_at(resource, "repository")
    links = ids_in_url(repository, _REPOSITORY_URL) | ids_in_url(resource, _REPOSITORY_URL)
    repository_id = guid_at(repository, "id", "repository.id") or links.get("repository")
    project_id = guid_at(object_at(repository or {}, "project"), "id", "project.id")
    project_id = project_id or container_project(event) or links.get("project")
    if is_sample_place(project_id, repository_id):
        raise Unwanted(Why.TEST)
    project = require_project(event, project_id)
    branches = _branches(resource)
    if repository_id is None:
        return ProjectRequest(request_id=new_id(), organisation=organisation, project_id=project, accepted_at=now)
    if len(branches) == 1:
        branch = _named(organisation, project, RepositoryId(repository_id), branches[0])
        return LookRequest(request_id=new_id(), of=branch, accepted_at=now)
    return PushRequest(
        request_id=new_id(),
        organisation=organisation,
        project_id=project,
        repository_id=RepositoryId(repository_id),
        refs=branches if _fits(branches) else (),
        accepted_at=now,
    )


def _branches(resource: Fields) -> tuple[BranchRef, ...]:
    """List the branches that were moved, each once; none where the event does not say. Tags are passed over."""
    updates = list_at(resource, "refUpdates")
    if not updates:
        return ()
    names = [text_at(update, "name") for update in updates]
    if None in names:
        return ()
    found = tuple(dict.fromkeys(name for name in map(_branch_name, names) if name is not None))
    if not found:
        raise Unwanted(Why.NO_BRANCH)
    return found


def _branch_name(name: str | None) -> BranchRef | None:
    """Tell a branch by its name; git has none with blanks or control characters, and we follow none that is as long."""
    if name is None or not name.startswith(_BRANCHES):
        return None
    try:
        return _branch.validate_python(name)
    except ValidationError:
        return None


def _fits(branches: tuple[BranchRef, ...]) -> bool:
    return len(branches) <= _MOST_BRANCHES and sum(len(name.encode()) for name in branches) <= _MOST_BYTES


def _named(organisation: OrganisationName, project: ProjectId, repository: RepositoryId, name: BranchRef) -> Branch:
    return Branch(organisation=organisation, project_id=project, repository_id=repository, ref=name)
