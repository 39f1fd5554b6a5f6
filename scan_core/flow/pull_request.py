"""A request about a pull request: looked at, its older gates ended, its latest iteration gated."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.pull_requests import IterationRead, MergeStatus, PullRequest, PullRequestStatus
from scan_core.flow import gate_steps, gates, scans
from scan_core.flow.backoff import pause_seconds
from scan_core.flow.change import change_gate
from scan_core.flow.enrolment import enrol, follow
from scan_core.flow.services import Services
from scan_core.flow.sweep import sweep
from scan_core.model.gate import Gate, GateState, Look
from scan_core.model.ids import CommitSha, Iteration, ScanId
from scan_core.model.request import ProjectRequest, PullRequestRequest, Request
from scan_core.model.rules import Drafts, Rules, RulesRead
from scan_core.model.verdict import Verdict
from scan_core.rules.rules_file import RulesUnreadable, read_rules
from scan_core.rules.unscanned import disabled, merge_conflicts, rules_unreadable
from scan_core.store.rows import Conflict, Versioned
from scan_core.telemetry import emit

RULES_PATH = "/.scangate.yml"
_RULES_BYTES = 4 * 1024 * 1024
"""What is fetched at most; `read_rules` refuses a file long before."""
_NOT_FOUND_TRIES = 3
_SKEW = timedelta(minutes=2)
"""How far the clocks of two instances may be apart."""
_LAGGING_TRIES = 3
_PATIENCE = timedelta(days=7)
"""For how long a pull request is asked for that Azure DevOps does not answer for, or leaves in the air."""


_UNMERGED = {"merge_commit": None, "merge_status": MergeStatus.QUEUED}
"""What is known of the merge of a commit that the pull request itself has not caught up with."""


class NotYet(Exception):
    """Azure DevOps has not worked something out that a gate needs; the message says what."""


@dataclass(frozen=True)
class Work:
    """What a gate has scanned, and under which rules it is judged."""

    rules: RulesRead
    commit: CommitSha
    scans: tuple[ScanId, ...]


def handle(services: Services, request: Request) -> None:
    """Serve a request.

    Args:
        services: The doors to the outside.
        request: A pull request to look at, or a project in which something happened.
    """
    match request:
        case PullRequestRequest():
            enrol(services, request.pull_request.organisation, request.pull_request.project_id)
            look_at(services, request)
        case ProjectRequest():
            enrol(services, request.organisation, request.project_id)
            sweep(services, request)


def look_at(services: Services, request: PullRequestRequest) -> None:
    """Look at a pull request and gate what is to be gated; what cannot be done now is done later.

    Args:
        services: The doors to the outside.
        request: Which pull request, and since when.
    """
    subject = request.pull_request.subject
    services.gates.touch(subject, services.now())
    if _is_overtaken(services, request):
        for row in services.gates.gates_of(subject):
            gates.advance(services, row.value.gate_id)
        return
    look = _opened_look(services, request)
    try:
        _examine(services, look.value)
    except NotYet as not_yet:
        if services.now() - look.value.accepted_at > _PATIENCE:
            _drop(services, look, str(not_yet))
        else:
            _postpone(services, look, request, str(not_yet))
        return
    except DevOpsError as error:
        if _is_hopeless(services, look.value, error):
            _drop(services, look, error.sentence, is_gone=error.kind is DevOpsErrorKind.NOT_FOUND)
        else:
            _postpone(services, _counted(look, error), request, error.sentence, error.retry_after)
        return
    served = {"served": True, "problem": None, "tries": 0, "not_found": 0}
    _write_look(services, look, look.value.model_copy(update=served))


def _is_overtaken(services: Services, request: PullRequestRequest) -> bool:
    """Tell whether a message asks for nothing more: a newer one was served, or a retry that is due later stands for it.

    So the messages of one pull request become one again, however many an outage has left.
    """
    row = services.gates.look(request.pull_request.subject)
    if row is None:
        return False
    newest = row.value.newest_accepted_at
    if row.value.served:
        return request.accepted_at < newest - _SKEW
    return request.accepted_at <= newest and services.now() < row.value.next_try_at


def _opened_look(services: Services, request: PullRequestRequest) -> Versioned[Look]:
    subject, now = request.pull_request.subject, services.now()
    while True:
        old = services.gates.look(subject)
        newest = request.accepted_at if old is None else max(request.accepted_at, old.value.newest_accepted_at)
        fresh = Look(
            pull_request=request.pull_request,
            accepted_at=request.accepted_at,
            newest_accepted_at=newest,
            next_try_at=now,
        )
        if old is not None and not old.value.served:
            earlier = min(old.value.accepted_at, request.accepted_at)
            update = {"accepted_at": earlier, "newest_accepted_at": newest, "next_try_at": now}
            fresh = old.value.model_copy(update=update)
        try:
            return services.gates.write_look(subject, old, fresh)
        except Conflict:
            continue


def _examine(services: Services, look: Look) -> None:
    devops = services.devops(look.pull_request.organisation)
    pull_request = devops.pull_request(look.pull_request)
    known = services.gates.gates_of(look.pull_request.subject)
    if pull_request.status is not PullRequestStatus.ACTIVE:
        for row in known:
            gates.close(services, row.value, pull_request.status)
        return
    iteration = _latest_iteration(services, pull_request)
    ending = [row.value for row in known if not row.value.released]
    older = [gate.gate_id for gate in ending if _is_older(gate.iteration, iteration.number)]
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
    # The older gates let go of their scans last: after a change of target the new one may have joined the same.
    for gate_id in (gate.gate_id, *older):
        gates.advance(services, gate_id)


def _is_older(iteration: Iteration, latest: Iteration) -> bool:
    """Tell whether an iteration is overtaken, also by 0: a pull request that grows too large keeps none any more."""
    return iteration < latest or (latest == 0 and iteration > 0)


def _latest_iteration(services: Services, pull_request: PullRequest) -> IterationRead:
    if not pull_request.supports_iterations:
        return IterationRead(number=Iteration(0), source_commit=pull_request.source_commit, target_commit=None)
    latest = services.devops(pull_request.ref.organisation).latest_iteration(pull_request.ref)
    if latest is None:
        raise NotYet("Azure DevOps has not made the pull request's first iteration yet.")
    return latest


def _gate_of(services: Services, look: Look, pull_request: PullRequest, iteration: IterationRead) -> Gate:
    limit = timedelta(seconds=services.settings.deadline_seconds)
    fresh = gate_steps.opened(pull_request, iteration, look.accepted_at, limit)
    row = services.gates.gate(fresh.gate_id)
    if row is None:
        follow(services, fresh.pull_request)
        try:
            services.gates.insert_gate(fresh)
        except Conflict:
            return _gate_of(services, look, pull_request, iteration)
        emit("gate_opened", gate=fresh.gate_id, commit=fresh.scanned_commit)
        return fresh
    again = change_gate(
        services.gates,
        fresh.gate_id,
        lambda gate: gate_steps.reopened(gate, pull_request, iteration, look.accepted_at, limit),
    )
    if again is not None:
        emit("gate_reopened", gate=fresh.gate_id, commit=fresh.scanned_commit)
        _leave_scans(services, row.value)
    return again or row.value


def _leave_scans(services: Services, gate: Gate) -> None:
    for scan in gate.waits_for:
        scans.leave(services, scan, gate.gate_id)


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
            _change_unless_moved(services, gate, lambda row: gate_steps.waiting(row, rules))
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
    after = _change_unless_moved(services, gate, lambda row: gate_steps.published(row, look.accepted_at, limit))
    return after or gate


def _tell(services: Services, gate: Gate, pull_request: PullRequest, rules: RulesRead) -> None:
    """Tell a gate what it waits for, or decide it where there is nothing to scan."""
    asked = asked_by(services, gate, pull_request, rules)
    if isinstance(asked, Verdict):
        gates.decide(services, gate, asked)
        return
    _change_unless_moved(services, gate, lambda row: gate_steps.started(row, asked.rules, asked.commit, asked.scans))


def asked_by(services: Services, gate: Gate, pull_request: PullRequest, rules: RulesRead) -> Work | Verdict:
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
    commit = _commit_to_scan(gate, pull_request)
    wanted = scans.scan_for(gate.model_copy(update={"scanned_commit": commit}), rules.rules.profile)
    return Work(rules, commit, (wanted,))


def _change_unless_moved(services: Services, gate: Gate, step: Callable[[Gate], Gate | None]) -> Gate | None:
    """Apply a step to a gate unless it has come to ask something else since it was read."""
    return change_gate(
        services.gates, gate.gate_id, lambda row: step(row) if gate_steps.asks_the_same(row, gate) else None
    )


def _show_problem(services: Services, gate: Gate, sentence: str) -> None:
    change_gate(services.gates, gate.gate_id, lambda row: gate_steps.troubled(row, sentence))


def _commit_to_scan(gate: Gate, pull_request: PullRequest) -> CommitSha:
    if not pull_request.is_fork:
        return gate.source_commit
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
    devops, reference = services.devops(pull_request.ref.organisation), pull_request.ref
    try:
        body = devops.file_on_branch(
            reference.project_id, reference.repository_id, pull_request.target_ref, RULES_PATH, _RULES_BYTES
        )
    except DevOpsError as error:
        if error.kind is DevOpsErrorKind.NOT_FOUND:
            # Not the pull request, which was there a moment ago: its target branch, or the right to read it.
            raise NotYet(error.sentence) from error
        raise
    rules: Rules = services.default_rules if body is None else read_rules(body, services.default_rules)
    return RulesRead(
        rules=rules,
        branch=pull_request.target_ref,
        commit=commit,
        file_sha256=None if body is None else hashlib.sha256(body).hexdigest(),
    )


def _is_hopeless(services: Services, look: Look, error: DevOpsError) -> bool:
    waited = services.now() - look.accepted_at
    match error.kind:
        case DevOpsErrorKind.NOT_FOUND if not services.gates.gates_of(look.pull_request.subject):
            return look.not_found + 1 >= _NOT_FOUND_TRIES
        case DevOpsErrorKind.NOT_FOUND:  # it was there: a right may have been withdrawn by mistake
            return waited > timedelta(seconds=services.settings.deadline_seconds)
        case DevOpsErrorKind.FORBIDDEN | DevOpsErrorKind.REJECTED | DevOpsErrorKind.CONFLICT:
            return waited > timedelta(seconds=services.settings.deadline_seconds)
        case _:
            return waited > _PATIENCE


def _counted(look: Versioned[Look], error: DevOpsError) -> Versioned[Look]:
    not_found = look.value.not_found + 1 if error.kind is DevOpsErrorKind.NOT_FOUND else 0
    return Versioned(look.value.model_copy(update={"not_found": not_found}), look.etag)


def _postpone(
    services: Services,
    look: Versioned[Look],
    request: PullRequestRequest,
    problem: str,
    retry_after: float | None = None,
) -> None:
    tries = look.value.tries + 1
    pause = pause_seconds(tries, services.settings.retry_seconds, retry_after)
    next_try = services.now() + timedelta(seconds=pause)
    update = {"tries": tries, "problem": problem, "next_try_at": next_try}
    if _write_look(services, look, look.value.model_copy(update=update)):
        emit("look_postponed", pull_request=request.pull_request.pull_request_id, problem=problem, seconds=pause)
        services.queues.send_request(request, pause)


def _drop(services: Services, look: Versioned[Look], why: str, *, is_gone: bool = False) -> None:
    """End a look at a pull request that is not there, or not for us; the gates of one that is gone end with it."""
    reference = look.value.pull_request
    if not _write_look(services, look, look.value.model_copy(update={"served": True, "problem": why})):
        return
    emit("look_dropped", pull_request=reference.pull_request_id, sentence=why)
    services.audit.append(services.now(), "dropped", {**reference.model_dump(mode="json"), "why": why})
    if is_gone:
        for row in services.gates.gates_of(reference.subject):
            gates.close(services, row.value, "gone")


def _write_look(services: Services, old: Versioned[Look], look: Look) -> bool:
    """Write a look unless a newer request came meanwhile, which then has the say."""
    try:
        services.gates.write_look(look.pull_request.subject, old, look)
    except Conflict:
        return False
    return True
