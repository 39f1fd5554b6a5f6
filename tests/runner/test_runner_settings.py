"""Which runner the settings choose, and what is wrong with them where they choose none."""

from types import SimpleNamespace
from typing import Any

import pytest

from scan_core import wiring
from scan_core.runner.container_apps import ContainerAppsRunner, JobId
from scan_core.runner.platform import PlatformRunner
from scan_core.settings.deployment import Settings
from scan_core.settings.loading import SettingsInvalid, load
from tests.local.arm.driver import JOB

DEPLOYMENT = {
    "SCANGATE_ORGANISATIONS": '{"fabrikam": {"url": "https://dev.azure.com/fabrikam"}}',
    "SCANGATE_PUBLIC_URL": "https://app",
    "SCANGATE_SIGNING_KEYS": '["0123456789abcdef0123456789abcdef"]',
    "SCANGATE_STORAGE_ACCOUNT": "account",
    "SCANGATE_RUNNER": "container_apps",
    "SCANGATE_JOB_RESOURCE_ID": JOB,
}


def settings(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> Settings:
    """Read the settings of a deployment."""
    for name, value in {**DEPLOYMENT, **changes}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return load()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SCANGATE_JOB_RESOURCE_ID": None}, "needs SCANGATE_JOB_RESOURCE_ID"),
        ({"SCANGATE_JOB_RESOURCE_ID": "scan-job"}, "SCANGATE_JOB_RESOURCE_ID: expected /subscriptions/"),
        ({"SCANGATE_JOB_RESOURCE_ID": f"{JOB}/executions/x"}, "SCANGATE_JOB_RESOURCE_ID"),
        ({"SCANGATE_MANAGEMENT_ENDPOINT": "https://management.azure.com"}, "SCANGATE_MANAGEMENT_ENDPOINT"),
        ({"SCANGATE_MANAGEMENT_ENDPOINT": "http://10.0.0.1"}, "SCANGATE_MANAGEMENT_ENDPOINT"),
        ({"SCANGATE_RUNNER": "lambda"}, "SCANGATE_RUNNER"),
    ],
)
def test_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], words: str) -> None:
    """Tokens for Azure go to Azure, or to this machine."""
    with pytest.raises(SettingsInvalid, match=words):
        settings(monkeypatch, **changes)


def test_the_runner_is_the_one_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asking Azure for anything; where the platform starts the job, the runner starts nothing."""
    entrance: Any = SimpleNamespace(settings=settings(monkeypatch, SCANGATE_MANAGEMENT_ENDPOINT="http://127.0.0.1:9"))
    assert isinstance(wiring._runner(entrance), ContainerAppsRunner)
    none: Any = SimpleNamespace(settings=settings(monkeypatch, SCANGATE_RUNNER="none"))
    runner = wiring._runner(none)
    assert isinstance(runner, PlatformRunner)
    assert (runner.start(), runner.is_alive("x")) == (None, None)
    runner.stop("x")


@pytest.mark.parametrize("text", ["", "scan", JOB.replace("jobs", "containerApps"), f"{JOB}/executions/x"])
def test_what_is_no_job(text: str) -> None:
    """It is refused before it is asked for."""
    with pytest.raises(ValueError, match="Container Apps job"):
        JobId.parse(text)


def test_azure_itself_is_asked_where_no_stand_in_is_named() -> None:
    """Over https only."""
    runner = ContainerAppsRunner(JobId.parse(JOB), 1, SimpleNamespace())
    assert runner._client._config.base_url == "https://management.azure.com/"
    assert runner._options == {}
    runner._client.close()
