"""How checks went, as JSON: as the pipelines checks area shows a suite, and whole as the simulator's own route does."""

from typing import Final

from local.devops.checks import check_reference_json
from local.devops.pipeline_records import ServerTask, Stage
from local.devops.plans import lines_of
from local.devops.records import Project
from local.devops.render import Json, link
from local.devops.stages import tasks_of
from local.devops.state import Organisation

_RUN_STATUSES: Final = {
    "notStarted": "queued",
    "inProgress": "running",
    "succeeded": "approved",
    "failed": "rejected",
    "timedOut": "timedOut",
    "canceled": "canceled",
}
_WORST_FIRST: Final = ("rejected", "timedOut", "canceled", "running", "queued", "approved")


def suite_json(organisation: Organisation, project: Project, stage: Stage) -> Json:
    """Render the checks of a stage as one suite.

    Args:
        organisation: where.
        project: the stage's.
        stage: whose checks.
    """
    tasks = [task for task in tasks_of(organisation, stage) if task.check_id is not None]
    runs = [_run_json(organisation, task) for task in tasks]
    url = f"{organisation.url}{project.id}/_apis/pipelines/checks/runs/{stage.suite_id}"
    finished = [task.finished for task in tasks if task.finished]
    return {
        "id": stage.suite_id,
        "status": min((run["status"] for run in runs), key=_WORST_FIRST.index, default="approved"),
        "message": None,
        "completedDate": max(finished) if tasks and len(finished) == len(tasks) else None,
        "checkRuns": runs,
        "context": {"buildId": str(stage.build_id), "stageName": stage.name},
        "_links": {"self": link(url)},
    }


def _run_json(organisation: Organisation, task: ServerTask) -> Json:
    check = organisation.checks.get(task.check_id or 0)
    return {
        "id": task.id,
        "status": _RUN_STATUSES[task.state],
        "resultMessage": task.message,
        "createdDate": task.created,
        "completedDate": task.finished,
        "checkConfigurationRef": check_reference_json(organisation, check) if check else None,
    }


def stage_json(organisation: Organisation, stage: Stage) -> Json:
    """Render a stage with its checks and its job, and what their logs show.

    Args:
        organisation: where.
        stage: which.
    """
    tasks = [_task_json(organisation, task) for task in tasks_of(organisation, stage)]
    return {
        "name": stage.name,
        "environment": stage.environment,
        "state": stage.state,
        "suiteId": stage.suite_id,
        "startTime": stage.started,
        "finishTime": stage.finished,
        "checks": [task for task in tasks if task["isCheck"]],
        "job": next((task for task in tasks if not task["isCheck"]), None),
    }


def _task_json(organisation: Organisation, task: ServerTask) -> Json:
    plan = organisation.plans.get(task.plan_id)
    return {
        "id": task.id,
        "jobId": task.job_id,
        "planId": task.plan_id,
        "hub": plan.hub if plan else None,
        "timelineId": plan.timeline_id if plan else None,
        "isCheck": task.check_id is not None,
        "checkId": task.check_id or None,
        "name": task.name,
        "task": task.kind,
        "state": task.state,
        "message": task.message,
        "startTime": task.started,
        "finishTime": task.finished,
        "attempts": [{"at": one.at, "status": one.status, "text": one.text} for one in task.attempts],
        "log": lines_of(organisation, plan, task.id) or lines_of(organisation, plan, task.job_id) if plan else [],
    }
