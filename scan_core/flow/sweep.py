"""A request about a project: something happened to one of its pull requests, and the event did not say which."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scan_core.devops.errors import DevOpsError
from scan_core.devops.pull_requests import PullRequest
from scan_core.flow import gate_steps
from scan_core.flow.asking import ask_for_look, ask_later
from scan_core.flow.holds import held_seconds, note_answer, note_failure
from scan_core.flow.pull_request_steps import asks_anew, iteration_of
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, GateState
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.request import ProjectRequest
from scan_core.model.subject import PullRequestRef, StatusName
from scan_core.store.projects import Followed
from scan_core.store.rows import Versioned


@dataclass(frozen=True)
class Swept:
    """What a listing of a project's active pull requests led to."""

    active: int
    """How many there are."""
    looks: int
    """How many looks were asked for, those at pull requests that ended included."""
    answered: tuple[tuple[PullRequest, Gate], ...]
    """The active ones that have a gate which answers for them as they are now."""
    followed: Mapping[PullRequestRef, Versioned[Followed]]
    """What is followed in the project, as it was read before the listing."""


def sweep(services: Services, request: ProjectRequest) -> None:
    """Ask for a look at every pull request of a project whose gates are not what they should be.

    Args:
        services: The doors to the outside.
        request: Which project, and since when.
    """
    seconds = held_seconds(services, request.organisation, request.project_id)
    if seconds > 0:
        services.queues.send_request(request, math.ceil(seconds))
        return
    try:
        find_missed(services, request.organisation, request.project_id)
    except DevOpsError as error:
        note_failure(services, request.organisation, error)
        ask_later(services, request, error)
    else:
        note_answer(services, request.organisation)


def find_missed(services: Services, organisation: OrganisationName, project_id: ProjectId) -> Swept:
    """Ask for a look at every active pull request that no gate answers for as it is now, and at those that ended.

    Args:
        services: The doors to the outside.
        organisation: The project's organisation.
        project_id: The project.

    Returns:
        What was found.

    Raises:
        DevOpsError: The pull requests could not be listed.
    """
    followed = {row.value.pull_request: row for row in services.projects.followed(organisation, project_id)}
    active = services.devops(organisation).active_pull_requests(project_id)
    answers = [(pull_request, _answer(services, pull_request)) for pull_request in active]
    missed = [pull_request.ref for pull_request, gate in answers if gate is None]
    ended = followed.keys() - {pull_request.ref for pull_request in active}
    missed += [reference for reference in ended if not _is_forgotten(services, followed[reference])]
    for reference in missed:
        ask_for_look(services, reference)
    answered = tuple((pull_request, gate) for pull_request, gate in answers if gate is not None)
    return Swept(active=len(active), looks=len(missed), answered=answered, followed=followed)


def _is_forgotten(services: Services, followed: Versioned[Followed]) -> bool:
    """Let go of a pull request that is not active any more, once its gates have ended and let go of their scans."""
    rows = services.gates.gates_of(followed.value.pull_request.subject)
    if any(row.value.state.is_current or not row.value.released for row in rows):
        return False
    services.projects.let_go(followed)
    return True


def _answer(services: Services, pull_request: PullRequest) -> Gate | None:
    gates_of_it = (row.value for row in services.gates.gates_of(pull_request.ref.subject))
    current = (gate for gate in gates_of_it if gate.state.is_current and iteration_of(gate).name is StatusName.SOURCE)
    return next((gate for gate in current if _answers(services, gate, pull_request)), None)


def _answers(services: Services, gate: Gate, pull_request: PullRequest) -> bool:
    is_published = gate.state is GateState.WAITING and not pull_request.is_draft
    return not (is_published or asks_anew(gate, pull_request) or _is_stranded(services, gate))


def _is_stranded(services: Services, gate: Gate) -> bool:
    """Tell whether a gate expects an answer that nobody seeks: it knows no scans, and the look at it was given up."""
    if gate.waits_for or not gate_steps.expects_answer(gate):
        return False
    look = services.gates.look(gate.place.subject)
    return look is None or look.value.served
