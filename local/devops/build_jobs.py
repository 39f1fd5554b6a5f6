"""The one job that every build has, in its timeline: its records, and the log that its steps print to."""

from typing import Final

from local.devops.pipeline_records import Build, Plan
from local.devops.plans import append_log, create_log, plan_of, put_record
from local.devops.state import Organisation

_NAME: Final = "Build"
_STATES: Final = {"notStarted": "pending", "postponed": "pending", "completed": "completed"}
_RESULTS: Final = {"partiallySucceeded": "succeededWithIssues"}


def show_job(organisation: Organisation, build: Build) -> Plan:
    """Let the timeline tell how a build's job stands, and return the plan; call it inside a change.

    A job that has ended stays as it ended: what comes after it are other stages.

    Args:
        organisation: where.
        build: as it is now.
    """
    plan = plan_of(organisation, build)
    state = _STATES.get(build.status, "inProgress")
    result = _RESULTS.get(build.result or "", build.result) if state == "completed" else None
    return _write(organisation, plan, state, result, build.started, build.finished)


def end_job(organisation: Organisation, build: Build) -> None:
    """Let the timeline tell that a build's job succeeded and other stages follow; call it inside a change.

    Args:
        organisation: where.
        build: which.
    """
    now = organisation.clock.stamp()
    _write(organisation, plan_of(organisation, build), "completed", "succeeded", build.started or now, now)


def _write(
    organisation: Organisation, plan: Plan, state: str, result: str | None, started: str | None, finished: str | None
) -> Plan:
    stage, phase, job = _records(organisation, plan)
    if plan.records.get(job, {}).get("state") == "completed":
        return plan
    for record, kind, parent in ((stage, "Stage", None), (phase, "Phase", stage), (job, "Job", phase)):
        plan = put_record(
            organisation,
            plan.id,
            record,
            type=kind,
            name=_NAME,
            parentId=parent,
            state=state,
            result=result,
            startTime=started,
            finishTime=finished if state == "completed" else None,
        )
    return plan


def _records(organisation: Organisation, plan: Plan) -> tuple[str, str, str]:
    stage, phase, job = (organisation.derived_id(kind, plan.id) for kind in ("stage", "phase", "job"))
    return stage, phase, job


def say(organisation: Organisation, build: Build, line: str) -> None:
    """Print a line to the log of a build's job.

    Args:
        organisation: where.
        build: which.
        line: one or several lines.
    """
    with organisation.store.change():
        plan = show_job(organisation, build)
        job = _records(organisation, plan)[2]
        log = plan.records[job].get("log")
        if log is None:
            log = {"id": create_log(organisation, plan, f"logs\\{job}").id}
            plan = put_record(organisation, plan.id, job, log=log)
        append_log(organisation, plan, log["id"], line.encode())
