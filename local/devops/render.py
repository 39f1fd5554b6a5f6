"""Records as the JSON of the REST API: identities, projects, repositories, commits, refs and pushes.

Field names and types follow the 7.1 specifications of the core and git areas.
"""

from typing import Any
from urllib.parse import quote

from local.devops.git_objects import CommitInfo
from local.devops.records import Identity, Project, Push, Repository
from local.devops.state import Organisation

type Json = dict[str, Any]


def link(address: str) -> Json:
    """Return a link as it stands under ``_links``."""
    return {"href": address}


def quoted(name: str) -> str:
    """Return a name as one path segment of a URL."""
    return quote(name, safe="")


def identity_json(organisation: Organisation, identity: Identity) -> Json:
    """Render an identity reference."""
    avatar = f"{organisation.url}_apis/GraphProfile/MemberAvatars/aad.{identity.id}"
    return {
        "displayName": identity.display_name,
        "url": f"{organisation.url}_apis/Identities/{identity.id}",
        "_links": {"avatar": link(avatar)},
        "id": identity.id,
        "uniqueName": identity.unique_name,
        "imageUrl": f"{organisation.url}_api/_common/identityImage?id={identity.id}",
        "descriptor": f"aad.{identity.id}",
    }


def project_reference_json(organisation: Organisation, project: Project) -> Json:
    """Render a project as it stands within other things."""
    return {
        "id": project.id,
        "name": project.name,
        "url": f"{organisation.url}_apis/projects/{project.id}",
        "state": "wellFormed",
        "revision": 1,
        "visibility": project.visibility,
        "lastUpdateTime": project.created,
    }


def project_json(organisation: Organisation, project: Project, *, capabilities: bool) -> Json:
    """Render a project on its own.

    Args:
        organisation: where it is.
        project: the project.
        capabilities: whether source control and process are told.
    """
    url = f"{organisation.url}_apis/projects/{project.id}"
    team = organisation.derived_id("team", project.id)
    told = {
        "capabilities": {
            "processTemplate": {"templateName": "Agile", "templateTypeId": "adcc42ab-9882-485e-a3ed-7678f01f66bc"},
            "versioncontrol": {"sourceControlType": "Git", "gitEnabled": "True", "tfvcEnabled": "False"},
        }
    }
    return {
        **project_reference_json(organisation, project),
        "description": project.description,
        **(told if capabilities else {}),
        "_links": {
            "self": link(url),
            "collection": link(f"{organisation.url}_apis/projectCollections/{organisation.id}"),
            "web": link(f"{organisation.url}{quoted(project.name)}"),
        },
        "defaultTeam": {"id": team, "name": f"{project.name} Team", "url": f"{url}/teams/{team}"},
    }


def repository_url(organisation: Organisation, repository: Repository) -> str:
    """Return a repository's REST address, by ids."""
    return f"{organisation.url}{repository.project_id}/_apis/git/repositories/{repository.id}"


def web_url(organisation: Organisation, repository: Repository) -> str:
    """Return where people see a repository, by names; also what git clones."""
    project = organisation.project_of(repository)
    return f"{organisation.url}{quoted(project.name)}/_git/{quoted(repository.name)}"


def remote_url(organisation: Organisation, repository: Repository) -> str:
    """Return the clone address as the service gives it, with the organisation as user name."""
    scheme, _, rest = web_url(organisation, repository).partition("://")
    return f"{scheme}://{quoted(organisation.name)}@{rest}"


def repository_json(organisation: Organisation, repository: Repository, *, parent: bool = True) -> Json:
    """Render a repository.

    Args:
        organisation: where it is.
        repository: the repository.
        parent: whether a fork tells what it was forked from.
    """
    url = repository_url(organisation, repository)
    rendered: Json = {
        "id": repository.id,
        "name": repository.name,
        "url": url,
        "project": project_reference_json(organisation, organisation.project_of(repository)),
        "size": 0,
        "remoteUrl": remote_url(organisation, repository),
        "sshUrl": f"git@ssh.dev.azure.com:v3/{organisation.name}/{repository.project_id}/{quoted(repository.name)}",
        "webUrl": web_url(organisation, repository),
        "isDisabled": False,
        "isInMaintenance": False,
    }
    if repository.default_branch:
        rendered["defaultBranch"] = repository.default_branch
    if repository.parent_id:
        rendered["isFork"] = True
        if parent:
            rendered["parentRepository"] = repository_reference_json(
                organisation, organisation.repository_by_id(repository.parent_id)
            )
    return rendered


def repository_reference_json(organisation: Organisation, repository: Repository) -> Json:
    """Render a repository as the parent or source of a fork."""
    return {
        "id": repository.id,
        "name": repository.name,
        "isFork": bool(repository.parent_id),
        "url": repository_url(organisation, repository),
        "remoteUrl": remote_url(organisation, repository),
        "project": project_reference_json(organisation, organisation.project_of(repository)),
        "collection": {
            "id": organisation.id,
            "name": organisation.name,
            "url": f"{organisation.url}_apis/projectCollections/{organisation.id}",
        },
    }


def commit_reference_json(organisation: Organisation, repository: Repository, sha: str) -> Json:
    """Render a commit by its id alone."""
    return {"commitId": sha, "url": f"{repository_url(organisation, repository)}/commits/{sha}"}


def commit_json(organisation: Organisation, repository: Repository, info: CommitInfo, *, whole: bool) -> Json:
    """Render a commit.

    Args:
        organisation: where it is.
        repository: of which repository.
        info: what git says.
        whole: with its tree and parents.
    """
    told = {"treeId": info.tree, "parents": list(info.parents)} if whole else {}
    return {
        **commit_reference_json(organisation, repository, info.sha),
        "author": _person(info.author),
        "committer": _person(info.committer),
        "comment": info.message,
        "remoteUrl": f"{web_url(organisation, repository)}/commit/{info.sha}",
        **told,
    }


def _person(person: tuple[str, str, str]) -> Json:
    name, email, date = person
    return {"name": name, "email": email, "date": date}


def ref_json(organisation: Organisation, repository: Repository, name: str, sha: str) -> Json:
    """Render a ref."""
    creator = next(iter(organisation.identities().values()))
    return {
        "name": name,
        "objectId": sha,
        "creator": identity_json(organisation, creator),
        "url": f"{repository_url(organisation, repository)}/refs?filter={quoted(name.removeprefix('refs/'))}",
    }


def push_json(organisation: Organisation, push: Push) -> Json:
    """Render a push with its ref updates."""
    repository = organisation.repository_by_id(push.repository_id)
    url = repository_url(organisation, repository)
    updates = [
        {"repositoryId": repository.id, "name": update.name, "oldObjectId": update.old, "newObjectId": update.new}
        for update in push.updates
    ]
    return {
        "refUpdates": updates,
        "repository": repository_json(organisation, repository),
        "pushedBy": identity_json(organisation, push.pusher),
        "pushId": push.id,
        "date": push.date,
        "url": f"{url}/pushes/{push.id}",
        "_links": {"self": link(f"{url}/pushes/{push.id}"), "repository": link(url)},
    }
