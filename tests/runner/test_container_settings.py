"""The settings of the container runner, and the runner that they make."""

from types import SimpleNamespace
from typing import Any

import pytest

from scan_core import wiring
from scan_core.runner.container import Allowance, ContainerRunner
from scan_core.settings.deployment import Settings
from scan_core.settings.loading import SettingsInvalid, load

HOST = {
    "SCANGATE_ORGANISATIONS": '{"fabrikam": {"url": "https://dev.azure.com/fabrikam"}}',
    "SCANGATE_PUBLIC_URL": "https://gate.example",
    "SCANGATE_SIGNING_KEYS": '["0123456789abcdef0123456789abcdef"]',
    "SCANGATE_STORAGE_ACCOUNT": "account",
    "SCANGATE_DEVOPS_PAT": "a-token",
    "SCANGATE_RUNNER": "container",
    "SCANGATE_CONTAINER_ENGINE": "podman",
    "SCANGATE_SCANNER_IMAGE": "registry.example:5000/scanner@sha256:" + "ab" * 32,
    "SCANGATE_CONTAINER_NETWORK": "scan-only",
    "SCANGATE_FETCH_LIMIT_SECONDS": "100",
    "SCANGATE_SCAN_LIMIT_SECONDS": "200",
}


def settings(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> Settings:
    """Read the settings of a plain host."""
    for name, value in {**HOST, **changes}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return load()


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
        settings(monkeypatch, **changes)


def test_they_make_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asking the engine for anything. A worker has five minutes more than its two steps."""
    known = settings(monkeypatch)
    entrance: Any = SimpleNamespace(settings=known)
    runner = wiring._runner(entrance)
    assert isinstance(runner, ContainerRunner)
    assert (runner.engine, runner.image) == ("podman", HOST["SCANGATE_SCANNER_IMAGE"])
    assert runner.allowance == Allowance("scan-only", 2, 4 * 1024**3, seconds=600)
    assert runner.max_workers == known.max_workers
    assert runner.scan_environment() == {}
