"""A branch: its newest commit gated, the gate before it ended."""

import math
from fnmatch import fnmatchcase

from scan_core.devops.errors import DevOpsError
from scan_core.flow import gates
from scan_core.flow.asking import ask_for_look
from scan_core.flow.enrolment import follow_branch
from scan_core.flow.gate_steps import Question
from scan_core.flow.holds import held_seconds, note_answer
from scan_core.flow.opening import is_undetermined, opened, tell, trouble
from scan_core.flow.reporting import renew_hidden
from scan_core.flow.rules_reading import NotYet, rules_at_commit, rules_on_branch
from scan_core.flow.services import Services
from scan_core.model.gate import Gate, Look
from scan_core.model.ids import BranchRef, CommitSha, GateId, OrganisationName, ProjectId, RepositoryId
from scan_core.model.place import CommitPlace
from scan_core.model.request import PushRequest
from scan_core.model.subject import Branch
from scan_core.model.target import SourceTarget
from scan_core.model.verdict import Verdict
from scan_core.rules.rules_file import RulesUnreadable
from scan_core.rules.unscanned import disabled, rules_unreadable
from scan_core.store.rows import Versioned

_HEADS = "refs/heads/"


def take_push(services: Services, push: PushRequest) -> None:
    """Ask for a look at each branch that a push moved; later, where that has to be found out and cannot be now.

    Args:
        services: The doors to the outside.
        push: The push; one that names no branch may have moved any, of which those are looked at that are judged.

    Raises:
        DevOpsError: Which those are could not be found out.
    """
    moved = [_branch(push, ref) for ref in push.refs]
    if not moved:
        seconds = held_seconds(services, push.organisation, push.repository_id)
        if seconds > 0:
            services.queues.send_request(push, math.ceil(seconds))
            return
        moved = judged(services, push.organisation, push.project_id, push.repository_id)
        note_answer(services, push.organisation)
    for branch in moved:
        ask_for_look(services, branch, push.accepted_at)


def judged(
    services: Services, organisation: OrganisationName, project_id: ProjectId, repository_id: RepositoryId
) -> list[Branch]:
    """List the branches of a repository whose pushes are judged, and those that were: any of them may have moved.

    Args:
        services: The doors to the outside.
        organisation: The project's organisation.
        project_id: The repository's project.
        repository_id: The repository.

    Returns:
        The branches, each once: the default branch, those that its rules list, those that are followed. None where the
        repository is empty.

    Raises:
        DevOpsError: Which those are could not be found out.
    """
    repositories = services.devops(organisation).repositories
    default = repositories.default_branch(project_id, repository_id)
    if default is None:
        return []
    try:
        listed = rules_on_branch(services, organisation, project_id, repository_id, default, commit=None).rules.branches
    except (RulesUnreadable, NotYet):
        listed = ()  # the look at the default branch says so
    names = [tip.ref for tip in repositories.branches(project_id, repository_id)] if listed else []
    followed = (row.value.branch for row in services.projects.followed_branches(organisation, project_id))
    known = [branch.ref for branch in followed if branch.repository_id == repository_id]
    refs = dict.fromkeys((default, *(ref for ref in names if _is_one_of(ref, listed)), *known))
    return [
        Branch(organisation=organisation, project_id=project_id, repository_id=repository_id, ref=ref) for ref in refs
    ]


def turn(services: Services, look: Versioned[Look], branch: Branch) -> Versioned[Look]:
    """Find out which commit of a branch is to be gated, and write down which gates are to be opened and ended for it.

    Args:
        services: The doors to the outside.
        look: The look, as its row stands.
        branch: Which branch.

    Returns:
        The look as its row stands now; its `tip` is written with it later where nothing else changed.

    Raises:
        Conflict: A newer request changed the look meanwhile.
        NotYet: Something that is needed cannot be had yet.
        DevOpsError: Azure DevOps could not be asked.
    """
    tip = _judged_tip(services, branch, is_judged=look.value.current is not None)
    before, current = look.value.current, None if tip is None else _place(branch, tip).gate_id
    if before == current:
        return Versioned(look.value.model_copy(update={"tip": tip}), look.etag)
    ending = dict.fromkeys((*look.value.ending, before))
    update = {"tip": tip, "current": current, "ending": tuple(each for each in ending if each not in {None, current})}
    return services.gates.write_look(branch.subject, look, look.value.model_copy(update=update))


def examine(services: Services, look: Versioned[Look], branch: Branch) -> Versioned[Look]:
    """Look at a branch: gate its newest commit, and end the gate of the one before.

    What is to be opened and ended stands in the look before anything is: whoever comes after a death goes on.

    Args:
        services: The doors to the outside.
        look: The look, as its row stands after its `turn`.
        branch: Which branch.

    Returns:
        The look as it shall stand.

    Raises:
        NotYet: Something that is needed cannot be had yet.
        DevOpsError: Azure DevOps could not be asked.
    """
    tip = look.value.tip
    place = None if tip is None else _place(branch, tip)
    for gate_id in look.value.ending:
        _end(services, gate_id, is_gone=tip is None)
    if place is not None:
        follow_branch(services, branch)
        gate = opened(services, place, look.value.accepted_at)
        if is_undetermined(gate):
            _start(services, gate, place, branch.ref)
    for gate_id in look.value.ending:  # last: the newer gate may have joined the same scan
        gates.advance(services, gate_id)
    return Versioned(look.value.model_copy(update={"ending": ()}), look.etag)


def _judged_tip(services: Services, branch: Branch, *, is_judged: bool) -> CommitSha | None:
    """The commit that a branch points to; None where there is no such branch, or its pushes are not judged."""
    repositories = services.devops(branch.organisation).repositories
    default = repositories.default_branch(branch.project_id, branch.repository_id)
    if default is None or (branch.ref != default and not _is_listed(services, branch, default, is_judged=is_judged)):
        return None
    return repositories.branch_tip(branch.project_id, branch.repository_id, branch.ref)


def _is_listed(services: Services, branch: Branch, default: BranchRef, *, is_judged: bool) -> bool:
    try:
        read = rules_on_branch(
            services, branch.organisation, branch.project_id, branch.repository_id, default, commit=None
        )
    except RulesUnreadable:
        return is_judged  # the default branch's own status says so, and no other loses its gate by it
    return _is_one_of(branch.ref, read.rules.branches)


def _is_one_of(ref: BranchRef, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(ref.removeprefix(_HEADS), pattern) for pattern in patterns)


def _end(services: Services, gate_id: GateId, *, is_gone: bool) -> None:
    row = services.gates.gate(gate_id)
    if row is None:
        return
    services.gates.touch(row.value.place.subject, services.now())
    if is_gone:
        gates.close(services, row.value, "branch gone")
    else:
        gates.supersede(services, gate_id)
    renew_hidden(services, row.value)  # another branch may point to the same commit, which has one status


def _start(services: Services, gate: Gate, place: CommitPlace, ref: BranchRef) -> None:
    try:
        tell(services, gate, _asked(services, place, ref))
    except DevOpsError as error:
        trouble(services, gate, error.sentence)
        raise
    except NotYet as not_yet:
        trouble(services, gate, str(not_yet))
        raise


def _asked(services: Services, place: CommitPlace, ref: BranchRef) -> Question | Verdict:
    try:
        rules = rules_at_commit(services, place.organisation, place.project_id, place.repository_id, ref, place.commit)
    except RulesUnreadable as unreadable:
        return rules_unreadable(unreadable.sentence, services.now(), unreadable.sentences[1:])
    if not rules.rules.enabled:
        return disabled(rules, services.now())
    target = SourceTarget(
        organisation=place.organisation,
        project_id=place.project_id,
        repository_id=place.repository_id,
        commit=place.commit,
    )
    return Question(place, rules, (target,))


def _place(branch: Branch, commit: CommitSha) -> CommitPlace:
    return CommitPlace(
        organisation=branch.organisation,
        project_id=branch.project_id,
        repository_id=branch.repository_id,
        commit=commit,
        ref=branch.ref,
    )


def _branch(push: PushRequest, ref: BranchRef) -> Branch:
    return Branch(organisation=push.organisation, project_id=push.project_id, repository_id=push.repository_id, ref=ref)
