"""The steps of a pull request's gate; `scan_core.flow.gate_steps` has the table of all steps."""

from datetime import datetime, timedelta

from scan_core.devops.pull_requests import IterationRead, PullRequest
from scan_core.flow import gate_steps
from scan_core.model.gate import Gate, GateState
from scan_core.model.ids import CommitSha
from scan_core.model.place import PullRequestPlace
from scan_core.model.verdict import Outcome


def iteration_of(gate: Gate) -> PullRequestPlace:
    """Say on which iteration a gate stands.

    Args:
        gate: A gate of a pull request.

    Returns:
        Its place.

    Raises:
        TypeError: It is no gate of a pull request.
    """
    if not isinstance(gate.place, PullRequestPlace):
        raise TypeError(gate.gate_id)
    return gate.place


def opened(pull_request: PullRequest, iteration: IterationRead, accepted_at: datetime, limit: timedelta) -> Gate:
    """Make the gate of an iteration that has none.

    Args:
        pull_request: The pull request as it was read.
        iteration: Its latest iteration.
        accepted_at: When the request was accepted; the deadline counts from here.
        limit: The deadline.

    Returns:
        An open gate that knows neither rules nor scans yet.
    """
    place = PullRequestPlace(
        pull_request=pull_request.ref,
        iteration=iteration.number,
        source_commit=iteration.source_commit,
        commit=_scanned(pull_request, iteration),
        target_ref=pull_request.target_ref,
    )
    return Gate(
        gate_id=place.gate_id,
        place=place,
        state=GateState.OPEN,
        accepted_at=accepted_at,
        opened_at=accepted_at,
        deadline=accepted_at + limit,
    )


def reopened(
    gate: Gate, pull_request: PullRequest, iteration: IterationRead, accepted_at: datetime, limit: timedelta
) -> Gate | None:
    """Open a gate again whose question has changed.

    Args:
        gate: The gate as it stands.
        pull_request: The pull request as it was read.
        iteration: Its latest iteration, which is this gate's.
        accepted_at: When the request was accepted.
        limit: The deadline.

    Returns:
        The gate as it shall stand; None where its answer still answers what is asked. An answer that only says that
        Scangate failed never does.
    """
    if not (asks_anew(gate, pull_request) or gate_steps.was_given_up(gate)):
        return None
    fresh = opened(pull_request, iteration, accepted_at, limit)
    kept = {"posted": gate.posted, "posted_at": gate.posted_at, "unaudited": gate.unaudited}
    return fresh.model_copy(update={**kept, **_reporter(gate)})


def asks_anew(gate: Gate, pull_request: PullRequest) -> bool:
    """Tell whether a pull request asks something else than the gate of its latest iteration answers.

    Args:
        gate: That gate.
        pull_request: The pull request as it was read.

    Returns:
        Whether the gate has to open again.
    """
    place = iteration_of(gate)
    moved = place.source_commit != pull_request.source_commit
    retargeted = place.target_ref != pull_request.target_ref
    merged_anew = (
        pull_request.is_fork
        and pull_request.merge_commit not in {None, place.commit}
        and gate.decision is not None
        and gate.decision.outcome is Outcome.ERROR
    )
    return gate.state is GateState.CLOSED or moved or retargeted or merged_anew


def _reporter(gate: Gate) -> dict[str, object]:
    return {"reporter": gate.reporter, "reporting_until": gate.reporting_until}


def _scanned(pull_request: PullRequest, iteration: IterationRead) -> CommitSha:
    if pull_request.is_fork and pull_request.merge_commit is not None:
        return pull_request.merge_commit
    return iteration.source_commit
