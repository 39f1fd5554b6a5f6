"""Which images a build made, by the rules, its tags, or whoever asks; and which digests they stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scan_core.devops.builds import BuildRead
from scan_core.flow.rules_reading import NotYet
from scan_core.flow.services import Services
from scan_core.model.gate import BuildImages
from scan_core.model.ids import OrganisationName
from scan_core.model.image import ImageReference, Platform, image_reference
from scan_core.model.image_tag import decode_tag
from scan_core.model.image_template import expand, source_branch_name
from scan_core.model.rules import ImageRule, Rules
from scan_core.model.target import ImageTarget
from scan_core.registry.refusals import RefusalKind, RegistryRefused

_PATIENT_TRIES = 4
"""For how many tries an image that is not there is waited for: what was just pushed may not be everywhere yet."""


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
            The images that no registry was asked for yet, and every problem.
        """
        new = {text: image for text, image in self.images.items() if _asked(*image) not in known.asked}
        return Named(new, self.wrong)


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
    return Named(images, tuple(dict.fromkeys(wrong)))


def named_by_texts(texts: Iterable[str], rules: Rules) -> Named:
    """Take images that a check names itself.

    Args:
        texts: References; they were read before they were accepted.
        rules: The rules that hold.

    Returns:
        The images.
    """
    return Named({text: (image_reference(text), rules.platforms) for text in texts})


def found(
    services: Services, organisation: OrganisationName, build: BuildRead, named: Named, tries: int
) -> BuildImages:
    """Find out which digests images stand for.

    Args:
        services: The doors to the outside.
        organisation: Whose registries may be asked.
        build: The build that made them.
        named: The images.
        tries: How often this was tried.

    Returns:
        A target for each platform of each, and for what has none a sentence that says why.

    Raises:
        NotYet: A registry does not answer now, or does not have the image yet.
    """
    registries = services.registries(organisation)
    targets: list[ImageTarget] = []
    missing = list(named.wrong)
    for reference, platforms in named.images.values():
        try:
            resolved = registries.resolve(reference, platforms)
        except RegistryRefused as refused:
            if refused.retryable or (refused.kind is RefusalKind.NOT_FOUND and tries < _PATIENT_TRIES):
                raise NotYet(refused.sentence) from refused
            missing.append(refused.sentence)
            continue
        targets += [
            ImageTarget(
                organisation=organisation,
                registry=reference.registry,
                repository=reference.repository,
                digest=image.digest,
                platform=image.platform,
            )
            for image in resolved.images
        ]
    return BuildImages(
        build_id=build.ref.build_id,
        definition_id=build.definition_id,
        references=named.references,
        targets=tuple(dict.fromkeys(targets)),
        missing=tuple(dict.fromkeys(missing)),
        asked=named.asked,
        plan_ids=build.plan_ids,
    )


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
