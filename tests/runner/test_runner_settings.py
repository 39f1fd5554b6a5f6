"""Which runner the settings choose, and what is wrong with them where they choose none."""

from types import SimpleNamespace
from typing import Any

import pytest

from scan_core.runner.container_apps import ContainerAppsRunner, JobId
from scan_core.runner.platform import PlatformRunner
from scan_core.settings.loading import SettingsInvalid
from scan_core.workers import runner_of
from tests.builders import NOON
from tests.local.arm.driver import JOB
from tests.runner.deployments import settings

DEPLOYMENT = {
    "SCANGATE_RUNNER": "container_apps",
    "SCANGATE_JOB_RESOURCE_ID": JOB,
}


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
        settings(monkeypatch, DEPLOYMENT, **changes)


def test_the_runner_is_the_one_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asking Azure for anything; where the platform starts the job, the runner starts nothing."""
    queues: Any = None  # neither of the two asks for them
    known = settings(monkeypatch, DEPLOYMENT, SCANGATE_MANAGEMENT_ENDPOINT="http://127.0.0.1:9")
    assert isinstance(runner_of(known, queues, lambda: NOON), ContainerAppsRunner)
    runner = runner_of(settings(monkeypatch, DEPLOYMENT, SCANGATE_RUNNER="none"), queues, lambda: NOON)
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
