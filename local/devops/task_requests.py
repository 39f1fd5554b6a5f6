"""What an agentless task sends: address, headers and body, from its inputs and the variables of the run.

Inputs and defaults follow "Invoke Azure Function task" and "Invoke REST API task" of the Azure Pipelines documentation.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from local.devops.criteria import holds
from local.devops.errors import ServiceError, invalid_argument
from local.devops.pipeline_records import Build, Endpoint, Plan, ServerTask
from local.devops.records import Project
from local.devops.state import Organisation

AZURE_FUNCTION: Final = "AzureFunction"
INVOKE_REST_API: Final = "InvokeRESTAPI"
DEFINITIONS: Final = {
    "537fdb7a-a601-4537-aa70-92645a2b5ce4": AZURE_FUNCTION,
    "9c3e8943-130d-4c78-ac63-8af81df62dfb": INVOKE_REST_API,
}
"""Ids of the two task definitions, to their names."""

_METHODS: Final = frozenset({"OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "PATCH"})
_VARIABLE: Final = re.compile(r"\$\(([\w.]+)\)")
_CHECK_HEADERS: Final = {
    "Content-Type": "application/json",
    "PlanUrl": "$(system.CollectionUri)",
    "ProjectId": "$(system.TeamProjectId)",
    "HubName": "$(system.HostType)",
    "PlanId": "$(system.PlanId)",
    "JobId": "$(system.JobId)",
    "TaskInstanceId": "$(system.TaskInstanceId)",
    "AuthToken": "$(system.AccessToken)",
}
"""The headers of a check whose author names none; the documentation's list for checks has no timeline."""
_JOB_HEADERS: Final = {**_CHECK_HEADERS, "TimelineId": "$(system.TimelineId)"}


@dataclass(frozen=True)
class TaskRequest:
    """One request, ready to be sent. ``credentials`` are the user and password of the service connection."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    credentials: tuple[str, str] | None


def checked_inputs(organisation: Organisation, project: Project, kind: str, given: dict[str, Any]) -> dict[str, str]:
    """Return the inputs of a task, checked as the service does when they are saved.

    Args:
        organisation: where.
        project: whose service connections can be named.
        kind: the task's name.
        given: the inputs; truth values are written as the service writes them.

    Raises:
        ServiceError: 400 naming the input that is wrong, 404 for a service connection that is not there.
    """
    inputs = {name: _text(name, value) for name, value in given.items() if value is not None}
    if kind == AZURE_FUNCTION and not inputs.get("function", "").startswith(("http://", "https://")):
        raise invalid_argument("function", "The address of the function is required.")
    if kind == INVOKE_REST_API:
        endpoint_of(organisation, project.id, inputs)
    method = inputs.setdefault("method", "POST")
    if method not in _METHODS:
        raise invalid_argument("method", f"The method {method!r} is not one of {', '.join(sorted(_METHODS))}.")
    if inputs.get("queryParameters", "").startswith(("?", "&")):
        raise invalid_argument("queryParameters", "It must not start with ? or &.")
    _headers(inputs, is_check=False)
    if inputs.get("successCriteria"):
        holds(inputs["successCriteria"], {})
    return inputs


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise invalid_argument(name, f"Error converting value {str(value)[:50]!r}.")
    return value


def _headers(inputs: dict[str, str], *, is_check: bool) -> dict[str, str]:
    written = inputs.get("headers", "").strip()
    if not written:
        return _CHECK_HEADERS if is_check else _JOB_HEADERS
    try:
        headers = json.loads(written)
    except ValueError:
        headers = None
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise invalid_argument("headers", "The headers must be a JSON object of texts.")
    return headers


def endpoint_of(organisation: Organisation, project_id: str, inputs: dict[str, str]) -> Endpoint:
    """Return the service connection that the inputs name, by id or by name.

    Args:
        organisation: where.
        project_id: in which project.
        inputs: of an InvokeRESTAPI task.

    Raises:
        ServiceError: 404 when there is none.
    """
    named = inputs.get("connectedServiceName") or inputs.get("serviceConnection") or ""
    for endpoint in organisation.endpoints.all():
        if endpoint.project_id == project_id and named in {endpoint.id, endpoint.name}:
            return endpoint
    message = f"The service connection {named!r} could not be found."
    raise ServiceError(404, "ServiceEndpointNotFoundException", message)


def task_request(organisation: Organisation, plan: Plan, task: ServerTask, auth_token: str) -> TaskRequest:
    """Return what a task sends now.

    Args:
        organisation: where.
        plan: the task's.
        task: its inputs and the variables of its run.
        auth_token: what ``$(system.AccessToken)`` stands for.

    Raises:
        ServiceError: 404 when its service connection was deleted.
    """
    values = _variables(organisation, plan, task, auth_token)
    inputs = task.inputs
    headers = {
        name: _filled(value, values) for name, value in _headers(inputs, is_check=task.check_id is not None).items()
    }
    credentials = None
    if task.kind == INVOKE_REST_API:
        endpoint = endpoint_of(organisation, plan.project_id, inputs)
        url = endpoint.url + _filled(inputs.get("urlSuffix", ""), values)
        credentials = (endpoint.username, endpoint.password) if endpoint.password else None
    else:
        key = [f"code={inputs['key']}"] if inputs.get("key") else []
        query = "&".join([*key, *filter(None, [inputs.get("queryParameters")])])
        glue = "&" if "?" in inputs["function"] else "?"
        url = _filled(inputs["function"] + (f"{glue}{query}" if query else ""), values)
    body = None if inputs["method"] in {"GET", "HEAD"} else _filled(inputs.get("body", ""), values)
    return TaskRequest(inputs["method"], url, headers, body, credentials)


def _filled(text: str, values: dict[str, str]) -> str:
    # What is not a variable stays as it is written, as in pipelines.
    return _VARIABLE.sub(lambda found: values.get(found[1].casefold(), found[0]), text)


def _variables(organisation: Organisation, plan: Plan, task: ServerTask, auth_token: str) -> dict[str, str]:
    build = organisation.builds.get(task.build_id)
    known = {
        "system.CollectionUri": organisation.url,
        "system.TeamFoundationCollectionUri": organisation.url,
        "system.TeamProjectId": plan.project_id,
        "system.TeamProject": organisation.project(plan.project_id).name,
        "system.HostType": plan.hub,
        "system.PlanId": plan.id,
        "system.JobId": task.job_id,
        "system.TimelineId": plan.timeline_id,
        "system.TaskInstanceId": task.id,
        "system.AccessToken": auth_token,
        "system.StageName": task.stage,
        "system.StageDisplayName": task.stage,
        **(_build_variables(organisation, build) if build else {}),
        **task.variables,
    }
    return {name.casefold(): value for name, value in known.items()}


def _build_variables(organisation: Organisation, build: Build) -> dict[str, str]:
    repository = organisation.repositories.get(build.repository_id)
    return {
        "build.BuildId": str(build.id),
        "build.BuildNumber": build.number,
        "build.BuildUri": f"vstfs:///Build/Build/{build.id}",
        "build.DefinitionName": build.definition_name,
        "system.DefinitionId": str(build.definition_id),
        "build.Reason": "PullRequest" if build.reason == "pullRequest" else build.reason,
        "build.SourceBranch": build.source_branch,
        "build.SourceBranchName": build.source_branch.rpartition("/")[2],
        "build.SourceVersion": build.source_version,
        "build.Repository.ID": build.repository_id,
        "build.Repository.Name": repository.name if repository else "",
        "system.PullRequest.PullRequestId": build.trigger_info.get("pr.number", ""),
    }
