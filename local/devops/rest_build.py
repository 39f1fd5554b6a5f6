"""Builds, their tags and properties over HTTP (7.1 specification of the build area)."""

from typing import Final

from local.devops.auth import demand
from local.devops.builds import (
    build,
    build_json,
    change_build,
    queue_build,
    set_properties,
    tag_build,
    untag_build,
)
from local.devops.calls import Answer, Call, collection, page_of
from local.devops.records import Build
from local.devops.render import Json
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.versions import ResourceVersion

_BUILDS_PATH = "{project}/_apis/build/builds"
_B = f"{_BUILDS_PATH}/{{buildId}}"
_BUILDS = Resource("0cd358e1-9217-4d94-8269-1c1ee6f93dcf", "build", "Builds", _B, ResourceVersion(7))
_TAGS = Resource("6e6114b2-8161-44c8-8f6c-c5505782427f", "build", "tags", f"{_B}/tags/{{*tag}}", ResourceVersion(3))
_PROPERTIES = Resource("0a6312e9-0627-49b7-8083-7d74a64849c9", "build", "properties", f"{_B}/properties")

_BUILD: Final[dict[str, Shape]] = {
    "definition": {"id": int, "name": str},
    "buildNumber": str,
    "repository": {"id": str},
    "sourceBranch": str,
    "sourceVersion": str,
    "reason": str,
    "parameters": str,
    "triggerInfo": dict,
}


def _readable(call: Call) -> Build:
    demand(call.token, "builds_read")
    return build(call.organisation, call.project, call.route_number("buildId"))


def _list(call: Call) -> Answer:
    demand(call.token, "builds_read")
    project = call.project
    branch, definitions = call.text("branchName"), (call.text("definitions") or "").split(",")
    found = [
        one
        for one in call.organisation.builds.all()
        if one.project_id == project.id
        and branch in {None, one.source_branch}
        and (definitions == [""] or str(one.definition_id) in definitions)
    ]
    return page_of(call, [build_json(call.organisation, one) for one in reversed(found)], 1000)


def _queue(call: Call) -> Answer:
    project = call.project
    demand(call.token, "builds_write")
    return Answer(
        build_json(call.organisation, queue_build(call.organisation, project, call.json(_BUILD), call.token.identity))
    )


def _get(call: Call) -> Answer:
    return Answer(build_json(call.organisation, _readable(call)))


def _change(call: Call) -> Answer:
    shown = _readable(call)
    demand(call.token, "builds_write")
    wanted = call.json({"status": str, "result": str})
    return Answer(build_json(call.organisation, change_build(call.organisation, call.project, shown.id, wanted)))


def _tags(call: Call) -> Answer:
    return collection(list(_readable(call).tags))


def _add_tags(call: Call) -> Answer:
    shown = _readable(call)
    demand(call.token, "builds_write")
    tags = [call.route["tag"]] if "tag" in call.route else call.json_list(str)
    return collection(list(tag_build(call.organisation, call.project, shown.id, tags).tags))


def _remove_tag(call: Call) -> Answer:
    shown = _readable(call)
    demand(call.token, "builds_write")
    return collection(list(untag_build(call.organisation, call.project, shown.id, call.route["tag"]).tags))


def _properties(call: Call) -> Answer:
    return Answer(_properties_json(_readable(call)))


def _change_properties(call: Call) -> Answer:
    shown = _readable(call)
    demand(call.token, "builds_write")
    patch = call.json_list({"op": str, "path": str})
    return Answer(_properties_json(set_properties(call.organisation, call.project, shown.id, patch)))


def _properties_json(shown: Build) -> Json:
    values = {name: {"$type": "System.String", "$value": value} for name, value in shown.properties.items()}
    return {"count": len(values), "value": values}


ROUTES = (
    Route("GET", _BUILDS_PATH, _BUILDS, _list),
    Route("POST", _BUILDS_PATH, _BUILDS, _queue),
    Route("GET", _B, _BUILDS, _get),
    Route("PATCH", _B, _BUILDS, _change),
    Route("GET", f"{_B}/tags", _TAGS, _tags),
    Route("POST", f"{_B}/tags", _TAGS, _add_tags),
    Route("PUT", f"{_B}/tags/{{tag}}", _TAGS, _add_tags),
    Route("DELETE", f"{_B}/tags/{{tag}}", _TAGS, _remove_tag),
    Route("GET", f"{_B}/properties", _PROPERTIES, _properties),
    Route("PATCH", f"{_B}/properties", _PROPERTIES, _change_properties),
)
