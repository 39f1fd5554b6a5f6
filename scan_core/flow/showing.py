"""Showing: what a gate says, put where its place is looked at."""

import logging

from pydantic import JsonValue

from scan_core.devops.api import ChecksApi
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow.services import Services
from scan_core.intake.sealing import SealBroken, context_of, open_sealed
from scan_core.model.gate import Gate, Status, StatusState
from scan_core.model.place import BuildPlace, CheckPlace, CommitPlace, Place, PullRequestPlace
from scan_core.model.subject import Check
from scan_core.report.plain import one_line
from scan_core.telemetry import emit

_NOT_FOUND_TRIES = 3
_LETS_GO_ON = {StatusState.SUCCEEDED, StatusState.NOT_APPLICABLE}
_BUILD_TAGS = {
    StatusState.SUCCEEDED: "scangate-passed",
    StatusState.FAILED: "scangate-failed",
    StatusState.ERROR: "scangate-error",
}


def show(services: Services, gate: Gate, status: Status, page: str) -> int | None:
    """Show a gate's status in Azure DevOps. Showing it twice is harmless.

    Args:
        services: The doors to the outside.
        gate: The gate.
        status: What it says.
        page: The link to its page.

    Returns:
        The log that lines were written to; None for any place but a check, and while a check has none.

    Raises:
        DevOpsError: It could not be shown, as far as can be told.
    """
    devops = services.devops(gate.place.organisation)
    match gate.place:
        case PullRequestPlace() as place:
            devops.post_status(place.pull_request, place.iteration, status, target_url=page, name=place.name)
        case CommitPlace() as place:
            devops.repositories.post_commit_status(
                place.project_id, place.repository_id, place.commit, status, target_url=page, name=place.name
            )
        case BuildPlace() as place:
            tag = _BUILD_TAGS.get(status.state)
            devops.builds.mark(
                place.build,
                add_tags=() if tag is None else (tag,),
                remove_tags=tuple(each for each in _BUILD_TAGS.values() if each != tag),
                properties={"scangate.status": f"{status.state}: {status.description}", "scangate.page": page},
            )
        case CheckPlace() as place:
            return _answer(services, gate, place, status, page)
    return None


def _answer(services: Services, gate: Gate, place: CheckPlace, status: Status, page: str) -> int | None:
    """Write a check's lines, and complete it once its gate is decided. One that was answered is left alone."""
    sealed = place.check.sealed_token
    if sealed is None:
        return place.log_id
    keys = [key.get_secret_value() for key in services.settings.sealing_keys]
    try:
        token = open_sealed(sealed, keys, context_of(place.check))
    except SealBroken:
        # Under keys that are not in use any more: nobody can answer it, and the stage ends by its own time-out.
        emit("check_not_answered", level=logging.ERROR, gate=gate.gate_id, why="its token cannot be opened")
        return place.log_id
    lines = [f"Scangate: {status.description}", *_reasons(gate), f"Scangate: {page}"]
    try:
        return _told(services.devops(place.organisation).checks, gate, place, token, status, lines)
    except DevOpsError as error:
        if error.kind is DevOpsErrorKind.SIGNED_OUT:
            # The check's token, not ours: no reason to hold everything else.
            raise DevOpsError(DevOpsErrorKind.REJECTED, f"{error.sentence} (with the check's own token)") from None
        raise


def _told(checks: ChecksApi, gate: Gate, place: CheckPlace, token: str, status: Status, lines: list[str]) -> int | None:
    log_id = place.log_id
    try:
        log_id = checks.append_log(place.check, token, log_id, lines)
    except DevOpsError as error:
        if status.state is StatusState.PENDING or error.everywhere:
            raise
        emit("check_log_not_written", gate=gate.gate_id, kind=error.kind)  # the answer counts, not the words
    if status.state is not StatusState.PENDING:
        _complete(checks, gate, place.check, token, passed=status.state in _LETS_GO_ON)
    return log_id


def _complete(checks: ChecksApi, gate: Gate, check: Check, token: str, *, passed: bool) -> None:
    try:
        checks.answer(check, token, passed=passed)
    except DevOpsError as error:
        if not _is_over(error, gate):
            raise
        # It has its answer, of an earlier try whose end was lost; or nobody waits any more.
        emit("check_not_waiting", gate=gate.gate_id, sentence=error.sentence)


def _is_over(error: DevOpsError, gate: Gate) -> bool:
    """Tell whether nobody waits for an answer, by the word of who knows plans, or because it is said again and again.

    What Azure Pipelines answers for a task that has ended is not documented; anybody on the way can say 404 once.
    """
    if error.kind is not DevOpsErrorKind.NOT_FOUND:
        return False
    return (error.type_key or "").startswith("TaskOrchestration") or gate.tries >= _NOT_FOUND_TRIES


def _reasons(gate: Gate) -> list[str]:
    reasons = gate.decision.reasons if gate.decision else ()
    return [f"Scangate: {'blocks' if reason.blocking else 'note'}: {one_line(reason.text)}" for reason in reasons]


def where(place: Place) -> dict[str, JsonValue]:
    """Name a place for logs and the audit: ids only, and no token.

    Args:
        place: The place.

    Returns:
        Its ids by name.
    """
    match place:
        case PullRequestPlace():
            reference = place.pull_request
            return {
                "organisation": reference.organisation,
                "project": reference.project_id,
                "repository": reference.repository_id,
                "pull_request": reference.pull_request_id,
                "iteration": place.iteration,
                "commit": place.commit,
            }
        case CommitPlace():
            return {
                "organisation": place.organisation,
                "project": place.project_id,
                "repository": place.repository_id,
                "branch": place.ref,
                "commit": place.commit,
            }
        case BuildPlace():
            build = place.build
            return {
                "organisation": build.organisation,
                "project": build.project_id,
                "build": build.build_id,
                "commit": place.commit,
            }
        case CheckPlace():
            check = place.check
            return {
                "organisation": check.organisation,
                "project": check.project_id,
                "plan": check.plan_id,
                "task": check.task_id,
                "build": check.build_id,
            }
