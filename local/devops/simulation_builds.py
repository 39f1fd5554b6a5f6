"""The simulator's own routes for what agents and pipelines do to builds: print, reach stages, show how they went."""

from typing import Any, Final

from local.devops.calls import Answer, Call, Handler, collection
from local.devops.errors import ServiceError
from local.devops.job_commands import run_line
from local.devops.pipeline_records import Build
from local.devops.render_checks import stage_json
from local.devops.shapes import Shape
from local.devops.stages import reach_stage, stages_of

_SETTINGS: Final[dict[str, Shape]] = {
    "definitionRef": {"id": str, "version": str},
    "displayName": str,
    "inputs": dict,
    "retryInterval": int,
    "timeout": (int, float),
}
_STAGE: Final[dict[str, Shape]] = {
    "buildId": int,
    "name": str,
    "environment": str,
    "checks": [_SETTINGS],
    "job": _SETTINGS,
    "hub": str,
    "variables": dict,
    "last": bool,
}


def _build(call: Call, number: Any) -> Build:  # noqa: ANN401 - parsed JSON, or a query
    found = call.organisation.builds.get(number or 0)
    if found is None:
        raise ServiceError(404, "BuildNotFoundException", f"there is no build {number}")
    return found


def _reach_stage(call: Call) -> Answer:
    wanted = call.json(_STAGE)
    stage = reach_stage(call.organisation, _build(call, wanted.get("buildId")), wanted)
    return Answer(stage_json(call.organisation, stage), status=201)


def _print_line(call: Call) -> Answer:
    wanted = call.json({"buildId": int, "line": str})
    build = _build(call, wanted.get("buildId"))
    run_line(call.organisation, call.organisation.project(build.project_id), build, wanted.get("line", ""))
    return Answer(status=204)


def _list_stages(call: Call) -> Answer:
    build = _build(call, call.text("buildId"))
    return collection([stage_json(call.organisation, one) for one in stages_of(call.organisation, build.id)])


HANDLERS: Final[dict[tuple[str, str], Handler]] = {
    ("POST", "builds/stages"): _reach_stage,
    ("GET", "builds/stages"): _list_stages,
    ("POST", "builds/lines"): _print_line,
}
