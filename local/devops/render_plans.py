"""Plans as JSON: timelines, records and logs, as the task area and as the build area show them (7.1)."""

from typing import Any

from local.devops.pipeline_records import Plan, PlanLog
from local.devops.render import Json
from local.devops.state import Organisation


def plan_url(organisation: Organisation, plan: Plan) -> str:
    """Return a plan's address in the task area."""
    return f"{organisation.url}{plan.project_id}/_apis/distributedtask/hubs/{plan.hub}/plans/{plan.id}"


def build_url(organisation: Organisation, plan: Plan) -> str:
    """Return the address of the build behind a plan."""
    return f"{organisation.url}{plan.project_id}/_apis/build/Builds/{plan.build_id}"


def task_log_json(organisation: Organisation, plan: Plan, log: PlanLog) -> Json:
    """Render a log as the task area does."""
    return {
        "id": log.id,
        "location": f"{plan_url(organisation, plan)}/logs/{log.id}",
        "path": log.path,
        "createdOn": log.created,
        "lastChangedOn": log.changed,
        "lineCount": len(log.lines),
    }


def build_log_json(organisation: Organisation, plan: Plan, log: PlanLog) -> Json:
    """Render a log as the build area does."""
    return {
        "id": log.id,
        "type": "Container",
        "url": f"{build_url(organisation, plan)}/logs/{log.id}",
        "createdOn": log.created,
        "lastChangedOn": log.changed,
        "lineCount": len(log.lines),
    }


def task_record_json(organisation: Organisation, plan: Plan, record: dict[str, Any]) -> Json:
    """Render a timeline record as the task area does."""
    rendered = _record(record) | {"location": _record_url(organisation, plan, record)}
    if record.get("log"):
        number = record["log"]["id"]
        rendered["log"] = {"id": number, "location": f"{plan_url(organisation, plan)}/logs/{number}"}
    return rendered


def build_record_json(organisation: Organisation, plan: Plan, record: dict[str, Any]) -> Json:
    """Render a timeline record as the build area does."""
    rendered = _record(record) | {"url": _record_url(organisation, plan, record)}
    if record.get("log"):
        number = record["log"]["id"]
        url = f"{build_url(organisation, plan)}/logs/{number}"
        rendered["log"] = {"id": number, "type": "Container", "url": url}
    return rendered


def _record(record: dict[str, Any]) -> Json:
    unset = dict.fromkeys(
        ("parentId", "startTime", "finishTime", "currentOperation", "percentComplete", "result", "resultCode")
    )
    counts = {"errorCount": 0, "warningCount": 0, "previousAttempts": [], "issues": []}
    return {**unset, "state": "pending", "log": None, "task": None, "details": None, **counts, **record}


def _record_url(organisation: Organisation, plan: Plan, record: dict[str, Any]) -> str:
    return f"{plan_url(organisation, plan)}/timelines/{plan.timeline_id}/records/{record['id']}"


def build_timeline_json(organisation: Organisation, plan: Plan) -> Json:
    """Render the timeline of a build with its records, in their order."""
    records = sorted(plan.records.values(), key=lambda record: int(record["order"]))
    return {
        "id": plan.timeline_id,
        "changeId": plan.change_id,
        "lastChangedBy": organisation.derived_id("system"),
        "lastChangedOn": plan.changed,
        "url": f"{build_url(organisation, plan)}/Timeline/{plan.timeline_id}",
        "records": [build_record_json(organisation, plan, record) for record in records],
    }
