"""An organisation whose hooks come in and the timer that looks after them; and the desk that takes orders."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from scan_core.devops.administration import Administration
from scan_core.devops.identity import personal_access_token
from scan_core.store.connection import Storage
from tests.cli.organisation import Site, site_in
from tests.flow.fakes import Clock
from tests.local.devops.driver import TOKEN
from tests.onboarding.clinic import Clinic, Reception
from tests.onboarding.entra import Entra, entra
from tests.onboarding.office import Office

type Events = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run one simulator for all tests of a file."""
    with site_in(tmp_path_factory.mktemp("organisation"), ("Shop", "Ops", "Spare")) as made:
        yield made


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Events:
    """Lists the events of a name."""
    caplog.set_level("INFO", "scangate")

    def named(name: str) -> list[dict[str, Any]]:
        lines = [json.loads(record.message) for record in caplog.records if record.name == "scangate"]
        return [line for line in lines if line["event"] == name]

    return named


@pytest.fixture
def clinic(organisation: Site, storage: Storage, events: Events) -> Iterator[Clinic]:
    """An organisation with two onboarded projects, and one that is not."""
    organisation.clear()
    administration = Administration(organisation.sim.url, personal_access_token(TOKEN), total_seconds=4)
    clock = Clock()
    administration._pace._clock = lambda: clock().timestamp()
    with closing(administration), Reception() as reception:
        made = Clinic(replace(organisation), reception, clock, storage, administration, events)
        made.connect("Shop", "Ops")
        # Pushes come with every pull request; the tests that count events mean those of pull requests.
        organisation.sim.fault("HOOK git.push", "drop_hook", count=-1)
        made.site.forget_calls()
        yield made
        organisation.sim.ahead(0)
        organisation.clear()


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Entra]]:
    """Run an organisation and Entra for all tests of a file."""
    with site_in(tmp_path_factory.mktemp("office")) as site, entra() as authority:
        yield site, authority


@pytest.fixture
def office(behind: tuple[Site, Entra], storage: Storage, storage_connection: str) -> Office:
    """Give a desk with nothing onboarded."""
    site, authority = behind
    site.clear()
    return Office(replace(site, storage=storage_connection), authority, storage)
