"""A pipeline's check: its gate opened from ids alone, and told what the build that it stands in has to be judged by."""

from scan_core.devops.builds import BuildRead
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow import images_steps
from scan_core.flow.build import named_in, pull_request_of, rules_of_build
from scan_core.flow.change import change_gate
from scan_core.flow.gate_steps import Question
from scan_core.flow.naming_images import Named, found, named_by_texts, to_be_found
from scan_core.flow.opening import is_undetermined, opened, tell, trouble
from scan_core.flow.rules_reading import NotYet
from scan_core.flow.services import Services
from scan_core.model.gate import BuildImages, Gate, Look
from scan_core.model.place import CheckPlace
from scan_core.model.rules import RulesRead
from scan_core.model.subject import BuildRef, Check, StatusName
from scan_core.model.target import SourceTarget
from scan_core.model.verdict import Verdict
from scan_core.rules.rules_file import RulesUnreadable
from scan_core.rules.unscanned import disabled, nothing_to_judge, refused, rules_unreadable

_BUILD_NOT_FOUND = "BuildNotFoundException"
_NOT_FOUND_TRIES = 3
_NO_BUILD = "The check does not say which build it stands in: add the header BuildId with the value $(Build.BuildId)"
_OTHER_PLAN = "Build {} does not run the plan that this check belongs to: the BuildId that it sends is another build's"
_NO_SUCH_BUILD = "There is no build {} in this check's project, or it may not be read"
_NO_COMMIT = "The build was not made from a Git repository of Azure DevOps, so there is no source to judge"


def examine(services: Services, look: Look, check: Check) -> None:
    """Look at a check: gate it, and find out what it has to wait for.

    Args:
        services: The doors to the outside.
        look: The look, as its row stands.
        check: The check.

    Raises:
        NotYet: Something that is needed cannot be had yet.
        DevOpsError: Azure DevOps could not be asked.
    """
    gate = opened(services, CheckPlace(check=check), look.accepted_at)
    if not is_undetermined(gate):
        return
    try:
        asked = _asked(services, gate, check, look.tries)
    except NotYet as not_yet:
        trouble(services, gate, str(not_yet))
        raise
    except DevOpsError as error:
        trouble(services, gate, error.sentence)
        raise
    tell(services, gate, asked)


def _asked(services: Services, gate: Gate, check: Check, tries: int) -> Question | Verdict:
    if check.build is None:
        return refused(_NO_BUILD, services.now())
    build = _build(services, check.build, tries)
    if build is None:
        return refused(_NO_SUCH_BUILD.format(check.build_id), services.now())
    if check.plan_id not in build.plan_ids:
        return refused(_OTHER_PLAN.format(check.build_id), services.now())
    try:
        rules = rules_of_build(services, build)
    except RulesUnreadable as unreadable:
        return rules_unreadable(unreadable.sentence, services.now(), unreadable.sentences[1:])
    if not rules.rules.enabled:
        return disabled(rules, services.now())
    return _question(services, gate, build, rules, tries)


def _question(services: Services, gate: Gate, build: BuildRead, rules: RulesRead, tries: int) -> Question | Verdict:
    assert isinstance(gate.place, CheckPlace)  # noqa: S101 - the caller's condition, for the type checker
    check = gate.place.check
    named = _named(check, build, rules)
    images = _images(services, gate, build, named, tries)
    source = _source(services, check, build)
    missing = images.missing
    if source is None and StatusName.SOURCE in check.judges:
        missing = (*missing, _NO_COMMIT)
    targets = (*(() if source is None else (source,)), *images.targets)
    if not targets and not missing:
        return nothing_to_judge(rules, services.now())
    place = gate.place.model_copy(update={"commit": build.source_version})
    return Question(place, rules, targets, missing, (images,))


def _images(services: Services, gate: Gate, build: BuildRead, named: Named, tries: int) -> BuildImages:
    """What the images stand for. While some are looked for, the gate keeps what the others are: a tag may move."""
    known = next(iter(gate.builds), to_be_found(build))
    new = found(services, gate.place.organisation, build, named.beyond(known), tries)
    if new.not_yet is not None:
        change_gate(services.gates, gate.gate_id, lambda row: images_steps.found_so_far(row, new.images))
        raise new.not_yet
    return images_steps.together(known, new.images)


def _build(services: Services, reference: BuildRef, tries: int) -> BuildRead | None:
    """Read the build; None where there is none, by the word of who knows builds, or because it is said repeatedly."""
    try:
        return services.devops(reference.organisation).builds.read(reference)
    except DevOpsError as error:
        is_sure = error.type_key == _BUILD_NOT_FOUND or tries >= _NOT_FOUND_TRIES
        if error.kind is DevOpsErrorKind.NOT_FOUND and is_sure:
            return None
        raise


def _named(check: Check, build: BuildRead, rules: RulesRead) -> Named:
    if StatusName.IMAGE not in check.judges:
        return Named()
    return named_by_texts(check.images, rules.rules) if check.images else named_in(build, rules.rules, running=True)


def _source(services: Services, check: Check, build: BuildRead) -> SourceTarget | None:
    """What the build was made from; of a pull request that is no fork, the commit that its own gate scans."""
    if StatusName.SOURCE not in check.judges or build.repository_id is None or build.source_version is None:
        return None
    reference, commit = pull_request_of(build), build.source_version
    if reference is not None and build.pull_request_commit is not None:
        is_fork = services.devops(reference.organisation).pull_request(reference).is_fork
        commit = commit if is_fork else build.pull_request_commit
    return SourceTarget(
        organisation=check.organisation,
        project_id=check.project_id,
        repository_id=build.repository_id,
        commit=commit,
    )
