"""Builds: queued, moved along, tagged. There are no agents; whoever drives the simulator says how a build goes."""

import re
import uuid
from dataclasses import replace
from typing import Any, Final

from local.devops.build_jobs import show_job
from local.devops.build_triggers import trigger_info, version_built
from local.devops.errors import BUILD, ServiceError, invalid_argument
from local.devops.events import publish
from local.devops.pipeline_records import Build
from local.devops.records import Identity, Project
from local.devops.render_builds import completed
from local.devops.state import Organisation

_TAG: Final = re.compile(r"[^\x00-\x1f<>%&\\?/]{1,256}")
_NOT_IN_A_PATH: Final = re.compile(r"[<>*%&:\\?]")
_STATUSES: Final = ("notStarted", "inProgress", "completed", "cancelling", "postponed")
_RESULTS: Final = ("succeeded", "partiallySucceeded", "failed", "canceled")


def build(organisation: Organisation, project: Project, number: int | str) -> Build:
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
        wanted: definition, repository, sourceBranch, sourceVersion, reason, parameters, triggerInfo. The commit is
            the branch's newest, and triggerInfo tells of the pull request or push, where neither is given.
        by: who asks.

    Raises:
        ServiceError: 400 without a definition, 404 for a repository that is not there.
    """
    definition = wanted.get("definition") or {}
    if definition.get("id") is None:
        raise invalid_argument("definition", "A definition with an id is required.")
    named, branch = (wanted.get("repository") or {}).get("id"), str(wanted.get("sourceBranch") or "refs/heads/main")
    with organisation.store.change():
        repository = organisation.repository(str(named), project) if named else None
        number = organisation.next_number("build")
        made = Build(
            id=number,
            project_id=project.id,
            definition_id=definition["id"],
            definition_name=str(definition.get("name") or f"pipeline-{definition['id']}"),
            number=str(wanted.get("buildNumber") or f"{organisation.clock.stamp()[:10].replace('-', '')}.{number}"),
            plan_id=str(uuid.uuid4()),
            repository_id=repository.id if repository else "",
            source_branch=branch,
            source_version=str(wanted.get("sourceVersion") or version_built(organisation, repository, branch)),
            reason=str(wanted.get("reason") or "manual"),
            requested_by=by,
            queued=organisation.clock.stamp(),
            parameters=wanted.get("parameters"),
        )
        told = {str(name): str(value) for name, value in (wanted.get("triggerInfo") or {}).items()}
        made = replace(made, trigger_info=trigger_info(organisation, repository, made) | told)
        organisation.builds.put(number, made)
        show_job(organisation, made)
        return made


def change_build(organisation: Organisation, project: Project, number: int, wanted: dict[str, Any]) -> Build:
    """Move a build along; one that becomes completed is told to hooks, and nobody changes how it ended any more.

    Args:
        organisation: where.
        project: in which project.
        number: its id.
        wanted: status and result.

    Raises:
        ServiceError: 400 for a wrong value or a build that is completed otherwise, 404 when it is not there.
    """
    status, result = wanted.get("status"), wanted.get("result")
    if status not in {None, *_STATUSES}:
        raise invalid_argument("status", f"The status {status!r} is not one of {', '.join(_STATUSES)}.")
    if result not in {None, *_RESULTS}:
        raise invalid_argument("result", f"The result {result!r} is not one of {', '.join(_RESULTS)}.")
    with organisation.store.change():
        old = build(organisation, project, number)
        if old.status == "completed" and (status or old.status, result or old.result) != (old.status, old.result):
            message = f"Build {old.id} is completed as {old.result}; its status and result cannot be changed any more."
            raise ServiceError(400, "BuildStatusInvalidChangeException", message, BUILD)
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
        show_job(organisation, changed)
        if ends:
            publish(organisation, completed(organisation, changed))
    return changed


def retag_build(
    organisation: Organisation, project: Project, number: int, added: list[str], removed: list[str]
) -> Build:
    """Add tags to a build and take others off it, at once.

    Args:
        organisation: where.
        project: in which project.
        number: its id.
        added: texts.
        removed: texts; those that it does not have are ignored.

    Raises:
        ServiceError: 400 for a tag that is not allowed, 404 when the build is not there.
    """
    with organisation.store.change():
        tagged = tag_build(organisation, project, number, added)
        left = tuple(tag for tag in tagged.tags if tag not in removed)
        return organisation.builds.put(number, replace(tagged, tags=left))


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


def tag_in_path(tag: str) -> str:
    """Return a tag that stands in the path of a call, where the service's front end lets fewer characters through.

    It looks at the decoded path, so that encoding a colon does not help: such tags travel in the body of a POST or a
    PATCH ("Tags, Delete Build Tag" of the 7.1 REST API reference, on special characters).

    Args:
        tag: decoded.

    Raises:
        ServiceError: 400 for a character that is not let through.
    """
    found = _NOT_IN_A_PATH.search(tag)
    if found:
        message = f"A potentially dangerous Request.Path value was detected from the client ({found[0]})."
        raise ServiceError(400, "HttpException", message, "System.Web")
    return tag


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
