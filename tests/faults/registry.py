"""The registries that hold what builds push: as a test says they are, with a toll at each question."""

from collections.abc import Sequence

from scan_core.model.image import ImageReference, Platform
from scan_core.registry.manifest import Resolved
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from tests.faults.toll import Toll
from tests.flow.fakes import ScriptedRegistry


class TolledRegistry(ScriptedRegistry):
    """The registries of an organisation."""

    def __init__(self, toll: Toll) -> None:
        """Hold no image.

        Args:
            toll: Where whoever asks may die.
        """
        super().__init__()
        self._toll = toll
        self.out_of_reach: set[str] = set()
        """References for which nobody answers the next time they are asked for."""

    def resolve(
        self, reference: ImageReference, platforms: Sequence[Platform] = (), *, deadline_seconds: float = 30
    ) -> Resolved:
        """Find the digests of a reference."""
        answer = super().resolve

        def asked() -> Resolved:
            if reference.text in self.out_of_reach:
                self.out_of_reach.discard(reference.text)
                raise RegistryRefused(RefusalKind.UNREACHABLE, "The registry does not answer.")
            return answer(reference, platforms, deadline_seconds=deadline_seconds)

        return self._toll.pay("app registry resolve", asked)
