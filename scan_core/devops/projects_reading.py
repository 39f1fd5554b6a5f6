"""From the SDK's models of projects and their policies to our values."""

from typing import Any

from scan_core.devops.policies import PolicyRead
from scan_core.devops.projects import Project
from scan_core.devops.reading import at, displayable, lower, value


def project_from(model: Any, doing: str) -> Project:  # noqa: ANN401 (SDK model)
    """Read a project.

    Args:
        model: The SDK's TeamProjectReference.
        doing: What is being done, in words for an error.

    Returns:
        The project.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    return value(Project, doing, id=lower(at(model, "id")), name=displayable(at(model, "name")))


def policy_from(model: Any, doing: str) -> PolicyRead:  # noqa: ANN401 (SDK model)
    """Read a status policy.

    Args:
        model: The SDK's PolicyConfiguration.
        doing: What is being done, in words for an error.

    Returns:
        The policy.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    policy = {
        "is_enabled": at(model, "is_enabled"),
        "is_blocking": at(model, "is_blocking"),
        "settings": at(model, "settings"),
    }
    return value(PolicyRead, doing, id=at(model, "id"), policy=policy)
