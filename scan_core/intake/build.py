"""Event ``build.complete``: which build, by ids alone.

Version 1.0 has the result where 2.0 has the status, and no project of its own; with minimal details there are an id and
a URL (Microsoft, "Service hooks events"). How the build ended is read from Azure DevOps, so that all shapes are one.
"""

import re
from collections.abc import Callable
from datetime import datetime

from scan_core.intake.envelope import GUID, container_project, ids_in_url, require_project, resource_of
from scan_core.intake.payload import Fields, Unwanted, Why, guid_at, number_at, object_at
from scan_core.intake.samples import is_sample_place
from scan_core.model.ids import BuildId, OrganisationName
from scan_core.model.request import LookRequest, ProjectRequest, Request
from scan_core.model.subject import BuildRef

_BUILD_URL = re.compile(
    rf"(?:/(?P<project>{GUID}))?/_apis/build/builds/(?P<number>[1-9][0-9]{{0,9}})(?![^/?#])",
    re.IGNORECASE | re.ASCII,
)


def build_request(
    event: Fields,
    *,
    organisation: OrganisationName,
    now: datetime,
    new_id: Callable[[], str],
) -> Request:
    """Take from the end of a build what is to be looked at, however it ended.

    Args:
        event: The event.
        organisation: Whose hook it came in by; the event itself does not say.
        now: When it was received.
        new_id: Gives the request its id.

    Returns:
        A request for the build; for its project, where the event does not say which build it was.

    Raises:
        Unwanted: It is a test, or holds too little, or something wrong.
    """
    resource = resource_of(event)
    links = ids_in_url(resource, _BUILD_URL)
    named = guid_at(object_at(resource, "project"), "id", "project.id")
    named = named or guid_at(object_at(resource, "definition", "project"), "id", "definition.project.id")
    project_id = named or container_project(event) or links.get("project")
    # The published samples name one project in the containers and another in the URL.
    if is_sample_place(project_id, None) or is_sample_place(links.get("project"), None):
        raise Unwanted(Why.TEST)
    project = require_project(event, project_id)
    number = number_at(resource, "id") or number_at(links, "number")
    if number is None:
        return ProjectRequest(request_id=new_id(), organisation=organisation, project_id=project, accepted_at=now)
    build = BuildRef(organisation=organisation, project_id=project, build_id=BuildId(number))
    return LookRequest(request_id=new_id(), of=build, accepted_at=now)
