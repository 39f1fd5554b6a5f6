"""A simulator for each test, on an ephemeral port."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.devops.server import serve
from local.devops.state import Config
from tests.local.devops.driver import ORGANISATION, TOKEN, Receiver, Repo, Sim
from tests.local.devops.pipelines import BuildRun


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Sim]:
    """An organisation without a project, whose hooks are retried a thousand times faster than in Azure."""
    config = Config(data=tmp_path / "data", organisation=ORGANISATION, tokens=(TOKEN,), time_scale=0.001)
    with serve(config) as running:
        driver = Sim(running.url, tmp_path)
        try:
            yield driver
        finally:
            driver.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that takes hooks."""
    with Receiver() as listening:
        yield listening


@pytest.fixture
def repo(sim: Sim) -> Repo:
    """A repository with one commit."""
    made = sim.repository(sim.project())
    made.started()
    return made


@pytest.fixture
def build(sim: Sim, repo: Repo) -> BuildRun:
    """A build that runs."""
    return sim.build(repo)
