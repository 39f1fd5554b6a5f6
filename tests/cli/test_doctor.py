"""``scangate doctor`` against the Azure DevOps simulator."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from local.registry.server import RegistryServer
from scan_core.store.connection import ensure, from_connection_string
from tests.cli.organisation import (
    EVENTS,
    NAME,
    PROJECTS,
    UNREACHABLE_STORAGE,
    Site,
    site_in,
)

ALL = len(PROJECTS)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Run a container registry on this machine."""
    with RegistryServer(tmp_path_factory.mktemp("registry")) as running:
        yield running


class TestDoctor:
    def test_all_is_well(self, onboarded: Site, storage_connection: str) -> None:
        """A line for each check, and nothing is changed."""
        ensure(from_connection_string(storage_connection))
        onboarded.storage = storage_connection
        result = onboarded.run("doctor")
        assert result.exit_code == 0, result.output
        assert all(line.startswith("ok ") for line in result.output.splitlines())
        assert result.output.count("all 8 rights are there") == ALL
        assert result.output.count(f"all {EVENTS} subscriptions are in order") == ALL
        assert f"signed in as {onboarded.me()}" in result.output
        assert onboarded.writes() == []
        assert len(onboarded.calls("permissionevaluationbatch")) == 1

    @pytest.mark.parametrize(
        ("right", "words"),
        [
            ("code_read", ["'Read'"]),
            ("pull_request_contribute", ["'Contribute to pull requests'"]),
            ("policies", ["'Edit policies'"]),
            ("hooks", ["'View subscriptions'", "'Edit subscriptions'", "'Delete subscriptions'"]),
        ],
    )
    def test_a_right_that_is_missing_is_named(self, right: str, words: list[str], site: Site) -> None:
        """In the project where it is missing, with where to grant it."""
        site.token = site.sim.as_other(without=[right]).token
        result = site.run("doctor", "Web shop")
        assert result.exit_code == 1
        missing = [line for line in result.output.splitlines() if "is missing" in line]
        assert len(missing) == len(words)
        for line, word in zip(missing, words, strict=True):
            assert line.startswith(f"bad Web shop: the right {word}")
            assert "grant it" in line

    def test_what_is_wrong_is_said_in_one_line_each(self, onboarded: Site) -> None:
        """Storage, a subscription, a project without any, the rules, the address."""
        onboarded.storage = UNREACHABLE_STORAGE
        onboarded.sim.call("DELETE", f"_apis/hooks/subscriptions/{onboarded.subscriptions()[-1]['id']}")
        onboarded.onboard("Team A", "--remove")
        result = onboarded.run("doctor", SCANGATE_DEFAULT_RULES='{"colour": 1}')
        assert result.exit_code == 1
        assert "bad storage: cannot be read" in result.output
        assert "bad settings: " in result.output
        assert f"1 of {EVENTS} subscriptions are not in order (missing): onboard it again" in result.output
        assert "has no subscription of ours: onboard it if it is to be gated" in result.output
        assert "signed in" in result.output

    def test_storage_that_is_not_ready_is_told(self, site: Site, storage_connection: str) -> None:
        """The app makes what is missing; a connection string that is none is bad."""
        storage = from_connection_string(storage_connection)
        ensure(storage)
        storage.queues.delete_queue("scan-requests")
        site.storage = storage_connection
        assert "?   storage: scan-requests do not exist yet" in site.run("doctor").output
        ensure(storage)
        site.storage = "nonsense"
        assert "bad storage: cannot be reached: expected" in site.run("doctor").output

    @pytest.mark.parametrize(
        ("public", "words"),
        [("http://gate.example", "is not https"), ("https://gate.example", "ok  public URL")],
    )
    def test_the_public_address_is_checked(self, public: str, words: str, site: Site) -> None:
        """A password must not travel in the open."""
        site.public_url = public
        assert words in site.run("doctor", "Ops").output

    def test_rights_that_cannot_be_asked_for_are_unknown(self, site: Site) -> None:
        """Onboarding then finds out by trying."""
        site.sim.fault("permissionevaluationbatch", "status", status=404)
        assert "?   rights: Asking which rights" in site.run("doctor", "Ops").output

    def test_nobody_and_nothing_to_see_is_bad(self, site: Site, tmp_path: Path) -> None:
        """A credential that is not accepted, an organisation without a project."""
        with site_in(tmp_path / "empty", ()) as empty:
            result = empty.run("doctor")
            assert result.exit_code == 1
            assert "this identity sees no project" in result.output
        assert site.run("doctor", "Nowhere").exit_code == 2
        site.token = "wrong-credential"
        result = site.run("doctor")
        assert result.exit_code == 1
        assert "did not accept the credential" in result.output


class TestImagesAndChecks:
    def test_each_listed_registry_is_asked_for_a_token(self, site: Site, registry: RegistryServer) -> None:
        """With the login that is listed; the password is not shown."""
        name, password = registry.access.user
        told = run_listing(site, listed(registry, username=name, password=password))
        assert f"ok  registry {registry.host}: gives tokens to pull (login basic)" in told.output
        assert password not in told.output

    def test_a_login_that_is_refused_is_bad(self, site: Site, registry: RegistryServer) -> None:
        """And so is one that needs an identity where there is none."""
        told = run_listing(site, listed(registry, username="nobody", password="a wrong password"))
        assert told.exit_code == 1
        assert f"bad registry {registry.host}: " in told.output
        assert "refuses it (401)" in told.output
        told = run_listing(site, listed(registry, login="entra"))
        assert "there is no managed identity here" in told.output

    def test_rights_in_builds_count_where_images_are_judged(self, site: Site, registry: RegistryServer) -> None:
        """Without a registry nothing is asked of builds."""
        site.token = site.sim.as_other(without=["builds_read", "builds_write"]).token
        missing = [line for line in site.run("doctor", "Ops").output.splitlines() if "is missing" in line]
        assert [line.partition(" ")[0] for line in missing] == ["?", "?"]
        told = run_listing(site, listed(registry, login="anonymous"))
        missing = [line for line in told.output.splitlines() if "is missing" in line]
        assert [line.partition(" ")[0] for line in missing] == ["bad", "bad"]

    def test_half_of_what_checks_need_is_told(self, site: Site) -> None:
        """They get 503 then."""
        keys = json.dumps(["a-sealing-key-of-more-than-32-characters"])
        assert "?   checks: " in site.run("doctor", "Ops", SCANGATE_SEALING_KEYS=keys).output


def listed(registry: RegistryServer, login: str = "basic", **credential: Any) -> dict[str, Any]:
    """List the registry in an organisation's settings."""
    return {"url": registry.url, "login": login, "private": True, **credential}


def run_listing(site: Site, registry: dict[str, Any]) -> Result:
    """Run the doctor where the organisation lists a registry."""
    (described,) = json.loads(str(site.environment()["SCANGATE_ORGANISATIONS"])).values()
    return site.run("doctor", "Ops", SCANGATE_ORGANISATIONS=json.dumps({NAME: {**described, "registries": [registry]}}))
