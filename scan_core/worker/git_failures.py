"""What git's complaints mean, in sentences that help. What git printed is matched here and goes no further.

The wording of git is that of its sources (remote-curl.c, http.c, fetch-pack.c, upload-pack.c) with ``LC_ALL=C``; codes
beginning with TF are those of Azure DevOps.
"""

import re
from typing import Final

from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.model.ids import CommitSha

_GONE: Final = re.compile(
    r"not our ref|unadvertised object|couldn't find remote ref|TF401035|TF401180|did not send all necessary objects"
    r"|bad object|not a valid object name|want \w+ not valid",
    re.IGNORECASE,
)
_NOT_FOUND: Final = re.compile(r"repository '.*' not found|returned error: 404|TF401019|TF200016", re.IGNORECASE)
_REFUSED: Final = re.compile(
    r"could not read (username|password)|authentication failed|returned error: (401|403|203|30[1-8])"
    # The last two: a page, such as the one to sign in, where a repository's answer was expected.
    r"|unable to update url base|TF400813|TF401027|info/refs not valid|dumb http transport",
    re.IGNORECASE,
)
_UNREACHABLE: Final = re.compile(
    r"could not resolve|failed to connect|couldn't connect|connection (was )?(refused|reset|timed out|closed)"
    r"|timed out|timeout|operation too slow|returned error: (408|429|5\d\d)|rpc failed|early eof|hung up|ssl|tls"
    r"|certificate|unexpected disconnect|empty reply|recv failure|send failure|transfer closed|proxy|disconnected",
    re.IGNORECASE,
)
_DISK_FULL: Final = re.compile(r"no space left", re.IGNORECASE)


def failure_of(printed: str, commit: CommitSha) -> AttemptError:
    """Read why a fetch failed.

    Args:
        printed: What git printed.
        commit: The commit that was wanted.

    Returns:
        The error to record; nothing that git printed is in it.
    """
    if _GONE.search(printed):
        return commit_gone(commit)
    if _NOT_FOUND.search(printed):
        return AttemptError(
            kind=AttemptErrorKind.REPOSITORY_NOT_FOUND,
            sentence="The repository was not found, or the fetch identity may not see it: "
            "check that it exists and that the identity has the right Code (read).",
        )
    if _REFUSED.search(printed):
        return AttemptError(
            kind=AttemptErrorKind.ACCESS_REFUSED,
            sentence="Azure DevOps refused to let the repository be read: check the fetch identity's "
            "access level and its right Code (read).",
        )
    if _UNREACHABLE.search(printed):
        return AttemptError(
            kind=AttemptErrorKind.UNREACHABLE,
            sentence="Azure DevOps did not answer, or broke off, while the commit was being fetched.",
        )
    if _DISK_FULL.search(printed):
        return AttemptError(
            kind=AttemptErrorKind.FETCH_FAILED,
            sentence="The worker's disk was full before the commit was fetched.",
        )
    return fetch_failed("git could not fetch the commit")


def commit_gone(commit: CommitSha) -> AttemptError:
    """Say that a commit cannot be had any more.

    Args:
        commit: Which.

    Returns:
        The error to record.
    """
    return AttemptError(
        kind=AttemptErrorKind.COMMIT_GONE,
        sentence=f"Commit {commit[:8]} is no longer in the repository: its branch was force-pushed or deleted. "
        "Push again to have the new commit scanned.",
    )


def repository_empty() -> AttemptError:
    """Say that there is nothing to scan.

    Returns:
        The error to record.
    """
    return AttemptError(
        kind=AttemptErrorKind.REPOSITORY_EMPTY, sentence="The repository is empty: it has no branch to scan."
    )


def too_large(what: str, limit: int, unit: str) -> AttemptError:
    """Say that a repository is more than a worker may take.

    Args:
        what: What is too much, such as ``The commit's files``.
        limit: The most that is allowed.
        unit: What `limit` counts.

    Returns:
        The error to record.
    """
    return AttemptError(
        kind=AttemptErrorKind.REPOSITORY_TOO_LARGE,
        sentence=f"{what} are more than the {limit:,} {unit} that a scan may take: "
        "have the limit raised, or move large files out of the repository.",
    )


def timed_out(seconds: int) -> AttemptError:
    """Say that fetching took too long.

    Args:
        seconds: How long it may take.

    Returns:
        The error to record.
    """
    return AttemptError(
        kind=AttemptErrorKind.FETCH_TIMED_OUT,
        sentence=f"The commit could not be fetched within {seconds} seconds.",
    )


def fetch_failed(what: str) -> AttemptError:
    """Say that something failed that has no sentence of its own.

    Args:
        what: What could not be done, as the beginning of a sentence.

    Returns:
        The error to record.
    """
    return AttemptError(kind=AttemptErrorKind.FETCH_FAILED, sentence=f"{what}; the worker's log says more.")
