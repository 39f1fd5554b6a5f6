"""From the SDK's models to our values; whatever does not fit is an error that names the field."""

import json
import re
from collections import Counter
from typing import Any

from pydantic import ValidationError

from scan_core.devops.builds import BranchTip, BuildRead
from scan_core.devops.deliveries import Delivery
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.hooks import Subscription
from scan_core.devops.policies import PolicyRead
from scan_core.devops.projects import Project
from scan_core.devops.pull_requests import IterationRead, MergeStatus, PullRequest, StatusRead
from scan_core.devops.sdk import Unreadable
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.value import Value

_SHA1 = re.compile("[0-9a-f]{40}")
_MERGE_REF = re.compile("refs/pull/([0-9]{1,9})/merge")
_LONGEST_NUMBER = 10


def pull_request_from(model: Any, organisation: OrganisationName, doing: str) -> PullRequest:  # noqa: ANN401 (SDK model)
    """Read a pull request.

    Args:
        model: The SDK's GitPullRequest.
        organisation: The organisation that was asked.
        doing: What is being done, in words for an error.

    Returns:
        The pull request, with the ids that the answer gives.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    supports_iterations = _at(model, "supports_iterations")
    return _value(
        PullRequest,
        doing,
        ref={
            "organisation": organisation,
            "project_id": _lower(_at(model, "repository", "project", "id")),
            "repository_id": _lower(_at(model, "repository", "id")),
            "pull_request_id": _at(model, "pull_request_id"),
        },
        status=_at(model, "status"),
        is_draft=_at(model, "is_draft") or False,
        source_ref=_at(model, "source_ref_name"),
        target_ref=_at(model, "target_ref_name"),
        source_commit=_lower(_at(model, "last_merge_source_commit", "commit_id")),
        merge_commit=_lower(_at(model, "last_merge_commit", "commit_id")),
        merge_status=_at(model, "merge_status") or MergeStatus.NOT_SET,
        is_fork=_is_there(_at(model, "fork_source")),
        supports_iterations=True if supports_iterations is None else supports_iterations,
        title=_displayable(_at(model, "title")),
    )


def iteration_from(model: Any, doing: str) -> IterationRead:  # noqa: ANN401 (SDK model)
    """Read an iteration.

    Args:
        model: The SDK's GitPullRequestIteration.
        doing: What is being done, in words for an error.

    Returns:
        The iteration.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    return _value(
        IterationRead,
        doing,
        number=_at(model, "id") or None,
        source_commit=_lower(_at(model, "source_ref_commit", "commit_id")),
        target_commit=_lower(_at(model, "target_ref_commit", "commit_id")),
    )


def status_from(model: Any, doing: str) -> StatusRead:  # noqa: ANN401 (SDK model)
    """Read a status.

    Args:
        model: The SDK's GitPullRequestStatus.
        doing: What is being done, in words for an error.

    Returns:
        The status.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    created_at = _at(model, "creation_date")
    return _value(
        StatusRead,
        doing,
        id=_at(model, "id"),
        state=_at(model, "state"),
        description=_displayable(_at(model, "description")),
        genre=_displayable(_at(model, "context", "genre")),
        name=_displayable(_at(model, "context", "name")),
        iteration=_at(model, "iteration_id") or None,
        author_id=_lower(_at(model, "created_by", "id")),
        # Only shown, never decided upon; a date that cannot be read does not make the status unreadable.
        created_at=None if isinstance(created_at, Unreadable) else created_at,
    )


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
    return _value(BranchTip, doing, ref=_at(model, "name"), commit=_lower(_at(model, "object_id")))


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
    if _lower(_at(model, "project", "id")) != project_id:
        raise malformed(doing, "Azure DevOps answered about another project")
    is_git = _at(model, "repository", "type") == "TfsGit"
    trigger = _texts(_at(model, "trigger_info"))
    branch = _at(model, "source_branch")
    plans = (_at(model, "orchestration_plan", "plan_id"), *(_at(plan, "plan_id") for plan in _at(model, "plans") or ()))
    finished = _at(model, "finish_time")
    return _value(
        BuildRead,
        doing,
        ref={"organisation": organisation, "project_id": project_id, "build_id": _at(model, "id")},
        number=_displayable(_at(model, "build_number")),
        definition_id=_at(model, "definition", "id"),
        definition_name=_displayable(_at(model, "definition", "name")),
        plan_ids=tuple(dict.fromkeys(_lower(plan) for plan in plans if isinstance(plan, str))),
        status=_at(model, "status"),
        result=_at(model, "result"),
        reason=_at(model, "reason") or "",
        repository_id=_lower(_at(model, "repository", "id")) if is_git else None,
        repository_name=_displayable(_at(model, "repository", "name")),
        source_branch=branch or "",
        source_version=_sha1(_at(model, "source_version")) if is_git else None,
        pull_request_id=_pull_request_number(branch, trigger),
        pull_request_commit=_sha1(trigger.get("pr.sourceSha")),
        tags=tuple(_at(model, "tags") or ()),
        finished_at=None if isinstance(finished, Unreadable) else finished,
    )


def number_from(model: Any, name: str, doing: str) -> int:  # noqa: ANN401 (SDK model)
    """Read a number.

    Args:
        model: A model of the SDK.
        name: The field's name in it.
        doing: What is being done, in words for an error.

    Returns:
        The number.

    Raises:
        DevOpsError: MALFORMED: it is none.
    """
    number = _at(model, name)
    if not isinstance(number, int):
        raise malformed(doing, f"Azure DevOps gave no number for {name}")
    return number


def _sha1(text: Any) -> str | None:  # noqa: ANN401 (parsed JSON)
    """A commit; what is none, as of other version controls, is not there."""
    lower = _lower(text)
    return lower if isinstance(lower, str) and _SHA1.fullmatch(lower) else None


def _pull_request_number(branch: Any, trigger: dict[str, str]) -> int | None:  # noqa: ANN401 (parsed JSON)
    found = _MERGE_REF.fullmatch(branch) if isinstance(branch, str) else None
    number = found[1] if found else trigger.get("pr.number", "")
    return int(number) if number.isdecimal() and len(number) < _LONGEST_NUMBER else None


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
    return _value(Project, doing, id=_lower(_at(model, "id")), name=_displayable(_at(model, "name")))


def subscription_from(model: Any, doing: str) -> Subscription:  # noqa: ANN401 (SDK model)
    """Read a subscription of a web hook.

    Args:
        model: The SDK's Subscription.
        doing: What is being done, in words for an error.

    Returns:
        The subscription.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    return _value(
        Subscription,
        doing,
        id=_lower(_at(model, "id")),
        event_type=_at(model, "event_type"),
        resource_version=_at(model, "resource_version") or "",
        status=_at(model, "status"),
        publisher_inputs=_texts(_at(model, "publisher_inputs")),
        consumer_inputs=_texts(_at(model, "consumer_inputs")),
        created_by=_lower(_at(model, "created_by", "id")),
    )


def delivery_from(model: Any, doing: str) -> Delivery:  # noqa: ANN401 (SDK model)
    """Read one delivery of a subscription's history.

    Args:
        model: The SDK's Notification.
        doing: What is being done, in words for an error.

    Returns:
        The delivery.

    Raises:
        DevOpsError: MALFORMED, naming the field.
    """
    details = _at(model, "details")
    answer = _at(details, "response")
    return _value(
        Delivery,
        doing,
        id=_at(model, "id"),
        subscription_id=_lower(_at(model, "subscription_id")),
        created_at=_at(model, "created_date"),
        result=_lower(_at(model, "result")),
        # Neither decides whether an event was lost, so neither makes the delivery unreadable.
        answer=_displayable(answer) if isinstance(answer, str) else "",
        body=_event_body(_at(model, "subscription_id"), _at(details, "event")),
    )


def results_from(model: Any, doing: str) -> tuple[str, Counter[str]]:  # noqa: ANN401 (SDK model)
    """Read how the deliveries of one subscription ended.

    Args:
        model: The SDK's NotificationSummary.
        doing: What is being done, in words for an error.

    Returns:
        The subscription's id, and how many deliveries had each result.

    Raises:
        DevOpsError: MALFORMED: a count is no count.
    """
    counts: Counter[str] = Counter()
    for one in _at(model, "results") or ():
        result, number = _at(one, "result"), _at(one, "notification_count")
        if not isinstance(result, str) or not isinstance(number, int):
            raise malformed(doing, "Azure DevOps gave no usable count of deliveries")
        counts[result.lower()] += number
    return str(_lower(_at(model, "subscription_id"))), counts


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
        "is_enabled": _at(model, "is_enabled"),
        "is_blocking": _at(model, "is_blocking"),
        "settings": _at(model, "settings"),
    }
    return _value(PolicyRead, doing, id=_at(model, "id"), policy=policy)


def malformed(doing: str, what: str) -> DevOpsError:
    """Make the error for an answer that cannot be used.

    Args:
        doing: What is being done, in words.
        what: What is wrong with the answer.

    Returns:
        The error, MALFORMED.
    """
    return DevOpsError(DevOpsErrorKind.MALFORMED, f"{doing}: {what}")


def _value[V: Value](kind: type[V], doing: str, **fields: Any) -> V:  # noqa: ANN401 (parsed JSON)
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors(include_input=False, include_url=False)[0]["loc"])
        raise malformed(doing, f"Azure DevOps gave no usable value for {place} of a {kind.__name__}") from None


def _at(model: Any, *path: str) -> Any:  # noqa: ANN401 (SDK model)
    """Follow attributes down to a value, None or the first part that could not be read."""
    for step in path:
        if model is None or isinstance(model, Unreadable):
            return model
        model = getattr(model, step, None)
    return model


def _lower(value: Any) -> Any:  # noqa: ANN401 (any field's value)
    return value.lower() if isinstance(value, str) else value


def _event_body(subscription_id: Any, event: Any) -> bytes | None:  # noqa: ANN401 (SDK model)
    """Write an event of the history as a hook would bring it, from the fields that say where something happened."""
    containers = _at(event, "resource_containers")
    if event is None or isinstance(event, Unreadable):
        return None
    envelope = {
        "subscriptionId": subscription_id,
        "id": _at(event, "id"),
        "eventType": _at(event, "event_type"),
        "resource": _at(event, "resource"),
        "resourceVersion": _at(event, "resource_version"),
        "resourceContainers": {name: {"id": _at(one, "id")} for name, one in containers.items()}
        if isinstance(containers, dict)
        else None,
    }
    try:
        return json.dumps(envelope).encode()
    except (TypeError, ValueError, RecursionError):
        return None


def _is_there(value: Any) -> Any:  # noqa: ANN401 (any field's value)
    return value if isinstance(value, Unreadable) else value is not None


def _displayable(value: Any) -> Any:  # noqa: ANN401 (any field's value)
    """Give text for people: absent is empty, and halves of surrogate pairs cannot be stored."""
    if value is None:
        return ""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _texts(value: Any) -> Any:  # noqa: ANN401 (any field's value)
    """Give inputs as texts: one that is absent or null is empty."""
    return {name: text or "" for name, text in value.items()} if isinstance(value, dict) else value or {}
