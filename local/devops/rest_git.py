"""Repositories, refs, commits and pushes over HTTP."""

from dataclasses import replace
from typing import Any, Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection, page_of
from local.devops.errors import invalid_argument
from local.devops.git import GitFailed
from local.devops.items import resolve
from local.devops.policies import is_protected
from local.devops.projects import change_repository, create_repository, fork_parent
from local.devops.pushes import take_in_push
from local.devops.records import ZERO_SHA, Push, RefUpdate, Repository, Status
from local.devops.render import commit_json, push_json, ref_json, repository_json, repository_url
from local.devops.render_pull_requests import status_json
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.statuses import STATUS, commit_statuses, demand_commit, latest_by_name, post_commit_status

_R = "{project}/_apis/git/repositories/{repositoryId}"
_REPOSITORIES = Resource("225f7195-f9c7-4d14-ab28-a83f7ff77e1f", "git", "repositories", _R)
_REFS = Resource("2d874a60-a811-4f62-9c9f-963a6ea0a55b", "git", "refs", f"{_R}/refs")
_COMMITS = Resource("c2570c3b-5b3f-41b8-98bf-5407bfde8d58", "git", "commits", f"{_R}/commits/{{commitId}}")
_PUSHES = Resource("ea98d07b-3c87-4971-8ede-a613694ffb55", "git", "pushes", f"{_R}/pushes/{{pushId}}")
_STATUSES = Resource("428dd4fb-fda5-4722-af02-9313b80305da", "git", "statuses", f"{_R}/commits/{{commitId}}/statuses")

_NEW_REPOSITORY: Final[dict[str, Shape]] = {"name": str, "project": {"id": str}, "parentRepository": {"id": str}}
_CHANGED_REPOSITORY: Final[dict[str, Shape]] = {"name": str, "defaultBranch": str}

_COMMITS_SHOWN = 100
_REFS_SHOWN = 1000
_STATUSES_SHOWN = 1000


def _list_repositories(call: Call) -> Answer:
    if "code_read" not in call.token.rights:
        return collection([])
    project = call.optional_project
    found = [one for one in call.organisation.repositories.all() if project is None or one.project_id == project.id]
    return collection([repository_json(call.organisation, one) for one in found])


def _create_repository(call: Call) -> Answer:
    demand(call.token, "repositories")
    wanted = call.json(_NEW_REPOSITORY)
    named = (wanted.get("project") or {}).get("id") or call.route.get("project")
    if not named:
        raise invalid_argument("project", "The project is required.")
    organisation, project = call.organisation, call.organisation.project(str(named))
    parent = fork_parent(organisation, wanted, call.token)
    creator, source_ref = call.token.identity, call.text("sourceRef")
    made = create_repository(organisation, project, wanted.get("name"), creator, parent, source_ref)
    return Answer(repository_json(organisation, made), status=201)


def _get_repository(call: Call) -> Answer:
    return Answer(repository_json(call.organisation, call.repository))


def _change_repository(call: Call) -> Answer:
    repository = call.repository
    demand(call.token, "repositories")
    changed = change_repository(call.organisation, repository, call.json(_CHANGED_REPOSITORY))
    return Answer(repository_json(call.organisation, changed))


def _list_refs(call: Call) -> Answer:
    repository, wanted = call.repository, call.text("filter") or ""
    containing = (call.text("filterContains") or "").casefold()
    names = sorted(
        name for name in repository.refs if name.startswith(f"refs/{wanted}") and containing in name.casefold()
    )
    return page_of(
        call, [ref_json(call.organisation, repository, name, repository.refs[name]) for name in names], _REFS_SHOWN
    )


def _update_refs(call: Call) -> Answer:
    repository = call.repository
    demand(call.token, "code_write")
    wanted = call.json_list({"name": str, "oldObjectId": str, "newObjectId": str})
    with call.organisation.git_lock(repository.id):
        results = [_update_ref(call, repository, entry) for entry in wanted]
        take_in_push(call.organisation, repository.id, call.token.identity)
    return collection(results)


def _update_ref(call: Call, repository: Repository, wanted: dict[str, Any]) -> dict[str, Any]:
    name, old, new = (str(wanted.get(key, "")) for key in ("name", "oldObjectId", "newObjectId"))
    git = call.organisation.git(repository.id)
    outcome = _refused_update(call, repository, RefUpdate(name, old, new)) or "succeeded"
    if outcome == "succeeded":
        try:
            if new == ZERO_SHA:
                git.delete_ref(name)
            else:
                git.set_ref(name, new, old)
        except GitFailed:
            outcome = "invalidRefName"
    return {
        "repositoryId": repository.id,
        "name": name,
        "oldObjectId": old,
        "newObjectId": new,
        "isLocked": False,
        "updateStatus": outcome,
        "success": outcome == "succeeded",
    }


def _refused_update(call: Call, repository: Repository, wanted: RefUpdate) -> str | None:
    # One of GitRefUpdateStatus; nothing for what may be tried. The rights are those that a push by git needs.
    git, rights = call.organisation.git(repository.id), call.token.rights
    if not wanted.name.startswith(("refs/heads/", "refs/tags/")):
        return "invalidRefName"
    if wanted.new != ZERO_SHA and git.commit_of(wanted.new) is None:
        return "unresolvableToCommit"
    if git.refs().get(wanted.name, ZERO_SHA) != wanted.old:
        return "staleOldObjectId"
    if wanted.old == ZERO_SHA:
        return None
    if "bypass_push" not in rights and is_protected(call.organisation, repository, wanted.name):
        return "rejectedByPolicy"
    if wanted.new != ZERO_SHA and "force_push" not in rights and not git.contains(wanted.old, wanted.new):
        return "forcePushRequired"
    return None


def _list_commits(call: Call) -> Answer:
    repository = call.repository
    version = call.text("searchCriteria.itemVersion.version") or call.text("searchCriteria.$itemVersion.version")
    kind = call.text("searchCriteria.itemVersion.versionType") or "branch"
    if version is None and repository.default_branch is None:
        return collection([])
    start = resolve(call.organisation, repository, kind, version)
    limit = call.number("$top", call.number("searchCriteria.$top", _COMMITS_SHOWN))
    skip = call.number("$skip", call.number("searchCriteria.$skip", 0))
    commits = call.organisation.git(repository.id).history(start, limit=limit, skip=skip)
    return collection([commit_json(call.organisation, repository, commit, whole=False) for commit in commits])


def _get_commit(call: Call) -> Answer:
    repository = call.repository
    sha = demand_commit(call.organisation, repository, call.route["commitId"])
    info = call.organisation.git(repository.id).info(sha)
    return Answer(commit_json(call.organisation, repository, info, whole=True))


def _list_pushes(call: Call) -> Answer:
    pushes = [push for push in call.organisation.pushes.all() if push.repository_id == call.repository.id]
    ref = call.text("searchCriteria.refName")
    if ref:
        pushes = [push for push in pushes if any(update.name == ref for update in push.updates)]
    if not call.flag("searchCriteria.includeRefUpdates"):
        pushes = [replace(push, updates=()) for push in pushes]
    newest_first = sorted(pushes, key=lambda push: push.id, reverse=True)
    return page_of(call, [_push_row(call, push) for push in newest_first], 100)


def _push_row(call: Call, push: Push) -> dict[str, Any]:
    row = push_json(call.organisation, push)
    if not push.updates:
        del row["refUpdates"]
    return row


def _post_commit_status(call: Call) -> Answer:
    repository = call.repository
    # The specification gives both kinds of statuses the same scopes: one for pull requests is enough for commits.
    demand(call.token, "code_write" if "code_write" in call.token.rights else "pull_request_contribute")
    sha = call.route["commitId"]
    status = post_commit_status(call.organisation, repository, sha, call.json(STATUS), call.token.identity)
    return Answer(status_json(call.organisation, status, _statuses_url(call, repository)), status=201)


def _list_commit_statuses(call: Call) -> Answer:
    repository = call.repository
    sha = demand_commit(call.organisation, repository, call.route["commitId"])
    found = commit_statuses(call.organisation, repository, sha)
    if call.flag("latestOnly"):
        found = latest_by_name(found)
    newest_first = sorted(found, key=_status_number, reverse=True)
    # This one listing spells its paging without dollar signs.
    skip, top = call.number("skip", 0), call.number("top", _STATUSES_SHOWN) or _STATUSES_SHOWN
    url = _statuses_url(call, repository)
    return collection([status_json(call.organisation, one, url) for one in newest_first[skip : skip + top]])


def _status_number(status: Status) -> int:
    return status.id


def _statuses_url(call: Call, repository: Repository) -> str:
    return f"{repository_url(call.organisation, repository)}/commits/{call.route['commitId']}/statuses"


ROUTES = (
    Route("GET", "_apis/git/repositories", _REPOSITORIES, _list_repositories),
    Route("POST", "_apis/git/repositories", _REPOSITORIES, _create_repository),
    Route("GET", "{project}/_apis/git/repositories", _REPOSITORIES, _list_repositories),
    Route("POST", "{project}/_apis/git/repositories", _REPOSITORIES, _create_repository),
    Route("GET", _R, _REPOSITORIES, _get_repository),
    Route("PATCH", _R, _REPOSITORIES, _change_repository),
    Route("GET", f"{_R}/refs", _REFS, _list_refs),
    Route("POST", f"{_R}/refs", _REFS, _update_refs),
    Route("GET", f"{_R}/commits", _COMMITS, _list_commits),
    Route("GET", f"{_R}/commits/{{commitId}}", _COMMITS, _get_commit),
    Route("GET", f"{_R}/pushes", _PUSHES, _list_pushes),
    Route("POST", f"{_R}/commits/{{commitId}}/statuses", _STATUSES, _post_commit_status),
    Route("GET", f"{_R}/commits/{{commitId}}/statuses", _STATUSES, _list_commit_statuses),
)
