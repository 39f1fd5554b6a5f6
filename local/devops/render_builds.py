"""Builds as JSON, and the event that tells of a completed one (7.1 specification of the build area)."""

from local.devops.events import Event
from local.devops.pipeline_records import Build
from local.devops.render import Json, identity_json, link, project_reference_json, quoted, repository_url
from local.devops.state import Organisation


def build_page_url(organisation: Organisation, shown: Build) -> str:
    """Return where people see a build."""
    project = organisation.project(shown.project_id)
    return f"{organisation.url}{quoted(project.name)}/_build/results?buildId={shown.id}"


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
        "lastChangedDate": shown.finished or shown.started or shown.queued,
        "lastChangedBy": identity_json(organisation, shown.requested_by),
        "queue": {"id": 1, "name": "Azure Pipelines", "pool": {"id": 1, "name": "Azure Pipelines", "isHosted": True}},
        "logs": {"id": 0, "type": "Container", "url": f"{url}/logs"},
        "orchestrationPlan": {"planId": shown.plan_id},
        "plans": [{"planId": shown.plan_id}],
        "tags": list(shown.tags),
        "triggerInfo": shown.trigger_info,
        "properties": {},
        "_links": {
            "self": link(url),
            "web": link(build_page_url(organisation, shown)),
            "timeline": link(f"{url}/Timeline"),
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


def completed(organisation: Organisation, done: Build) -> Event:
    """Return the event of a completed build: version 1.0 puts the result where 2.0 has the status."""
    newest = build_json(organisation, done)
    oldest = {
        **{name: newest[name] for name in ("id", "buildNumber", "url", "uri", "definition", "reason", "queue")},
        "status": done.result,
        "startTime": done.started,
        "finishTime": done.finished,
        "sourceGetVersion": f"LG:{done.source_branch}:{done.source_version}",
        "lastChangedBy": newest["lastChangedBy"],
        "retainIndefinitely": False,
        "hasDiagnostics": False,
        "requests": [{"id": done.id, "url": newest["url"], "requestedFor": newest["requestedFor"]}],
    }
    # What the publisher's filter calls a canceled build.
    outcome = {"canceled": ("stopped", "canceled")}.get(str(done.result), (str(done.result),))
    return Event(
        kind="build.complete",
        project_id=done.project_id,
        resource=newest,
        older=oldest,
        minimal={"id": done.id, "url": newest["url"]},
        text=f"Build {done.number} {done.result}",
        facts={"definitionName": (done.definition_name,), "buildStatus": outcome},
    )
