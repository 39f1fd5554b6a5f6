"""Builds: queued, moved along, tagged. There are no agents; whoever drives the simulator says how a build goes."""

import re
import uuid
from dataclasses import replace
from typing import Any, Final

from local.devops.errors import BUILD, ServiceError, invalid_argument
from local.devops.events import Event, publish
from local.devops.records import Build, Identity, Project
from local.devops.render import Json, identity_json, link, project_reference_json, quoted, repository_url
from local.devops.state import Organisation

_TAG: Final = re.compile(r"[^\x00-\x1f<>%&\\?/]{1,256}")
_STATUSES: Final = ("notStarted", "inProgress", "completed", "cancelling", "postponed")
_RESULTS: Final = ("succeeded", "partiallySucceeded", "failed", "canceled")


def build(organisation: Organisation, project: Project, number: int) -> Build:
    """Find a build.

    Args:
        organisation: where.
        project: in which project.
        number: its id.

    Raises:
        ServiceError: 404 when it is not there.
    """
    found = organisation.builds.get(number)
    if found is None or found.project_id != project.id:
        raise ServiceError(404, "BuildNotFoundException", f"The requested build {number} could not be found.", BUILD)
    return found


def queue_build(organisation: Organisation, project: Project, wanted: dict[str, Any], by: Identity) -> Build:
    """Queue a build.

    Args:
        organisation: where.
        project: in which project.
        wanted: definition, repository, sourceBranch, sourceVersion, reason, parameters, triggerInfo.
        by: who asks.

    Raises:
        ServiceError: 400 without a definition, 404 for a repository that is not there.
    """
    definition = wanted.get("definition") or {}
    if definition.get("id") is None:
        raise invalid_argument("definition", "A definition with an id is required.")
    repository = wanted.get("repository") or {}
    with organisation.store.change():
        number = organisation.next_number("build")
        made = Build(
            id=number,
            project_id=project.id,
            definition_id=definition["id"],
            definition_name=str(definition.get("name") or f"pipeline-{definition['id']}"),
            number=str(wanted.get("buildNumber") or f"{organisation.clock.stamp()[:10].replace('-', '')}.{number}"),
            plan_id=str(uuid.uuid4()),
            repository_id=organisation.repository(str(repository["id"]), project).id if repository.get("id") else "",
            source_branch=str(wanted.get("sourceBranch") or "refs/heads/main"),
            source_version=str(wanted.get("sourceVersion") or ""),
            reason=str(wanted.get("reason") or "manual"),
            requested_by=by,
            queued=organisation.clock.stamp(),
            parameters=wanted.get("parameters"),
            trigger_info={str(name): str(value) for name, value in (wanted.get("triggerInfo") or {}).items()},
        )
        return organisation.builds.put(number, made)


def change_build(organisation: Organisation, project: Project, number: int, wanted: dict[str, Any]) -> Build:
    """Move a build along; one that becomes completed is told to hooks.

    Args:
        organisation: where.
        project: in which project.
        number: its id.
        wanted: status and result.

    Raises:
        ServiceError: 400 for a wrong value, 404 when it is not there.
    """
    status, result = wanted.get("status"), wanted.get("result")
    if status not in {None, *_STATUSES}:
        raise invalid_argument("status", f"The status {status!r} is not one of {', '.join(_STATUSES)}.")
    if result not in {None, *_RESULTS}:
        raise invalid_argument("result", f"The result {result!r} is not one of {', '.join(_RESULTS)}.")
    with organisation.store.change():
        old = build(organisation, project, number)
        now = organisation.clock.stamp()
        ends = status == "completed" and old.status != "completed"
        changed = replace(
            old,
            status=status or old.status,
            result=result or old.result or ("succeeded" if ends else None),
            started=old.started or (now if status else None),
            finished=now if ends else old.finished,
        )
        organisation.builds.put(number, changed)
        if ends:
            publish(organisation, _completed(organisation, changed))
    return changed


def tag_build(organisation: Organisation, project: Project, number: int, tags: list[str]) -> Build:
    """Add tags to a build.

    Args:
        organisation: where.
        project: in which project.
        number: its id.
        tags: texts.

    Raises:
        ServiceError: 400 for a tag that is not allowed, 404 when the build is not there.
    """
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise invalid_argument("tag", f"The tag {tag!r} is not valid.")
    with organisation.store.change():
        old = build(organisation, project, number)
        return organisation.builds.put(number, replace(old, tags=tuple(dict.fromkeys((*old.tags, *tags)))))


def untag_build(organisation: Organisation, project: Project, number: int, tag: str) -> Build:
    """Take a tag off a build.

    Args:
        organisation: where.
        project: in which project.
        number: its id.
        tag: which.

    Raises:
        ServiceError: 404 when the build is not there.
    """
    with organisation.store.change():
        old = build(organisation, project, number)
        return organisation.builds.put(number, replace(old, tags=tuple(one for one in old.tags if one != tag)))


def set_properties(organisation: Organisation, project: Project, number: int, patch: list[dict[str, Any]]) -> Build:
    """Change a build's properties by a JSON patch.

    Args:
        organisation: where.
        project: in which project.
        number: its id.
        patch: operations add, replace and remove on ``/name``.

    Raises:
        ServiceError: 400 for another operation, 404 when the build is not there.
    """
    with organisation.store.change():
        old = build(organisation, project, number)
        properties = dict(old.properties)
        for step in patch:
            operation = step.get("op")
            name = (step.get("path") or "").removeprefix("/").replace("~1", "/").replace("~0", "~")
            if operation in {"add", "replace"} and name:
                properties[name] = step.get("value")
            elif operation == "remove" and name:
                properties.pop(name, None)
            else:
                message = f"The patch operation {step!r} is not supported."
                raise ServiceError(400, "PropertiesCollectionPatchException", message, BUILD)
        return organisation.builds.put(number, replace(old, properties=properties))


def build_json(organisation: Organisation, shown: Build) -> Json:
    """Render a build."""
    project = organisation.project(shown.project_id)
    url = f"{organisation.url}{project.id}/_apis/build/Builds/{shown.id}"
    definition_url = f"{organisation.url}{project.id}/_apis/build/Definitions/{shown.definition_id}"
    rendered: Json = {
        "id": shown.id,
        "buildNumber": shown.number,
        "status": shown.status,
        "queueTime": shown.queued,
        "url": url,
        "uri": f"vstfs:///Build/Build/{shown.id}",
        "definition": {
            "id": shown.definition_id,
            "name": shown.definition_name,
            "url": definition_url,
            "path": "\\",
            "type": "build",
            "queueStatus": "enabled",
            "revision": 1,
            "project": project_reference_json(organisation, project),
        },
        "project": project_reference_json(organisation, project),
        "sourceBranch": shown.source_branch,
        "sourceVersion": shown.source_version,
        "priority": "normal",
        "reason": shown.reason,
        "requestedFor": identity_json(organisation, shown.requested_by),
        "requestedBy": identity_json(organisation, shown.requested_by),
        "orchestrationPlan": {"planId": shown.plan_id},
        "plans": [{"planId": shown.plan_id}],
        "tags": list(shown.tags),
        "triggerInfo": shown.trigger_info,
        "properties": {},
        "_links": {
            "self": link(url),
            "web": link(f"{organisation.url}{quoted(project.name)}/_build/results?buildId={shown.id}"),
        },
    }
    if shown.repository_id:
        repository = organisation.repository_by_id(shown.repository_id)
        rendered["repository"] = {
            "id": repository.id,
            "type": "TfsGit",
            "name": repository.name,
            "url": repository_url(organisation, repository),
            "clean": None,
            "checkoutSubmodules": False,
        }
    optional = {
        "result": shown.result,
        "startTime": shown.started,
        "finishTime": shown.finished,
        "parameters": shown.parameters,
    }
    return rendered | {name: value for name, value in optional.items() if value is not None}


def _completed(organisation: Organisation, done: Build) -> Event:
    newest = build_json(organisation, done)
    oldest = {
        # Version 1.0 puts the result where the status is.
        **{name: newest[name] for name in ("id", "buildNumber", "url", "uri", "definition", "reason", "sourceBranch")},
        "status": done.result,
        "startTime": done.started,
        "finishTime": done.finished,
        "sourceGetVersion": f"LG:{done.source_branch}:{done.source_version}",
        "requests": [{"id": done.id, "requestedFor": newest["requestedFor"]}],
    }
    return Event(
        kind="build.complete",
        project_id=done.project_id,
        resource=newest,
        older=oldest,
        minimal={"id": done.id, "url": newest["url"]},
        text=f"Build {done.number} {done.result}",
        facts={"definitionName": (done.definition_name,), "buildStatus": (str(done.result),)},
    )
