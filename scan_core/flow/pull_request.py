"""A pull request: its older gates ended, its latest iteration gated."""

from datetime import timedelta

from scan_core.devops.errors import DevOpsError
from scan_core.devops.pull_requests import IterationRead, MergeStatus, PullRequest, PullRequestStatus
from scan_core.flow import gate_steps, gates
from scan_core.flow.change import change_gate
from scan_core.flow.enrolment import follow
from scan_core.flow.gate_steps import Question
from scan_core.flow.images_steps import revived
from scan_core.flow.opening import change_unless_moved
from scan_core.flow.pull_request_steps import iteration_of, opened, reopened
from scan_core.flow.rules_reading import NotYet, rules_on_branch
from scan_core.flow.scans import leave_all
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, GateState, Look
from scan_core.model.ids import CommitSha, Iteration
from scan_core.model.place import PullRequestPlace
from scan_core.model.rules import Drafts, RulesRead
from scan_core.model.subject import PullRequestRef, StatusName
from scan_core.model.target import SourceTarget
from scan_core.model.verdict import Verdict
from scan_core.rules.rules_file import RulesUnreadable
from scan_core.rules.unscanned import disabled, merge_conflicts, rules_unreadable
from scan_core.store.rows import Conflict
from scan_core.telemetry import emit

_LAGGING_TRIES = 3

_UNMERGED = {"merge_commit": None, "merge_status": MergeStatus.QUEUED}
"""What is known of the merge of a commit that the pull request itself has not caught up with."""


def examine(services: Services, look: Look, reference: PullRequestRef) -> None:
    """Look at a pull request: end its older gates, and gate its latest iteration.

    Args:
        services: The doors to the outside.
        look: The look, as its row stands.
        reference: Which pull request.

    Raises:
        NotYet: Azure DevOps has not worked out what is to be scanned.
        DevOpsError: It could not be asked.
    """
    pull_request = services.devops(reference.organisation).pull_request(reference)
    known = services.gates.gates_of(reference.subject)
    if pull_request.status is not PullRequestStatus.ACTIVE:
        for row in known:
            gates.close(services, row.value, pull_request.status)
        return
    iteration = _latest_iteration(services, pull_request)
    ending = [row.value for row in known if not row.value.released]
    older = [gate.gate_id for gate in ending if _is_older(iteration_of(gate), iteration)]
    for gate_id in older:
        gates.supersede(services, gate_id)
    lags = iteration.source_commit != pull_request.source_commit
    if lags:
        pull_request = pull_request.model_copy(update={"source_commit": iteration.source_commit, **_UNMERGED})
    gate = _gate_of(services, look, pull_request, iteration)
    if lags and look.tries < _LAGGING_TRIES:
        raise NotYet("Azure DevOps is still taking in the latest push.")
    if _is_undetermined(gate):
        _start(services, look, gate, pull_request, iteration)
    _revive_images(services, look, gate)
    # The older gates let go of their scans last: after a change of target the new one may have joined the same.
    for gate_id in (gate.gate_id, *older):
        gates.advance(services, gate_id)


def _revive_images(services: Services, look: Look, gate: Gate) -> None:
    """Open the gate of an iteration's images again that was closed with its pull request."""
    limit = timedelta(seconds=services.settings.deadline_seconds)
    place = iteration_of(gate).model_copy(update={"name": StatusName.IMAGE})

    def step(row: Gate) -> Gate | None:
        moved = iteration_of(row).source_commit != place.source_commit
        return None if moved else revived(row, look.accepted_at, limit)

    if change_gate(services.gates, place.gate_id, step) is not None:
        emit("gate_reopened", gate=place.gate_id, kind=place.kind, commit=place.commit)
        gates.advance(services, place.gate_id)


def _is_older(place: PullRequestPlace, latest: IterationRead) -> bool:
    """Tell whether an iteration is overtaken, also by 0: a pull request that grows too large keeps none any more."""
    if place.name is StatusName.IMAGE and place.iteration == latest.number:
        return place.source_commit != latest.source_commit  # the source's own gate asks anew instead
    return place.iteration < latest.number or (latest.number == 0 and place.iteration > 0)


def _latest_iteration(services: Services, pull_request: PullRequest) -> IterationRead:
    latest = latest_iteration(services, pull_request)
    if latest is None:
        raise NotYet("Azure DevOps has not made the pull request's first iteration yet.")
    return latest


def latest_iteration(services: Services, pull_request: PullRequest) -> IterationRead | None:
    """Read on which iteration a pull request's statuses stand.

    Args:
        services: The doors to the outside.
        pull_request: The pull request as it was read.

    Returns:
        The latest; number 0 where Azure DevOps keeps none for it; None where it has not made the first one yet.

    Raises:
        DevOpsError: It could not be read.
    """
    if not pull_request.supports_iterations:
        return IterationRead(number=Iteration(0), source_commit=pull_request.source_commit, target_commit=None)
    return services.devops(pull_request.ref.organisation).latest_iteration(pull_request.ref)


def _gate_of(services: Services, look: Look, pull_request: PullRequest, iteration: IterationRead) -> Gate:
    limit = timedelta(seconds=services.settings.deadline_seconds)
    fresh = opened(pull_request, iteration, look.accepted_at, limit)
    row = services.gates.gate(fresh.gate_id)
    if row is None:
        follow(services, pull_request.ref)
        try:
            services.gates.insert_gate(fresh)
        except Conflict:
            return _gate_of(services, look, pull_request, iteration)
        emit("gate_opened", gate=fresh.gate_id, kind=fresh.place.kind, commit=fresh.place.commit)
        return fresh
    again = change_gate(
        services.gates,
        fresh.gate_id,
        lambda gate: reopened(gate, pull_request, iteration, look.accepted_at, limit),
    )
    if again is not None:
        emit("gate_reopened", gate=fresh.gate_id, kind=fresh.place.kind, commit=fresh.place.commit)
        leave_all(services, row.value)
        return again
    row = services.gates.gate(fresh.gate_id) or row  # somebody else may have opened it again since it was read
    return row.value


def _is_undetermined(gate: Gate) -> bool:
    """Tell whether a gate's rules and scans still have to be found out."""
    return gate.state is GateState.WAITING or (gate_steps.expects_answer(gate) and not gate.waits_for)


def _start(services: Services, look: Look, gate: Gate, pull_request: PullRequest, iteration: IterationRead) -> None:
    """Read a gate's rules and tell it what it waits for, or decide it where there is nothing to scan."""
    try:
        if not pull_request.is_draft:
            gate = _published(services, look, gate)
        rules = target_rules(services, pull_request, iteration.target_commit)
        if pull_request.is_draft and rules.rules.enabled and rules.rules.drafts is Drafts.WAIT:
            change_unless_moved(services, gate, lambda row: gate_steps.waiting(row, rules))
            return
        gate = _published(services, look, gate)
        _tell(services, gate, pull_request, rules)
    except RulesUnreadable as unreadable:
        gates.decide(services, gate, rules_unreadable(unreadable.sentence, services.now(), unreadable.sentences[1:]))
    except NotYet as not_yet:
        _show_problem(services, gate, str(not_yet))
        gates.advance(services, gate.gate_id)
        raise
    except DevOpsError as error:
        _show_problem(services, gate, error.sentence)
        raise


def _published(services: Services, look: Look, gate: Gate) -> Gate:
    if gate.state is not GateState.WAITING:
        return gate
    limit = timedelta(seconds=services.settings.deadline_seconds)
    after = change_unless_moved(services, gate, lambda row: gate_steps.published(row, look.accepted_at, limit))
    return after or gate


def _tell(services: Services, gate: Gate, pull_request: PullRequest, rules: RulesRead) -> None:
    """Tell a gate what it waits for, or decide it where there is nothing to scan."""
    asked = asked_by(services, gate, pull_request, rules)
    if isinstance(asked, Verdict):
        gates.decide(services, gate, asked)
        return
    change_unless_moved(services, gate, lambda row: gate_steps.started(row, asked))


def asked_by(services: Services, gate: Gate, pull_request: PullRequest, rules: RulesRead) -> Question | Verdict:
    """Find out what rules ask of a gate.

    Args:
        services: The doors to the outside.
        gate: The gate.
        pull_request: Its pull request as it was read.
        rules: The rules.

    Returns:
        What has to be scanned; the verdict, where nothing has.

    Raises:
        NotYet: Azure DevOps has not worked out the commit that is to be scanned.
    """
    if not rules.rules.enabled:
        return disabled(rules, services.now())
    if pull_request.is_fork and pull_request.merge_status is MergeStatus.CONFLICTS:
        return merge_conflicts(rules, services.now())
    place = iteration_of(gate).model_copy(update={"commit": _commit_to_scan(gate, pull_request)})
    return Question(place, rules, (_source(place),))


def _source(place: PullRequestPlace) -> SourceTarget:
    reference = place.pull_request
    return SourceTarget(
        organisation=reference.organisation,
        project_id=reference.project_id,
        repository_id=reference.repository_id,
        commit=place.commit,
    )


def _show_problem(services: Services, gate: Gate, sentence: str) -> None:
    change_gate(services.gates, gate.gate_id, lambda row: gate_steps.troubled(row, sentence))


def _commit_to_scan(gate: Gate, pull_request: PullRequest) -> CommitSha:
    if not pull_request.is_fork:
        return iteration_of(gate).source_commit
    if pull_request.merge_status in {MergeStatus.FAILURE, MergeStatus.REJECTED_BY_POLICY}:
        raise NotYet(f"Azure DevOps could not merge this fork into its target branch ({pull_request.merge_status}).")
    if pull_request.merge_commit is None or pull_request.merge_status is not MergeStatus.SUCCEEDED:
        raise NotYet("Azure DevOps is still computing the merge of this fork.")
    return pull_request.merge_commit


def target_rules(services: Services, pull_request: PullRequest, commit: CommitSha | None) -> RulesRead:
    """Read the rules from the target branch, never from the source.

    Args:
        services: The doors to the outside.
        pull_request: The pull request as it was read.
        commit: The tip of the target branch, where it is known.

    Returns:
        The rules as they are now; the organisation's defaults where the branch has no file.

    Raises:
        RulesUnreadable: There is a file, and it cannot be understood.
        NotYet: There is no such branch, or it may not be read.
        DevOpsError: It could not be read.
    """
    reference = pull_request.ref
    return rules_on_branch(
        services,
        reference.organisation,
        reference.project_id,
        reference.repository_id,
        pull_request.target_ref,
        commit,
    )
