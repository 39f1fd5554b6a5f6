"""`python -m local.storage` as a process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError
from azure.storage.queue import QueueServiceClient


@contextmanager
def command(*arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Run it, and end it whatever happens."""
    with subprocess.Popen(
        [sys.executable, "-m", "local.storage", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | env,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def ready(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read the line that it prints when it serves."""
    assert process.stdout is not None
    line: dict[str, str] = json.loads(process.stdout.readline())
    return line


def serves(connection: str) -> bool:
    """Whether the queue service answers."""
    try:
        with QueueServiceClient.from_connection_string(connection, retry_total=0) as queues:
            list(queues.list_queues())
    except AzureError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """One line of JSON with all that a client needs; a signal ends it and Azurite with status 0."""
    with command("--data", str(tmp_path)) as process:
        line = ready(process)
        assert set(line) == {"connection_string", "blob_endpoint", "queue_endpoint", "table_endpoint", "account", "key"}
        assert line["account"] in line["queue_endpoint"]
        assert line["key"] in line["connection_string"]
        assert serves(line["connection_string"])
        process.send_signal(number)
        assert process.wait(30) == 0
        assert not serves(line["connection_string"])


def test_it_serves_the_same_address_again_after_a_kill(tmp_path: Path) -> None:
    """Signal 9 takes Azurite with it, and the next run has its ports."""
    with command("--data", str(tmp_path)) as process:
        first = ready(process)
        process.kill()
    deadline = time.monotonic() + 20
    while serves(first["connection_string"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    with command("--data", str(tmp_path)) as process:
        assert ready(process) == first


def test_it_ends_when_its_parent_is_gone() -> None:
    """With --die-with-parent, a standard input that closes is the end of it."""
    with command("--memory", "--die-with-parent") as process:
        connection = ready(process)["connection_string"]
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 1
        deadline = time.monotonic() + 20
        while serves(connection) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not serves(connection)


def test_a_missing_azurite_is_said_in_one_line(tmp_path: Path) -> None:
    """Status 1, and what to run."""
    with command("--memory", SCANGATE_AZURITE=str(tmp_path / "none.js")) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.count("\n") == 1
    assert "run `make`" in said


def test_an_azurite_that_ends_by_itself_is_said(tmp_path: Path) -> None:
    """Status 1: whoever started it must know that there is no storage any more."""
    short_lived = tmp_path / "azurite.js"
    lines = "".join(
        f"console.log('Azurite {name} service is successfully listening at http://127.0.0.1:{port}');"
        for port, name in enumerate(("Blob", "Queue", "Table"), 10000)
    )
    short_lived.write_text(lines + "setTimeout(() => process.exit(3), 100);")
    with command("--memory", SCANGATE_AZURITE=str(short_lived)) as process:
        out, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert json.loads(out)["blob_endpoint"] == "http://127.0.0.1:10000/scangate"
    assert "Azurite ended by itself with status 3" in said
