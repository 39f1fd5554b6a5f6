"""What a run tries: everything, or a sample that a printed seed chooses; or one schedule alone, by its name."""

import os
import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

SEED = "FAULTS_SEED"
ALL = "FAULTS_ALL"
ONLY = "FAULTS_ONLY"


@dataclass(frozen=True)
class Choice:
    """What a run was told to try."""

    seed: int
    everything: bool
    only: str | None
    """The name of one schedule; nothing else is tried then."""

    def sample[T](self, family: str, items: Sequence[T], most: int) -> list[T]:
        """Choose from items; the same seed and family choose the same.

        Args:
            family: What is chosen from, so that two families do not follow each other.
            items: What there is.
            most: How many, unless everything is tried.

        Returns:
            The chosen ones, in their order.
        """
        if self.everything or len(items) <= most:
            return list(items)
        chosen = set(self.random(family).sample(range(len(items)), most))
        return [item for number, item in enumerate(items) if number in chosen]

    def spread[T](self, family: str, items: Sequence[tuple[Hashable, T]], most: int) -> list[T]:
        """Choose from items that belong to groups, so that every group is in the sample before any is there twice.

        Args:
            family: What is chosen from.
            items: What there is, each with its group.
            most: How many, unless everything is tried.

        Returns:
            The chosen ones.
        """
        if self.everything or len(items) <= most:
            return [item for _, item in items]
        shuffled = list(items)
        self.random(family).shuffle(shuffled)
        rounds: dict[Hashable, int] = {}
        ranked: list[tuple[int, int]] = []
        for place, (group, _) in enumerate(shuffled):
            ranked.append((rounds.get(group, 0), place))
            rounds[group] = rounds.get(group, 0) + 1
        return [shuffled[place][1] for _, place in sorted(ranked)[:most]]

    def seeds(self, family: str, few: int, many: int) -> list[int]:
        """Draw seeds for schedules that a seed describes.

        Args:
            family: What they are for.
            few: How many in a sample.
            many: How many when everything is tried.

        Returns:
            The seeds.
        """
        source = self.random(family)
        return [source.randrange(2**31) for _ in range(many if self.everything else few)]

    def random(self, family: str) -> random.Random:
        """Make a source of randomness.

        Args:
            family: What for.

        Returns:
            One that gives the same for the same seed and family.
        """
        return random.Random(f"{self.seed} {family}")


def choice() -> Choice:
    """Read what this run was told to try.

    Returns:
        The choice; without a seed, that of seed 1.
    """
    return Choice(
        seed=int(os.environ.get(SEED) or 1),
        everything=bool(os.environ.get(ALL)),
        only=os.environ.get(ONLY) or None,
    )
