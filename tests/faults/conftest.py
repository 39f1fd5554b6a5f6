"""What the schedules of faults run in: one simulator, one storage and one repository for each process."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydantic import SecretStr

from local.devops.server import serve
from local.devops.state import Config
from local.storage import azurite
from scan_core.settings import OrganisationSettings, Settings
from scan_core.store.connection import ensure, from_connection_string
from tests.faults import seeds
from tests.faults.estate import Estate
from tests.faults.instance import HOOK_SECRET, SIGNING_KEY, hosted
from tests.faults.post_office import PostOffice
from tests.faults.proposals import Developers
from tests.faults.seeds import Choice
from tests.faults.toll import Toll
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
def hosting() -> Iterator[None]:
    """Have the app's triggers run as whichever instance a thread is."""
    with hosted():
        yield


@pytest.fixture
def new_estate(
    simulator: Sim, account: azurite.Azurite, developers: Developers, hosting: None, tmp_path: Path
) -> Iterator[NewEstate]:
    """Makes deployments, one after the other; each leaves nothing open behind."""
    storage = from_connection_string(account.connection_string)
    ensure(storage)

    with ExitStack() as closed_later:

        def make(*, skews: tuple[float, ...] = (0.0,), seed: int = 1, connection: str = "", **changes: Any) -> Estate:
            closed_later.close()
            clock = Clock()
            office = PostOffice(storage.queues, clock)
            office.clear()
            for table in storage.tables.list_tables():
                client = storage.tables.get_table_client(table.name)
                for entity in client.list_entities(select=["PartitionKey", "RowKey"]):
                    client.delete_entity(entity["PartitionKey"], entity["RowKey"])
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
            )
            made.dice.seed(seed)
            closed_later.callback(made.close)
            closed_later.callback(developers.leave)
            closed_later.callback(simulator.sim, "faults", method="DELETE")
            return made

        yield make
    for client in (storage.tables, storage.blobs, storage.queues):
        client.close()


def _settings(devops_url: str, connection: str, folder: Path, changes: dict[str, Any]) -> Settings:
    given: dict[str, Any] = {
        "organisations": {ORG: OrganisationSettings(url=devops_url, hook_secrets=(SecretStr(HOOK_SECRET),))},
        "public_url": "https://gate.example",
        "signing_keys": (SecretStr(SIGNING_KEY),),
        "storage_connection": SecretStr(connection),
        "runner_folder": folder,
        "max_workers": 4,
        "result_ttl_seconds": 30 * 86400,
        "reconcile_seconds": 300,
        "verify_seconds": 900,
    }
    return Settings(**{**given, **changes})
