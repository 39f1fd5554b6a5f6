"""What a status or a page says of the place that a gate stands at, and of what is judged there."""

from dataclasses import dataclass
from typing import Final

from scan_core.model.gate import Gate
from scan_core.model.ids import CommitSha, ProjectId, RepositoryId
from scan_core.model.place import BuildPlace, CheckPlace, CommitPlace, Place, PullRequestPlace
from scan_core.model.subject import StatusName
from scan_core.model.target import ImageTarget, SourceTarget
from scan_core.report.counts import counted

_JUDGED: Final = {StatusName.SOURCE: "source", StatusName.IMAGE: "images"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the table of facts."""

    label: str
    text: str
    full: str | None = None
    """What a pointer shows; None where the text is whole."""
    aside: str = ""


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """A place, for its page."""

    title: str
    """What is judged and where, to stand after the verdict's word."""
    noun: str
    """What the page's first button opens."""
    shown: str
    """What it is called that this gate shows there."""
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a sentence."""

    text: str
    is_plural: bool = False

    def with_verb(self, singular: str, plural: str) -> str:
        """Put its verb behind it.

        Args:
            singular: The verb's form for one.
            plural: For several.

        Returns:
            Both.
        """
        return f"{self.text} {plural if self.is_plural else singular}"


def place_words(gate: Gate) -> PlaceWords:
    """Say where a gate stands.

    Args:
        gate: The gate.

    Returns:
        Title, noun and facts. Names in the facts are a stranger's.
    """
    place = gate.place
    match place:
        case PullRequestPlace():
            where = f"pull request {place.pull_request.pull_request_id}, iteration {place.iteration}"
            facts = (*_iteration(place), *_ids(place))
            return PlaceWords(_of(place.name, where), "pull request", "Status posted", facts)
        case CommitPlace():
            facts = (*_commit(place), *_ids(place))
            return PlaceWords(_of(place.name, f"commit {place.commit[:7]}"), "commit", "Status posted", facts)
        case BuildPlace():
            facts = (Fact("Build", str(place.build.build_id)), *_built(place.commit), *_ids(place))
            return PlaceWords(f"images of build {place.build.build_id}", "build", "Said on the build", facts)
        case CheckPlace():
            facts = (*_check(place), *_built(place.commit), *_ids(place))
            return PlaceWords(_check_title(place), "build", "Said to the pipeline", facts)


def kinds(gate: Gate) -> frozenset[StatusName]:
    """Say what a gate judges.

    Args:
        gate: The gate.

    Returns:
        Source, images or both.
    """
    match gate.place:
        case PullRequestPlace() | CommitPlace() as place:
            return frozenset({place.name})
        case BuildPlace():
            return frozenset({StatusName.IMAGE})
        case CheckPlace() as place:
            return frozenset(place.check.judges)


def awaited(gate: Gate) -> Subject:
    """Name what a gate waits for.

    Args:
        gate: The gate.

    Returns:
        The commit's first seven digits, how many images, or both; while that is not known, whose they are.
    """
    commits = tuple(target.commit[:7] for target in gate.targets if isinstance(target, SourceTarget))
    images = image_number(gate)
    named = (*commits, *((images,) if images else ()))
    if named:
        is_plural = len(named) > 1 or (images is not None and not images.startswith("1 "))
        return Subject(" and ".join(named), is_plural)
    match gate.place:
        case PullRequestPlace(name=StatusName.IMAGE) as place:
            return Subject(f"images of {place.source_commit[:7]}", is_plural=True)
        case CommitPlace(name=StatusName.IMAGE) as place:
            return Subject(f"images of {place.commit[:7]}", is_plural=True)
        case PullRequestPlace() | CommitPlace() as place:
            return Subject(place.commit[:7])
        case BuildPlace() as place:
            return Subject(f"images of build {place.build.build_id}", is_plural=True)
        case CheckPlace() as place:
            return Subject("the build" if place.check.build_id is None else f"build {place.check.build_id}")


def judged(gate: Gate) -> Subject:
    """Name what a gate's verdict is about, at the beginning of a sentence.

    Args:
        gate: The gate.

    Returns:
        Such as "This change" or "These 2 images".
    """
    match gate.place:
        case CheckPlace():
            return Subject("This build")
        case PullRequestPlace(name=StatusName.SOURCE):
            return Subject("This change")
        case CommitPlace(name=StatusName.SOURCE):
            return Subject("This commit")
    images = image_number(gate)
    if images is None or gate.missing:
        return Subject("What was built")
    return Subject("This image") if images == "1 image" else Subject(f"These {images}", is_plural=True)


def image_number(gate: Gate) -> str | None:
    """Say how many images a gate judges.

    Args:
        gate: The gate.

    Returns:
        Such as "2 images", where each platform of one counts; None where there is none.
    """
    number = sum(isinstance(target, ImageTarget) for target in gate.targets)
    return counted(number, "image") if number else None


def _of(name: StatusName, where: str) -> str:
    return where if name is StatusName.SOURCE else f"images of {where}"


def _iteration(place: PullRequestPlace) -> tuple[Fact, ...]:
    return (
        Fact("Pull request", f"{place.pull_request.pull_request_id}, iteration {place.iteration}"),
        Fact("Source commit", place.source_commit[:7], place.source_commit),
        *_merged(place),
        Fact("Target branch", _branch(place.target_ref)),
    )


def _merged(place: PullRequestPlace) -> tuple[Fact, ...]:
    if place.commit == place.source_commit:
        return ()
    if place.name is StatusName.IMAGE:
        return (Fact("Built", place.commit[:7], place.commit, "the merge with the target branch"),)
    return (Fact("Scanned", place.commit[:7], place.commit, "the merge commit in the target repository"),)


def _commit(place: CommitPlace) -> tuple[Fact, ...]:
    branch = () if place.ref is None else (Fact("Branch", _branch(place.ref)),)
    return (Fact("Commit", place.commit[:7], place.commit), *branch)


def _check_title(place: CheckPlace) -> str:
    return "check of a pipeline" if place.check.build_id is None else f"check of build {place.check.build_id}"


def _check(place: CheckPlace) -> tuple[Fact, ...]:
    build = () if place.check.build_id is None else (Fact("Build", str(place.check.build_id)),)
    return (*build, Fact("Judges", " and ".join(_JUDGED[name] for name in sorted(place.check.judges, reverse=True))))


def _built(commit: CommitSha | None) -> tuple[Fact, ...]:
    return () if commit is None else (Fact("Commit", commit[:7], commit),)


def _ids(place: Place) -> tuple[Fact, ...]:
    project = _project(place)
    facts = (Fact("Organisation", place.organisation), Fact("Project", project, project))
    repository = _repository(place)
    return facts if repository is None else (*facts, Fact("Repository", repository, repository))


def _project(place: Place) -> ProjectId:
    match place:
        case PullRequestPlace():
            return place.pull_request.project_id
        case CommitPlace():
            return place.project_id
        case BuildPlace():
            return place.build.project_id
        case CheckPlace():
            return place.check.project_id


def _repository(place: Place) -> RepositoryId | None:
    match place:
        case PullRequestPlace():
            return place.pull_request.repository_id
        case CommitPlace():
            return place.repository_id
        case _:
            return None


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
