"""Builds that no hook told of in time: the timer finds them, also after a listing failed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from scan_core.devops.builds import BuildRead
from scan_core.devops.errors import DevOpsErrorKind
from scan_core.flow import reconcile
from scan_core.model.ids import ProjectId
from scan_core.model.rules import ImageRule, Rules
from tests.flow.builds import APP, built, ref, told
from tests.flow.fakes import Having
from tests.flow.outages import with_builds
from tests.flow.world import ORG, World
from tests.local.devops.driver import Repo


class TestUnheard:
    @pytest.fixture
    def repo(self, world: World) -> Repo:
        """A repository in a project of its own, whose builds hooks told of."""
        repo = world.repository(project=world.sim.project(f"Unheard {uuid4().hex}"))
        told(world, built(world, repo))
        world.clock.advance(1)
        reconcile.reconcile(world.services)
        world.run_until_quiet()
        return repo

    def later(self, world: World) -> None:
        """Let a cycle pass, and the timer go round."""
        world.clock.advance(2 * world.services.settings.reconcile_seconds)
        reconcile.reconcile(world.services)

    def test_a_build_at_which_looking_was_given_up_is_looked_at_again(self, world: World, repo: Repo) -> None:
        """It may not have been readable yet."""
        world.registry.push(APP)
        build = built(world, repo, APP)
        unseen = with_builds(world, "read", DevOpsErrorKind.NOT_FOUND, times=3)
        world.ask(ref(build))
        for _ in range(3):
            unseen.serve()
            world.clock.advance(60)
        look = world.services.gates.look(ref(build).subject)
        assert look is not None
        assert look.value.problem is not None
        self.later(world)
        world.run_until_quiet()
        assert "scangate-passed" in build.tags()

    def test_a_build_that_was_looked_at_while_it_ran_is_looked_at_when_it_has_ended(
        self, world: World, repo: Repo
    ) -> None:
        """As a check that does not wait has it looked at: what it is known to have made by then is not all."""
        world = world.having(default_rules=Rules(images=(ImageRule(image="shop.azurecr.io/app:$(Build.BuildId)"),)))
        build = built(world, repo, ends=False)
        world.registry.push(f"shop.azurecr.io/app:{build.id}")
        told(world, build)
        world.clock.advance(60)
        build.complete()
        ended = world.clock()
        real = world.services.devops(ORG).builds

        def completed(*asked: Any) -> Any:
            return tuple(one.model_copy(update={"finished_at": ended}) for one in real.completed(*asked))

        by_our_clock = world.with_devops(lambda devops: Having(devops, builds=Having(real, completed=completed)))
        self.later(by_our_clock)
        world.run_until_quiet()
        assert "scangate-passed" in build.tags()
        self.later(by_our_clock)
        assert world.queues.requests == []

    @pytest.mark.parametrize(
        ("kind", "retry_after"), [(DevOpsErrorKind.THROTTLED, 30.0), (DevOpsErrorKind.FORBIDDEN, None)]
    )
    def test_a_listing_that_fails_is_made_up_for(
        self, world: World, repo: Repo, kind: DevOpsErrorKind, retry_after: float | None
    ) -> None:
        """From where the last one ended."""
        world.registry.push(APP)
        build = built(world, repo, APP)
        away = with_builds(world, "completed", kind, retry_after=retry_after)
        self.later(away)
        assert "scangate-passed" not in build.tags()
        self.later(world)
        self.later(world)
        world.run_until_quiet()
        assert "scangate-passed" in build.tags()

    def test_a_build_that_is_listed_late_is_found(self, world: World, repo: Repo) -> None:
        """Its record may be seen only after a listing that went on past the moment at which it ended."""
        world.registry.push(APP)
        build = built(world, repo, APP)
        real = world.services.devops(ORG).builds
        ended = world.clock() + timedelta(seconds=2 * world.services.settings.reconcile_seconds - 60)
        late = real.read(ref(build)).model_copy(update={"finished_at": ended})
        answers = iter([(), (late,)])

        def completed(_: ProjectId, since: datetime) -> tuple[BuildRead, ...]:
            return tuple(each for each in next(answers) if since <= ended)

        listed = world.with_devops(lambda devops: Having(devops, builds=Having(real, completed=completed)))
        self.later(listed)
        assert world.queues.requests == []
        self.later(listed)
        world.run_until_quiet()
        assert "scangate-passed" in build.tags()
