"""Plan logs, timelines and events over HTTP (7.1 specification of the task area).

Only the token issued for a task of the plan may write; whoever may read builds may read.
"""

from typing import Any, Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection
from local.devops.errors import TASKS, ServiceError, invalid_argument
from local.devops.pipeline_records import Plan, PlanLog
from local.devops.plans import (
    append_log,
    create_log,
    find_log,
    find_plan,
    guid,
    logs_of,
    task_that_calls,
    update_records,
)
from local.devops.render_plans import plan_url, task_log_json, task_record_json
from local.devops.routing import BYTES, Resource, Route
from local.devops.shapes import Shape
from local.devops.task_events import take_event
from local.devops.versions import ResourceVersion

_P = "{scopeIdentifier}/_apis/distributedtask/hubs/{hubName}/plans/{planId}"
_T = f"{_P}/timelines/{{timelineId}}"


def _resource(location: str, name: str, template: str) -> Resource:
    return Resource(location, "distributedtask", name, template, ResourceVersion(1))


_EVENTS = _resource("557624af-b29e-4c20-8ab0-0399d2204f3f", "events", f"{_P}/events")
_LOGS = _resource("46f5667d-263a-4684-91b1-dff7fdcf64e2", "logs", f"{_P}/logs/{{logId}}")
_TIMELINES = _resource("83597576-cc2c-453c-bea6-2882ae6a1653", "timelines", _T)
_RECORDS = _resource("8893bc5b-35b2-4be7-83cb-99e683551db4", "records", f"{_T}/records/{{recordId}}")

_EVENT: Final[dict[str, Shape]] = {"name": str, "taskId": str, "jobId": str, "result": str}
_RECORD: Final[dict[str, Shape]] = {
    "id": str,
    "parentId": str,
    "type": str,
    "name": str,
    "state": str,
    "result": str,
    "resultCode": str,
    "currentOperation": str,
    "startTime": str,
    "finishTime": str,
    "percentComplete": int,
    "order": int,
    "errorCount": int,
    "warningCount": int,
    "log": {"id": int},
    "issues": [{"type": str, "category": str, "message": str}],
}
_WRITABLE: Final = frozenset(_RECORD)


def _plan(call: Call) -> Plan:
    return find_plan(call.organisation, call.route["scopeIdentifier"], call.route["hubName"], call.route["planId"])


def _readable(call: Call) -> Plan:
    demand(call.token, "builds_read")
    return _plan(call)


def _timeline(call: Call, plan: Plan) -> Plan:
    if call.route["timelineId"].lower() != plan.timeline_id:
        message = f"No timeline found for plan {plan.id} with identifier {call.route['timelineId']}."
        raise ServiceError(404, "TimelineNotFoundException", message, TASKS)
    return plan


def _post_event(call: Call) -> Answer:
    plan = _plan(call)
    task = task_that_calls(call.organisation, call.token, plan)
    event = call.json(_EVENT)
    named = {name: guid(event.get(name, ""), name) for name in ("taskId", "jobId")}
    take_event(call.organisation, plan, task, {**event, **named})
    return Answer(status=204)


def _list_logs(call: Call) -> Answer:
    plan = _readable(call)
    return collection([task_log_json(call.organisation, plan, log) for log in logs_of(call.organisation, plan)])


def _create_log(call: Call) -> Answer:
    plan = _plan(call)
    task_that_calls(call.organisation, call.token, plan)
    made = create_log(call.organisation, plan, call.json({"path": str}).get("path", ""))
    return Answer(task_log_json(call.organisation, plan, made))


def _append_log(call: Call) -> Answer:
    plan = _plan(call)
    task_that_calls(call.organisation, call.token, plan)
    changed = append_log(call.organisation, plan, call.route_number("logId"), call.content)
    return Answer(task_log_json(call.organisation, plan, changed))


def _get_log(call: Call) -> Answer:
    plan = _readable(call)
    return log_answer(call, find_log(call.organisation, plan, call.route_number("logId")))


def log_answer(call: Call, log: PlanLog) -> Answer:
    """Answer with the lines of a log: as JSON to who asks for that, else as plain text.

    Args:
        call: may narrow them by startLine and endLine, counted from 0, the last one included.
        log: which.

    Raises:
        ServiceError: 400 when a line is not a number.
    """
    first, last = call.number("startLine", 0), call.number("endLine", len(log.lines))
    lines = list(log.lines[first : last + 1])
    if "application/json" in call.headers.get("accept", ""):
        return collection(lines)
    text = "".join(f"{line}\r\n" for line in lines)
    return Answer(text.encode(), content_type="text/plain")


def _list_timelines(call: Call) -> Answer:
    plan = _readable(call)
    url = f"{plan_url(call.organisation, plan)}/timelines/{plan.timeline_id}"
    return collection([{"id": plan.timeline_id, "changeId": plan.change_id, "location": url}])


def _list_records(call: Call) -> Answer:
    plan = _timeline(call, _readable(call))
    return collection([task_record_json(call.organisation, plan, record) for record in plan.records.values()])


def _update_records(call: Call) -> Answer:
    plan = _timeline(call, _plan(call))
    task = task_that_calls(call.organisation, call.token, plan)
    wrapped = call.json({"count": int, "value": [_RECORD]})
    wanted: list[dict[str, Any]] = wrapped.get("value") or []
    if wrapped.get("count", len(wanted)) != len(wanted) or not wanted:
        raise invalid_argument("value", "A collection with as many records as its count says is required.")
    written = [{name: value for name, value in entry.items() if name in _WRITABLE} for entry in wanted]
    changed = update_records(call.organisation, plan, task, written)
    shown = [changed.records[guid(entry["id"], "id")] for entry in wanted]
    return collection([task_record_json(call.organisation, changed, record) for record in shown])


ROUTES = (
    Route("POST", f"{_P}/events", _EVENTS, _post_event),
    Route("GET", f"{_P}/logs", _LOGS, _list_logs),
    Route("POST", f"{_P}/logs", _LOGS, _create_log),
    Route("GET", f"{_P}/logs/{{logId}}", _LOGS, _get_log),
    Route("POST", f"{_P}/logs/{{logId}}", _LOGS, _append_log, BYTES),
    Route("GET", f"{_P}/timelines", _TIMELINES, _list_timelines),
    Route("GET", f"{_T}/records", _RECORDS, _list_records),
    Route("PATCH", f"{_T}/records", _RECORDS, _update_records),
)
