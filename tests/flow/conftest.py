"""The world in which the lifecycle is driven: one simulator and one local repository for all, the rest per test."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from local.devops.server import serve
from local.devops.state import Config
from scan_core.devops.client import DevOps
from scan_core.devops.identity import personal_access_token
from scan_core.flow.services import Services
from scan_core.model.rules import Rules
from scan_core.settings.deployment import Settings
from scan_core.settings.organisation import OrganisationSettings
from scan_core.store.admission import AdmissionStore
from scan_core.store.audit import AuditTrail
from scan_core.store.connection import Storage
from scan_core.store.gates import GateStore
from scan_core.store.holds import HoldStore
from scan_core.store.poison import PoisonStore
from scan_core.store.projects import ProjectStore
from scan_core.store.scans import ScanStore
from scan_core.store.verdicts import VerdictStore
from tests.flow.fakes import Clock, HandedQueues, RecordingRunner, ScriptedRegistry, TimedAttempts
from tests.flow.origin import Origin
from tests.flow.scripted_worker import ScriptedWorker
from tests.flow.world import ORG, World
from tests.local.devops.driver import ORGANISATION, TOKEN, Receiver, Sim

SIGNING_KEY = "k" * 40
SEALING_KEY = "s" * 40


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    """One organisation for all tests of this process."""
    folder = tmp_path_factory.mktemp("simulator")
    config = Config(data=folder / "data", organisation=ORGANISATION, tokens=(TOKEN,), time_scale=0.001)
    with serve(config) as running, closing(Sim(running.url, folder)) as driver:
        yield driver


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The local repository that every push comes from."""
    return Origin(tmp_path_factory.mktemp("origin") / "repository")


@pytest.fixture
def project(simulator: Sim) -> dict[str, Any]:
    """A project in which nothing is left of another test for a timer to find."""
    return simulator.project(f"Shop {uuid4().hex[:8]}")


@pytest.fixture(params=[pytest.param(6, id="sample"), pytest.param(1, id="all", marks=pytest.mark.faults)])
def stride(request: pytest.FixtureRequest) -> int:
    """After every how many changes a step is killed; after each of them where faults are what is tested."""
    return int(request.param)


@pytest.fixture
def clock() -> Clock:
    """The test's clock."""
    return Clock()


@pytest.fixture
def devops(simulator: Sim, clock: Clock) -> Iterator[DevOps]:
    """The real adapter, on the simulator; it keeps the pace it is asked for by the test's clock."""
    with closing(DevOps(ORG, simulator.url, personal_access_token(TOKEN), total_seconds=4)) as adapter:
        adapter._pace._clock = lambda: clock().timestamp()
        yield adapter


@pytest.fixture
def settings(simulator: Sim, storage_connection: str, tmp_path: Path) -> Settings:
    """Settings as they stand where nobody changed them."""
    return Settings(
        organisations={ORG: OrganisationSettings(url=simulator.url)},
        public_url="https://gate.example",
        signing_keys=(SecretStr(SIGNING_KEY),),
        sealing_keys=(SecretStr(SEALING_KEY),),
        storage_connection=SecretStr(storage_connection),
        runner_folder=tmp_path,
        retry_seconds=4,
        max_workers_per_repository=1000,
    )


@pytest.fixture
def world(  # the parts that every test needs together
    storage: Storage,
    simulator: Sim,
    origin: Origin,
    project: dict[str, Any],
    devops: DevOps,
    settings: Settings,
    clock: Clock,
) -> Iterator[World]:
    """Everything a test drives, with nothing in it yet."""
    registry = ScriptedRegistry()
    runner, audit_name = RecordingRunner(), f"test-{uuid4().hex}"
    queues = HandedQueues(storage, clock)
    services = Services(
        settings=settings,
        default_rules=Rules(),
        gates=GateStore(storage.tables),
        projects=ProjectStore(storage.tables),
        scans=ScanStore(storage.tables),
        admission=AdmissionStore(storage.tables),
        attempts=TimedAttempts(storage, clock),
        queues=queues,
        verdicts=VerdictStore(storage.blobs),
        audit=AuditTrail(storage.blobs, audit_name),
        holds=HoldStore(storage.tables),
        poison=PoisonStore(storage),
        runner=runner,
        registries=lambda _: registry,
        devops=lambda _: devops,
        now=clock,
    )
    worker = ScriptedWorker(storage.queues.get_queue_client("scan-attempts"), clock)
    yield World(services, storage, clock, queues, runner, worker, simulator, origin, project, audit_name, registry)
    simulator.sim("faults", method="DELETE")
    simulator.sim("settings", {"mergeDelaySeconds": 0})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """What the pipeline's check calls."""
    with Receiver() as listening:
        yield listening
