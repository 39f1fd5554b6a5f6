"""A process that dies while it looks at a build: each build has its true verdict all the same."""

from contextlib import suppress

import pytest

from tests.flow.builds import BAD, built, on_commit, ref, told
from tests.flow.fakes import Fuse, Killed
from tests.flow.world import World
from tests.local.devops.driver import Repo
from tests.local.devops.pipelines import BuildRun


class TestKilled:
    @pytest.mark.parametrize("comes_back", [True, False], ids=["redelivered", "lost"])
    def test_after_any_step_of_a_look(self, world: World, stride: int, comes_back: bool) -> None:
        """On the build, its commit and its pull request stands the true verdict, and each image was scanned once."""
        world.runner.most = 0
        repo = world.repository()
        fuse = Fuse(1000)
        told(world.mortal(fuse), self.build(world, repo, 0))
        builds: list[BuildRun] = []
        for number, changes in enumerate(range(2, fuse.spent, 2 * stride), start=1):
            builds.append(self.build(world, repo, number))
            with suppress(Killed):
                told(world.mortal(Fuse(changes)), builds[-1])
            world.queues.requests.clear()
        for build in builds if comes_back else []:
            world.ask(ref(build))
        world.run_until_quiet(BAD, pause=50)
        unseen = [build for build in builds if world.services.gates.look(ref(build).subject) is None]
        assert len(unseen) <= (0 if comes_back else 1), "only the agenda comes before the row"
        for build in builds:
            if build not in unseen:
                assert "scangate-failed" in build.tags()
                assert on_commit(repo, build.json()["sourceVersion"])[-1] == "failed"
        claimed = [message.spec.scan_id for message in world.worker.claimed]
        assert len(claimed) == len(set(claimed))

    def build(self, world: World, repo: Repo, number: int) -> BuildRun:
        """A build of a commit of its own, with an image of its own."""
        image = f"shop.azurecr.io/app:{number}"
        world.registry.push(image)
        commit = world.origin.commit({"n.txt": str(number)})
        world.push(repo, f"{commit}:refs/heads/b{number}")
        return built(world, repo, image, sourceVersion=commit)
