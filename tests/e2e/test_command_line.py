"""``scangate local`` as somebody types it: the whole stack, and its parts one by one."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.demo.azure_devops import Team
from local.demo.files import RULES
from local.stack import job
from local.stack.parts import REPOSITORY
from local.stack.plan import Plan, plan_in
from local.storage.account import recall
from tests.e2e.polling import until
from tests.e2e.repository import WorkingCopy
from tests.e2e.scanner import Hold, Scanner, write_scanner
from tests.e2e.site import QUICK, VULNERABLE, look_round

_KEYS = ["app", "devops", "storage", "org", "hook_user", "hook_secret", "devops_token"]
_KEYS += ["registry", "registry_user", "registry_password", "check_secret"]
_PATIENCE_SECONDS = 60


@dataclass
class Command:
    """A ``scangate local`` command that runs, and the line it said it was ready with."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    def end(self, number: signal.Signals) -> int:
        """Send a signal, wait for the end and give the exit status."""
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE_SECONDS)


@dataclass
class Desk:
    """A data folder, and the commands that are run on it."""

    folder: Path
    scanner: Scanner

    @property
    def data(self) -> Path:
        """The stack's data folder."""
        return self.folder / "stack"

    @property
    def plan(self) -> Plan:
        """What the stack's parts agree on."""
        return plan_in(self.data)

    @contextmanager
    def run(self, *arguments: str) -> Iterator[Command]:
        """Run a command that stays, and end it however the test ends."""
        with (self.folder / "commands.log").open("a") as log, _started(self.data, arguments, log.fileno()) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (self.folder / "commands.log").read_text()[-3000:]
            yield Command(process, json.loads(line))

    @property
    def has_a_job(self) -> bool:
        """Whether workers are executions of a job."""
        return self.plan.runner == "container-apps"

    @contextmanager
    def arm(self) -> Iterator[None]:
        """Run what starts the executions, where the stack has a job; `up` would put the job there."""
        if not self.has_a_job:
            yield
            return
        with self.run("arm"):
            account = recall(self.data / "storage")
            assert account is not None
            job.deploy(plan_in(self.data, scanner=str(self.scanner.program)), account.connection_string)
            yield

    def processes(self) -> list[str]:
        """List the command lines of all processes that work on the data folder or serve its ports."""
        marks = (str(self.data), f"--port {self.plan.app_port} ")
        return [line for line in _command_lines() if any(mark in f"{line} " for mark in marks)]

    def parts(self) -> list[str]:
        """List those of them that are not a worker's."""
        return [line for line in self.processes() if f"{self.data}/workers/" not in line]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give a test a data folder of its own."""
    return Desk(tmp_path, write_scanner(tmp_path / "scanner"))


def test_up_tells_in_one_line_where_everything_is_and_gates_a_pull_request(desk: Desk) -> None:
    """The line has the keys of the contract, what it names works, and SIGTERM ends all of it, the workers too."""
    with desk.run("up", "--scanner", str(desk.scanner.program), "--lease", "5") as up:
        assert list(up.ready) == _KEYS + (["management"] if desk.has_a_job else [])
        assert up.ready["app"] == desk.plan.app
        assert httpx2.get(f"{up.ready['app']}/api/health", trust_env=False).json() == {"status": "ok"}
        projects = httpx2.get(
            f"{up.ready['devops']}/{up.ready['org']}/_apis/projects",
            auth=("", up.ready["devops_token"]),
            trust_env=False,
        )
        assert projects.json()["count"] == 0
        held = _proposed(desk, "held", desk.scanner.hold("held"))
        desk.scanner.hold("held").await_begun()
        assert _proposed(desk, "free", None)()["state"] == "failed"
        assert len(desk.processes()) > 3
        assert up.end(signal.SIGTERM) == 0
        assert desk.processes() == []
    with desk.run("up", "--lease", "5") as again:
        assert again.ready == up.ready
        desk.scanner.hold("held").release()
        assert held()["state"] == "failed"
        assert again.end(signal.SIGINT) == 0


def test_another_server_can_stand_in_for_azure_devops(desk: Desk) -> None:
    """Then no simulator is started, and the line names that server."""
    with desk.run("up", "--devops-url", "http://127.0.0.1:9/") as up:
        assert up.ready["devops"] == "http://127.0.0.1:9"
        assert not [line for line in desk.processes() if "local.devops" in line]
        assert up.end(signal.SIGTERM) == 0


def test_nothing_is_left_when_up_is_killed(desk: Desk) -> None:
    """Whoever kills it need not look for its parts; only a worker finishes its attempt, which still counts."""
    with desk.run("up", "--scanner", str(desk.scanner.program)) as up:
        hold = desk.scanner.hold("held")
        verdict = _proposed(desk, "killed", hold)
        hold.await_begun()
        up.end(signal.SIGKILL)
        until(lambda: not desk.parts(), "the parts to end")
        assert desk.processes()
    with desk.run("up", "--lease", "5") as again:
        hold.release()
        assert verdict()["state"] == "failed"
        assert hold.begun == 1
        assert again.end(signal.SIGTERM) == 0
    assert desk.processes() == []


def test_parts_can_be_started_killed_and_restarted_one_by_one(desk: Desk) -> None:
    """Each says when it is ready; whichever is killed is started again on the same data, and the gate is the same."""
    with desk.run("storage") as storage, desk.run("devops") as devops, desk.run("registry") as registry:
        assert "connection_string" in storage.ready
        assert registry.ready["host"] == desk.plan.registry
        registry.end(signal.SIGKILL)
        assert devops.ready["org"] == desk.plan.org
        hold = desk.scanner.hold("held")
        with desk.arm(), desk.run("app", "--scanner", str(desk.scanner.program), "--lease", "5") as app:
            assert "hooks" in app.ready["functions"]
            verdict = _proposed(desk, "one by one", hold)
            hold.await_begun()
            app.end(signal.SIGKILL)
        assert devops.end(signal.SIGKILL) == -signal.SIGKILL
        hold.release()
        assert storage.end(signal.SIGTERM) == 0
        with (
            desk.run("storage") as stored,
            desk.run("devops") as remembered,
            desk.run("registry") as restarted,
            desk.arm(),
            desk.run("app", "--lease", "5") as third,
        ):
            assert stored.ready == storage.ready
            assert remembered.ready == devops.ready
            assert restarted.ready["host"] == registry.ready["host"]
            assert verdict()["state"] == "failed"
            assert third.end(signal.SIGTERM) == 0
            assert remembered.end(signal.SIGTERM) == 0
            assert restarted.end(signal.SIGTERM) == 0
            assert stored.end(signal.SIGTERM) == 0
    assert desk.processes() == []


def test_an_app_without_any_storage_says_what_to_start(desk: Desk) -> None:
    """One line, and the exit status of a failure."""
    done = _scangate("local", "app", "--data", str(desk.data))
    assert done.returncode == 1
    assert (
        done.stderr.strip() == f"There is no storage in {desk.data} yet: start it first, with 'scangate local storage'."
    )


def test_a_port_that_is_taken_is_named(desk: Desk) -> None:
    """The stack does not come up on another one in silence, and stops what it had started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _scangate("local", "up", "--data", str(desk.data), "--port", str(port))
        assert done.returncode == 1
        assert str(port) in done.stderr.splitlines()[-1]
    assert desk.processes() == []


def test_a_damaged_plan_is_told(desk: Desk) -> None:
    """The file is named, with what to do."""
    desk.data.mkdir()
    (desk.data / "stack.json").write_text('{"org": 7}')
    done = _scangate("local", "up", "--data", str(desk.data))
    assert done.returncode == 1
    assert done.stderr.strip() == f"{desk.data}/stack.json is damaged: remove {desk.data} to start anew"


def test_a_rules_file_is_checked_before_it_is_pushed(tmp_path: Path) -> None:
    """A good one is shown as it is understood; a wrong one, and one that is not there, are told in a line."""
    good, wrong = tmp_path / "good.yml", tmp_path / "wrong.yml"
    good.write_text(RULES)
    wrong.write_text("fail_on_severty: high\n")
    shown = _scangate("rules", "check", str(good))
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["thresholds"]["fail_on_severity"] == 4
    refused = _scangate("rules", "check", str(wrong))
    assert refused.returncode == 1
    assert "fail_on_severity" in refused.stderr
    missing = _scangate("rules", "check", str(tmp_path / "none.yml"))
    assert (missing.returncode, missing.stderr) == (1, f"{tmp_path / 'none.yml'}: No such file or directory\n")


def test_the_demo_shows_the_whole_way(tmp_path: Path) -> None:
    """It ends well, leaves its summary, and can be shown again."""
    done = _scangate("local", "demo", "--data", str(tmp_path / "demo" / "stack"))
    assert done.returncode == 0, done.stdout
    steps = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert all(step.keys() == {"step", "gate", "state", "description", "seconds"} for step in steps)
    final = [step["state"] for step in steps if step["state"] != "pending"]
    pull_request = ["failed", "refused", "succeeded", "superseded", "completed"]
    image = ["failed", "failed", "succeeded", "succeeded"]
    assert final == [*pull_request, *image]
    shown, _, links = done.stdout.partition("Summary: ")
    assert links
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 100
    assert "Scangate: Failed: 3 critical and 12 high findings" in done.stdout


def _proposed(desk: Desk, name: str, hold: Hold | None) -> Callable[[], dict[str, Any]]:
    """Open a vulnerable pull request in a project of its own; give what waits for its verdict."""
    plan = desk.plan
    team = Team(plan)
    project = team.make_project(name)
    team.subscribe(project, "git.pullrequest.created")
    repository = team.make_repository(project, "repository")
    url = f"{plan.organisation_url}/{project}/_git/{repository}"
    copy = WorkingCopy(desk.folder / "clones" / name, url, plan.devops_token)
    copy.commit_and_push("main", "Start", {".scangate.yml": RULES})
    copy.commit_and_push("change", "Change", {**VULNERABLE, **(hold.files if hold else {})})
    number = team.open_pull_request(project, repository, "change", "Change")
    team.close()

    def verdict() -> dict[str, Any]:
        asking = Team(plan)

        def look() -> dict[str, Any] | None:
            look_round(plan.app)
            status = asking.latest_status(project, repository, number)
            return status if status and status["state"] != "pending" else None

        try:
            return until(look, "a verdict") or {}
        finally:
            asking.close()

    return verdict


@contextmanager
def _started(data: Path, arguments: tuple[str, ...], log: int) -> Iterator[subprocess.Popen[str]]:
    command = [_program(), "local", *arguments, "--data", str(data)]
    process = subprocess.Popen(
        command, env={**os.environ, **QUICK}, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=log, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _scangate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [_program(), *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)


def _program() -> str:
    return str(Path(sys.executable).parent / "scangate")


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended while we looked
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
