"""Pushes and builds that no hook told of, found by asking."""

from datetime import datetime, timedelta
from itertools import takewhile

from scan_core.devops.builds import BuildRead
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow.asking import ask_for_look
from scan_core.flow.branch import judged
from scan_core.flow.enrolment import follow_branch, spread
from scan_core.flow.services import Services
from scan_core.model.gate import Look
from scan_core.model.subject import Branch
from scan_core.store.projects import FollowedBranch, Project
from scan_core.store.rows import Versioned
from scan_core.telemetry import emit

_OVERLAP = timedelta(minutes=15)
"""Builds are gone through again that ended so shortly before: a record may be seen later than it says."""


def find_pushes(services: Services, project: Project) -> int:
    """Ask for a look at every followed branch that does not point to the commit it was gated for.

    In the turn of the first of a repository's, also at those that are judged and were never told of. Where Azure DevOps
    asks for a pause, the rest is left to the project's next turn.

    Args:
        services: The doors to the outside.
        project: The project.

    Returns:
        How many looks were asked for.

    Raises:
        DevOpsError: Azure DevOps as a whole gives no answers now.
    """
    now = services.now()
    rows = services.projects.followed_branches(project.organisation, project.project_id)
    due = sorted((row for row in rows if row.value.next_at <= now), key=lambda row: row.value.next_at)
    in_time = takewhile(lambda _: services.devops(project.organisation).slow_down_seconds() <= 0, due)
    known = {row.value.branch for row in rows}
    firsts = {branch.repository_id: branch for branch in sorted(known, key=lambda branch: branch.ref, reverse=True)}
    return sum(_look_after(services, row, known, firsts[row.value.branch.repository_id]) for row in in_time)


def find_builds(services: Services, project: Project) -> tuple[int, datetime | None]:
    """Ask for a look at every completed build that none was taken at since it ended, or at which it was given up.

    Args:
        services: The doors to the outside.
        project: The project.

    Returns:
        How many looks were asked for, and until when the builds were gone through; None where the project's builds are
        not gone through.

    Raises:
        DevOpsError: Azure DevOps as a whole gives no answers now.
    """
    if project.builds_until is None:
        return 0, None
    until = services.now()
    try:
        builds = services.devops(project.organisation).builds.completed(
            project.project_id, project.builds_until - _OVERLAP
        )
    except DevOpsError as error:
        if error.everywhere:
            raise
        emit("builds_not_compared", project=project.project_id, kind=error.kind, sentence=error.sentence)
        return 0, project.builds_until
    missed = [build.ref for build in builds if not _was_looked_at(services, build)]
    for reference in missed:
        ask_for_look(services, reference)
    return len(missed), until


def _was_looked_at(services: Services, build: BuildRead) -> bool:
    """Tell whether somebody looked, or is about to. A check may have had a build looked at that was still running."""
    look = services.gates.look(build.ref.subject)
    if look is None or _was_given_up(look.value):
        return False
    return build.finished_at is None or look.value.newest_accepted_at >= build.finished_at


def _was_given_up(look: Look) -> bool:
    return look.served and look.problem is not None


def _look_after(services: Services, row: Versioned[FollowedBranch], known: set[Branch], first: Branch) -> int:
    """Take a branch's turn. Returns how many looks were asked for."""
    next_at = services.now() + spread(services.settings.verify_seconds)
    noted = services.projects.note_branch(row, row.value.model_copy(update={"next_at": next_at}))
    if noted is None:
        return 0  # another instance has it
    looks = int(_compare(services, noted))
    if row.value.branch != first:
        return looks
    others = _never_told_of(services, first, known)
    for other in others:
        ask_for_look(services, other)
    return looks + len(others)


def _never_told_of(services: Services, of: Branch, known: set[Branch]) -> tuple[Branch, ...]:
    """Find the branches of a repository that are judged and not followed: no hook ever told of a push to them."""
    try:
        wanted = judged(services, of.organisation, of.project_id, of.repository_id)
    except DevOpsError as error:
        if error.everywhere:
            raise
        emit("branch_not_compared", repository=of.repository_id, kind=error.kind, sentence=error.sentence)
        return ()
    return tuple(branch for branch in wanted if branch not in known)


def _compare(services: Services, noted: Versioned[FollowedBranch]) -> bool:
    """Compare one branch with its gate. Returns whether a look was asked for."""
    branch = noted.value.branch
    look = services.gates.look(branch.subject)
    if look is not None and _is_answered(services, look.value, branch):
        return False
    if look is not None and look.value.served and look.value.current is None and look.value.problem is None:
        _let_go(services, noted)
        return False
    ask_for_look(services, branch)
    return True


def _is_answered(services: Services, look: Look, branch: Branch) -> bool:
    """Tell whether nothing is to be looked at: the gate is that of the newest commit, or that cannot be found out."""
    try:
        tip = services.devops(branch.organisation).repositories.branch_tip(
            branch.project_id, branch.repository_id, branch.ref
        )
    except DevOpsError as error:
        if error.everywhere:
            raise
        emit("branch_not_compared", repository=branch.repository_id, kind=error.kind, sentence=error.sentence)
        return error.kind is not DevOpsErrorKind.NOT_FOUND or _was_given_up(look)
    row = None if look.current is None else services.gates.gate(look.current)
    is_gated = row is not None and row.value.state.is_current and row.value.place.commit == tip
    return is_gated and not _was_given_up(look)  # what kept it may be over, and this is the only one who asks again


def _let_go(services: Services, followed: Versioned[FollowedBranch]) -> None:
    """Forget a branch that is gone, or whose pushes are not judged any more; unless it is looked at right now."""
    branch = followed.value.branch
    services.projects.let_go_of_branch(followed)
    look = services.gates.look(branch.subject)
    if look is not None and look.value.current is not None:
        follow_branch(services, branch)
