"""Events ``git.pullrequest.created`` and ``git.pullrequest.updated``: which pull request, by ids alone.

``updated`` does not say what changed, and what an event says may be old: so the ids are taken and the rest is read
from Azure DevOps. Microsoft, "Service hooks events"; the resource is the pull request (version 1.0) or an object with a
``pullRequest`` in it (2.0), and a subscription may ask for minimal details (ids and a URL) or none at all.
"""

import re
from collections.abc import Callable
from datetime import datetime

from scan_core.intake.envelope import GUID, container_project, ids_in_url, resource_of
from scan_core.intake.payload import Fields, Unwanted, Why, guid_at, number_at, object_at
from scan_core.intake.samples import is_sample_place
from scan_core.model.ids import OrganisationName, ProjectId, PullRequestId, RepositoryId
from scan_core.model.request import LookRequest, ProjectRequest, Request
from scan_core.model.subject import PullRequestRef

_PULL_REQUEST_URL = re.compile(
    rf"(?:/(?P<project>{GUID}))?/_apis/(?:repos/)?git/repositories/(?P<repository>{GUID})"
    r"/pullrequests/(?P<number>[1-9][0-9]{0,9})(?![^/?#])",
    re.IGNORECASE | re.ASCII,
)
"""Both forms of the published samples, with and without ``repos``. Such a URL is read, never called."""


def pull_request_request(
    event: Fields,
    *,
    organisation: OrganisationName,
    now: datetime,
    new_id: Callable[[], str],
) -> Request:
    """Take from a pull-request event what is to be looked at.

    Args:
        event: The event.
        organisation: Whose hook it came in by; the event itself does not say.
        now: When it was received.
        new_id: Gives the request its id.

    Returns:
        A request for the pull request; for its project, where the event does not say which pull request it was.

    Raises:
        Unwanted: It is a test, or holds too little, or something wrong.
    """
    resource = _resource(event)
    links = ids_in_url(resource, _PULL_REQUEST_URL)
    repository_id = _repository_id(resource, links)
    number = _number(resource, links)
    project_id = _project_id(event, resource, links)
    if is_sample_place(project_id, repository_id):
        raise Unwanted(Why.TEST)
    if project_id is None:
        raise Unwanted(_what_is_missing(event, repository_id, number))
    if repository_id is None or number is None:
        return ProjectRequest(
            request_id=new_id(),
            organisation=organisation,
            project_id=ProjectId(project_id),
            accepted_at=now,
        )
    pull_request = PullRequestRef(
        organisation=organisation,
        project_id=ProjectId(project_id),
        repository_id=RepositoryId(repository_id),
        pull_request_id=PullRequestId(number),
    )
    return LookRequest(request_id=new_id(), of=pull_request, accepted_at=now)


def _resource(event: Fields) -> Fields:
    """The pull request in either shape; nothing at all where the subscription sends no details."""
    resource = resource_of(event)
    return object_at(resource, "pullRequest") or resource


def _repository_id(resource: Fields, links: dict[str, str]) -> str | None:
    return guid_at(object_at(resource, "repository"), "id", "repository.id") or links.get("repository")


def _number(resource: Fields, links: dict[str, str]) -> int | None:
    if resource.get("pullRequestId") is not None:
        return number_at(resource, "pullRequestId")
    return number_at(links, "number") or number_at(resource, "id")


def _project_id(event: Fields, resource: Fields, links: dict[str, str]) -> str | None:
    """The repository's own project before the container's: published samples differ in the two."""
    own = guid_at(object_at(resource, "repository", "project"), "id", "project.id")
    return own or container_project(event) or links.get("project")


def _what_is_missing(event: Fields, repository_id: str | None, number: int | None) -> Why:
    if event.get("resource") is None:
        return Why.NO_RESOURCE
    return Why.NO_PULL_REQUEST if repository_id is None or number is None else Why.NO_PROJECT
