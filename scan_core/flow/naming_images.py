"""Which images a build made, by the rules, its tags, or whoever asks; and which digests they stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from scan_core.devops.builds import BuildRead
from scan_core.flow.rules_reading import NotYet
from scan_core.flow.services import Services
from scan_core.model.gate import BuildImages
from scan_core.model.ids import OrganisationName
from scan_core.model.image import ImageReference, Platform, RegistryHost, image_reference
from scan_core.model.image_tag import decode_tag
from scan_core.model.image_template import expand, source_branch_name
from scan_core.model.rules import ImageRule, Rules
from scan_core.model.target import ImageTarget
from scan_core.registry.manifest import Resolved
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from scan_core.rules.image_entries import MOST_IMAGES

_PATIENT_TRIES = 4
"""For how many tries an image that is not there is waited for: what was just pushed may not be everywhere yet."""
_LONGEST_SEARCH = timedelta(minutes=4)
"""For how long registries are asked for one message; Functions gives it ten minutes, with all that comes after."""
_STILL_SEARCHING = "Scangate is still finding out which digests the images stand for."
_TOO_MANY = f"The build names more than {MOST_IMAGES} images; name fewer."


@dataclass(frozen=True)
class Named:
    """Images as they are named, each once, and what could not be read as a name."""

    images: dict[str, tuple[ImageReference, tuple[Platform, ...]]] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """The names, and the problems: two builds that name alike have the same."""
        return (*self.images, *self.wrong)

    @property
    def asked(self) -> tuple[str, ...]:
        """What registries are asked to find all of them."""
        return tuple(_asked(*image) for image in self.images.values())

    def __bool__(self) -> bool:
        """Whether anything is named at all."""
        return bool(self.images or self.wrong)

    def beyond(self, known: BuildImages) -> "Named":
        """Leave out what was found out already.

        Args:
            known: What is known of the build.

        Returns:
            The images that no registry was asked for yet, and every problem; of one build not more in all than may be.
        """
        new = {text: image for text, image in self.images.items() if _asked(*image) not in known.asked}
        return _not_too_many(new, self.wrong, max(0, MOST_IMAGES - len(known.asked)))


@dataclass(frozen=True)
class Found:
    """What could be found out of images, and what keeps the rest."""

    images: BuildImages
    """Those whose registry answered; `unresolved` while there are others."""
    not_yet: NotYet | None


def named_by_build(build: BuildRead, rules: Rules) -> Named:
    """Find the images that a build made: those of its pipeline's entries in the rules, and those of its tags.

    Args:
        build: The build.
        rules: The rules that hold for it.

    Returns:
        The images; none where nothing names one.
    """
    images: dict[str, tuple[ImageReference, tuple[Platform, ...]]] = {}
    wrong: list[str] = []
    for entry in _entries_of(build, rules.images):
        try:
            reference = image_reference(expand(entry.image, _variables(build)))
        except ValueError as unfit:
            wrong.append(f"An image entry of .scangate.yml cannot be used: {unfit}.")
        else:
            images.setdefault(reference.text, (reference, entry.platforms or rules.platforms))
    for tag in build.tags:
        try:
            tagged = decode_tag(tag)
        except ValueError as unfit:
            wrong.append(f"A tag of the build names no image: {unfit}.")
        else:
            if tagged is not None:
                images.setdefault(tagged.text, (tagged, rules.platforms))
    return _not_too_many(images, tuple(dict.fromkeys(wrong)), MOST_IMAGES)


def named_by_texts(texts: Iterable[str], rules: Rules) -> Named:
    """Take images that a check names itself.

    Args:
        texts: References; they were read before they were accepted.
        rules: The rules that hold.

    Returns:
        The images.
    """
    return Named({text: (image_reference(text), rules.platforms) for text in texts})


def found(services: Services, organisation: OrganisationName, build: BuildRead, named: Named, tries: int) -> Found:
    """Find out which digests images stand for.

    Args:
        services: The doors to the outside.
        organisation: Whose registries may be asked.
        build: The build that made them.
        named: The images.
        tries: How often this was tried.

    Returns:
        A target for each platform of each, and for what has none a sentence that says why. What a registry does not
        answer for now, does not have yet, or what there was no time for, is left for the next try.
    """
    answers, left = _answered(services, organisation, named, tries)
    done = Named({text: named.images[text] for text in answers}, named.wrong)
    resolved = [answer for answer in answers.values() if isinstance(answer, Resolved)]
    refusals = [answer for answer in answers.values() if isinstance(answer, str)]
    images = BuildImages(
        build_id=build.ref.build_id,
        definition_id=build.definition_id,
        references=done.references,
        targets=tuple(dict.fromkeys(target for one in resolved for target in _targets(organisation, one))),
        missing=tuple(dict.fromkeys((*named.wrong, *refusals))),
        asked=done.asked,
        unresolved=bool(left),
        plan_ids=build.plan_ids,
    )
    return Found(images, _all_of(left))


def to_be_found(build: BuildRead) -> BuildImages:
    """Say of a build that its images are not known yet.

    Args:
        build: The build.

    Returns:
        What is known of it.
    """
    return BuildImages(
        build_id=build.ref.build_id,
        definition_id=build.definition_id,
        references=(),
        unresolved=True,
        plan_ids=build.plan_ids,
    )


def _answered(
    services: Services, organisation: OrganisationName, named: Named, tries: int
) -> tuple[dict[str, Resolved | str], list[NotYet]]:
    """What registries say of each image, a refusal in words; and what keeps the images that are left for later."""
    registries, until = services.registries(organisation), services.now() + _LONGEST_SEARCH
    answers: dict[str, Resolved | str] = {}
    left: list[NotYet] = []
    away: set[RegistryHost] = set()
    for text, (reference, platforms) in named.images.items():
        if reference.registry in away:
            continue
        if services.now() > until:
            left.append(NotYet(_STILL_SEARCHING))
            break
        try:
            answers[text] = registries.resolve(reference, platforms)
        except RegistryRefused as refused:
            if refused.retryable:
                away.add(reference.registry)
            if refused.retryable or (refused.kind is RefusalKind.NOT_FOUND and tries < _PATIENT_TRIES):
                left.append(NotYet(refused.sentence, retry_after=refused.retry_after))
            else:
                answers[text] = refused.sentence
    return answers, left


def _not_too_many(
    images: dict[str, tuple[ImageReference, tuple[Platform, ...]]], wrong: tuple[str, ...], most: int
) -> Named:
    """Name some images and problems, and say it where there are more: anybody may tag a build a thousand times."""
    kept, told = dict(islice(images.items(), most)), wrong[:MOST_IMAGES]
    is_whole = len(kept) == len(images) and told == wrong
    return Named(kept, told if is_whole or _TOO_MANY in told else (*told, _TOO_MANY))


def _targets(organisation: OrganisationName, resolved: Resolved) -> list[ImageTarget]:
    return [
        ImageTarget(
            organisation=organisation,
            registry=resolved.reference.registry,
            repository=resolved.reference.repository,
            digest=image.digest,
            platform=image.platform,
        )
        for image in resolved.images
    ]


def _all_of(left: Sequence[NotYet]) -> NotYet | None:
    """The first trouble in words, and the longest of the pauses that were asked for."""
    if not left:
        return None
    return NotYet(str(left[0]), retry_after=max(each.retry_after or 0 for each in left) or None)


def _asked(reference: ImageReference, platforms: Sequence[Platform]) -> str:
    return " ".join((reference.text, *sorted(platform.text for platform in platforms)))


def _entries_of(build: BuildRead, entries: Sequence[ImageRule]) -> list[ImageRule]:
    names = {None, build.definition_name.casefold(), str(build.definition_id)}
    return [entry for entry in entries if (entry.pipeline and entry.pipeline.casefold()) in names]


def _variables(build: BuildRead) -> dict[str, str]:
    number = build.pull_request_id
    return {
        "Build.BuildId": str(build.ref.build_id),
        "Build.BuildNumber": build.number,
        "Build.DefinitionName": build.definition_name,
        "Build.Repository.ID": build.repository_id or "",
        "Build.Repository.Name": build.repository_name,
        "Build.SourceBranch": build.source_branch,
        "Build.SourceBranchName": source_branch_name(build.source_branch),
        "Build.SourceVersion": build.source_version or "",
        "System.DefinitionId": str(build.definition_id),
        "System.PullRequest.PullRequestId": "" if number is None else str(number),
        "System.TeamProjectId": build.ref.project_id,
    }
