"""A deployment with a wrong setting: visible at once, and nothing of Azure DevOps' is lost by it."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from local.host import process
from local.host.process import HostProcess
from local.stack.parts import REPOSITORY
from local.stack.plan import Plan, plan_in
from local.storage.account import Account, Ports, remember

_SECRET = "the-secret-of-the-hooks"
_FUNCTIONS = set(
    re.findall(r"^def (\w+)\((?:req|msg|timer):", (REPOSITORY / "function_app.py").read_text(), re.MULTILINE)
)
"""Every trigger, by the type of what calls it."""
_GOOD = {
    "SCANGATE_ORGANISATIONS": json.dumps({"contoso": {"url": "http://127.0.0.1:9/contoso", "hook_secrets": [_SECRET]}}),
    "SCANGATE_PUBLIC_URL": "http://127.0.0.1:9",
    "SCANGATE_SIGNING_KEYS": json.dumps(["k" * 40]),
    "SCANGATE_DEVOPS_PAT": "a-token",
}
_WRONG = {
    "SCANGATE_SIGNING_KEYS: is missing": ("SCANGATE_SIGNING_KEYS", None),
    "SCANGATE_ORGANISATIONS: expected JSON": ("SCANGATE_ORGANISATIONS", '{"contoso": '),
    "SCANGATE_SIGNING_KEYS: expected keys of at least 32 characters": ("SCANGATE_SIGNING_KEYS", '["too-short-a-key"]'),
    "SCANGATE_DEFAULT_RULES": ("SCANGATE_DEFAULT_RULES", '{"fail_on_severty": "high"}'),
}


@pytest.fixture
def hosts(storage_connection: str, tmp_path: Path) -> Iterator[dict[str, HostProcess]]:
    """Run one app for each wrong setting, all on one storage in which nothing happens."""
    with ExitStack() as stack:
        started: dict[str, HostProcess] = {}
        for problem, (name, value) in _WRONG.items():
            settings = {
                **_GOOD,
                "AzureWebJobsStorage": storage_connection,
                "SCANGATE_STORAGE_CONNECTION": storage_connection,
            }
            settings.pop(name, None)
            if value is not None:
                settings[name] = value
            log = tmp_path / f"{len(started)}.log"
            started[problem] = stack.enter_context(process.start(REPOSITORY, settings, log=log))
        yield started


def test_an_app_with_a_wrong_setting_is_there_and_says_which(hosts: dict[str, HostProcess]) -> None:
    """Every function is indexed; hooks are answered 503, so that they come again; health and log name the setting."""
    headers = {"Authorization": "Basic " + base64.b64encode(f"any:{_SECRET}".encode()).decode()}
    for problem, host in hosts.items():
        assert set(host.wait_ready().functions) == _FUNCTIONS
        health = httpx2.get(f"{host.url}/api/health", trust_env=False)
        assert (health.status_code, health.json()["status"]) == (503, "misconfigured")
        assert health.json()["problem"].startswith(problem)
        hook = httpx2.post(f"{host.url}/api/hooks/contoso", content=b"{}", headers=headers, trust_env=False)
        assert (hook.status_code, hook.json()["reason"]) == (503, "not_configured")
        assert int(hook.headers["Retry-After"]) > 0
        assert httpx2.get(f"{host.url}/api/gates/x", trust_env=False).status_code == 503
        assert problem in host.log_text()
        assert "too-short-a-key" not in health.text + host.log_text()


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Leave a data folder as if storage had been there before; nothing listens at its address."""
    (tmp_path / "storage").mkdir()
    remember(tmp_path / "storage", Account.new(Ports(9, 9, 9)))
    return plan_in(tmp_path)


@pytest.mark.parametrize("problem", [key for key, (_, value) in _WRONG.items() if value is not None])
def test_the_local_app_does_not_start_with_a_wrong_setting(plan: Plan, tmp_path: Path, problem: str) -> None:
    """It ends at once with one line that names the setting and does not repeat its value."""
    name, value = _WRONG[problem]
    done = _scangate("local", "app", "--data", str(tmp_path), **{name: value or ""})
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(problem)
    assert len(done.stderr.splitlines()) == 1
    assert "too-short" not in done.stderr


def test_the_local_stack_does_not_start_with_a_wrong_setting(tmp_path: Path) -> None:
    """What was started before the app is stopped again."""
    done = _scangate("local", "up", "--data", str(tmp_path), SCANGATE_MAX_WORKERS="none")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("SCANGATE_MAX_WORKERS: ")


def _scangate(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "scangate"), *arguments]
    return subprocess.run(
        command,
        env={**os.environ, **settings},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
