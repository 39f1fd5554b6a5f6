"""Stages of a build: reached, held back by checks, run, ended. One stage starts only when those before it succeeded.

"Approvals and checks" of the Azure Pipelines documentation. Everything here happens inside a change of the store, so
that a task, its record in the timeline, its stage and its build never disagree.
"""

import uuid
from dataclasses import replace
from typing import Any, Final

from local.devops.build_jobs import end_job
from local.devops.builds import change_build
from local.devops.errors import ServiceError, invalid_argument
from local.devops.pipeline_records import Build, ServerTask, Stage
from local.devops.plans import plan_of, put_record
from local.devops.server_tasks import TASK_ENDS, cancel_task, start_task
from local.devops.state import Organisation
from local.devops.task_setup import TaskSetup, make_task, setups_wanted

STAGE_ENDS: Final = frozenset({"succeeded", "failed", "skipped", "canceled"})


def stages_of(organisation: Organisation, build_id: int) -> list[Stage]:
    """Return the stages that a build was told to reach, in their order."""
    return [stage for stage in organisation.stages.all() if stage.build_id == build_id]


def reach_stage(organisation: Organisation, build: Build, wanted: dict[str, Any]) -> Stage:
    """Let a build reach a stage; it begins once the stages before it have succeeded.

    Args:
        organisation: where.
        build: which.
        wanted: ``name``; ``environment``, whose enabled checks hold the stage back; ``checks``, settings of further
            ones; ``job``, the task of an agentless job that is the stage's work; ``hub``, build or checks, for the
            plan that the checks are evaluated in; ``variables`` of the run; ``last``, whether the build ends with it.

    Raises:
        ServiceError: 400 naming what is wrong, 404 for an environment that is not there.
    """
    name = wanted.get("name") or "deploy"
    if build.status == "completed":
        raise invalid_argument("buildId", f"Build {build.id} is completed.")
    with organisation.store.change():
        earlier = stages_of(organisation, build.id)
        if any(stage.name == name for stage in earlier) or (earlier and earlier[-1].ends_build):
            raise invalid_argument("name", f"Build {build.id} cannot reach a stage {name!r} any more.")
        checks, job = setups_wanted(organisation, build, wanted)
        stage = _make_stage(organisation, build, name, checks, job)
        environment = wanted.get("environment")
        stage = replace(stage, number=len(earlier) + 1, environment=environment, ends_build=wanted.get("last") is True)
        organisation.stages.put(_key(stage), stage)
        end_job(organisation, build)
        if build.status != "inProgress":
            change_build(organisation, organisation.project(build.project_id), build.id, {"status": "inProgress"})
        progress(organisation, build.id)
        return organisation.stages.get(_key(stage)) or stage


def _make_stage(
    organisation: Organisation, build: Build, name: str, checks: list[TaskSetup], job: TaskSetup | None
) -> Stage:
    plan = plan_of(organisation, build)
    record, suite = str(uuid.uuid4()), str(uuid.uuid4())
    put_record(organisation, plan.id, record, type="Stage", name=name, identifier=name, state="pending")
    if checks:
        put_record(organisation, plan.id, suite, type="Checkpoint", name="Checkpoint", parentId=record, state="pending")
    check_tasks = tuple(make_task(organisation, build, name, setup, suite).id for setup in checks)
    job_task = None
    if job:
        phase = str(uuid.uuid4())
        put_record(organisation, plan.id, phase, type="Phase", name=job.name, parentId=record, state="pending")
        job_task = make_task(organisation, build, name, job, phase).id
    return Stage(build.id, 0, name, None, record, suite, check_tasks, job_task, ends_build=False)


def progress(organisation: Organisation, build_id: int) -> None:
    """Start and end what may be started and ended in a build now; call it inside a change.

    Args:
        organisation: where.
        build_id: which build.
    """
    passed = True
    for stage in stages_of(organisation, build_id):
        moved = _moved(organisation, stage, may_start=passed)
        if moved.state not in STAGE_ENDS:
            return
        passed = passed and moved.state == "succeeded"
        if moved.ends_build:
            _end_build(organisation, build_id, "succeeded" if passed else "failed")


def _moved(organisation: Organisation, stage: Stage, *, may_start: bool) -> Stage:
    # Takes as many steps as there are; each step is one row of the stage's life.
    while stage.state not in STAGE_ENDS:
        stepped = _stepped(organisation, stage, may_start=may_start)
        if stepped is None:
            return stage
        stage = _put(organisation, stage, stepped)
    return stage


def _stepped(organisation: Organisation, stage: Stage, *, may_start: bool) -> str | None:
    checks = [task for task in tasks_of(organisation, stage) if task.id != stage.job]
    job = organisation.server_tasks.get(stage.job) if stage.job else None
    match stage.state:
        case "notStarted" if not may_start:
            return "skipped"
        case "notStarted":
            for task in checks:
                start_task(organisation, task)
            return "waiting"
        case "waiting" if any(task.state in TASK_ENDS - {"succeeded"} for task in checks):
            return "failed"
        case "waiting" if all(task.state == "succeeded" for task in checks):
            if job:
                start_task(organisation, job)
            return "inProgress"
        case "inProgress":
            return _work_done(job)
        case _:
            return None


def _work_done(job: ServerTask | None) -> str | None:
    # Nobody's work is simulated: a stage without a job is done as soon as it may begin.
    if job is None or job.state == "succeeded":
        return "succeeded"
    return "failed" if job.state in TASK_ENDS else None


def _put(organisation: Organisation, stage: Stage, state: str) -> Stage:
    now = organisation.clock.stamp()
    ended = state in STAGE_ENDS
    moved = replace(
        stage,
        state=state,
        started=stage.started or (now if state in {"waiting", "inProgress"} else None),
        finished=now if ended else None,
    )
    organisation.stages.put(_key(stage), moved)
    if ended:
        for task in tasks_of(organisation, stage):
            cancel_task(organisation, task)
    _show(organisation, moved)
    return moved


def _show(organisation: Organisation, stage: Stage) -> None:
    build = organisation.builds.get(stage.build_id)
    if build is None:
        return
    plan = plan_of(organisation, build)
    times = {"startTime": stage.started, "finishTime": stage.finished}
    result = stage.state if stage.state in STAGE_ENDS else None
    told = "completed" if result else ("inProgress" if stage.state == "inProgress" else "pending")
    put_record(organisation, plan.id, stage.record_id, state=told, result=result, **times)
    if stage.suite_id not in plan.records or plan.records[stage.suite_id]["state"] == "completed":
        return
    if stage.state in {"notStarted", "waiting"}:
        put_record(organisation, plan.id, stage.suite_id, state="inProgress", startTime=stage.started)
        return
    outcome = "succeeded" if stage.state in {"inProgress", "succeeded"} else result
    put_record(
        organisation,
        plan.id,
        stage.suite_id,
        state="completed",
        result=outcome,
        finishTime=organisation.clock.stamp(),
    )


def _end_build(organisation: Organisation, build_id: int, result: str) -> None:
    build = organisation.builds.get(build_id)
    if build and build.status != "completed":
        wanted = {"status": "completed", "result": result}
        change_build(organisation, organisation.project(build.project_id), build.id, wanted)


def cancel_stages(organisation: Organisation, build_id: int) -> None:
    """End every stage of a build that ended otherwise.

    Args:
        organisation: where.
        build_id: which build.
    """
    with organisation.store.change():
        for stage in stages_of(organisation, build_id):
            if stage.state not in STAGE_ENDS:
                _put(organisation, stage, "canceled")


def stage_of_suite(organisation: Organisation, project_id: str, suite_id: str) -> Stage:
    """Find the stage whose checks a suite's id names.

    Args:
        organisation: where.
        project_id: in which project.
        suite_id: as the timeline's Checkpoint record has it.

    Raises:
        ServiceError: 404 when there is none.
    """
    for stage in organisation.stages.all():
        build = organisation.builds.get(stage.build_id)
        if stage.suite_id == suite_id.lower() and build and build.project_id == project_id:
            return stage
    raise ServiceError(404, "CheckSuiteNotFoundException", f"Check suite with id {suite_id} not found.")


def tasks_of(organisation: Organisation, stage: Stage) -> list[ServerTask]:
    """Return a stage's tasks: its checks, then its job's."""
    named = [*stage.checks, *filter(None, [stage.job])]
    return [task for one in named if (task := organisation.server_tasks.get(one))]


def _key(stage: Stage) -> str:
    return f"{stage.build_id}:{stage.name}"
