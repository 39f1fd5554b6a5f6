"""The simulator as a program: ready line, signals, and what survives a kill."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.devops.__main__ import main
from tests.local.devops.driver import Receiver, Sim, git, subscribe, wait_until

ROOT = Path(__file__).parents[3]


@contextmanager
def program(data: Path, *more: str, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], Sim]]:
    """Run the simulator as a process of its own."""
    command = [sys.executable, "-m", "local.devops", "--data", str(data), "--org", "Contoso", "--token", "t"]
    process = subprocess.Popen(
        [*command, "--port", str(port), *more],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["url"] == f"http://127.0.0.1:{ready['port']}/"
    sim = Sim(f"{ready['url']}{ready['org']}/", data.parent, "t")
    try:
        yield process, sim
    finally:
        sim.close()
        process.kill()
        process.wait()
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.close()


def test_sigterm_ends_it_in_order(tmp_path: Path) -> None:
    """With exit code 0."""
    with program(tmp_path / "data") as (process, sim):
        assert sim.get("_apis/projects")["count"] == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_everything_survives_a_kill(tmp_path: Path, receiver: Receiver) -> None:
    """Projects, code, pull requests, statuses, tokens, policies, and hooks that were not yet delivered."""
    receiver.default = 503
    with program(tmp_path / "data") as (process, sim):
        project = sim.project()
        sim.policy(project, {"statusName": "source", "statusGenre": "scangate"})
        subscribe(sim, receiver, "git.pullrequest.created")
        sim.sim("tokens", {"token": "second", "displayName": "Second"})
        clone, pull = sim.repository(project).proposed()
        pull.status("pending")
        before = pull.json()
        receiver.waited(1)
        port = int(sim.url.split(":")[2].split("/")[0])
        process.kill()
        process.wait()
    receiver.default = 200
    told = len(receiver.bodies)
    with program(tmp_path / "data", port=port) as (_, sim):
        pull.sim = sim
        assert pull.json() == before
        assert [one["status"] for one in pull.evaluations()] == ["running"]
        receiver.waited(told + 1)
        assert receiver.bodies[-1]["notificationId"] == receiver.bodies[0]["notificationId"]
        sim.token = "second"
        assert sim.get("_apis/connectionData?api-version=7.1-preview")["authenticatedUser"]
        clone.commit({"more.txt": "x"})
        clone.push("topic")
        assert len(pull.iterations()) == 2


def test_a_push_whose_record_was_lost_is_taken_in_at_the_start(tmp_path: Path) -> None:
    """As after a kill between git's work and the note of it; so is a merge that was still queued."""
    with program(tmp_path / "data") as (process, sim):
        clone, pull = sim.repository(sim.project()).proposed()
        sim.sim("settings", {"mergeDelaySeconds": 1000})
        other = sim.repository(sim.project("Other")).proposed("other")[1]
        assert other.json()["mergeStatus"] == "queued"
        process.kill()
        process.wait()
    commit = clone.commit({"more.txt": "x"})
    bare = tmp_path / "data" / "git" / f"{pull.repo.json['id']}.git"
    git(clone.folder, "push", "-q", str(bare), "topic")
    with program(tmp_path / "data") as (_, sim):
        pull.sim = other.sim = sim
        latest = wait_until(lambda: pull.iterations()[1:], "the iteration")[-1]
        assert latest["sourceRefCommit"]["commitId"] == commit
        assert other.json()["mergeStatus"] == "queued"


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """When the pipe that is its standard input closes."""
    with program(tmp_path / "data", "--die-with-parent") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 1


def test_a_taken_port_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, with exit code 1."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        with program(tmp_path / "data") as (_, sim):
            port = sim.url.split(":")[2].split("/")[0]
            arguments = ["--data", str(tmp_path / "other"), "--org", "X", "--token", "t", "--port", port]
            assert main(arguments) == 1
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
