"""Environments and generic service connections, as far as checks need them (7.1 REST API reference)."""

import uuid

from local.devops.errors import CHECKS, ServiceError, invalid_argument
from local.devops.pipeline_records import Endpoint, Environment
from local.devops.records import Identity, Project
from local.devops.render import Json, identity_json
from local.devops.state import Organisation


def create_environment(organisation: Organisation, project: Project, wanted: Json, creator: Identity) -> Environment:
    """Make an environment.

    Args:
        organisation: where.
        project: in which project.
        wanted: name and description.
        creator: who asks.

    Raises:
        ServiceError: 400 without a name, 409 for one that is taken.
    """
    name = str(wanted.get("name") or "").strip()
    if not name:
        raise invalid_argument("name", "Value cannot be null or empty.")
    with organisation.store.change():
        if any(one.name.casefold() == name.casefold() for one in environments_of(organisation, project)):
            message = f"Environment {name} already exists in project {project.name}."
            raise ServiceError(409, "EnvironmentExistsException", message, CHECKS)
        number = organisation.next_number("environment")
        described = str(wanted.get("description") or "")
        made = Environment(number, project.id, name, described, creator, organisation.clock.stamp())
        return organisation.environments.put(number, made)


def environments_of(organisation: Organisation, project: Project) -> list[Environment]:
    """Return a project's environments, oldest first."""
    return [one for one in organisation.environments.all() if one.project_id == project.id]


def environment(organisation: Organisation, project: Project, named: str) -> Environment:
    """Find an environment by id or, without case, by name.

    Args:
        organisation: where.
        project: in which project.
        named: its id in digits, or its name.

    Raises:
        ServiceError: 404 when there is none.
    """
    for one in environments_of(organisation, project):
        if named in {str(one.id), one.name} or named.casefold() == one.name.casefold():
            return one
    message = f"Environment {named} could not be found in project {project.name}."
    raise ServiceError(404, "EnvironmentNotFoundException", message, CHECKS)


def environment_json(organisation: Organisation, shown: Environment) -> Json:
    """Render an environment."""
    who = identity_json(organisation, shown.created_by)
    return {
        "id": shown.id,
        "name": shown.name,
        "description": shown.description,
        "createdBy": who,
        "createdOn": shown.created,
        "lastModifiedBy": who,
        "lastModifiedOn": shown.created,
        "project": {"id": shown.project_id, "name": organisation.project(shown.project_id).name},
        "resources": [],
    }


def create_endpoint(organisation: Organisation, wanted: Json, creator: Identity) -> Endpoint:
    """Make a generic service connection.

    Args:
        organisation: where.
        wanted: name, type, url, authorization and the project that it is for.
        creator: who asks.

    Raises:
        ServiceError: 400 for anything but a generic one, 404 for a project that is not there.
    """
    references = wanted.get("serviceEndpointProjectReferences") or []
    project = ((references[0] if references else {}).get("projectReference") or {}).get("id", "")
    authorization = wanted.get("authorization") or {}
    parameters = authorization.get("parameters") or {}
    url = str(wanted.get("url") or "")
    if str(wanted.get("type", "")).lower() != "generic" or not url.startswith(("http://", "https://")):
        raise invalid_argument("type", "Only generic service connections with a url are there.")
    if authorization.get("scheme") not in {None, "UsernamePassword"}:
        raise invalid_argument("scheme", "Only the scheme UsernamePassword is there.")
    made = Endpoint(
        id=str(uuid.uuid4()),
        project_id=organisation.project(str(project)).id,
        name=str(wanted.get("name") or "generic"),
        url=url,
        username=str(parameters.get("username") or ""),
        password=str(parameters.get("password") or ""),
        created_by=creator,
    )
    with organisation.store.change():
        return organisation.endpoints.put(made.id, made)


def endpoint_json(organisation: Organisation, shown: Endpoint) -> Json:
    """Render a service connection; its password never leaves again."""
    return {
        "id": shown.id,
        "name": shown.name,
        "type": "generic",
        "url": shown.url,
        "createdBy": identity_json(organisation, shown.created_by),
        "authorization": {"scheme": "UsernamePassword", "parameters": {"username": shown.username, "password": None}},
        "isReady": True,
        "isShared": False,
        "owner": "library",
        "serviceEndpointProjectReferences": [
            {"name": shown.name, "projectReference": {"id": shown.project_id, "name": None}}
        ],
    }
