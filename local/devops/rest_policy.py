"""Branch policies and their evaluations over HTTP (7.1 specification of the policy area)."""

import re
from typing import Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection, page_of
from local.devops.errors import POLICY, ServiceError, invalid_argument
from local.devops.evaluation import Evaluation, evaluations
from local.devops.policies import (
    TYPES,
    create_policy,
    delete_policy,
    policies_of,
    policy,
    replace_policy,
)
from local.devops.records import Policy, PullRequest
from local.devops.render import Json, identity_json, link
from local.devops.render_pull_requests import artifact_id
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.versions import ResourceVersion

_TYPES = Resource("44096322-2d3d-466a-bb30-d1b7de69f61f", "policy", "types", "{project}/_apis/policy/types/{typeId}")
_CONFIGURATIONS = Resource(
    "dad91cbe-d183-45f8-9c6e-9c1164472121",
    "policy",
    "configurations",
    "{project}/_apis/policy/configurations/{configurationId}",
)
_EVALUATIONS = Resource(
    "c23ddff5-229c-4d04-a80b-0fdce9f360c8",
    "policy",
    "evaluations",
    "{project}/_apis/policy/evaluations/{evaluationId}",
    ResourceVersion(1, released=False),
)
_POLICY: Final[dict[str, Shape]] = {
    "isEnabled": bool,
    "isBlocking": bool,
    "type": {"id": str},
    "settings": {
        "statusName": str,
        "statusGenre": str,
        "authorId": str,
        "invalidateOnSourceUpdate": bool,
        "defaultDisplayName": str,
        "policyApplicability": int,
        "filenamePatterns": [str],
        "minimumApproverCount": int,
        "creatorVoteCounts": bool,
        "scope": [{"repositoryId": str, "refName": str, "matchKind": str}],
    },
}
_ARTIFACT = re.compile(r"vstfs:///CodeReview/CodeReviewId/([0-9a-fA-F-]{36})/([0-9]{1,9})")


def _type(call: Call, type_id: str) -> Json:
    name, description = TYPES[type_id]
    url = f"{call.organisation.url}{call.project.id}/_apis/policy/types/{type_id}"
    return {"id": type_id, "displayName": name, "url": url, "description": description, "_links": {"self": link(url)}}


def _list_types(call: Call) -> Answer:
    return collection([_type(call, type_id) for type_id in TYPES])


def _get_type(call: Call) -> Answer:
    wanted = call.route["typeId"].lower()
    if wanted not in TYPES:
        message = f"TF402454: The policy type {wanted} does not exist."
        raise ServiceError(404, "PolicyTypeNotFoundException", message, POLICY)
    return Answer(_type(call, wanted))


def _configuration(call: Call, shown: Policy) -> Json:
    name, _ = TYPES[shown.type_id]
    organisation = call.organisation
    base = f"{organisation.url}{shown.project_id}/_apis/policy"
    url = f"{base}/configurations/{shown.id}"
    return {
        "createdBy": identity_json(organisation, shown.created_by),
        "createdDate": shown.created,
        "isEnabled": shown.is_enabled,
        "isBlocking": shown.is_blocking,
        "isDeleted": False,
        "isEnterpriseManaged": False,
        "settings": shown.settings,
        "revision": shown.revision,
        "id": shown.id,
        "url": url,
        "type": {"id": shown.type_id, "url": f"{base}/types/{shown.type_id}", "displayName": name},
        "_links": {"self": link(url), "policyType": link(f"{base}/types/{shown.type_id}")},
    }


def _list_configurations(call: Call) -> Answer:
    wanted = (call.text("policyType") or "").lower()
    found = [one for one in policies_of(call.organisation, call.project) if wanted in {"", one.type_id}]
    return page_of(call, [_configuration(call, one) for one in found], 100)


def _create_configuration(call: Call) -> Answer:
    project = call.project
    demand(call.token, "policies")
    made = create_policy(call.organisation, project, call.json(_POLICY), call.token.identity)
    return Answer(_configuration(call, made))


def _get_configuration(call: Call) -> Answer:
    return Answer(_configuration(call, policy(call.organisation, call.project, call.route_number("configurationId"))))


def _replace_configuration(call: Call) -> Answer:
    project = call.project
    demand(call.token, "policies")
    number = call.route_number("configurationId")
    return Answer(_configuration(call, replace_policy(call.organisation, project, number, call.json(_POLICY))))


def _delete_configuration(call: Call) -> Answer:
    project = call.project
    demand(call.token, "policies")
    delete_policy(call.organisation, project, call.route_number("configurationId"))
    return Answer(status=204)


def _list_evaluations(call: Call) -> Answer:
    named = _ARTIFACT.fullmatch(call.text("artifactId") or "")
    if named is None:
        raise invalid_argument("artifactId", "It must be vstfs:///CodeReview/CodeReviewId/{projectId}/{pullRequestId}.")
    pull_request = call.organisation.pull_request(int(named[2]))
    repository = call.organisation.repository_by_id(pull_request.repository_id)
    if repository.project_id != named[1].lower() or repository.project_id != call.project.id:
        raise invalid_argument("artifactId", "The artifact is not in this project.")
    shown = [
        _evaluation(call, pull_request, one)
        for one in evaluations(call.organisation, pull_request)
        if one.status != "notApplicable" or call.flag("includeNotApplicable")
    ]
    return page_of(call, shown, 100)


def _evaluation(call: Call, pull_request: PullRequest, shown: Evaluation) -> Json:
    organisation = call.organisation
    rendered: Json = {
        "configuration": _configuration(call, shown.policy),
        "artifactId": artifact_id(organisation, pull_request),
        "evaluationId": organisation.derived_id("evaluation", str(pull_request.id), str(shown.policy.id)),
        "startedDate": pull_request.created,
        "status": shown.status,
        "context": None,
    }
    if shown.status in {"approved", "rejected"}:
        decided = [status.created for status in pull_request.statuses]
        rendered["completedDate"] = decided[-1] if decided else pull_request.created
    return rendered


_CONFIGURATIONS_PATH = "{project}/_apis/policy/configurations"

ROUTES = (
    Route("GET", "{project}/_apis/policy/types", _TYPES, _list_types),
    Route("GET", "{project}/_apis/policy/types/{typeId}", _TYPES, _get_type),
    Route("GET", _CONFIGURATIONS_PATH, _CONFIGURATIONS, _list_configurations),
    Route("POST", _CONFIGURATIONS_PATH, _CONFIGURATIONS, _create_configuration),
    Route("GET", f"{_CONFIGURATIONS_PATH}/{{configurationId}}", _CONFIGURATIONS, _get_configuration),
    Route("PUT", f"{_CONFIGURATIONS_PATH}/{{configurationId}}", _CONFIGURATIONS, _replace_configuration),
    Route("DELETE", f"{_CONFIGURATIONS_PATH}/{{configurationId}}", _CONFIGURATIONS, _delete_configuration),
    Route("GET", "{project}/_apis/policy/evaluations", _EVALUATIONS, _list_evaluations),
)
