"""Orchestration plans: the timeline and the logs behind a build, and who may write to them.

Shapes follow the 7.1 specification of the task area.
"""

import uuid
from dataclasses import replace
from typing import Any, Final

from local.devops.errors import TASKS, ServiceError, invalid_argument
from local.devops.pipeline_records import Build, Plan, PlanLog, ServerTask
from local.devops.records import Token
from local.devops.state import Organisation

BUILD_HUB: Final = "build"
CHECKS_HUB: Final = "checks"
STATES: Final = ("pending", "inProgress", "completed")
RESULTS: Final = ("succeeded", "succeededWithIssues", "failed", "canceled", "skipped", "abandoned")


def plan_of(organisation: Organisation, build: Build) -> Plan:
    """Return the plan of a build, made when it is first asked for; call it inside a change.

    Args:
        organisation: where.
        build: which.
    """
    found = organisation.plans.get(build.plan_id)
    return found or make_plan(organisation, build, BUILD_HUB, build.plan_id)


def make_plan(organisation: Organisation, build: Build, hub: str, plan_id: str | None = None) -> Plan:
    """Make a plan with an empty timeline, inside a change.

    Args:
        organisation: where.
        build: on whose behalf.
        hub: build or checks.
        plan_id: a GUID; a new one without it.
    """
    named = plan_id or str(uuid.uuid4())
    timeline = organisation.derived_id("timeline", named)
    made = Plan(named, build.project_id, build.id, hub, timeline, organisation.clock.stamp())
    return organisation.plans.put(named, made)


def find_plan(organisation: Organisation, scope: str, hub: str, plan_id: str) -> Plan:
    """Find a plan by its address.

    Args:
        organisation: where.
        scope: the project's id.
        hub: the hub's name, without regard to case.
        plan_id: the plan's id.

    Raises:
        ServiceError: 404 when there is none, or it is not that project's or hub's.
    """
    found = organisation.plans.get(plan_id.lower())
    if found is None or found.project_id != scope.lower() or found.hub != hub.lower():
        message = f"No plan found for identifier {plan_id}."
        raise ServiceError(404, "TaskOrchestrationPlanNotFoundException", message, TASKS)
    return found


def task_that_calls(organisation: Organisation, token: Token, plan: Plan) -> ServerTask:
    """Return the task on whose behalf a call to its plan is made.

    Only the token that was issued for a task of this plan will do. A personal access token, whatever its rights, and
    the token of another plan's task are refused.

    Args:
        organisation: where.
        token: the caller's.
        plan: whose logs, records or events are written.

    Raises:
        ServiceError: 403 for any other caller.
    """
    found = organisation.server_tasks.get(token.task_id) if token.task_id else None
    if found is None or found.plan_id != plan.id:
        raise security_refusal(f"{token.identity.display_name} does not have permissions to update plan {plan.id}.")
    return found


def security_refusal(message: str) -> ServiceError:
    """Refuse what the caller may not do with a plan (403).

    Args:
        message: why.
    """
    return ServiceError(403, "TaskOrchestrationPlanSecurityException", message, TASKS)


def put_record(organisation: Organisation, plan_id: str, record_id: str, **fields: object) -> Plan:
    """Write fields of a timeline record, inside a change; those that are not named stay as they are.

    Args:
        organisation: where.
        plan_id: whose timeline.
        record_id: which record; made when it is not there.
        fields: as TimelineRecord names them.
    """
    plan = organisation.plans.get(plan_id)
    assert plan is not None, "a record is only written to a plan that was made"  # noqa: S101 - a bug, not an input
    now, change = organisation.clock.stamp(), plan.change_id + 1
    old = plan.records.get(record_id) or {"id": record_id, "attempt": 1, "order": len(plan.records) + 1}
    record = {**old, **fields, "lastModified": now, "changeId": change}
    changed = replace(plan, records={**plan.records, record_id: record}, change_id=change, changed=now)
    return organisation.plans.put(plan_id, changed)


def update_records(organisation: Organisation, plan: Plan, task: ServerTask, wanted: list[dict[str, Any]]) -> Plan:
    """Take in the records that a task sends: its own, its job's, and new ones below them.

    Args:
        organisation: where.
        plan: the task's.
        task: who sends.
        wanted: the records; fields that are null leave what is there.

    Raises:
        ServiceError: 400 for a record that is wrong, 403 for one that belongs to somebody else.
    """
    with organisation.store.change():
        for entry in wanted:
            record = _checked(organisation, plan, entry)
            current = organisation.plans.get(plan.id) or plan
            _demand_own(current, task, record)
            plan = put_record(organisation, plan.id, record.pop("id"), **record)
    return plan


def _checked(organisation: Organisation, plan: Plan, entry: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in entry.items() if value is not None}
    for name, known in (("state", STATES), ("result", RESULTS)):
        if given.get(name) not in {None, *known}:
            raise invalid_argument(name, f"The value {given[name]!r} is not one of {', '.join(known)}.")
    for name in ("id", "parentId"):
        if name in given:
            given[name] = guid(given[name], name)
    if "id" not in given:
        raise invalid_argument("id", "A timeline record needs an id.")
    if "log" in given:
        given["log"] = {"id": find_log(organisation, plan, given["log"].get("id", 0)).id}
    return given


def _demand_own(plan: Plan, task: ServerTask, record: dict[str, Any]) -> None:
    known = plan.records.get(record["id"])
    place = record["id"] if known else record.get("parentId")
    while place is not None:
        if place in {task.id, task.job_id}:
            return
        place = plan.records.get(place, {}).get("parentId")
    raise security_refusal(f"Record {record['id']} does not belong to job {task.job_id}.")


def guid(value: str, name: str) -> str:
    """Return a GUID in lower case.

    Args:
        value: as it was sent.
        name: where it stands, for the message.

    Raises:
        ServiceError: 400 when it is none.
    """
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise invalid_argument(name, f"The value {value[:80]!r} is not a GUID.") from None


def create_log(organisation: Organisation, plan: Plan, path: str) -> PlanLog:
    """Make an empty log.

    Args:
        organisation: where.
        plan: of which plan.
        path: how the caller names it.

    Raises:
        ServiceError: 400 without a path.
    """
    if not path:
        raise invalid_argument("path", "Value cannot be null or empty.")
    with organisation.store.change():
        number = organisation.next_number(f"log/{plan.id}")
        now = organisation.clock.stamp()
        return organisation.plan_logs.put(_log_key(plan, number), PlanLog(number, plan.id, path, now, now))


def append_log(organisation: Organisation, plan: Plan, number: int, content: bytes) -> PlanLog:
    """Add lines to a log.

    Args:
        organisation: where.
        plan: of which plan.
        number: the log's id.
        content: UTF-8; what is not is replaced.

    Raises:
        ServiceError: 404 when there is no such log.
    """
    lines = content.decode(errors="replace").removeprefix("\ufeff").splitlines()
    with organisation.store.change():
        old = find_log(organisation, plan, number)
        changed = replace(old, lines=(*old.lines, *lines), changed=organisation.clock.stamp())
        return organisation.plan_logs.put(_log_key(plan, number), changed)


def find_log(organisation: Organisation, plan: Plan, number: int) -> PlanLog:
    """Find a log.

    Args:
        organisation: where.
        plan: of which plan.
        number: its id.

    Raises:
        ServiceError: 404 when there is none.
    """
    found = organisation.plan_logs.get(_log_key(plan, number))
    if found is None:
        message = f"Log {number} of plan {plan.id} could not be found."
        raise ServiceError(404, "TaskOrchestrationPlanLogNotFoundException", message, TASKS)
    return found


def logs_of(organisation: Organisation, plan: Plan) -> list[PlanLog]:
    """Return a plan's logs, oldest first.

    Args:
        organisation: where.
        plan: which.
    """
    return [log for log in organisation.plan_logs.all() if log.plan_id == plan.id]


def lines_of(organisation: Organisation, plan: Plan, record_id: str) -> list[str]:
    """Return what the log of a record shows; nothing when it has none.

    Args:
        organisation: where.
        plan: whose timeline.
        record_id: which record.
    """
    log = (plan.records.get(record_id) or {}).get("log")
    return list(find_log(organisation, plan, log["id"]).lines) if log else []


def _log_key(plan: Plan, number: int) -> str:
    return f"{plan.id}:{number}"
