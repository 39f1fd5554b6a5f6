"""What is deployed as the function app, and the host settings it runs under."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def host() -> dict[str, Any]:
    """Return host.json."""
    content: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
    return content


@pytest.fixture(scope="module")
def ignoring_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty git repository whose ignore file is .funcignore, which has the same syntax."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    (folder / ".gitignore").write_text((ROOT / ".funcignore").read_text())
    return folder


def is_left_out(repository: Path, path: str) -> bool:
    """Tell whether the ignore file keeps a path out of the package."""
    answer = subprocess.run(["git", "-C", repository, "check-ignore", "--quiet", path], check=False)
    assert answer.returncode in {0, 1}
    return answer.returncode == 0


@pytest.mark.parametrize(
    "path",
    [
        "local/demo.py",
        "tests/house/test_requirements.py",
        "bench/webhook.py",
        "docs/security.md",
        "infra/main.bicep",
        "scanner/Dockerfile",
        "scan_core/worker/fetch.py",
        "tools/setup.sh",
        ".venv/bin/python",
        ".local/azurite/package.json",
        ".git/config",
        ".env",
        "local.settings.json",
        "requirements-dev.txt",
        "scan_core/model/__pycache__/gate.cpython-313.pyc",
    ],
)
def test_what_the_function_app_does_not_need_is_left_out(ignoring_repository: Path, path: str) -> None:
    """Tests, the local stack, the worker and a developer's own files are not deployed."""
    if path.startswith(".git/"):
        assert ".git*" in (ROOT / ".funcignore").read_text().splitlines()
        return
    assert is_left_out(ignoring_repository, path)


@pytest.mark.parametrize(
    "path",
    [
        "function_app.py",
        "host.json",
        "requirements.txt",
        "scan_core/settings/deployment.py",
        "scan_core/workers.py",
        "scan_core/flow/request.py",
        "scan_core/report/gate_page.html",
    ],
)
def test_what_the_function_app_needs_is_deployed(ignoring_repository: Path, path: str) -> None:
    """No pattern is wide enough to swallow a part of the app."""
    assert not is_left_out(ignoring_repository, path)


def test_a_failing_message_gets_minutes_and_not_seconds_before_it_is_poison(host: dict[str, Any]) -> None:
    """With Azure's default of no pause between tries, five failures are over in a second."""
    queues = host["extensions"]["queues"]
    assert queues["visibilityTimeout"] == "00:00:30"
    assert queues["maxDequeueCount"] == 5


def test_queues_are_polled_often_and_in_batches_one_instance_can_hold(host: dict[str, Any]) -> None:
    """The default polling backs off to a minute, which every gate would wait for."""
    queues = host["extensions"]["queues"]
    assert queues["maxPollingInterval"] == "00:00:02"
    assert (queues["batchSize"], queues["newBatchThreshold"]) == (8, 4)


def test_the_host_serves_the_paths_that_the_documents_promise(host: dict[str, Any]) -> None:
    """Service hooks and links point below /api."""
    assert host["version"] == "2.0"
    assert host["extensions"]["http"]["routePrefix"] == "api"
    assert host["telemetryMode"] == "OpenTelemetry"


def test_the_host_does_not_log_the_addresses_of_requests(host: dict[str, Any]) -> None:
    """A check's secret and a page's signature stand in their queries; ASP.NET Core logs these as information."""
    assert host["logging"]["logLevel"]["Microsoft.AspNetCore"] == "Warning"
