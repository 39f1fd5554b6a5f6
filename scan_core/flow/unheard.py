"""Pushes and builds that no hook told of, found by asking."""

from datetime import datetime, timedelta

from scan_core.devops.errors import DevOpsError
from scan_core.flow.asking import ask_for_look
from scan_core.flow.enrolment import spread
from scan_core.flow.services import Services
from scan_core.model.place import CommitPlace
from scan_core.model.subject import Branch
from scan_core.store.projects import FollowedBranch, Project
from scan_core.store.rows import Versioned
from scan_core.telemetry import emit

_OVERLAP = timedelta(minutes=15)
"""Builds are gone through again that ended so shortly before: a record may be seen later than it says."""


def find_pushes(services: Services, project: Project) -> int:
    """Ask for a look at every followed branch that does not point to the commit it was gated for.

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
    due = [row for row in rows if row.value.next_at <= now]
    return sum(_look_after(services, row) for row in due)


def find_builds(services: Services, project: Project) -> tuple[int, datetime | None]:
    """Ask for a look at every completed build that none was taken at.

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
    missed = [build.ref for build in builds if services.gates.look(build.ref.subject) is None]
    for reference in missed:
        ask_for_look(services, reference)
    return len(missed), until


def _look_after(services: Services, row: Versioned[FollowedBranch]) -> bool:
    """Compare one branch with its gate. Returns whether a look was asked for."""
    next_at = services.now() + spread(services.settings.verify_seconds)
    branch = row.value.branch
    if not services.projects.note_branch(row, row.value.model_copy(update={"next_at": next_at})):
        return False  # another instance has it
    try:
        tip = services.devops(branch.organisation).repositories.branch_tip(
            branch.project_id, branch.repository_id, branch.ref
        )
    except DevOpsError as error:
        if error.everywhere:
            raise
        emit("branch_not_compared", repository=branch.repository_id, kind=error.kind, sentence=error.sentence)
        return False
    if tip == _gated_commit(services, branch):
        return False
    ask_for_look(services, branch)
    return True


def _gated_commit(services: Services, branch: Branch) -> str | None:
    look = services.gates.look(branch.subject)
    row = services.gates.gate(look.value.current) if look is not None and look.value.current else None
    return row.value.place.commit if row is not None and isinstance(row.value.place, CommitPlace) else None
