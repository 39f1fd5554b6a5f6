"""Status policies: that a pull request needs a status before it is completed (REST API 7.1, policy).

Settings as "Git branch policies" and "Branch policies: status checks" (learn.microsoft.com) describe them.
"""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from scan_core.model.ids import Positive
from scan_core.model.value import Value

STATUS_POLICY_TYPE: Final = "cbdc66da-9728-4af8-aada-9a5a32e4a226"
ALWAYS: Final = None
"""Applicability: the policy counts from the first moment, and not only once a status was posted."""
ONCE_POSTED: Final = 1
"""Applicability: pull requests without such a status are not blocked."""


class _Setting(Value):
    """A part of the settings, named in Python as ours and in JSON as theirs."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class Scope(_Setting):
    """Branches that a policy holds for."""

    repository_id: str | None = None
    """None for every repository of the project."""
    ref_name: str | None = None
    match_kind: str = "Exact"
    """``Exact``, ``Prefix`` or ``DefaultBranch``."""


class StatusPolicySettings(_Setting):
    """What a status policy asks for."""

    status_name: str
    status_genre: str | None = None
    author_id: str | None = None
    """Whose status counts; None for anyone's."""
    invalidate_on_source_update: bool = False
    default_display_name: str | None = None
    policy_applicability: int | None = ALWAYS
    filename_patterns: tuple[str, ...] | None = None
    """Files that a change has to touch for the policy to count; none for any."""
    scope: Annotated[tuple[Scope, ...], Field(min_length=1)]

    def as_json(self) -> dict[str, Any]:
        """Write the settings as Azure DevOps takes them."""
        return self.model_dump(mode="json", by_alias=True)


class StatusPolicy(Value):
    """A status policy as it stands or is to stand."""

    is_enabled: bool
    is_blocking: bool
    settings: StatusPolicySettings


class PolicyRead(Value):
    """A status policy of a project, anyone's."""

    id: Annotated[int, Positive]
    policy: StatusPolicy
