"""Projects and repositories: made, named and found."""

import re
import uuid
from dataclasses import replace
from typing import Any, Final

from local.devops.errors import CORE, ServiceError, invalid_argument, needs_permission
from local.devops.events import Event, publish
from local.devops.records import Identity, Project, Repository, Token
from local.devops.render import identity_json, repository_json, repository_url
from local.devops.state import Organisation

_LONGEST_NAME: Final = 64
_FORBIDDEN: Final = re.compile(r"[\\/:*?\"<>|;#$*{},+=\[\]\x00-\x1f\x7f]")
"""Characters that "Naming restrictions" of the Azure DevOps documentation rules out for projects and repositories."""


def create_project(organisation: Organisation, wanted: dict[str, Any], creator: Identity) -> Project:
    """Make a project with an empty repository of the same name, as the service does.

    Args:
        organisation: where.
        wanted: name, description and visibility.
        creator: who asks.

    Raises:
        ServiceError: 400 for a name that is taken or not allowed.
    """
    name = _allowed_name(wanted.get("name"), "InvalidProjectNameException")
    visibility = wanted.get("visibility") or "private"
    if visibility not in {"private", "public"}:
        raise invalid_argument("visibility", f"The visibility '{visibility}' is not known.")
    with organisation.store.change():
        if any(project.name.casefold() == name.casefold() for project in organisation.projects.all()):
            message = f"TF200019: The following project already exists on the Azure DevOps Server: {name}."
            raise ServiceError(400, "ProjectAlreadyExistsException", message, CORE)
        project = Project(
            id=str(uuid.uuid4()),
            name=name,
            description=str(wanted.get("description") or ""),
            visibility=visibility,
            created=organisation.clock.stamp(),
            operation_id=str(uuid.uuid4()),
        )
        organisation.projects.put(project.id, project)
        create_repository(organisation, project, name, creator)
    return project


def create_repository(
    organisation: Organisation,
    project: Project,
    name: str | None,
    creator: Identity,
    parent: Repository | None = None,
    source_ref: str | None = None,
) -> Repository:
    """Make an empty repository, or a fork with the branches of its parent.

    Args:
        organisation: where.
        project: in which project.
        name: its name.
        creator: who asks.
        parent: what it is forked from.
        source_ref: the only branch to fork; all of them without one.

    Raises:
        ServiceError: 400 for a name that is not allowed, 409 for one that is taken.
    """
    allowed = _allowed_name(name, "InvalidGitRepositoryNameException")
    made = Repository(str(uuid.uuid4()), project.id, allowed, organisation.clock.stamp())
    git = organisation.git(made.id)
    git.create()
    if parent:
        branches = source_ref or "refs/heads/*"
        git.fetch(organisation.git(parent.id).path, f"{branches}:{branches}")
        default = parent.default_branch if source_ref is None else source_ref
        made = replace(made, parent_id=parent.id, refs=git.refs(), default_branch=default)
        if default:
            git.set_default(default)
    with organisation.store.change():
        taken = [found.name.casefold() for found in organisation.repositories.all() if found.project_id == project.id]
        if allowed.casefold() in taken:
            message = f"TF400948: A Git repository with the name {allowed} already exists."
            raise ServiceError(409, "GitRepositoryNameAlreadyExistsException", message)
        organisation.repositories.put(made.id, made)
        publish(organisation, _created(organisation, made, creator))
    return made


def _created(organisation: Organisation, made: Repository, creator: Identity) -> Event:
    return Event(
        kind="git.repo.created",
        project_id=made.project_id,
        resource={
            "repository": repository_json(organisation, made),
            "initiatedBy": identity_json(organisation, creator),
            "utcTimestamp": made.created,
        },
        minimal={"repository": {"id": made.id, "url": repository_url(organisation, made)}},
        text=f"{creator.display_name} created repository {made.name}",
        facts={},
    )


def change_repository(organisation: Organisation, repository: Repository, wanted: dict[str, Any]) -> Repository:
    """Rename a repository or give it another default branch.

    Args:
        organisation: where.
        repository: which.
        wanted: name and defaultBranch, each optional.

    Raises:
        ServiceError: 400 for a name or branch that is not allowed.
    """
    changed = repository
    if wanted.get("name"):
        changed = replace(changed, name=_allowed_name(wanted["name"], "InvalidGitRepositoryNameException"))
    branch = wanted.get("defaultBranch")
    if branch:
        if branch not in repository.refs:
            raise invalid_argument("defaultBranch", f"The branch '{branch}' does not exist.")
        changed = replace(changed, default_branch=branch)
        organisation.git(repository.id).set_default(branch)
    with organisation.store.change():
        return organisation.repositories.put(changed.id, changed)


def fork_parent(organisation: Organisation, wanted: dict[str, Any], token: Token) -> Repository | None:
    """Return the repository that a creation asks to fork, or nothing.

    Args:
        organisation: where.
        wanted: the body of the creation.
        token: the caller's.

    Raises:
        ServiceError: 404 when it does not exist, 403 when it may not be read.
    """
    parent = wanted.get("parentRepository")
    if not parent:
        return None
    if "code_read" not in token.rights:
        raise needs_permission(token.identity.id, "GenericRead")
    return organisation.repository_by_id(parent.get("id") or "")


def _allowed_name(name: str | None, type_key: str) -> str:
    text = (name or "").strip()
    if not text or len(text) > _LONGEST_NAME or _FORBIDDEN.search(text) or text[0] in "_." or text[-1] == ".":
        message = f"TF400898: The name '{text}' is not permitted: it is empty, too long or has characters that are not."
        raise ServiceError(400, type_key, message)
    return text
