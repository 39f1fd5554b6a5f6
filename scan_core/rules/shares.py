"""What each scan of a gate brought, and how a reason speaks of one scan among several."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scan_core.model.finding import Severity
from scan_core.model.ids import ScanId
from scan_core.model.target import ImageTarget
from scan_core.model.verdict import PolicyDecision, ScanFailure, ScanResult, SeverityCounts
from scan_core.rules.image_names import short_names
from scan_core.rules.merging import SOURCE, count, merged_findings, merged_secrets
from scan_core.rules.wording import counted

IMAGE: Final = "the image"


@dataclass(frozen=True, slots=True)
class Share:
    """What one scan brought."""

    place: str
    """What was scanned, as a sentence names it."""
    counts: SeverityCounts
    policy: PolicyDecision

    @property
    def weight(self) -> tuple[int, ...]:
        """How bad it is: the worst severity counts first."""
        return (*(self.counts.of(severity) for severity in sorted(Severity, reverse=True)), self.counts.secrets)


@dataclass(frozen=True, slots=True)
class Shares:
    """What the scans of a gate brought, each by itself."""

    conclusive: tuple[Share, ...]
    places: Mapping[ScanId, str]
    """What each scan of the gate is of, with or without a result."""
    are_images: bool
    """Whether all of them are of images."""
    is_several: bool
    """Whether a reason has to say which of them it is about."""

    @property
    def everything(self) -> str:
        """All scans together, as what they are of."""
        return counted(len(self.places), "image" if self.are_images else "scan")

    @property
    def with_result(self) -> str:
        """The scans that ended with a result, as what they are of."""
        missing = len(self.places) > len(self.conclusive)
        return f"{len(self.conclusive)} of {self.everything}" if missing else self.everything

    def where(self, share: Share) -> str:
        """Say which scan a number is of.

        Args:
            share: The scan.

        Returns:
            Such as `` in team/app``; nothing where there is only one.
        """
        return f" in {share.place}" if self.is_several else ""

    def part(self, number: int) -> str:
        """Say of how many scans something holds.

        Args:
            number: Of how many.

        Returns:
            Such as ``2 of 3 images`` or ``all 3 images``.
        """
        return f"all {self.everything}" if number == len(self.places) else f"{number} of {self.everything}"

    def over(self, number: int) -> str:
        """Say how many scans are over a limit.

        Args:
            number: How many.

        Returns:
            A clause; nothing where there is only one scan.
        """
        return f"; over the limit: {number} of {self.everything}" if self.is_several else ""


def shares_of(results: Sequence[ScanResult | ScanFailure], images: Mapping[ScanId, ImageTarget]) -> Shares:
    """Look at what each scan brought.

    Args:
        results: How each scan of a gate ended.
        images: Which of the scans are of an image, and of which.

    Returns:
        The shares of those that ended with a result, and the names of all.
    """
    scans = dict.fromkeys(result.scan_id for result in results if result.scan_id is not None)
    known = {scan: images[scan] for scan in scans if scan in images}
    names = short_names(known.values())
    is_several = len(scans) > 1 and bool(known)
    of_image = {scan: names[image] if is_several else IMAGE for scan, image in known.items()}
    places = {scan: of_image.get(scan, SOURCE) for scan in scans}
    conclusive = tuple(
        Share(places[result.scan_id], _counts(result), result.policy)
        for result in results
        if isinstance(result, ScanResult)
    )
    return Shares(conclusive, places, len(known) == len(scans), is_several)


def worst(shares: Iterable[Share], weight: Callable[[Share], int | tuple[int, ...]]) -> Share:
    """Choose the share that a reason names.

    Args:
        shares: At least one.
        weight: How bad each is.

    Returns:
        The worst; of equals the first by name, whatever their order.
    """
    return min(sorted(shares, key=lambda share: share.place), key=lambda share: _negative(weight(share)))


def _negative(weight: int | tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-each for each in (weight if isinstance(weight, tuple) else (weight,)))


def _counts(result: ScanResult) -> SeverityCounts:
    return count(merged_findings([result], {}), merged_secrets([result], {}))
