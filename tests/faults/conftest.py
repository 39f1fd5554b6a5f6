"""What the schedules of faults run in: one simulator, one storage and one repository for each process."""

import importlib
import pkgutil
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import pytest
from pydantic import SecretStr

from local.devops.server import serve
from local.devops.state import Config
from local.storage import azurite
from scan_core import flow
from scan_core.runner.api import Runner
from scan_core.settings.deployment import Settings
from scan_core.settings.organisation import OrganisationSettings
from scan_core.store.connection import ensure, from_connection_string
from tests.faults import job, seeds
from tests.faults.crew import Crew
from tests.faults.doors import close_storage
from tests.faults.estate import Estate
from tests.faults.instance import CHECK_SECRET, HOOK_SECRET, SEALING_KEY, SIGNING_KEY, hosted
from tests.faults.post_office import PostOffice
from tests.faults.proposals import Developers
from tests.faults.seeds import Choice
from tests.faults.toll import Toll
from tests.faults.turnstile import InTurn
from tests.faults.workshop import KEPT
from tests.flow.fakes import Clock
from tests.flow.origin import Origin
from tests.flow.world import ORG
from tests.local.devops.driver import ORGANISATION, TOKEN, Sim


class NewEstate(Protocol):
    """Makes a deployment in which nothing has happened yet."""

    def __call__(
        self, *, skews: tuple[float, ...] = (0.0,), seed: int = 1, connection: str = "", **settings: Any
    ) -> Estate:
        """Make it.

        Args:
            skews: How far each instance's clock is off, in seconds.
            seed: Decides what the test itself leaves to chance.
            connection: How the app reaches storage, where not directly.
            settings: Settings that differ from those of all tests.
        """
        ...


@pytest.fixture(scope="session")
def choice() -> Choice:
    """What this run was told to try."""
    return seeds.choice()


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    """One organisation for all schedules of this process."""
    folder = tmp_path_factory.mktemp("simulator")
    config = Config(data=folder / "data", organisation=ORGANISATION, tokens=(TOKEN,), time_scale=0.001)
    with serve(config) as running, closing(Sim(running.url, folder)) as driver:
        yield driver


@pytest.fixture(scope="session")
def account() -> Iterator[azurite.Azurite]:
    """One storage account for all schedules of this process; only Azurite can be broken on purpose."""
    with azurite.start(None) as running:
        yield running


@pytest.fixture(scope="session")
def developers(simulator: Sim, tmp_path_factory: pytest.TempPathFactory) -> Developers:
    """One repository for all schedules of this process."""
    origin = Origin(tmp_path_factory.mktemp("origin") / "repository")
    return Developers(simulator, origin, simulator.project())


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Crew, Clock], Runner]]:
    """What the app starts workers with: the crew, or a job whose executions the crew is."""
    if not job.is_selected():
        yield lambda crew, _: crew
        return
    with job.resources(tmp_path_factory.mktemp("job")) as found:
        yield lambda crew, clock: found.runner(crew, clock, crew.most)


@pytest.fixture(scope="session")
def hosting() -> Iterator[None]:
    """Have the app's triggers run as whichever instance a thread is."""
    with hosted():
        yield


def _modules_with(name: str) -> list[str]:
    modules = [found.name for found in pkgutil.iter_modules(flow.__path__, f"{flow.__name__}.")]
    found = [module for module in modules if hasattr(importlib.import_module(module), name)]
    assert found, f"the app has no {name} any more: what replaces it here can go"
    return found


@pytest.fixture(scope="session")
def unpooled() -> Iterator[None]:
    """Have the app's own threads do one thing after the other: so a walk makes the same calls in the same order."""
    with ExitStack() as patches:
        for module in _modules_with("ThreadPoolExecutor"):
            patches.enter_context(patch(f"{module}.ThreadPoolExecutor", InTurn))
        yield


@pytest.fixture(scope="session")
def chance(unpooled: None) -> Iterator[random.Random]:
    """What the app spreads its load by: its own, so that no library's retry moves what comes next."""
    own = random.Random(1)
    with ExitStack() as patches:
        for module in _modules_with("random"):
            patches.enter_context(patch(f"{module}.random", own))
        yield own


@pytest.fixture
def new_estate(
    simulator: Sim,
    account: azurite.Azurite,
    developers: Developers,
    runs: Callable[[Crew, Clock], Runner],
    hosting: None,
    chance: random.Random,
    tmp_path: Path,
) -> Iterator[NewEstate]:
    """Makes deployments, one after the other; each leaves nothing open behind."""
    storage = from_connection_string(account.connection_string)
    ensure(storage)

    with ExitStack() as closed_later:

        def make(*, skews: tuple[float, ...] = (0.0,), seed: int = 1, connection: str = "", **changes: Any) -> Estate:
            closed_later.close()
            chance.seed(seed)
            clock = Clock()
            office = PostOffice(storage.queues, clock)
            office.clear()
            for table in storage.tables.list_tables():
                client = storage.tables.get_table_client(table.name)
                for entity in client.list_entities(select=["PartitionKey", "RowKey"]):
                    client.delete_entity(entity["PartitionKey"], entity["RowKey"])
            audit = storage.blobs.get_container_client("audit")
            for name in audit.list_blob_names():
                audit.delete_blob(name)
            made = Estate(
                connection=connection or account.connection_string,
                settings=_settings(simulator.url, account.connection_string, tmp_path, changes),
                storage=storage,
                sim=simulator,
                developers=developers,
                toll=Toll(),
                clock=clock,
                office=office,
                skews=skews,
                runs=runs,
            )
            made.dice.seed(seed)
            closed_later.callback(made.close)
            closed_later.callback(developers.leave)
            closed_later.callback(simulator.sim, "faults", method="DELETE")
            return made

        yield make
    close_storage(storage)


def _settings(devops_url: str, connection: str, folder: Path, changes: dict[str, Any]) -> Settings:
    given: dict[str, Any] = {
        "organisations": {
            ORG: OrganisationSettings(
                url=devops_url,
                hook_secrets=(SecretStr(HOOK_SECRET),),
                check_secrets=(SecretStr(CHECK_SECRET),),
            )
        },
        "default_rules": {"branches": [KEPT]},
        "public_url": "https://gate.example",
        "signing_keys": (SecretStr(SIGNING_KEY),),
        "sealing_keys": (SecretStr(SEALING_KEY),),
        "storage_connection": SecretStr(connection),
        "runner_folder": folder,
        "max_workers": 4,
        "result_ttl_seconds": 30 * 86400,
        "reconcile_seconds": 300,
        "verify_seconds": 900,
    }
    return Settings(**{**given, **changes})
