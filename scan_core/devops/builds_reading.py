"""From the SDK's models of builds and branches to our values."""

import re
from typing import Any

from scan_core.devops.builds import BranchTip, BuildRead
from scan_core.devops.reading import at, displayable, each, lower, malformed, texts, value
from scan_core.devops.sdk import Unreadable
from scan_core.model.ids import OrganisationName, ProjectId

_SHA1 = re.compile("[0-9a-f]{40}")
_MERGE_REF = re.compile("refs/pull/([0-9]{1,9})/merge")


def branch_tip_from(model: Any, doing: str) -> BranchTip:  # noqa: ANN401 (SDK model)
    """Read a branch of a listing.

    Args:
        model: The SDK's GitRef.
        doing: What is being done, in words for an error.

    Returns:
        The branch and the commit it points to.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    return value(BranchTip, doing, ref=at(model, "name"), commit=lower(at(model, "object_id")))


def build_from(model: Any, organisation: OrganisationName, project_id: ProjectId, doing: str) -> BuildRead:  # noqa: ANN401 (SDK model)
    """Read a build.

    Args:
        model: The SDK's Build.
        organisation: The organisation that was asked.
        project_id: The project that was asked about.
        doing: What is being done, in words for an error.

    Returns:
        The build.

    Raises:
        DevOpsError: MALFORMED, naming the field, or because it is of another project.
    """
    if lower(at(model, "project", "id")) != project_id:
        raise malformed(doing, "Azure DevOps answered about another project")
    is_git = at(model, "repository", "type") == "TfsGit"
    trigger = texts(at(model, "trigger_info"))
    if not isinstance(trigger, dict):
        raise malformed(doing, "Azure DevOps gave no texts for triggerInfo")
    branch = at(model, "source_branch")
    finished = at(model, "finish_time")
    return value(
        BuildRead,
        doing,
        ref={"organisation": organisation, "project_id": project_id, "build_id": at(model, "id")},
        number=displayable(at(model, "build_number")),
        definition_id=at(model, "definition", "id"),
        definition_name=displayable(at(model, "definition", "name")),
        plan_ids=_plans(model, doing),
        status=at(model, "status"),
        result=at(model, "result"),
        reason=at(model, "reason") or "",
        repository_id=lower(at(model, "repository", "id")) if is_git else None,
        repository_name=displayable(at(model, "repository", "name")),
        source_branch=branch or "",
        source_version=_sha1(at(model, "source_version")) if is_git else None,
        pull_request_id=_pull_request_number(branch),
        pull_request_commit=_sha1(trigger.get("pr.sourceSha")),
        tags=tuple(displayable(tag) for tag in each(at(model, "tags"), "tags", doing)),
        finished_at=None if isinstance(finished, Unreadable) else finished,
    )


def _plans(model: Any, doing: str) -> tuple[str, ...]:  # noqa: ANN401 (SDK model)
    """Every plan that a build runs, each once."""
    models = (at(model, "orchestration_plan"), *each(at(model, "plans"), "plans", doing))
    ids = (at(plan, "plan_id") for plan in models)
    return tuple(dict.fromkeys(lower(plan) for plan in ids if isinstance(plan, str)))


def _sha1(text: Any) -> str | None:  # noqa: ANN401 (parsed JSON)
    """A commit; what is none, as of other version controls, is not there."""
    commit = lower(text)
    return commit if isinstance(commit, str) and _SHA1.fullmatch(commit) else None


def _pull_request_number(branch: Any) -> int | None:  # noqa: ANN401 (parsed JSON)
    """By the ref that was built alone: who queues a build may write anything into its triggerInfo."""
    found = _MERGE_REF.fullmatch(branch) if isinstance(branch, str) else None
    return (int(found[1]) or None) if found else None
