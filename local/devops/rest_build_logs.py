"""Timelines and logs of builds over HTTP (7.1 specification of the build area)."""

from local.devops.auth import demand
from local.devops.builds import build
from local.devops.calls import Answer, Call, collection
from local.devops.pipeline_records import Plan
from local.devops.plans import find_log, logs_of, plan_of
from local.devops.render_plans import build_log_json, build_timeline_json
from local.devops.rest_plans import log_answer
from local.devops.routing import Resource, Route
from local.devops.versions import ResourceVersion

_B = "{project}/_apis/build/builds/{buildId}"
_LOGS = Resource("35a80daf-7f30-45fc-86e8-6b813d9c90df", "build", "logs", f"{_B}/logs/{{logId}}", ResourceVersion(2))
_TIMELINE = Resource(
    "8baac422-4c6e-4de5-8532-db96d92acffa", "build", "Timeline", f"{_B}/Timeline/{{timelineId}}", ResourceVersion(2)
)


def _plan(call: Call) -> Plan:
    demand(call.token, "builds_read")
    found = build(call.organisation, call.project, call.route_number("buildId"))
    with call.organisation.store.change():
        return plan_of(call.organisation, found)


def _get_timeline(call: Call) -> Answer:
    plan = _plan(call)
    wanted = {call.route.get("timelineId", plan.timeline_id).lower(), (call.text("planId") or plan.id).lower()}
    if wanted != {plan.timeline_id, plan.id}:
        return Answer(status=204)
    return Answer(build_timeline_json(call.organisation, plan))


def _list_logs(call: Call) -> Answer:
    plan = _plan(call)
    return collection([build_log_json(call.organisation, plan, log) for log in logs_of(call.organisation, plan)])


def _get_log(call: Call) -> Answer:
    plan = _plan(call)
    return log_answer(call, find_log(call.organisation, plan, call.route_number("logId")))


ROUTES = (
    Route("GET", f"{_B}/Timeline", _TIMELINE, _get_timeline),
    Route("GET", f"{_B}/Timeline/{{timelineId}}", _TIMELINE, _get_timeline),
    Route("GET", f"{_B}/logs", _LOGS, _list_logs),
    Route("GET", f"{_B}/logs/{{logId}}", _LOGS, _get_log),
)
