"""The runner that the settings name, and what each step of its workers is given."""

import json
from pathlib import Path

import pytest

from scan_core import wiring
from scan_core.registry.access import RegistryAccess
from scan_core.runner.api import RunnerError
from scan_core.runner.process import ProcessRunner
from tests.settings.environment import JOB
from tests.wired import ORGANISATION, PAT, configured, unconfigured

__all__ = ["configured", "unconfigured"]


class TestRunners:
    @pytest.mark.parametrize(
        ("settings", "kind"),
        [
            ({}, "ProcessRunner"),
            ({"RUNNER": "none"}, "PlatformRunner"),
            ({"RUNNER": "container", "SCANNER_IMAGE": "scangate/scanner"}, "ContainerRunner"),
            ({"RUNNER": "container_apps", "JOB_RESOURCE_ID": JOB}, "ContainerAppsRunner"),
        ],
    )
    def test_are_the_ones_that_the_settings_name(
        self, settings: dict[str, str], kind: str, configured: pytest.MonkeyPatch
    ) -> None:
        """Nothing is started or asked for before there is work."""
        for name, value in settings.items():
            configured.setenv(f"SCANGATE_{name}", value)
        assert type(wiring.services().runner).__name__ == kind


class TestWorkers:
    def test_fetch_with_a_link_to_the_queue_and_the_token(self, configured: pytest.MonkeyPatch) -> None:
        """And only from configured organisations."""
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        environment = runner.fetch_environment()
        assert "scan-attempts?" in environment["SCANGATE_ATTEMPTS_QUEUE"]
        assert json.loads(environment["SCANGATE_DEVOPS_ORIGINS"]) == ["http://127.0.0.1:9/fabrikam/"]
        assert environment["SCANGATE_DEVOPS_PAT"] == PAT

    def test_fetch_with_every_registry_and_scan_with_none(self, configured: pytest.MonkeyPatch) -> None:
        """A registry's password goes to the step that gets pull tokens, and nowhere else."""
        basic = {"url": "https://r.example", "login": "basic", "username": "robot", "password": "a-registry-password"}
        described = {"url": "http://127.0.0.1:9/fabrikam", "registries": [basic, {"url": "https://a.azurecr.io"}]}
        configured.setenv("SCANGATE_ORGANISATIONS", json.dumps({ORGANISATION: described}))
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        first, second = json.loads(runner.fetch_environment()["SCANGATE_REGISTRIES"])
        assert first == {"organisation": ORGANISATION, **basic, "private": False, "token_realms": []}
        assert (second["url"], second["login"], second["password"]) == ("https://a.azurecr.io", "anonymous", None)
        for told in (first, second):
            assert RegistryAccess.model_validate(told).url == told["url"]
        assert "a-registry-password" not in json.dumps(dict(runner.scan_environment()))

    def test_fetch_without_a_token_under_a_managed_identity(self, configured: pytest.MonkeyPatch) -> None:
        """They have one of their own."""
        configured.delenv("SCANGATE_DEVOPS_PAT")
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        assert "SCANGATE_DEVOPS_PAT" not in runner.fetch_environment()

    def test_scan_with_what_stands_in_a_file_of_their_own(self, configured: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """It is read at each start, so that a token can be replaced."""
        file = tmp_path / "scan.json"
        configured.setenv("SCANGATE_SCAN_ENVIRONMENT_FILE", str(file))
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        with pytest.raises(RunnerError, match="SCANGATE_SCAN_ENVIRONMENT_FILE"):
            runner.scan_environment()
        for wrong in ('{"QUALYS_ACCESS_TOKEN": ["a-qualys-token"]}', "{a-qualys-token"):
            file.write_text(wrong)
            with pytest.raises(RunnerError) as caught:
                runner.scan_environment()
            assert "a-qualys-token" not in str(caught.value)
        file.write_text('{"QUALYS_ACCESS_TOKEN": "a-qualys-token"}')
        assert runner.scan_environment() == {"QUALYS_ACCESS_TOKEN": "a-qualys-token"}

    def test_scan_with_nothing_where_no_file_is_named(self, configured: pytest.MonkeyPatch) -> None:
        """Its absence is for the scanner to report."""
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        assert runner.scan_environment() == {}
