"""The page of a build: what it built, how it went, which stages it reached, and what held them back."""

from html import escape
from typing import Any, Final
from urllib.parse import urlsplit

from local.devops.page_parts import index_url, moment, page, status_rows, tone
from local.devops.pipeline_records import Build, ServerTask, Stage
from local.devops.plans import lines_of
from local.devops.records import Project
from local.devops.render_builds import build_page_url
from local.devops.stages import stages_of, tasks_of
from local.devops.state import Organisation
from local.devops.statuses import commit_statuses

_SHOWN: Final = 50
"""How many builds the index lists for a project."""


def build_rows(organisation: Organisation, project: Project) -> str:
    """Return a project's newest builds as list items.

    Args:
        organisation: where.
        project: whose builds.
    """
    found = [one for one in organisation.builds.all() if one.project_id == project.id]
    return "".join(
        f"<li>{tone(one.result or one.status)} <a href='{escape(_path(organisation, one))}'>"
        f"{escape(one.definition_name)} {escape(one.number)}</a> <code>{escape(one.source_branch)}</code></li>"
        for one in reversed(found[-_SHOWN:])
    )


def _path(organisation: Organisation, shown: Build) -> str:
    address = urlsplit(build_page_url(organisation, shown))
    return f"{address.path}?{address.query}"


def build_page(organisation: Organisation, shown: Build) -> str:
    """Return the page of one build.

    Args:
        organisation: where.
        shown: the build.
    """
    head = (
        f"<p class=dim><a href='{index_url(organisation)}'>{escape(organisation.name)}</a></p>"
        f"<h1>{escape(shown.definition_name)} {escape(shown.number)}</h1>"
        f"<p>Build {shown.id} ({escape(shown.reason)}), {tone(shown.result or shown.status)}: "
        f"<code>{escape(shown.source_branch)}</code> at <code>{escape(shown.source_version[:10])}</code></p>"
    )
    return page(
        f"Build {shown.id}: {shown.definition_name} {shown.number}",
        head
        + _tags(shown)
        + _properties(shown.properties)
        + _commit(organisation, shown)
        + "".join(_stage(organisation, one) for one in stages_of(organisation, shown.id)),
    )


def _tags(shown: Build) -> str:
    rows = "".join(f"<li><code>{escape(tag)}</code></li>" for tag in shown.tags)
    return f"<h2>Tags</h2><ul>{rows or '<li class=dim>none</li>'}</ul>"


def _properties(properties: dict[str, Any]) -> str:
    rows = "".join(
        f"<li>{escape(name)}<br><span class=dim>{_linked(str(value))}</span></li>" for name, value in properties.items()
    )
    return f"<h2>Properties</h2><ul>{rows}</ul>" if rows else ""


def _linked(value: str) -> str:
    if urlsplit(value).scheme not in {"http", "https"}:
        return escape(value)
    return f"<a rel='noreferrer nofollow' href='{escape(value)}'>{escape(value[:200])}</a>"


def _commit(organisation: Organisation, shown: Build) -> str:
    repository = organisation.repositories.get(shown.repository_id)
    posted = commit_statuses(organisation, repository, shown.source_version) if repository else ()
    return f"<h2>Statuses of the commit</h2><ul>{status_rows(posted)}</ul>" if posted else ""


def _stage(organisation: Organisation, stage: Stage) -> str:
    on = f" on {escape(stage.environment)}" if stage.environment else ""
    rows = "".join(_task(organisation, task) for task in tasks_of(organisation, stage))
    return (
        f"<h2>Stage {escape(stage.name)}{on}: {tone(stage.state)}</h2><ul>{rows or '<li class=dim>no checks</li>'}</ul>"
    )


def _task(organisation: Organisation, task: ServerTask) -> str:
    plan = organisation.plans.get(task.plan_id)
    lines = (lines_of(organisation, plan, task.id) or lines_of(organisation, plan, task.job_id)) if plan else []
    kind = "Job" if task.check_id is None else "Check"
    when = f"<br><span class=dim>since {moment(task.started)}</span>" if task.started else ""
    said = f"<br>{escape(task.message)}" if task.message else ""
    log = f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else ""
    return f"<li>{tone(task.state)} {kind}: {escape(task.name)} ({escape(task.kind)}){said}{when}{log}</li>"
