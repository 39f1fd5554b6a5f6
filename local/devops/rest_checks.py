"""Checks, their runs, environments and service connections over HTTP (7.1, pipelines checks and task areas)."""

from typing import Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection
from local.devops.checks import change_check, check, check_json, create_check
from local.devops.environments import (
    create_endpoint,
    create_environment,
    endpoint_json,
    environment,
    environment_json,
    environments_of,
)
from local.devops.pipeline_records import Check
from local.devops.render_checks import suite_json
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.stages import stage_of_suite
from local.devops.versions import ResourceVersion

_C = "{project}/_apis/pipelines/checks"
_E = "{project}/_apis/pipelines/environments"
_PREVIEW = ResourceVersion(1, released=False)
_CONFIGURATIONS = Resource(
    "86c8381e-5aee-4cde-8ae4-25c0c7f5eaea",
    "PipelinesChecks",
    "configurations",
    f"{_C}/configurations/{{id}}",
    _PREVIEW,
)
_QUERY = Resource(
    "5f3d0e64-f943-4584-8811-77eb495e831e",
    "PipelinesChecks",
    "queryconfigurations",
    f"{_C}/queryconfigurations",
    _PREVIEW,
)
_RUNS = Resource(
    "91282c1d-c183-444f-9554-1485bfb3879d", "PipelinesChecks", "runs", f"{_C}/runs/{{checkSuiteId}}", _PREVIEW
)
_ENVIRONMENTS = Resource(
    "8572b1fc-2482-47fa-8f74-7e3ed53ee54b", "distributedtask", "environments", f"{_E}/{{environmentId}}"
)
_ENDPOINTS = Resource(
    "e85f1c62-adfc-4b74-b618-11a150fb195e",
    "serviceendpoint",
    "endpoints",
    "{project}/_apis/serviceendpoint/endpoints/{endpointId}",
    ResourceVersion(4),
)
_ALL_ENDPOINTS = Resource(
    "14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0",
    "serviceendpoint",
    "endpoints",
    "_apis/serviceendpoint/endpoints/{endpointId}",
    ResourceVersion(4),
)

_RESOURCE: Final[dict[str, Shape]] = {"type": str, "id": str, "name": str}
_CHECK: Final[dict[str, Shape]] = {
    "type": {"id": str, "name": str},
    "resource": _RESOURCE,
    "settings": {
        "definitionRef": {"id": str, "name": str, "version": str},
        "displayName": str,
        "inputs": dict,
        "retryInterval": int,
    },
    "timeout": int,
    "isDisabled": bool,
}
_ENDPOINT: Final[dict[str, Shape]] = {
    "name": str,
    "type": str,
    "url": str,
    "authorization": {"scheme": str, "parameters": {"username": str, "password": str}},
    "serviceEndpointProjectReferences": [{"projectReference": {"id": str}}],
}


def _shown(call: Call, found: list[Check]) -> Answer:
    settings = (call.text("$expand") or "").lower() == "settings"
    return collection([check_json(call.organisation, one, settings=settings) for one in found])


def _on(call: Call, wanted: list[tuple[str, str]]) -> list[Check]:
    return [
        one
        for one in call.organisation.checks.all()
        if one.project_id == call.project.id and (not wanted or ("environment", str(one.environment_id)) in wanted)
    ]


def _list(call: Call) -> Answer:
    demand(call.token, "builds_read")
    kind, named = call.text("resourceType"), call.text("resourceId")
    return _shown(call, _on(call, [((kind or "").lower(), named or "")] if kind or named else []))


def _query(call: Call) -> Answer:
    demand(call.token, "builds_read")
    wanted = call.json_list(_RESOURCE)
    return _shown(call, _on(call, [(one.get("type", "").lower(), one.get("id", "")) for one in wanted]))


def _add(call: Call) -> Answer:
    demand(call.token, "builds_write")
    made = create_check(call.organisation, call.project, call.json(_CHECK), call.token.identity)
    return Answer(check_json(call.organisation, made, settings=True))


def _named(call: Call, right: str) -> Check:
    demand(call.token, right)
    return check(call.organisation, call.project, call.route_number("id"))


def _get(call: Call) -> Answer:
    settings = (call.text("$expand") or "").lower() == "settings"
    return Answer(check_json(call.organisation, _named(call, "builds_read"), settings=settings))


def _change(call: Call) -> Answer:
    changed = change_check(call.organisation, _named(call, "builds_write"), call.json(_CHECK), call.token.identity)
    return Answer(check_json(call.organisation, changed, settings=True))


def _delete(call: Call) -> Answer:
    found = _named(call, "builds_write")
    with call.organisation.store.change():
        call.organisation.checks.delete(found.id)
    return Answer()


def _get_run(call: Call) -> Answer:
    demand(call.token, "builds_read")
    stage = stage_of_suite(call.organisation, call.project.id, call.route["checkSuiteId"])
    return Answer(suite_json(call.organisation, call.project, stage))


def _list_environments(call: Call) -> Answer:
    demand(call.token, "builds_read")
    name = call.text("name")
    found = [one for one in environments_of(call.organisation, call.project) if name in {None, one.name}]
    return collection([environment_json(call.organisation, one) for one in found])


def _add_environment(call: Call) -> Answer:
    demand(call.token, "builds_write")
    wanted = call.json({"name": str, "description": str})
    made = create_environment(call.organisation, call.project, wanted, call.token.identity)
    return Answer(environment_json(call.organisation, made))


def _get_environment(call: Call) -> Answer:
    demand(call.token, "builds_read")
    return Answer(
        environment_json(call.organisation, environment(call.organisation, call.project, call.route["environmentId"]))
    )


def _list_endpoints(call: Call) -> Answer:
    demand(call.token, "builds_read")
    found = [one for one in call.organisation.endpoints.all() if one.project_id == call.project.id]
    return collection([endpoint_json(call.organisation, one) for one in found])


def _add_endpoint(call: Call) -> Answer:
    demand(call.token, "builds_write")
    made = create_endpoint(call.organisation, call.json(_ENDPOINT), call.token.identity)
    return Answer(endpoint_json(call.organisation, made))


ROUTES = (
    Route("GET", f"{_C}/configurations", _CONFIGURATIONS, _list),
    Route("POST", f"{_C}/configurations", _CONFIGURATIONS, _add),
    Route("GET", f"{_C}/configurations/{{id}}", _CONFIGURATIONS, _get),
    Route("PATCH", f"{_C}/configurations/{{id}}", _CONFIGURATIONS, _change),
    Route("DELETE", f"{_C}/configurations/{{id}}", _CONFIGURATIONS, _delete),
    Route("POST", f"{_C}/queryconfigurations", _QUERY, _query),
    Route("GET", f"{_C}/runs/{{checkSuiteId}}", _RUNS, _get_run),
    Route("GET", _E, _ENVIRONMENTS, _list_environments),
    Route("POST", _E, _ENVIRONMENTS, _add_environment),
    Route("GET", f"{_E}/{{environmentId}}", _ENVIRONMENTS, _get_environment),
    Route("GET", "{project}/_apis/serviceendpoint/endpoints", _ENDPOINTS, _list_endpoints),
    Route("POST", "_apis/serviceendpoint/endpoints", _ALL_ENDPOINTS, _add_endpoint),
)
