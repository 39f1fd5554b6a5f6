"""How the policies of a branch stand on a pull request.

Statuses of evaluations are those of the 7.1 specification of the policy area; how a status policy reads the statuses
posted is told by "Pull request status" of the Azure DevOps documentation.
"""

import fnmatch
from dataclasses import dataclass
from typing import Any

from local.devops.git import GitFailed
from local.devops.policies import COMMENT_POLICY, ONCE_POSTED, STATUS_POLICY, applicable_policies
from local.devops.records import Policy, PullRequest, Status
from local.devops.state import Organisation


@dataclass(frozen=True)
class Evaluation:
    """How a policy stands on a pull request, and why in words. ``status`` in the words of the service."""

    policy: Policy
    status: str
    reason: str

    @property
    def blocks(self) -> bool:
        """Whether the pull request may not be completed because of it."""
        return self.policy.is_blocking and self.status not in {"approved", "notApplicable"}


def evaluations(organisation: Organisation, pull_request: PullRequest) -> list[Evaluation]:
    """Evaluate every policy that covers a pull request.

    Args:
        organisation: where.
        pull_request: which.
    """
    found = []
    for one in applicable_policies(organisation, pull_request):
        status, reason = _evaluated(organisation, pull_request, one)
        found.append(Evaluation(one, status, reason))
    return found


def _evaluated(organisation: Organisation, pull_request: PullRequest, one: Policy) -> tuple[str, str]:
    patterns = one.settings.get("filenamePatterns")
    if patterns and not any(path_wanted(path, patterns) for path in _changed_paths(organisation, pull_request)):
        return "notApplicable", "no changed file matches the policy's patterns"
    if one.type_id == STATUS_POLICY:
        return status_verdict(one.settings, pull_request)
    if one.type_id == COMMENT_POLICY:
        return _comment_verdict(organisation, pull_request)
    return _reviewer_verdict(one.settings, pull_request)


def status_verdict(settings: dict[str, Any], pull_request: PullRequest) -> tuple[str, str]:
    """Evaluate a status policy: the latest status of its genre and name decides.

    Args:
        settings: the policy's.
        pull_request: with its statuses.

    Returns:
        The evaluation's status, and why in words.
    """
    wanted = (settings.get("statusGenre") or "", settings["statusName"])
    label = "/".join(filter(None, wanted))
    found = [status for status in pull_request.statuses if (status.genre or "", status.name) == wanted]
    if not found and settings.get("policyApplicability") == ONCE_POSTED:
        return "notApplicable", f"{label} has not been posted yet"
    counted = [status for status in found if _counts(settings, pull_request, status)]
    if not counted:
        return "queued", f"waiting for {label}" + (" from the right author" if settings.get("authorId") else "")
    latest = counted[-1]
    outcome = {
        "succeeded": "approved",
        "notApplicable": "approved",
        "failed": "rejected",
        "error": "rejected",
        "pending": "running",
    }.get(latest.state, "queued")
    return outcome, f"{label} is {latest.state}" + (f": {latest.description}" if latest.description else "")


def _counts(settings: dict[str, Any], pull_request: PullRequest, status: Status) -> bool:
    if settings.get("authorId") and status.author.id != str(settings["authorId"]).lower():
        return False
    if settings.get("invalidateOnSourceUpdate"):
        return status.iteration == pull_request.latest.id
    return True


def _comment_verdict(organisation: Organisation, pull_request: PullRequest) -> tuple[str, str]:
    discussion = organisation.discussions.get(pull_request.id)
    threads = discussion.threads if discussion else ()
    waiting = [thread for thread in threads if thread.status in {"active", "pending"}]
    if waiting:
        count = "one comment is" if len(waiting) == 1 else f"{len(waiting)} comments are"
        return "rejected", f"{count} not resolved"
    return "approved", "all comments are resolved"


def _reviewer_verdict(settings: dict[str, Any], pull_request: PullRequest) -> tuple[str, str]:
    counted = [
        reviewer
        for reviewer in pull_request.reviewers
        if settings.get("creatorVoteCounts") or reviewer.identity.id != pull_request.created_by.id
    ]
    if any(reviewer.vote == -10 for reviewer in counted):
        return "rejected", "a reviewer rejected"
    needed = settings["minimumApproverCount"]
    approved = sum(reviewer.vote >= 5 for reviewer in counted)
    return ("approved" if approved >= needed else "running"), f"{approved} of {needed} approvals"


def path_wanted(path: str, patterns: list[str]) -> bool:
    """Tell whether a changed file matches a policy's patterns; the last one that matches decides.

    Args:
        path: from the root, without a leading slash.
        patterns: as in the policy, ``*`` for anything; one that begins with ``!`` takes files out.
    """
    wanted = False
    for pattern in patterns:
        takes_out = pattern.startswith("!")
        bare = pattern.removeprefix("!")
        subject = f"/{path}" if bare.startswith("/") else path.rpartition("/")[2]
        if fnmatch.fnmatchcase(subject, bare):
            wanted = not takes_out
    return wanted


def _changed_paths(organisation: Organisation, pull_request: PullRequest) -> list[str]:
    git = organisation.git(pull_request.source_repository_id)
    try:
        return [change.path for change in git.changes(pull_request.latest.common, pull_request.latest.source)]
    except GitFailed:
        # Commits that were pruned: nothing can be said, so nothing is left out.
        return []
