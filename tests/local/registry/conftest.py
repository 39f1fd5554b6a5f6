"""A registry for each test, on an ephemeral port, with a few people who may do different things."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.registry.server import RegistryServer
from tests.local.registry.driver import ACCESS, Client, Clock


@pytest.fixture
def clock() -> Clock:
    """The time, which stands until it is moved."""
    return Clock()


@pytest.fixture
def registry(tmp_path: Path, clock: Clock) -> Iterator[RegistryServer]:
    """An empty registry."""
    with RegistryServer(tmp_path / "registry", ACCESS, clock=clock) as running:
        yield running


@pytest.fixture
def client(registry: RegistryServer) -> Iterator[Client]:
    """A client of that registry."""
    with Client(registry) as each:
        yield each


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a registry that a module's tests share: those that ask much and change nothing that others see."""
    with RegistryServer(tmp_path_factory.mktemp("steady"), ACCESS, clock=Clock()) as running, Client(running) as each:
        yield each
