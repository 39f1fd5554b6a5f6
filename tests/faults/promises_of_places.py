"""The oracle of what is gated beside pull requests: pushed commits, builds with their images, checks of pipelines.

None of it trusts what the app says of itself where the simulator, the workers or the developers know better.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from scan_core.model.gate import Gate, GateState
from scan_core.model.ids import BranchRef, CommitSha, Iteration, ProjectId, PullRequestId, RepositoryId
from scan_core.model.place import BuildPlace, CheckPlace, CommitPlace, Place, PullRequestPlace
from scan_core.model.subject import Check, PullRequestRef, StatusName, Subject
from scan_core.report.texts import status_for
from scan_core.store.gates import GateStore
from scan_core.store.scans import ScanStore
from tests.faults.endings import has_failed, scans_of, unproven
from tests.faults.estate import LEASE_SECONDS, Estate, Sent
from tests.faults.proposals import thing
from tests.faults.workshop import Made, Pushed, Waiting, Workshop
from tests.flow.world import ORG

_TAGS: Final = {"succeeded": "scangate-passed", "failed": "scangate-failed", "error": "scangate-error"}
_FINAL: Final = frozenset(_TAGS)


# ------------------------------------------------------------------------------------------------ places and gates


def place_of_commit(shop: Workshop, commit: str, name: StatusName, ref: BranchRef | None = None) -> CommitPlace:
    """Name where the gate of a commit stands."""
    return CommitPlace(
        name=name,
        organisation=ORG,
        project_id=ProjectId(shop.repo.json["project"]["id"]),
        repository_id=RepositoryId(shop.repo.json["id"]),
        commit=CommitSha(commit),
        ref=ref,
    )


def is_gated(estate: Estate, branch: Pushed) -> bool:
    """Tell whether the newest commit of a branch has its gate.

    Args:
        estate: The deployment.
        branch: One of its workshop's branches.

    Returns:
        Whether it has.
    """
    return _gate_of_tip(estate, branch) is not None


def _gate_of_tip(estate: Estate, branch: Pushed) -> Gate | None:
    return _gate(estate, place_of_commit(_shop(estate), branch.commits[-1], StatusName.SOURCE, branch.ref))


def _gate(estate: Estate, place: Place) -> Gate | None:
    row = GateStore(estate.storage.tables).gate(place.gate_id)
    return None if row is None else row.value


def _shop(estate: Estate) -> Workshop:
    assert estate.workshop is not None
    return estate.workshop


def _truth(estate: Estate, gate: Gate, things: set[str]) -> str:
    """Say what a gate must show in the end: the worst of what it is about, or an error where a scan really failed."""
    failed = {thing(scan.target) for scan in scans_of(estate, gate) if has_failed(estate, scan)}
    if any(estate.developers.nature[each] == "vulnerable" for each in things - failed):
        return "failed"
    return "error" if failed else "succeeded"


def _decided(estate: Estate, gate: Gate | None, things: set[str]) -> Iterator[str]:
    """Tell what is wrong with a gate that has to have its verdict, whatever shows it."""
    if gate is None:
        yield "it has no gate"
        return
    if gate.state is not GateState.DECIDED or gate.reporter is not None or gate.report_problem is not None:
        yield f"its gate is {gate.state}, reporter {gate.reporter}: {gate.problem or gate.report_problem}"
    if gate.decision is None or (gate.decision.provisional and not estate.excused):
        yield f"its verdict is {gate.decision}"
    if {thing(target) for target in gate.targets} != things:
        yield f"its gate is about {gate.targets}, and should be about {things}"
    yield from (f"its verdict {problem}" for problem in unproven(estate, gate, things))


def _says(gate: Gate, state: str, description: str) -> bool:
    wanted = status_for(gate)
    return wanted is not None and (wanted.state, wanted.description) == (state, description)


def _too_late(estate: Estate, told_at: datetime | None, final: list[Sent]) -> Iterator[str]:
    if told_at is None:
        return
    ends = told_at + timedelta(seconds=estate.settings.deadline_seconds + LEASE_SECONDS) + estate.excused
    if not final or final[0].at > ends:
        yield f"told at {told_at}, nothing final was shown by {ends}: {[sent.at for sent in final]}"


def _sent(estate: Estate, method: str, ending: str, says: Callable[[Any], bool]) -> list[Sent]:
    """Find calls that changed something, by the end of their path and by what they said."""
    return [
        each
        for each in estate.sent
        if each.method == method and re.search(f"{ending}$", each.path, re.IGNORECASE) and says(each.body)
    ]


# ------------------------------------------------------------------------------------------------ commits


def _shown_on(shop: Workshop, commit: str, name: StatusName) -> list[tuple[str, str]]:
    """The states and descriptions of one of our statuses on a commit, the oldest first."""
    ours = {"genre": "scangate", "name": name.value}
    found = [each for each in shop.repo.commit_statuses(commit) if each["context"] == ours]
    return [(each["state"], each["description"]) for each in sorted(found, key=lambda each: int(each["id"]))]


def _posts_on(estate: Estate, commit: str, name: StatusName) -> list[Sent]:
    return _sent(
        estate,
        "POST",
        f"/commits/{commit}/statuses",
        lambda body: body["context"]["name"] == name and body["state"] in _FINAL,
    )


def _last_is_true(estate: Estate, gate: Gate, shown: list[tuple[str, str]], truth: str) -> Iterator[str]:
    if not shown:
        yield "nothing is shown"
    elif shown[-1][0] != truth:
        yield f"shown is {shown[-1]}, true is {truth}: {[state for state, _ in shown]}"
    elif not _says(gate, *shown[-1]):
        yield f"shown is {shown[-1]}, the row says {status_for(gate)}"


# ------------------------------------------------------------------------------------------------ branches


def _branches_are_gated(estate: Estate) -> Iterator[str]:
    for branch in estate.workshop.branches if estate.workshop else ():
        for problem in _broken_on(estate, _shop(estate), branch):
            yield f"branch {branch.name}: {problem}"


def _broken_on(estate: Estate, shop: Workshop, branch: Pushed) -> Iterator[str]:
    if branch.is_unheard:
        return
    newest = None if branch.is_deleted else branch.commits[-1] if branch.commits else None
    for commit in dict.fromkeys(branch.commits):
        place = place_of_commit(shop, commit, StatusName.SOURCE, branch.ref)
        gate = _gate(estate, place)
        if commit == newest:
            yield from _tip_is_true(estate, shop, branch, gate)
        elif gate is not None:
            yield from (f"the older {problem}" for problem in _ended(estate, shop, gate))
    look = GateStore(estate.storage.tables).look(shop.ref_of(branch).subject)
    wanted = None if newest is None else place_of_commit(shop, newest, StatusName.SOURCE, branch.ref).gate_id
    if branch.commits and (look is None or (look.value.current, look.value.ending) != (wanted, ())):
        yield f"its look is {look}"


def _tip_is_true(estate: Estate, shop: Workshop, branch: Pushed, gate: Gate | None) -> Iterator[str]:
    commit = branch.commits[-1]
    yield from _decided(estate, gate, {commit})
    if gate is None:
        return
    shown = _shown_on(shop, commit, StatusName.SOURCE)
    yield from _last_is_true(estate, gate, shown, _truth(estate, gate, {commit}))
    yield from _too_late(estate, branch.told_at.get(commit), _posts_on(estate, commit, StatusName.SOURCE))


def _ended(estate: Estate, shop: Workshop, gate: Gate) -> Iterator[str]:
    """Tell what is wrong with the gate of a commit that its branch left behind."""
    commit = thing(gate.place)
    if gate.state.is_current or not gate.released:
        yield f"gate of {commit} is {gate.state}, and let go: {gate.released}"
    ends = [each["at"] for each in _audited(estate, "superseded", "closed") if each["gate"] == gate.gate_id]
    posts = _posts_on(estate, commit, StatusName.SOURCE)
    if not ends:
        yield f"gate of {commit} ended without a line in the audit"
    elif any(post.at > datetime.fromisoformat(ends[0]) for post in posts) or (posts and gate.decision is None):
        yield f"gate of {commit} ended at {ends[0]} and was shown afterwards: {posts}"
    states = {state for state, _ in _shown_on(shop, commit, StatusName.SOURCE)} - {"pending"}
    if states - {_truth(estate, gate, {commit})}:
        yield f"gate of {commit} showed {states}"


def _audited(estate: Estate, *what: str) -> Iterator[dict[str, Any]]:
    container = estate.storage.blobs.get_container_client("audit")
    for name in container.list_blob_names():
        lines = map(json.loads, container.download_blob(name).readall().splitlines())
        yield from (line for line in lines if line["what"] in what)


# ------------------------------------------------------------------------------------------------ builds


def _builds_say_the_truth(estate: Estate) -> Iterator[str]:
    for made in estate.workshop.made if estate.workshop else ():
        gate = _gate(estate, BuildPlace(build=made.ref, commit=None))
        things = set(made.images.values())
        problems = [*_decided(estate, gate, things), *_marks(estate, made, gate, things)]
        for problem in [*problems, *_too_late(estate, made.told_at, _marked(estate, made))]:
            yield f"build {made.run.id}: {problem}"


def _marks(estate: Estate, made: Made, gate: Gate | None, things: set[str]) -> Iterator[str]:
    if gate is None:
        return
    truth = _truth(estate, gate, things)
    tags = {tag for tag in made.run.tags() if tag in _TAGS.values()}
    if tags != {_TAGS[truth]}:
        yield f"it is tagged {tags}, true is {truth}"
    properties = made.run.properties()
    state, _, description = str(properties.get("scangate.status")).partition(": ")
    if state != truth or not _says(gate, state, description):
        yield f"its property says {state}: {description}, the row {status_for(gate)}, true is {truth}"
    if f"/api/gates/{gate.gate_id}?" not in str(properties.get("scangate.page")):
        yield f"its page is {properties.get('scangate.page')}"


def _marked(estate: Estate, made: Made) -> list[Sent]:
    def is_final(body: Any) -> bool:
        told = next(str(each["value"]) for each in body if each["path"] == "/scangate.status")
        return told.partition(":")[0] in _FINAL

    return _sent(estate, "PATCH", f"/builds/{made.run.id}/properties", is_final)


# ------------------------------------------------------------------------------------------------ images together


def _images_are_told_together(estate: Estate) -> Iterator[str]:
    shop = estate.workshop
    if shop is None:
        return
    for commit in {made.commit for made in shop.made}:
        newest = [made for made in shop.made if made.commit == commit][-1]
        gate = _gate(estate, place_of_commit(shop, commit, StatusName.IMAGE))
        things = set(newest.images.values())
        problems = list(_decided(estate, gate, things))
        if gate is not None:
            shown = _shown_on(shop, commit, StatusName.IMAGE)
            problems += _last_is_true(estate, gate, shown, _truth(estate, gate, things))
        for problem in [*problems, *_too_late(estate, newest.told_at, _posts_on(estate, commit, StatusName.IMAGE))]:
            yield f"images of commit {commit}: {problem}"
    for made in {(made.proposal, made.iteration): made for made in shop.made}.values():
        for problem in _broken_on_pull_request(estate, made):
            yield f"images of iteration {made.iteration} of pull request {made.proposal.pull.id}: {problem}"


def _broken_on_pull_request(estate: Estate, made: Made) -> Iterator[str]:
    proposal, things = made.proposal, set(made.images.values())
    gate = _gate(estate, _place_on_pull_request(made))
    if gate is None:
        yield "they have no gate"
        return
    found = estate.sim.get(f"{proposal.pull.path}/statuses")["value"]
    ours = [each for each in found if each["context"]["name"] == StatusName.IMAGE]
    in_order = sorted(ours, key=lambda each: int(each["id"]))
    shown = [(each["state"], each["description"]) for each in in_order if each.get("iterationId") == made.iteration]
    truth = _truth(estate, gate, things)
    if proposal.is_active and proposal.iteration == made.iteration:
        yield from _decided(estate, gate, things)
        yield from _last_is_true(estate, gate, shown, truth)
        return
    if gate.state.is_current or not gate.released:
        yield f"the gate is {gate.state}, and let go: {gate.released}"
    if not shown or shown[-1][0] not in {truth, "pending"}:
        yield f"the last to be shown is {shown[-1:]}, true is {truth}"


def _place_on_pull_request(made: Made) -> PullRequestPlace:
    repository = made.proposal.pull.repo.json
    commit = CommitSha(made.commit)
    return PullRequestPlace(
        name=StatusName.IMAGE,
        pull_request=PullRequestRef(
            organisation=ORG,
            project_id=ProjectId(repository["project"]["id"]),
            repository_id=RepositoryId(repository["id"]),
            pull_request_id=PullRequestId(made.proposal.pull.id),
        ),
        iteration=Iteration(made.iteration),
        source_commit=commit,
        commit=commit,
        target_ref=BranchRef(f"refs/heads/{made.proposal.target}"),
    )


# ------------------------------------------------------------------------------------------------ checks


def _checks_are_answered(estate: Estate) -> Iterator[str]:
    for waiting in estate.workshop.waiting if estate.workshop else ():
        place = _place_of_check(waiting)
        gate = _gate(estate, place)
        if gate is None:
            yield f"the check of build {waiting.stage.build.id} has no gate"
            continue
        for problem in (*_answer(estate, waiting, gate), *_forgotten(estate, gate, place.check)):
            yield f"the check of build {waiting.stage.build.id}: {problem}"


def _answer(estate: Estate, waiting: Waiting, gate: Gate) -> Iterator[str]:
    yield from _decided(estate, gate, set(waiting.images.values()))
    true = _truth(estate, gate, set(waiting.images.values())) if waiting.is_judged else "error"
    wanted = "succeeded" if true == "succeeded" else "failed"
    events = _sent(
        estate, "POST", f"/plans/{waiting.headers['PlanId']}/events", lambda body: body["name"] == "TaskCompleted"
    )
    told = [event.body["result"] for event in events]
    if set(told) != {wanted}:
        yield f"it was answered with {told}, true is {wanted} ({true})"
    stage = waiting.stage.json()
    if (stage["state"], stage["checks"][0]["state"]) != (wanted, wanted):
        yield f"its stage {stage['state']}, the check itself {stage['checks'][0]['state']}: {stage['checks'][0]}"
    if gate.decision is not None and gate.decision.outcome.replace("passed", "succeeded") != true:
        yield f"its verdict is {gate.decision.outcome}, true is {true}"
    yield from _too_late(estate, waiting.told_at, events)


def _forgotten(estate: Estate, gate: Gate, check: Check) -> Iterator[str]:
    """Tell where the token of an answered check is kept."""
    look = GateStore(estate.storage.tables).look(check.subject)
    held: dict[str, Subject | None] = {
        "gate": gate.place.check if isinstance(gate.place, CheckPlace) else None,
        "look": None if look is None else look.value.of,
    }
    for where, of in held.items():
        if not isinstance(of, Check) or of.sealed_token is not None:
            yield f"its {where} keeps the token: {of}"


def _place_of_check(waiting: Waiting) -> CheckPlace:
    headers = waiting.headers
    known = {
        "organisation": ORG,
        "project_id": headers["ProjectId"].lower(),
        "hub": headers["HubName"].lower(),
        "plan_id": headers["PlanId"].lower(),
        "job_id": headers["JobId"].lower(),
        "task_id": headers["TaskInstanceId"].lower(),
    }
    return CheckPlace(check=Check.model_validate(known))


# ------------------------------------------------------------------------------------------------ equal work


def _equal_work_is_one_scan(estate: Estate) -> Iterator[str]:
    if estate.workshop is None:
        return
    table, store = estate.storage.tables.get_table_client("scans"), ScanStore(estate.storage.tables)
    names = sorted({str(row["PartitionKey"]) for row in table.list_entities(select=["PartitionKey"])})
    rows = (store.read(name) for name in names)  # type: ignore[arg-type]  # a partition is a scan's id
    things = [thing(row.value.target) for row in rows if row is not None]
    yield from (f"{each} is scanned twice" for each in {each for each in things if things.count(each) > 1})


ORACLES: Final[tuple[Callable[[Estate], Iterator[str]], ...]] = (
    _branches_are_gated,
    _builds_say_the_truth,
    _images_are_told_together,
    _checks_are_answered,
    _equal_work_is_one_scan,
)
