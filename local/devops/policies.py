"""Branch policies: checked, kept, and matched to branches.

Types and settings follow "Git branch policies" of the Azure DevOps documentation and the 7.1 specification of the
policy area.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from local.devops.errors import POLICY, ServiceError
from local.devops.records import Identity, Policy, Project, PullRequest, Repository
from local.devops.state import Organisation

STATUS_POLICY: Final = "cbdc66da-9728-4af8-aada-9a5a32e4a226"
COMMENT_POLICY: Final = "c6a1889d-b943-4856-b76f-9e46bb6b0df2"
REVIEWER_POLICY: Final = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"

TYPES: Final = {
    STATUS_POLICY: (
        "Status",
        "This policy will require a successful status to be posted before updating protected refs.",
    ),
    COMMENT_POLICY: ("Comment requirements", "Check if the pull request has any active comments"),
    REVIEWER_POLICY: (
        "Minimum number of reviewers",
        "This policy will ensure that a minimum number of reviewers have approved a pull request before completion.",
    ),
}
"""Policy types by id, with name and description."""

MATCH_KINDS: Final = ("Exact", "Prefix", "DefaultBranch")
ONCE_POSTED: Final = 1
"""``policyApplicability``: the policy counts from the first status on; null means from the start."""


def create_policy(organisation: Organisation, project: Project, wanted: dict[str, Any], creator: Identity) -> Policy:
    """Make a policy configuration.

    Args:
        organisation: where.
        project: in which project.
        wanted: as the caller sent it.
        creator: who makes it.

    Raises:
        ServiceError: 400 for wrong settings, 404 for a type that is not there.
    """
    type_id, settings = _checked(organisation, project, wanted)
    with organisation.store.change():
        number = organisation.next_number("policy")
        made = Policy(
            id=number,
            project_id=project.id,
            type_id=type_id,
            is_enabled=wanted.get("isEnabled") is True,
            is_blocking=wanted.get("isBlocking") is True,
            settings=settings,
            created_by=creator,
            created=organisation.clock.stamp(),
        )
        return organisation.policies.put(number, made)


def replace_policy(organisation: Organisation, project: Project, number: int, wanted: dict[str, Any]) -> Policy:
    """Change a policy configuration into its next revision.

    Args:
        organisation: where.
        project: in which project.
        number: its id.
        wanted: as the caller sent it.

    Raises:
        ServiceError: 400 for wrong settings, 404 when it is not there.
    """
    with organisation.store.change():
        old = policy(organisation, project, number)
        _, settings = _checked(organisation, project, {"type": {"id": old.type_id}, **wanted})
        changed = replace(
            old,
            is_enabled=wanted.get("isEnabled") is True,
            is_blocking=wanted.get("isBlocking") is True,
            settings=settings,
            revision=old.revision + 1,
        )
        return organisation.policies.put(number, changed)


def delete_policy(organisation: Organisation, project: Project, number: int) -> None:
    """Remove a policy configuration.

    Args:
        organisation: where.
        project: in which project.
        number: its id.

    Raises:
        ServiceError: 404 when it is not there.
    """
    with organisation.store.change():
        organisation.policies.delete(policy(organisation, project, number).id)


def policy(organisation: Organisation, project: Project, number: int) -> Policy:
    """Find a policy configuration.

    Args:
        organisation: where.
        project: in which project.
        number: its id.

    Raises:
        ServiceError: 404 when it is not there.
    """
    found = organisation.policies.get(number)
    if found is None or found.project_id != project.id:
        message = f"TF402455: The policy configuration {number} does not exist."
        raise ServiceError(404, "PolicyConfigurationNotFoundException", message, POLICY)
    return found


def policies_of(organisation: Organisation, project: Project) -> list[Policy]:
    """Return a project's policy configurations, oldest first."""
    return [found for found in organisation.policies.all() if found.project_id == project.id]


def covers(policy_scope: Iterable[dict[str, Any]], repository: Repository, ref: str) -> bool:
    """Tell whether a scope covers a branch.

    Args:
        policy_scope: the ``scope`` of a policy's settings.
        repository: the branch's repository.
        ref: the branch's full name.
    """
    for entry in policy_scope:
        if entry.get("repositoryId") not in {None, repository.id}:
            continue
        kind, name = (entry.get("matchKind") or "Exact").casefold(), entry.get("refName")
        if kind == "defaultbranch":
            matches = ref == repository.default_branch
        elif name is None or ref == name:
            matches = True
        else:
            matches = kind == "prefix" and ref.startswith(f"{name.removesuffix('/')}/")
        if matches:
            return True
    return False


def applicable_policies(organisation: Organisation, pull_request: PullRequest) -> list[Policy]:
    """Return the enabled policies whose scope covers a pull request's target branch.

    Args:
        organisation: where.
        pull_request: which.
    """
    repository = organisation.repository_by_id(pull_request.repository_id)
    return enabled_policies(organisation, repository, pull_request.target_ref)


def enabled_policies(organisation: Organisation, repository: Repository, ref: str) -> list[Policy]:
    """Return the enabled policies whose scope covers a branch.

    Args:
        organisation: where.
        repository: the branch's repository.
        ref: the branch's full name.
    """
    project = organisation.project_of(repository)
    return [
        found
        for found in policies_of(organisation, project)
        if found.is_enabled and covers(found.settings["scope"], repository, ref)
    ]


def is_protected(organisation: Organisation, repository: Repository, ref: str) -> bool:
    """Tell whether a required policy keeps direct pushes away from a branch.

    Args:
        organisation: where.
        repository: the branch's repository.
        ref: the branch's full name.
    """
    return any(found.is_blocking for found in enabled_policies(organisation, repository, ref))


def _checked(organisation: Organisation, project: Project, wanted: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    type_id = ((wanted.get("type") or {}).get("id") or "").lower()
    if type_id not in TYPES:
        message = f"TF402454: The policy type {type_id or '(none)'} does not exist."
        raise ServiceError(404, "PolicyTypeNotFoundException", message, POLICY)
    settings: dict[str, Any] | None = wanted.get("settings")
    if settings is None:
        raise _bad_settings("settings are required")
    _check_scope(organisation, project, settings.get("scope"))
    if type_id == STATUS_POLICY and not settings.get("statusName"):
        raise _bad_settings("statusName is required")
    if type_id == REVIEWER_POLICY and settings.get("minimumApproverCount") is None:
        raise _bad_settings("minimumApproverCount is required")
    if settings.get("policyApplicability") not in {None, 0, ONCE_POSTED}:
        raise _bad_settings("policyApplicability is null or 1")
    return type_id, settings


def _check_scope(organisation: Organisation, project: Project, scope: list[dict[str, Any]] | None) -> None:
    if not scope:
        raise _bad_settings("scope must be a list with at least one entry")
    for entry in scope:
        if (entry.get("matchKind") or "Exact").casefold() not in {kind.casefold() for kind in MATCH_KINDS}:
            raise _bad_settings(f"matchKind must be one of {', '.join(MATCH_KINDS)}")
        name = entry.get("refName")
        if name is not None and not name.startswith("refs/"):
            raise _bad_settings("refName must be a full ref name")
        if entry.get("repositoryId") is not None:
            organisation.repository(entry["repositoryId"], project)


def _bad_settings(why: str) -> ServiceError:
    message = f"TF402457: The settings for this policy are not correctly formatted. Error: {why}."
    return ServiceError(400, "PolicySettingsFormatException", message, POLICY)
