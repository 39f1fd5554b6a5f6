"""Agentless tasks before they start: what a stage asks for, and their places in the timeline."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

from local.devops.checks import LONGEST_TIMEOUT_MINUTES, checked_settings, checks_on
from local.devops.environments import environment
from local.devops.errors import invalid_argument
from local.devops.pipeline_records import Build, ServerTask
from local.devops.plans import BUILD_HUB, CHECKS_HUB, make_plan, plan_of, put_record
from local.devops.render import Json
from local.devops.state import Organisation

_JOB_MINUTES: Final = 60
"""How long a job may take whose author names nothing."""


@dataclass(frozen=True)
class TaskSetup:
    """A task that is to be made. ``check_id`` is nothing for the task of a job, 0 for a check without configuration."""

    name: str
    settings: Json
    timeout_minutes: float
    check_id: int | None
    hub: str
    variables: dict[str, str]


def setups_wanted(
    organisation: Organisation, build: Build, wanted: dict[str, Any]
) -> tuple[list[TaskSetup], TaskSetup | None]:
    """Return the checks and the job that a stage asks for.

    Args:
        organisation: where.
        build: of which build.
        wanted: as ``stages.reach_stage`` takes it.

    Raises:
        ServiceError: 400 naming what is wrong, 404 for an environment that is not there.
    """
    project = organisation.project(build.project_id)
    hub, variables = str(wanted.get("hub") or BUILD_HUB), _texts(wanted.get("variables") or {})
    if hub not in {BUILD_HUB, CHECKS_HUB}:
        raise invalid_argument("hub", f"The hub is {BUILD_HUB} or {CHECKS_HUB}, not {hub!r}.")
    found: list[TaskSetup] = []
    if wanted.get("environment"):
        on = environment(organisation, project, str(wanted["environment"]))
        found += [
            TaskSetup(one.settings["displayName"], one.settings, one.timeout_minutes, one.id, hub, variables)
            for one in checks_on(organisation, on.id)
            if not one.is_disabled
        ]
    for given in wanted.get("checks") or []:
        settings = checked_settings(organisation, project, given)
        minutes = _minutes(given, LONGEST_TIMEOUT_MINUTES)
        found.append(TaskSetup(settings["displayName"], settings, minutes, 0, hub, variables))
    if not wanted.get("job"):
        return found, None
    settings = checked_settings(organisation, project, wanted["job"])
    minutes = _minutes(wanted["job"], _JOB_MINUTES)
    return found, TaskSetup(settings["displayName"], settings, minutes, None, BUILD_HUB, variables)


def _minutes(given: Json, default: int) -> float:
    minutes: Any = given.get("timeout") or default
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or minutes <= 0:
        raise invalid_argument("timeout", "It must be a number of minutes above 0.")
    return float(minutes)


def _texts(values: Json) -> dict[str, str]:
    if any(not isinstance(value, str) for value in values.values()):
        raise invalid_argument("variables", "Variables must be texts.")
    return dict(values)


def make_task(organisation: Organisation, build: Build, stage: str, setup: TaskSetup, parent: str) -> ServerTask:
    """Make a task with its job, in the build's plan or in one of its own; call it inside a change.

    Args:
        organisation: where.
        build: of which build.
        stage: the stage's name.
        setup: what it does.
        parent: the record in the build's timeline that the job stands below.
    """
    apart = setup.check_id is not None and setup.hub == CHECKS_HUB
    plan = make_plan(organisation, build, CHECKS_HUB) if apart else plan_of(organisation, build)
    job, task = str(uuid.uuid4()), str(uuid.uuid4())
    below = None if apart else parent
    put_record(organisation, plan.id, job, type="Job", name=setup.name, parentId=below, state="pending")
    reference = setup.settings["definitionRef"]
    put_record(
        organisation,
        plan.id,
        task,
        type="Task",
        name=reference["name"],
        parentId=job,
        state="pending",
        task={"id": reference["id"], "name": reference["name"], "version": reference["version"]},
    )
    made = ServerTask(
        id=task,
        plan_id=plan.id,
        job_id=job,
        build_id=build.id,
        stage=stage,
        check_id=setup.check_id,
        kind=reference["name"],
        name=setup.name,
        inputs=setup.settings["inputs"],
        timeout_minutes=setup.timeout_minutes,
        retry_minutes=setup.settings["retryInterval"],
        created=organisation.clock.stamp(),
        variables=setup.variables,
    )
    return organisation.server_tasks.put(task, made)
