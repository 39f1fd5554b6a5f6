"""Builds, their tags and properties over HTTP (7.1 specification of the build area)."""

from typing import Any, Final

from local.devops.auth import demand
from local.devops.build_search import builds_wanted
from local.devops.builds import (
    build,
    change_build,
    queue_build,
    retag_build,
    set_properties,
    tag_build,
    tag_in_path,
    untag_build,
)
from local.devops.calls import Answer, Call, collection, page_of
from local.devops.pipeline_records import Build
from local.devops.render import Json
from local.devops.render_builds import build_json
from local.devops.routing import JSON_PATCH, Resource, Route
from local.devops.shapes import Shape
from local.devops.stages import cancel_stages
from local.devops.versions import ResourceVersion

_BUILDS_PATH = "{project}/_apis/build/builds"
_B = f"{_BUILDS_PATH}/{{buildId}}"
_BUILDS = Resource("0cd358e1-9217-4d94-8269-1c1ee6f93dcf", "build", "Builds", _B, ResourceVersion(7))
_TAGS = Resource("6e6114b2-8161-44c8-8f6c-c5505782427f", "build", "tags", f"{_B}/tags/{{*tag}}", ResourceVersion(3))
_PROPERTIES = Resource("0a6312e9-0627-49b7-8083-7d74a64849c9", "build", "properties", f"{_B}/properties")

_SHOWN: Final = 1000

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
    found = [build_json(call.organisation, one) for one in builds_wanted(call)]
    return page_of(call, found, _SHOWN)


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
    with call.organisation.store.change():
        changed = change_build(call.organisation, call.project, shown.id, wanted)
        if changed.status == "completed":
            cancel_stages(call.organisation, changed.id)
    return Answer(build_json(call.organisation, changed))


def _tags(call: Call) -> Answer:
    return collection(list(_readable(call).tags))


def _add_tags(call: Call) -> Answer:
    shown = _readable(call)
    demand(call.token, "builds_write")
    tags = [tag_in_path(call.route["tag"])] if "tag" in call.route else call.json_list(str)
    return collection(list(tag_build(call.organisation, call.project, shown.id, tags).tags))


def _change_tags(call: Call) -> Answer:
    shown = _readable(call)
    demand(call.token, "builds_write")
    wanted = call.json({"tagsToAdd": [str], "tagsToRemove": [str]})
    added, removed = wanted.get("tagsToAdd") or [], wanted.get("tagsToRemove") or []
    return collection(list(retag_build(call.organisation, call.project, shown.id, added, removed).tags))


def _remove_tag(call: Call) -> Answer:
    shown = _readable(call)
    demand(call.token, "builds_write")
    tag = tag_in_path(call.route["tag"])
    return collection(list(untag_build(call.organisation, call.project, shown.id, tag).tags))


def _properties(call: Call) -> Answer:
    shown, names = _readable(call), call.text("filter")
    if names is None:
        return Answer(_properties_json(shown.properties))
    wanted = {name.strip() for name in names.split(",")}
    return Answer(_properties_json({name: value for name, value in shown.properties.items() if name in wanted}))


def _change_properties(call: Call) -> Answer:
    shown = _readable(call)
    demand(call.token, "builds_write")
    patch = call.json_list({"op": str, "path": str})
    return Answer(_properties_json(set_properties(call.organisation, call.project, shown.id, patch).properties))


def _properties_json(properties: dict[str, Any]) -> Json:
    values = {name: {"$type": "System.String", "$value": value} for name, value in properties.items()}
    return {"count": len(values), "value": values}


ROUTES = (
    Route("GET", _BUILDS_PATH, _BUILDS, _list),
    Route("POST", _BUILDS_PATH, _BUILDS, _queue),
    Route("GET", _B, _BUILDS, _get),
    Route("PATCH", _B, _BUILDS, _change),
    Route("GET", f"{_B}/tags", _TAGS, _tags),
    Route("POST", f"{_B}/tags", _TAGS, _add_tags),
    Route("PATCH", f"{_B}/tags", _TAGS, _change_tags),
    Route("PUT", f"{_B}/tags/{{tag}}", _TAGS, _add_tags),
    Route("DELETE", f"{_B}/tags/{{tag}}", _TAGS, _remove_tag),
    Route("GET", f"{_B}/properties", _PROPERTIES, _properties),
    Route("PATCH", f"{_B}/properties", _PROPERTIES, _change_properties, JSON_PATCH),
)
