"""What a build carries says one thing at a time."""

from tests.flow.builds import APP, built, told
from tests.flow.world import World


def test_a_verdict_that_changes_takes_the_other_tag_off(world: World) -> None:
    """A time-out gives way to the verdict that comes late."""
    world.registry.push(APP)
    build = built(world, world.repository(), APP)
    told(world, build)
    message = world.claimed()
    world.clock.advance(world.services.settings.deadline_seconds)
    world.watch()
    assert "scangate-error" in build.tags()
    world.finish(message)
    assert {tag for tag in build.tags() if not tag.startswith("scangate-image")} == {"scangate-passed"}
