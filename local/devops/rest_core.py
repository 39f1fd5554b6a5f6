"""Projects, operations, connection data and resource areas over HTTP."""

from typing import Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection, page_of
from local.devops.errors import ServiceError
from local.devops.projects import create_project
from local.devops.records import Project
from local.devops.render import Json, project_json, project_reference_json
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.versions import ResourceVersion

_PROJECTS = Resource(
    "603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects", "_apis/projects/{projectId}", ResourceVersion(4)
)
_OPERATIONS = Resource(
    "9a1b74b4-2ca8-4a9f-8470-c2f2e6fdc949", "operations", "operations", "_apis/operations/{operationId}"
)
_CONNECTION = Resource(
    "00d9565f-ed9c-4a06-9a50-00e7896ccab4",
    "Location",
    "ConnectionData",
    "_apis/ConnectionData",
    ResourceVersion(1, released=False),
)
_AREAS = Resource(
    "e81700f7-3be2-46de-8624-2eb35882fcaa",
    "Location",
    "ResourceAreas",
    "_apis/ResourceAreas/{areaId}",
    ResourceVersion(1, released=False),
)

_NEW_PROJECT: Final[dict[str, Shape]] = {"name": str, "description": str, "visibility": str, "capabilities": dict}

AREAS = {
    "79134c72-4a58-4b42-976c-04e7115f32bf": "core",
    "4e080c62-fa21-4fbc-8fef-2a10a2b38049": "git",
    "fb13a388-40dd-4a04-b530-013a739c72ef": "policy",
    "5d6898bb-45ec-463f-95f9-54d49c71752e": "build",
    "00d9565f-ed9c-4a06-9a50-00e7896ccab4": "Location",
}


def _list_projects(call: Call) -> Answer:
    projects = sorted(call.organisation.projects.all(), key=lambda project: project.name.casefold())
    return page_of(call, [project_reference_json(call.organisation, project) for project in projects], 100)


def _get_project(call: Call) -> Answer:
    project = call.organisation.project(call.route["projectId"])
    return Answer(project_json(call.organisation, project, capabilities=call.flag("includeCapabilities")))


def _create_project(call: Call) -> Answer:
    demand(call.token, "projects")
    project = create_project(call.organisation, call.json(_NEW_PROJECT), call.token.identity)
    return Answer(_operation(call, project, "queued"), status=202)


def _get_operation(call: Call) -> Answer:
    for project in call.organisation.projects.all():
        if project.operation_id == call.route["operationId"].lower():
            return Answer(_operation(call, project, "succeeded"))
    message = f"The operation {call.route['operationId']} was not found."
    raise ServiceError(404, "OperationNotFoundException", message, "Microsoft.VisualStudio.Services.Operations")


def _operation(call: Call, project: Project, status: str) -> Json:
    url = f"{call.organisation.url}_apis/operations/{project.operation_id}"
    return {"id": project.operation_id, "status": status, "url": url}


def _connection_data(call: Call) -> Answer:
    organisation, identity = call.organisation, call.token.identity
    user = {
        "id": identity.id,
        "descriptor": f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{organisation.id}\\{identity.unique_name}",
        "subjectDescriptor": f"aad.{identity.id}",
        "providerDisplayName": identity.display_name,
        "isActive": True,
        "properties": {"Account": {"$type": "System.String", "$value": identity.unique_name}},
        "resourceVersion": 2,
        "metaTypeId": 0,
    }
    return Answer(
        {
            "authenticatedUser": user,
            "authorizedUser": user,
            "instanceId": organisation.id,
            "deploymentId": organisation.derived_id("deployment"),
            "deploymentType": "hosted",
            "locationServiceData": {
                "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
                "defaultAccessMappingMoniker": "PublicAccessMapping",
                "lastChangeId": 1,
                "lastChangeId64": 1,
            },
        }
    )


def _list_areas(call: Call) -> Answer:
    return collection([_area(call, area) for area in AREAS])


def _get_area(call: Call) -> Answer:
    wanted = call.route["areaId"].lower()
    if wanted not in AREAS:
        return Answer(status=204)
    return Answer(_area(call, wanted))


def _area(call: Call, area: str) -> Json:
    return {"id": area, "name": AREAS[area], "locationUrl": call.organisation.url}


ROUTES = (
    Route("GET", "_apis/projects", _PROJECTS, _list_projects),
    Route("POST", "_apis/projects", _PROJECTS, _create_project),
    Route("GET", "_apis/projects/{projectId}", _PROJECTS, _get_project),
    Route("GET", "_apis/operations/{operationId}", _OPERATIONS, _get_operation),
    Route("GET", "_apis/ConnectionData", _CONNECTION, _connection_data),
    Route("GET", "_apis/ResourceAreas", _AREAS, _list_areas),
    Route("GET", "_apis/ResourceAreas/{areaId}", _AREAS, _get_area),
)
