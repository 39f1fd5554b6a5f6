"""The settings of the container runner, and the runner that they make."""

from typing import Any

import pytest

from scan_core.runner.container import Allowance, ContainerRunner
from scan_core.settings.loading import SettingsInvalid
from scan_core.workers import runner_of
from tests.builders import NOON
from tests.runner.deployments import settings

HOST = {
    "SCANGATE_DEVOPS_PAT": "a-token",
    "SCANGATE_RUNNER": "container",
    "SCANGATE_CONTAINER_ENGINE": "podman",
    "SCANGATE_SCANNER_IMAGE": "registry.example:5000/scanner@sha256:" + "ab" * 32,
    "SCANGATE_CONTAINER_NETWORK": "scan-only",
    "SCANGATE_FETCH_LIMIT_SECONDS": "100",
    "SCANGATE_SCAN_LIMIT_SECONDS": "200",
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SCANGATE_SCANNER_IMAGE": None}, "needs SCANGATE_SCANNER_IMAGE, which `make image` builds"),
        ({"SCANGATE_SCANNER_IMAGE": "--privileged"}, "SCANGATE_SCANNER_IMAGE"),
        ({"SCANGATE_SCANNER_IMAGE": "an image"}, "SCANGATE_SCANNER_IMAGE"),
        ({"SCANGATE_DEVOPS_PAT": None}, "needs SCANGATE_DEVOPS_PAT: an identity"),
        ({"SCANGATE_CONTAINER_ENGINE": "lxc"}, "SCANGATE_CONTAINER_ENGINE"),
        ({"SCANGATE_CONTAINER_NETWORK": "container:other"}, "SCANGATE_CONTAINER_NETWORK"),
        ({"SCANGATE_CONTAINER_MEMORY_BYTES": "1024"}, "SCANGATE_CONTAINER_MEMORY_BYTES"),
    ],
)
def test_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], words: str) -> None:
    """In one line, before anything is started."""
    with pytest.raises(SettingsInvalid, match=words):
        settings(monkeypatch, HOST, **changes)


def test_they_make_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asking the engine for anything. A worker has five minutes more than its two steps."""
    known = settings(monkeypatch, HOST)
    queues: Any = None  # nothing is asked of them yet
    runner = runner_of(known, queues, lambda: NOON)
    assert isinstance(runner, ContainerRunner)
    assert (runner.engine, runner.image) == ("podman", HOST["SCANGATE_SCANNER_IMAGE"])
    assert runner.allowance == Allowance("scan-only", 2, 4 * 1024**3, seconds=600)
    assert runner.max_workers == known.max_workers
    assert runner.scan_environment() == {}
