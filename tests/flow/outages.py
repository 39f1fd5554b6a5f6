"""Azure DevOps where calls about builds or repositories fail some times."""

from collections.abc import Callable

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from tests.flow.fakes import Having, Meddling
from tests.flow.world import ORG, World


def with_repositories(world: World, method: str, kind: DevOpsErrorKind, times: int = 1) -> World:
    """The same world, where a call about repositories fails some times."""
    failed = Meddling(world.services.devops(ORG).repositories, method, before=_failing(kind), times=times)
    return world.with_devops(lambda devops: Having(devops, repositories=failed))


def with_builds(
    world: World, method: str, kind: DevOpsErrorKind, times: int = 1, retry_after: float | None = None
) -> World:
    """The same world, where a call about builds fails some times."""
    failed = Meddling(world.services.devops(ORG).builds, method, before=_failing(kind, retry_after), times=times)
    return world.with_devops(lambda devops: Having(devops, builds=failed))


def _failing(kind: DevOpsErrorKind, retry_after: float | None = None) -> Callable[[], object]:
    def fail() -> None:
        raise DevOpsError(kind, f"Azure DevOps says {kind}.", retry_after=retry_after)

    return fail
