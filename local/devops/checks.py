"""Checks on environments: configured, found, shown.

Shapes follow the 7.1 specification of the pipelines checks area. Only task checks are there: Invoke Azure Function and
Invoke REST API.
"""

from dataclasses import replace
from typing import Any, Final

from local.devops.environments import environment
from local.devops.errors import CHECKS, ServiceError, invalid_argument
from local.devops.pipeline_records import Check
from local.devops.records import Identity, Project
from local.devops.render import Json, identity_json, link
from local.devops.state import Organisation
from local.devops.task_requests import DEFINITIONS, checked_inputs

TASK_CHECK: Final = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"
"""Id of the check type "Task Check"."""
LONGEST_TIMEOUT_MINUTES: Final = 43_200
"""Thirty days, which is also what a check has whose author names nothing."""


def create_check(organisation: Organisation, project: Project, wanted: Json, creator: Identity) -> Check:
    """Put a check on an environment.

    Args:
        organisation: where.
        project: in which project.
        wanted: type, settings, resource and timeout (minutes).
        creator: who asks.

    Raises:
        ServiceError: 400 naming what is wrong, 404 for an environment that is not there.
    """
    kind = wanted.get("type") or {}
    if str(kind.get("id", "")).lower() != TASK_CHECK:
        raise invalid_argument("type", f"Only task checks ({TASK_CHECK}) are there.")
    resource = wanted.get("resource") or {}
    if str(resource.get("type", "")).lower() != "environment":
        raise invalid_argument("resource", "Only environments can have checks here.")
    on = environment(organisation, project, str(resource.get("id", "")))
    now = organisation.clock.stamp()
    with organisation.store.change():
        number = organisation.next_number("check")
        made = Check(
            id=number,
            project_id=project.id,
            environment_id=on.id,
            settings=checked_settings(organisation, project, wanted.get("settings") or {}),
            timeout_minutes=_timeout(wanted),
            is_disabled=wanted.get("isDisabled") is True,
            created_by=creator,
            created=now,
            modified_by=creator,
            modified=now,
        )
        return organisation.checks.put(number, made)


def change_check(organisation: Organisation, check: Check, wanted: Json, by: Identity) -> Check:
    """Change a check's settings, timeout or whether it is disabled.

    Args:
        organisation: where.
        check: as it is.
        wanted: what changes.
        by: who asks.

    Raises:
        ServiceError: 400 naming what is wrong.
    """
    project = organisation.project(check.project_id)
    settings = wanted.get("settings")
    changed = replace(
        check,
        settings=check.settings if settings is None else checked_settings(organisation, project, settings),
        timeout_minutes=_timeout(wanted) if wanted.get("timeout") else check.timeout_minutes,
        is_disabled=wanted.get("isDisabled", check.is_disabled),
        modified_by=by,
        modified=organisation.clock.stamp(),
    )
    with organisation.store.change():
        return organisation.checks.put(check.id, changed)


def checked_settings(organisation: Organisation, project: Project, given: Json) -> Json:
    """Return the settings of a task check with checked inputs.

    Args:
        organisation: where.
        project: in which project.
        given: definitionRef, displayName, inputs and retryInterval (minutes between evaluations).

    Raises:
        ServiceError: 400 naming what is wrong.
    """
    reference = given.get("definitionRef") or {}
    kind = DEFINITIONS.get(str(reference.get("id", "")).lower())
    if kind is None:
        raise invalid_argument("definitionRef", f"Only these tasks are there: {DEFINITIONS}.")
    inputs = checked_inputs(organisation, project, kind, given.get("inputs") or {})
    pause: Any = given.get("retryInterval") or 0
    if not isinstance(pause, int) or pause < 0:
        raise invalid_argument("retryInterval", "It must be a number of minutes.")
    if pause and inputs.get("waitForCompletion") == "true":
        raise invalid_argument("retryInterval", "The time between evaluations must be 0 in callback mode.")
    named = {"id": reference["id"].lower(), "name": kind, "version": reference.get("version") or "1.0.0"}
    display = str(given.get("displayName") or kind)
    return {"definitionRef": named, "displayName": display, "inputs": inputs, "retryInterval": pause}


def _timeout(wanted: Json) -> int:
    given: int = wanted.get("timeout") or LONGEST_TIMEOUT_MINUTES
    if not 0 < given <= LONGEST_TIMEOUT_MINUTES:
        raise invalid_argument("timeout", f"It must be between 1 and {LONGEST_TIMEOUT_MINUTES} minutes.")
    return given


def check(organisation: Organisation, project: Project, number: int) -> Check:
    """Find a check.

    Args:
        organisation: where.
        project: in which project.
        number: its id.

    Raises:
        ServiceError: 404 when there is none.
    """
    found = organisation.checks.get(number)
    if found is None or found.project_id != project.id:
        message = f"Check configuration with id {number} not found."
        raise ServiceError(404, "CheckConfigurationNotFoundException", message, CHECKS)
    return found


def checks_on(organisation: Organisation, environment_id: int) -> list[Check]:
    """Return the checks on an environment, oldest first, disabled ones too."""
    return [one for one in organisation.checks.all() if one.environment_id == environment_id]


def check_reference_json(organisation: Organisation, shown: Check) -> Json:
    """Render a check as it stands within other things."""
    on = organisation.environments.get(shown.environment_id)
    return {
        "id": shown.id,
        "type": {"id": TASK_CHECK, "name": "Task Check"},
        "url": f"{organisation.url}{shown.project_id}/_apis/pipelines/checks/configurations/{shown.id}",
        "resource": {"type": "environment", "id": str(shown.environment_id), "name": on.name if on else ""},
    }


def check_json(organisation: Organisation, shown: Check, *, settings: bool) -> Json:
    """Render a check.

    Args:
        organisation: where.
        shown: the check.
        settings: whether they are told.
    """
    reference = check_reference_json(organisation, shown)
    return {
        **reference,
        **({"settings": shown.settings} if settings else {}),
        "timeout": shown.timeout_minutes,
        "isDisabled": shown.is_disabled,
        "createdBy": identity_json(organisation, shown.created_by),
        "createdOn": shown.created,
        "modifiedBy": identity_json(organisation, shown.modified_by),
        "modifiedOn": shown.modified,
        "_links": {"self": link(reference["url"])},
    }
