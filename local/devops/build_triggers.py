"""What triggered a build: the commit that it builds, and its triggerInfo as Azure Repos fills it."""

import re
from typing import Any, Final

from local.devops.pipeline_records import Build
from local.devops.records import PullRequest, Repository
from local.devops.state import Organisation

_PULL_REF: Final = re.compile(r"refs/pull/(\d+)/merge")
_CONTINUOUS: Final = frozenset({"individualCI", "batchedCI"})


def pull_request_built(organisation: Organisation, repository_id: str, branch: str) -> PullRequest | None:
    """Return the pull request that a branch is the merge of, or nothing.

    Args:
        organisation: where.
        repository_id: the repository that is built.
        branch: the source branch, for example ``refs/pull/7/merge``.
    """
    found = _PULL_REF.fullmatch(branch)
    pull_request = organisation.pull_requests.get(found[1]) if found else None
    return pull_request if pull_request and pull_request.repository_id == repository_id else None


def version_built(organisation: Organisation, repository: Repository | None, branch: str) -> str:
    """Return the commit that a build of a branch builds now; empty when there is none.

    Args:
        organisation: where.
        repository: what is built.
        branch: the source branch.
    """
    if repository is None:
        return ""
    pull_request = pull_request_built(organisation, repository.id, branch)
    if pull_request:
        return pull_request.merge_commit or ""
    return repository.refs.get(branch, "")


def trigger_info(organisation: Organisation, repository: Repository | None, made: Build) -> dict[str, str]:
    """Return what tells of the pull request or push behind a build.

    Args:
        organisation: where.
        repository: what is built.
        made: the build.
    """
    if repository is None:
        return {}
    pull_request = pull_request_built(organisation, repository.id, made.source_branch)
    if pull_request:
        return {
            "pr.number": str(pull_request.id),
            "pr.id": str(pull_request.id),
            "pr.title": pull_request.title,
            "pr.isFork": str(pull_request.is_fork),
            "pr.draft": str(pull_request.is_draft),
            "pr.sourceBranch": pull_request.source_ref,
            "pr.sourceSha": pull_request.merge_source,
            "pr.triggerRepository": repository.id,
            "pr.triggerRepository.Type": "TfsGit",
        }
    if made.reason in _CONTINUOUS and made.source_version:
        return {
            "ci.sourceBranch": made.source_branch,
            "ci.sourceSha": made.source_version,
            "ci.message": _message(organisation, repository, made.source_version),
            "ci.triggerRepository": repository.id,
        }
    return {}


def _message(organisation: Organisation, repository: Repository, sha: str) -> str:
    git = organisation.git(repository.id)
    commit: Any = git.commit_of(sha)
    return git.info(commit).message.partition("\n")[0] if commit else ""
