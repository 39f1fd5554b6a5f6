"""The registry as a program: ready line, signals, and what survives a kill."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from local.registry.__main__ import ACCESS_SETTING, main
from local.registry.alpine import alpine_image
from local.registry.push import push_image
from local.registry.server import RegistryServer
from tests.local.registry.driver import TEAM, digest

ROOT = Path(__file__).parents[3]
ACCESS = json.dumps({"principals": [{"name": TEAM[0], "password": TEAM[1], "grants": {"*": ["pull", "push"]}}]})


@contextmanager
def program(data: Path, *more: str, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run the registry as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local.registry", "--data", str(data), "--port", str(port), *more],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, ACCESS_SETTING: ACCESS},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    """Images, tokens, and an upload that was under way; a signal ends it in order."""
    with program(tmp_path) as (process, ready):
        assert ready["url"] == f"http://127.0.0.1:{ready['port']}"
        pushed = push_image(ready["url"], "app", "1", alpine_image(), TEAM)
        wanted = {"service": ready["host"], "scope": "repository:app:pull,push"}
        token = httpx2.get(f"{ready['url']}/oauth2/token", params=wanted, auth=TEAM, trust_env=False).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        with httpx2.Client(base_url=ready["url"], headers=headers, trust_env=False) as client:
            place = client.post("/v2/app/blobs/uploads/").headers["Location"]
            client.patch(place, content=b"01234")
        process.kill()
        process.wait()
    with program(tmp_path, port=ready["port"]) as (process, again):
        with httpx2.Client(base_url=again["url"], headers=headers, trust_env=False) as client:
            assert digest(client.get("/v2/app/manifests/1").content) == pushed
            done = client.put(place, params={"digest": digest(b"0123456789")}, content=b"56789")
            assert done.status_code == 201
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_an_upload_whose_file_is_a_blob_already_is_unknown(tmp_path: Path) -> None:
    """As after a kill between the two."""
    with (
        RegistryServer(tmp_path) as registry,
        httpx2.Client(base_url=registry.url, auth=registry.access.user, trust_env=False) as client,
    ):
        place = client.post("/v2/app/blobs/uploads/").headers["Location"]
        (tmp_path / "uploads" / place.rpartition("/")[2]).unlink()
        assert client.patch(place, content=b"x").status_code == 404


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """When the pipe that is its standard input closes."""
    with program(tmp_path, "--die-with-parent") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 1


def test_a_taken_port_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, with exit code 1."""
    monkeypatch.setenv(ACCESS_SETTING, ACCESS)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        with RegistryServer(tmp_path / "one") as registry:
            port = str(registry.place.port)
            assert main(["--data", str(tmp_path / "two"), "--port", port]) == 1
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize("value", [None, "{}", "nonsense"])
def test_an_arrangement_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """The variable that should hold it is named."""
    monkeypatch.delenv(ACCESS_SETTING, raising=False)
    if value is not None:
        monkeypatch.setenv(ACCESS_SETTING, value)
    assert main(["--data", str(tmp_path)]) == 2
    assert ACCESS_SETTING in capsys.readouterr().err


def test_a_server_that_does_not_start_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than to be waited for."""

    def fail(*_: Any, **__: Any) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(uvicorn.Server, "run", fail)
    with pytest.raises(RuntimeError, match="did not start"), RegistryServer(tmp_path):
        pass
