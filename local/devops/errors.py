"""Refusals, with the status codes and JSON bodies of the real service.

Status codes and type keys follow what Azure DevOps answers in public reports and in the exception tables of its client
libraries; messages keep its TF and VS numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GIT = "Microsoft.TeamFoundation.Git.Server"
CORE = "Microsoft.TeamFoundation.Core.WebApi"
POLICY = "Microsoft.TeamFoundation.Policy.WebApi"
HOOKS = "Microsoft.VisualStudio.Services.ServiceHooks.WebApi"
TASKS = "Microsoft.TeamFoundation.DistributedTask.WebApi"
CHECKS = "Microsoft.Azure.Pipelines.Checks.WebApi"
BUILD = "Microsoft.TeamFoundation.Build.WebApi"
WEB_API = "Microsoft.VisualStudio.Services.WebApi"
COMMON = "Microsoft.VisualStudio.Services.Common"


@dataclass
class ServiceError(Exception):
    """One refusal.

    Attributes:
        status: HTTP status code.
        type_key: the short exception name that clients compare.
        message: the sentence for people.
        assembly: the .NET assembly named in ``typeName``.
        headers: further response headers.
    """

    status: int
    type_key: str
    message: str
    assembly: str = GIT
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the JSON body in the shape of the real service."""
        return {
            "$id": "1",
            "innerException": None,
            "message": self.message,
            "typeName": f"{self.assembly}.{self.type_key}, {self.assembly}",
            "typeKey": self.type_key,
            "errorCode": 0,
            "eventId": 3000,
        }


def invalid_argument(name: str, why: str) -> ServiceError:
    """Refuse a request body or parameter (400).

    Args:
        name: the parameter.
        why: what is wrong with it.
    """
    return ServiceError(400, "InvalidArgumentValueException", f"{why}\r\nParameter name: {name}")


def project_not_found(project: str) -> ServiceError:
    """Answer for a project that does not exist or may not be seen (404).

    Args:
        project: id or name as asked for.
    """
    return ServiceError(
        404,
        "ProjectDoesNotExistWithNameException",
        f"TF200016: The following project does not exist: {project}. Verify that the name of the project is correct "
        "and that the project exists on the specified Azure DevOps Server.",
        CORE,
    )


def repository_not_found(repository: str) -> ServiceError:
    """Answer for a repository that does not exist or may not be seen (404).

    Args:
        repository: id or name as asked for.
    """
    return ServiceError(
        404,
        "GitRepositoryNotFoundException",
        f"TF401019: The Git repository with name or identifier {repository} does not exist or you do not have "
        "permissions for the operation you are attempting.",
    )


def pull_request_not_found() -> ServiceError:
    """Answer for a pull request that does not exist (404)."""
    return ServiceError(404, "GitPullRequestNotFoundException", "TF401180: The requested pull request was not found.")


def iteration_not_found(iteration: int) -> ServiceError:
    """Answer for an iteration that does not exist (404).

    Args:
        iteration: its number.
    """
    return ServiceError(
        404, "GitPullRequestIterationNotFoundException", f"The requested iteration was not found: {iteration}."
    )


def needs_permission(identity: str, permission: str) -> ServiceError:
    """Refuse what the caller may not do in a repository (403).

    Args:
        identity: the caller's id.
        permission: name of the git permission, for example ``PullRequestContribute``.
    """
    return ServiceError(
        403,
        "GitNeedsPermissionException",
        f"TF401027: You need the Git '{permission}' permission to perform this action. "
        f"Details: identity 'Build\\{identity}', scope 'repository'.",
    )


def access_denied(identity: str, what: str) -> ServiceError:
    """Refuse what the caller may not do outside a repository (403).

    Args:
        identity: the caller's display name.
        what: the permission, in words.
    """
    return ServiceError(
        403,
        "AccessCheckException",
        f"Access denied: {identity} needs the following permission to perform this action: {what}",
        "Microsoft.TeamFoundation.Framework.Server",
    )


def controller_not_found(path: str) -> ServiceError:
    """Answer for a REST path that the service does not have (404).

    Args:
        path: as asked for.
    """
    return ServiceError(
        404,
        "VssResourceNotFoundException",
        f"The controller for path '{path}' was not found or does not implement IController.",
        WEB_API,
    )
