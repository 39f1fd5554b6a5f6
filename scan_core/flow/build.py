"""A build: its images gated as one, and together with those of the other builds of its commit or pull request."""

from dataclasses import replace
from datetime import timedelta

from scan_core.devops.builds import BuildRead
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.pull_requests import PullRequestStatus
from scan_core.flow import gates, images_steps
from scan_core.flow.change import change_gate
from scan_core.flow.enrolment import follow
from scan_core.flow.naming_images import Found, Named, found, named_by_build, to_be_found
from scan_core.flow.opening import opened, trouble
from scan_core.flow.pull_request import latest_iteration
from scan_core.flow.rules_reading import rules_on_branch
from scan_core.flow.scans import leave_all
from scan_core.flow.services import Services
from scan_core.model.gate import BuildImages, Gate, Look
from scan_core.model.ids import BranchRef
from scan_core.model.place import BuildPlace, CommitPlace, Place, PullRequestPlace
from scan_core.model.rules import OnError, Rules, RulesRead
from scan_core.model.subject import BuildRef, PullRequestRef, StatusName
from scan_core.rules.rules_file import RulesUnreadable

_FAILED = {"failed", "canceled"}
"""Results of builds (Azure DevOps REST 7.1, BuildResult) that did not get as far as their pipeline's entries say."""


def examine(services: Services, look: Look, reference: BuildRef) -> None:
    """Look at a build: gate the images that it made. One that made none is left alone.

    Args:
        services: The doors to the outside.
        look: The look, as its row stands.
        reference: Which build.

    Raises:
        NotYet: Something that is needed cannot be had yet.
        DevOpsError: Azure DevOps could not be asked.
    """
    build = services.devops(reference.organisation).builds.read(reference)
    unreadable: tuple[str, ...] = ()
    try:
        rules = rules_of_build(services, build)
    except RulesUnreadable as refused:
        # What its tags name is looked for and shown; it cannot pass by rules that nobody can read.
        rules, unreadable = _strict(defaults(services)), refused.sentences
    named = named_in(build, rules.rules, running=False)
    if not named or not rules.rules.enabled:
        return
    places = [BuildPlace(build=reference, commit=build.source_version), *_together(services, build)]
    waiting = [opened(services, place, look.accepted_at) for place in places]
    if isinstance(places[-1], PullRequestPlace):
        follow(services, places[-1].pull_request)
    seen = _found(services, waiting[0], build, named, look.tries)
    for gate in waiting:
        _contribute(services, gate, seen.images, rules, look, unreadable)
        if seen.not_yet is None:
            gates.advance(services, gate.gate_id)
        else:
            trouble(services, gate, str(seen.not_yet))
    if seen.not_yet is not None:
        raise seen.not_yet


def rules_of_build(services: Services, build: BuildRead) -> RulesRead:
    """Read the rules that a build is under: those on the target branch of its pull request, else on the default branch.

    Args:
        services: The doors to the outside.
        build: The build.

    Returns:
        The rules; the organisation's defaults where it is not built from a repository of Azure DevOps.

    Raises:
        RulesUnreadable: There is a rules file, and it cannot be understood.
        NotYet: The branch is not there, or may not be read.
        DevOpsError: Azure DevOps could not be asked.
    """
    organisation, project = build.ref.organisation, build.ref.project_id
    if build.repository_id is None:
        return defaults(services)
    branch = _ruling_branch(services, build)
    if branch is None:
        return defaults(services)
    return rules_on_branch(services, organisation, project, build.repository_id, branch, commit=None)


def defaults(services: Services) -> RulesRead:
    """Give the organisation's own rules, which hold where no branch says anything.

    Args:
        services: The doors to the outside.

    Returns:
        The rules, read on no branch.
    """
    return RulesRead(rules=services.default_rules, branch=BranchRef(""))


def named_in(build: BuildRead, rules: Rules, *, running: bool) -> Named:
    """Find the images that a build made. A tag says itself that there is an image; an entry holds for good builds only.

    Args:
        build: The build.
        rules: The rules that hold for it.
        running: Whether the entries hold for a build that has not come to its end, as a check of it asks.

    Returns:
        The images; none where nothing names one.
    """
    is_done = build.status == "completed"
    if build.result in _FAILED or not (is_done or running):
        rules = rules.model_copy(update={"images": ()})
    return named_by_build(build, rules)


def pull_request_of(build: BuildRead) -> PullRequestRef | None:
    """Name the pull request that a build was made for.

    Args:
        build: The build.

    Returns:
        The pull request; None where it was made for none.
    """
    if build.pull_request_id is None or build.repository_id is None:
        return None
    return PullRequestRef(
        organisation=build.ref.organisation,
        project_id=build.ref.project_id,
        repository_id=build.repository_id,
        pull_request_id=build.pull_request_id,
    )


def _strict(rules: RulesRead) -> RulesRead:
    """Rules by which no error passes."""
    return rules.model_copy(update={"rules": rules.rules.model_copy(update={"on_error": OnError.BLOCK})})


def _ruling_branch(services: Services, build: BuildRead) -> BranchRef | None:
    devops = services.devops(build.ref.organisation)
    reference = pull_request_of(build)
    if reference is not None:
        return devops.pull_request(reference).target_ref
    assert build.repository_id is not None  # noqa: S101 - the caller's condition, for the type checker
    return devops.repositories.default_branch(build.ref.project_id, build.repository_id)


def _together(services: Services, build: BuildRead) -> list[Place]:
    """Where the images of a build are judged together with those of others: its commit, and its pull request."""
    places: list[Place] = []
    if build.repository_id is not None and build.source_version is not None:
        places.append(
            CommitPlace(
                name=StatusName.IMAGE,
                organisation=build.ref.organisation,
                project_id=build.ref.project_id,
                repository_id=build.repository_id,
                commit=build.source_version,
            )
        )
    iteration = _iteration(services, build)
    return places if iteration is None else [*places, iteration]


def _iteration(services: Services, build: BuildRead) -> PullRequestPlace | None:
    """The latest iteration of a build's pull request, if it is the one that was built; else nowhere."""
    reference = pull_request_of(build)
    if reference is None or build.pull_request_commit is None:
        return None
    devops = services.devops(reference.organisation)
    try:
        pull_request = devops.pull_request(reference)
        latest = latest_iteration(services, pull_request)
    except DevOpsError as error:
        if error.kind is DevOpsErrorKind.NOT_FOUND:
            return None
        raise
    if pull_request.status is not PullRequestStatus.ACTIVE or latest is None:
        return None
    if latest.source_commit != build.pull_request_commit:
        return None
    return PullRequestPlace(
        name=StatusName.IMAGE,
        pull_request=reference,
        iteration=latest.number,
        source_commit=latest.source_commit,
        commit=build.source_version or latest.source_commit,
        target_ref=pull_request.target_ref,
    )


def _found(services: Services, gate: Gate, build: BuildRead, named: Named, tries: int) -> Found:
    """What a build's images stand for; of those that its own gate knows, what they stood for then: a tag may move."""
    known = next((images for images in gate.builds if images.build_id == build.ref.build_id), to_be_found(build))
    new = found(services, build.ref.organisation, build, named.beyond(known), tries)
    both = images_steps.together(known, new.images)
    # Unresolved for whoever does not know the build yet, though its own gate had all that it named before.
    return replace(new, images=both.model_copy(update={"unresolved": new.images.unresolved}))


def _contribute(
    services: Services, gate: Gate, images: BuildImages, rules: RulesRead, look: Look, unreadable: tuple[str, ...]
) -> None:
    limit = timedelta(seconds=services.settings.deadline_seconds)
    before: list[Gate] = []

    def step(row: Gate) -> Gate | None:
        before[:] = [row]
        return images_steps.contributed(row, images, rules, look.accepted_at, limit, unreadable)

    services.gates.touch(gate.place.subject, services.now())
    after = change_gate(services.gates, gate.gate_id, step)
    if after is not None:
        dropped = set(before[0].waits_for) - set(after.waits_for)
        leave_all(services, before[0].model_copy(update={"waits_for": tuple(dropped)}))
