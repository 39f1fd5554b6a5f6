"""The oracle: what the design promises, asked of a deployment in which nothing needs attention any more.

Each function names what is broken; none of them trusts what the app says of itself where the simulator, the workers or
the developers know better. Promise 6 is asked in `tests.faults.secrecy`; promise 7 is about the container that a scan
runs in and is not to be seen from here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from scan_core.flow.pull_request_steps import iteration_of
from scan_core.model.attempt import AttemptErrorKind
from scan_core.model.gate import Gate, GateState
from scan_core.model.ids import ProjectId, PullRequestId, RepositoryId
from scan_core.model.scan import AttemptRecord, ScanState
from scan_core.model.subject import PullRequestRef, StatusName
from scan_core.report.texts import status_for
from scan_core.store.gates import GateStore
from scan_core.store.scans import ScanStore
from tests.faults import promises_of_places
from tests.faults.crew import CONCLUSIVE
from tests.faults.endings import blob, ending, has_failed, scans_of, unproven
from tests.faults.estate import LEASE_SECONDS, Estate
from tests.faults.proposals import Proposal, expected, thing
from tests.flow.world import ORG

_SKEW: Final = timedelta(minutes=2)
_UNSCANNED: Final = frozenset({"broken", "off"})
"""Targets whose rules leave nothing to scan."""


@dataclass
class Sight:
    """One proposal, as Azure DevOps shows it and as storage knows it."""

    estate: Estate
    proposal: Proposal

    @cached_property
    def reference(self) -> PullRequestRef:
        """Its name in the app."""
        repository = self.proposal.pull.repo.json
        return PullRequestRef(
            organisation=ORG,
            project_id=ProjectId(repository["project"]["id"]),
            repository_id=RepositoryId(repository["id"]),
            pull_request_id=PullRequestId(self.proposal.pull.id),
        )

    @cached_property
    def shown(self) -> list[dict[str, Any]]:
        """Every status of its source, the oldest first."""
        found = self.estate.sim.get(f"{self.proposal.pull.path}/statuses")["value"]
        ours = [each for each in found if each["context"]["name"] == StatusName.SOURCE]
        return sorted(ours, key=lambda each: int(each["id"]))

    @cached_property
    def commits(self) -> dict[int, str]:
        """The source commit of each iteration."""
        return {int(each["id"]): each["sourceRefCommit"]["commitId"] for each in self.proposal.pull.iterations()}

    @cached_property
    def gates(self) -> dict[int, Gate]:
        """The gates of its source by iteration."""
        rows = GateStore(self.estate.storage.tables).gates_of(self.reference.subject)
        places = [(iteration_of(row.value), row.value) for row in rows]
        return {place.iteration: gate for place, gate in places if place.name is StatusName.SOURCE}

    @cached_property
    def latest(self) -> Gate | None:
        """The gate of the latest iteration."""
        return self.gates.get(self.proposal.iteration)

    @cached_property
    def truth(self) -> str:
        """What the last status must say: how the commit is, or an error where every attempt at it really failed."""
        proposal = self.proposal
        nature = self.estate.developers.nature[proposal.commit]
        wanted = expected(nature, proposal.target, draft=proposal.draft)
        is_waiting = wanted == "pending"
        if proposal.target in _UNSCANNED or is_waiting or self.latest is None:
            return wanted
        scans = scans_of(self.estate, self.latest)
        return "error" if any(has_failed(self.estate, scan) for scan in scans) else wanted


def rest(estate: Estate) -> None:
    """Let everybody finish, and ask for every promise.

    Args:
        estate: The deployment.
    """
    estate.settle()
    check(estate)


def check(estate: Estate) -> None:
    """Ask for every promise.

    Args:
        estate: A deployment in which nothing needs attention.

    Raises:
        AssertionError: A promise is broken; the message says which and how.
    """
    problems = list(_broken(estate))
    assert not problems, "\n".join(problems)


def _broken(estate: Estate) -> Iterator[str]:
    yield from (f"a defect: {type(each).__name__}: {each}" for each in estate.surprises)
    yield from (f"a defect that was caught: {told}" for told in estate.events.defects())
    for oracle in ORACLES:
        yield from oracle(estate)


def _pull_requests_are_gated(estate: Estate) -> Iterator[str]:
    for proposal in estate.developers.proposals:
        sight = Sight(estate, proposal)
        for promise in _PROMISES:
            for problem in promise(sight):
                yield f"pull request {proposal.pull.id}, {proposal.branch} to {proposal.target}: {problem}"


# ------------------------------------------------------------------------------------------------ promises 1, 9, 10


def _current_gates_are_final(sight: Sight) -> Iterator[str]:
    proposal, gate = sight.proposal, sight.latest
    if len(sight.commits) != proposal.iteration or sight.commits[proposal.iteration] != proposal.commit:
        yield f"the test itself lost count of iterations: {sight.commits}, {proposal.iteration}"
    if not proposal.is_active or proposal.is_unheard:
        return
    if gate is None:
        yield f"iteration {proposal.iteration} has no gate"
        return
    wanted = GateState.WAITING if sight.truth == "pending" else GateState.DECIDED
    if gate.state is not wanted or gate.reporter is not None:
        yield f"the gate of iteration {proposal.iteration} is {gate.state}, reporter {gate.reporter}: {gate.problem}"
    if gate.decision is not None and gate.decision.provisional:
        yield "the verdict is still a time-out"
    current = [number for number, each in sight.gates.items() if each.state.is_current]
    if current != [proposal.iteration]:
        yield f"the gates of iterations {current} are current"


def _gates_end_in_time(sight: Sight) -> Iterator[str]:
    estate, proposal, gate = sight.estate, sight.proposal, sight.latest
    told_at = proposal.told_at.get(proposal.iteration)
    if gate is None or told_at is None or sight.truth == "pending" or not proposal.is_active or proposal.is_unheard:
        return
    # Where a message comes late, reconciling may see the pull request first, and the deadline counts from there.
    lateness = timedelta(seconds=LEASE_SECONDS) + estate.excused
    if gate.accepted_at > told_at + _SKEW + lateness and proposal.target != "patient":
        yield f"the deadline counts from {gate.accepted_at}, and the request was accepted at {told_at}"
    ends = told_at + timedelta(seconds=estate.settings.deadline_seconds) + lateness
    final = [
        post.at
        for post in estate.posts
        if (post.pull_request, post.iteration, post.name) == (proposal.pull.id, proposal.iteration, StatusName.SOURCE)
        and post.state != "pending"
    ]
    if not final or min(final) > ends:
        yield f"accepted at {told_at}, nothing final was posted by {ends}: {final}"


def _ended_gates_let_go(sight: Sight) -> Iterator[str]:
    if sight.proposal.is_unheard:
        return
    for iteration, gate in sight.gates.items():
        if not gate.state.is_current and not gate.released:
            yield f"the gate of iteration {iteration} is {gate.state} and keeps its scans"
        if gate.state.is_current and not sight.proposal.is_active:
            yield f"the gate of iteration {iteration} is {gate.state}, the pull request {sight.proposal.status}"


# ------------------------------------------------------------------------------------------------ promises 2, 3, 5, 8


def _statuses_stand_where_they_belong(sight: Sight) -> Iterator[str]:
    for status in [each for each in sight.shown if int(each["id"]) not in sight.proposal.forged]:
        iteration, state = int(status.get("iterationId") or 0), status["state"]
        gate = sight.gates.get(iteration)
        if gate is None:
            yield f"{state} stands on iteration {iteration}, which has no gate"
        elif gate.place.commit != sight.commits.get(iteration):
            yield f"{state} stands on iteration {iteration}, whose commit is not the gate's"
        elif state in {"succeeded", "failed"}:
            natures = {expected(sight.estate.developers.nature[thing(gate.place)], target) for target in _RULED}
            if state not in natures:
                yield f"{state} stands on iteration {iteration}, whose commit is {natures}"


def _verdicts_are_proven(sight: Sight) -> Iterator[str]:
    for iteration, gate in sight.gates.items():
        for problem in unproven(sight.estate, gate, {thing(gate.place)}):
            yield f"the verdict of iteration {iteration} {problem}"


def _what_is_shown_last_is_true(sight: Sight) -> Iterator[str]:
    proposal, gate = sight.proposal, sight.latest
    if not proposal.is_active or proposal.is_unheard or proposal.is_forged or gate is None:
        return
    if not sight.shown:
        yield "nothing is shown"
        return
    last = sight.shown[-1]
    if last.get("iterationId") != proposal.iteration:
        yield f"the last status stands on iteration {last.get('iterationId')}, the latest is {proposal.iteration}"
    states = [(each.get("iterationId"), each["state"]) for each in sight.shown]
    if last["state"] != sight.truth:
        yield f"shown is {last['state']} ({last['description']}), true is {sight.truth}: {states}"
    wanted = status_for(gate)
    if wanted is None or (last["state"], last["description"]) != (wanted.state, wanted.description):
        yield f"shown is {last['description']!r}, the row says {wanted}"


# ------------------------------------------------------------------------------------------------ promise 4


def _superseded_never_turns_red(estate: Estate) -> Iterator[str]:
    for post in estate.posts:
        if post.state != "pending" and post.iteration and post.known_latest > post.iteration:
            yield f"{post.state} was posted on iteration {post.iteration} when {post.known_latest} was there: {post}"


def _work_is_shared_and_stopped(estate: Estate) -> Iterator[str]:
    table = estate.storage.tables.get_table_client("scans")
    store = ScanStore(estate.storage.tables)
    for name in sorted({str(row["PartitionKey"]) for row in table.list_entities(select=["PartitionKey"])}):
        row = store.read(name)  # type: ignore[arg-type]  # a partition of this table is a scan's id
        if row is None or thing(row.value.target) not in estate.developers.nature:
            continue
        scan = row.value
        if scan.state is ScanState.ACTIVE:
            yield f"scan {name} is still under way: {scan.attempts}"
        cancel = f"{name}/{scan.current.number}/cancel.json"
        if scan.state is ScanState.STOPPING and blob(estate, "scans", cancel) is None:
            yield f"scan {name} stops, and its attempt was never told"
        for record in scan.attempts[:-1]:
            told_to_stop = blob(estate, "scans", f"{name}/{record.number}/cancel.json") is not None
            if ending(estate, name, record.number) in CONCLUSIVE and not (told_to_stop or _was_ended(estate, record)):
                yield f"attempt {record.number} of scan {name} had a result, and another was opened: {record}"


def _was_ended(estate: Estate, record: AttemptRecord) -> bool:
    """Tell whether an attempt that had a result all the same had rightly been told to stop, or been taken for dead."""
    kind = None if record.error is None else record.error.kind
    # Only where time jumped was a worker silent that lives.
    return kind is AttemptErrorKind.CANCELLED or (kind is AttemptErrorKind.LOST and bool(estate.excused))


_RULED: Final = ("main", "lenient")
_PROMISES: Final[tuple[Callable[[Sight], Iterator[str]], ...]] = (
    _current_gates_are_final,
    _gates_end_in_time,
    _ended_gates_let_go,
    _statuses_stand_where_they_belong,
    _verdicts_are_proven,
    _what_is_shown_last_is_true,
)
ORACLES: Final[tuple[Callable[[Estate], Iterator[str]], ...]] = (
    _pull_requests_are_gated,
    _superseded_never_turns_red,
    _work_is_shared_and_stopped,
    *promises_of_places.ORACLES,
)
"""Whatever has gates is asked about by one of these: a new kind of gate comes with its own."""
