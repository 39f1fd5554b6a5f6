"""What every event says around its resource, and how ids are found in URLs, none of which is ever called."""

import re
from typing import Final

from scan_core.intake.payload import Fields, Unwanted, Why, guid_at, object_at, text_at
from scan_core.model.ids import ProjectId

GUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""A GUID within a larger pattern; such patterns ignore case."""
_LONGEST_URL = 2048


def resource_of(event: Fields) -> Fields:
    """Find what an event is about.

    Args:
        event: The event.

    Returns:
        Its resource; an empty one where the subscription sends no details.

    Raises:
        Unwanted: The resource is not an object.
    """
    return object_at(event, "resource") or {}


def ids_in_url(fields: Fields | None, pattern: re.Pattern[str]) -> dict[str, str]:
    """Read the ids in an object's own URL.

    Args:
        fields: The object that may have a ``url``; None = has none.
        pattern: Finds the ids, as named groups.

    Returns:
        The ids by the groups' names, in lower case; nothing where there is no such URL.

    Raises:
        Unwanted: The URL is not a text.
    """
    found = pattern.search((text_at(fields, "url") or "")[:_LONGEST_URL])
    return {name: value.lower() for name, value in found.groupdict().items() if value} if found else {}


def container_project(event: Fields) -> str | None:
    """Read which project an event's containers name.

    Args:
        event: The event.

    Returns:
        The project's GUID in lower case; None where none is named.

    Raises:
        Unwanted: It has the wrong type or form.
    """
    return guid_at(object_at(event, "resourceContainers", "project"), "id", "resourceContainers.project.id")


def require_project(event: Fields, project_id: str | None) -> ProjectId:
    """Insist on a project: without one there is nowhere to look.

    Args:
        event: The event.
        project_id: The project's GUID, as far as it was found.

    Returns:
        The project.

    Raises:
        Unwanted: It was not found.
    """
    if project_id is None:
        raise Unwanted(Why.NO_RESOURCE if event.get("resource") is None else Why.NO_PROJECT)
    return ProjectId(project_id)
