"""Pages for people: an index, and a pull request with everything that decides about it.

No script, every value escaped, readable on a phone and in the dark.
"""

from html import escape

from local.devops.completion import why_not
from local.devops.evaluation import Evaluation, evaluations
from local.devops.page_builds import build_rows
from local.devops.page_parts import index_url, moment, page, status_rows, tone
from local.devops.policies import TYPES
from local.devops.records import Iteration, PullRequest, Thread
from local.devops.render import quoted
from local.devops.state import Organisation
from local.devops.threads import threads_of


def index_page(organisation: Organisation) -> str:
    """Return the page that lists projects, repositories and pull requests.

    Args:
        organisation: what to show.
    """
    projects = sorted(organisation.projects.all(), key=lambda project: project.name.casefold())
    parts = [f"<h1>{escape(organisation.name)}</h1><p class=dim>An Azure DevOps organisation on this machine.</p>"]
    if not projects:
        parts.append("<p>There is no project yet.</p>")
    for project in projects:
        parts.append(f"<h2>{escape(project.name)}</h2>")
        for repository in organisation.repositories.all():
            if repository.project_id == project.id:
                found = reversed(organisation.pull_requests_of(repository.id))
                rows = "".join(_index_row(organisation, one) for one in found)
                parts.append(
                    f"<h3>{escape(repository.name)}</h3><ul>{rows or '<li class=dim>no pull requests</li>'}</ul>"
                )
        builds = build_rows(organisation, project)
        if builds:
            parts.append(f"<h3>Builds</h3><ul>{builds}</ul>")
    return page(organisation.name, "".join(parts))


def pull_request_page(organisation: Organisation, pull_request: PullRequest) -> str:
    """Return the page of one pull request.

    Args:
        organisation: where.
        pull_request: what to show.
    """
    head = (
        f"<p class=dim><a href='{index_url(organisation)}'>{escape(organisation.name)}</a></p>"
        f"<h1>{escape(pull_request.title)}</h1>"
        f"<p>Pull request {pull_request.id} by {escape(pull_request.created_by.display_name)}, "
        f"{tone(pull_request.status)}{' (draft)' if pull_request.is_draft else ''}: "
        f"<code>{_branch(pull_request.source_ref)}</code> into <code>{_branch(pull_request.target_ref)}</code>"
        f"{' from a fork' if pull_request.is_fork else ''}</p>"
    )
    described = f"<pre>{escape(pull_request.description)}</pre>" if pull_request.description else ""
    return page(
        f"Pull request {pull_request.id}: {pull_request.title}",
        head
        + described
        + _decision(organisation, pull_request)
        + _policies(evaluations(organisation, pull_request))
        + _iterations(pull_request)
        + _threads(threads_of(organisation, pull_request.id)),
    )


def _decision(organisation: Organisation, pull_request: PullRequest) -> str:
    if pull_request.status == "completed":
        return "<div class='box good'><b class=good>Completed.</b> The changes are in the target branch.</div>"
    reasons = why_not(organisation, pull_request)
    if not reasons:
        return "<div class='box good'><b class=good>May be completed.</b> Nothing stands in the way.</div>"
    rows = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return f"<div class='box bad'><b class=bad>May not be completed</b>, because:<ul>{rows}</ul></div>"


def _policies(found: list[Evaluation]) -> str:
    rows = "".join(
        f"<li>{tone(one.status)} {escape(_policy_name(one))}"
        f"{'' if one.policy.is_blocking else ' (optional)'}<br><span class=dim>{escape(one.reason)}</span></li>"
        for one in found
    )
    return f"<h2>Policies</h2><ul>{rows or '<li class=dim>none covers this branch</li>'}</ul>"


def _policy_name(one: Evaluation) -> str:
    settings = one.policy.settings
    if not settings.get("statusName"):
        return TYPES[one.policy.type_id][0]
    named = "/".join(filter(None, (settings.get("statusGenre"), settings["statusName"])))
    return str(settings.get("defaultDisplayName") or named)


def _iterations(pull_request: PullRequest) -> str:
    parts = [_iteration(pull_request, one) for one in reversed(pull_request.iterations)]
    whole = tuple(status for status in pull_request.statuses if status.iteration is None)
    if whole:
        parts.append(f"<h3>On no iteration</h3><ul>{status_rows(whole)}</ul>")
    return f"<h2>Iterations</h2>{''.join(parts)}"


def _iteration(pull_request: PullRequest, one: Iteration) -> str:
    posted = tuple(status for status in pull_request.statuses if status.iteration == one.id)
    latest = " (latest)" if one is pull_request.latest else ""
    return (
        f"<h3>{one.id}{latest}: {escape(one.reason)} <code>{escape(one.source[:10])}</code></h3>"
        f"<ul>{status_rows(posted) or '<li class=dim>no statuses</li>'}</ul>"
    )


def _threads(threads: tuple[Thread, ...]) -> str:
    rows = []
    for one in threads:
        comments = "".join(
            f"<p class=dim>{escape(comment.author.display_name)}, {moment(comment.published)}</p>"
            f"<pre>{escape(comment.content or '(deleted)')}</pre>"
            for comment in one.comments
        )
        where = escape(str(one.context.get("filePath", ""))) if one.context else ""
        rows.append(f"<li>{tone(one.status or 'no status')} <code>{where}</code>{comments}</li>")
    return f"<h2>Comments</h2><ul>{''.join(rows) or '<li class=dim>none</li>'}</ul>"


def _index_row(organisation: Organisation, one: PullRequest) -> str:
    repository = organisation.repository_by_id(one.repository_id)
    project = organisation.project_of(repository)
    address = f"{index_url(organisation)}{quoted(project.name)}/_git/{quoted(repository.name)}/pullrequest/{one.id}"
    return f"<li>{tone(one.status)} <a href='{escape(address)}'>{one.id}: {escape(one.title)}</a></li>"


def _branch(ref: str) -> str:
    return escape(ref.removeprefix("refs/heads/"))
