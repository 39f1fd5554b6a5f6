"""Workers as processes: the cap, the detachment, the end, and what each step is told."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from scan_core.model.attempt import AttemptErrorKind, AttemptMessage
from scan_core.runner import executions
from scan_core.runner.api import Runner, RunnerError
from scan_core.runner.process import ProcessRunner
from scan_core.store.connection import Storage
from tests.waiting import gone, until
from tests.worker.conftest import Bench, bench, repositories, repository, server
from tests.worker.repositories import Repository
from tests.worker.scanners import GOOD

__all__ = ["bench", "repositories", "repository", "server"]  # fixtures


def app(folder: Path, cap: int, fetch: dict[str, str], scan: dict[str, str]) -> subprocess.Popen[str]:
    """An app that starts a worker, says which, and lives on until it is killed."""
    code = (
        "import json, sys, time; from pathlib import Path; from scan_core.runner.process import ProcessRunner\n"
        "fetch, scan = json.loads(sys.argv[3])\n"
        "runner = ProcessRunner(Path(sys.argv[1]), int(sys.argv[2]), lambda: fetch, lambda: scan)\n"
        "print(runner.start(), flush=True); time.sleep(600)"
    )
    argv = [sys.executable, "-c", code, str(folder), str(cap), json.dumps([fetch, scan])]
    return subprocess.Popen(argv, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)


def name_from(started: subprocess.Popen[str]) -> str:
    """What an app says that it started."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


@pytest.fixture
def runner(bench: Bench, tmp_path: Path) -> Iterator[ProcessRunner]:
    """A runner for two workers of the bench; whatever it started has ended afterwards."""
    own = {"SCANGATE_WORKER_DIR", "SCANGATE_EXECUTION", "PATH"}

    def without_own(variables: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in variables.items() if name not in own}

    made = ProcessRunner(
        tmp_path / "workers",
        2,
        lambda: without_own(bench.fetch_variables()),
        lambda: without_own(bench.scan_variables()),
    )
    yield made
    made.stop_all()


def queued(bench: Bench, repository: Repository) -> AttemptMessage:
    """Queue an attempt."""
    return bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))


def ended(runner: ProcessRunner, execution: str) -> None:
    """Wait until a worker has ended."""
    until(lambda: runner.is_alive(execution) is False)


class TestStart:
    def test_a_worker_does_both_steps(self, bench: Bench, repository: Repository, runner: ProcessRunner) -> None:
        """From the queue to the manifest, under the name that start gave."""
        message = queued(bench, repository)
        bench.scanner()
        kept: Runner = runner
        execution = kept.start()
        assert execution is not None
        assert runner.is_alive(execution)
        ended(runner, execution)
        manifest = bench.manifest(message)
        assert (manifest.error, manifest.execution) == (None, execution)
        folder = runner.folder / "ended" / execution
        until(folder.is_dir)
        assert json.loads((folder / "end.json").read_text())["exit_codes"] == {"fetch": 0, "scan": 0}
        assert "claimed attempt 1" in (folder / "worker.log").read_text()
        assert {path.name for path in folder.iterdir()} == {"alive", "pid", "end.json", "worker.log"}

    def test_finding_nothing_is_an_ordinary_end(self, bench: Bench, runner: ProcessRunner) -> None:
        """A worker too many ends by itself."""
        execution = runner.start()
        assert execution is not None
        ended(runner, execution)

    def test_no_more_than_the_cap(
        self, bench: Bench, repository: Repository, runner: ProcessRunner, tmp_path: Path
    ) -> None:
        """Whoever comes third is told to come again, and can once a worker has ended."""
        bench.scanner(f"until [ -e {tmp_path / 'go'} ]; do sleep 0.02; done\n" + GOOD)
        for _ in range(2):
            queued(bench, repository)
        first, second = runner.start(), runner.start()
        assert first is not None
        assert second is not None
        assert runner.start() is None
        (tmp_path / "go").touch()
        ended(runner, first)
        third = runner.start()
        assert third is not None
        for execution in (second, third):
            ended(runner, execution)

    def test_the_cap_holds_for_several_apps(self, bench: Bench, repository: Repository, tmp_path: Path) -> None:
        """Four processes that start workers at once get two between them."""
        bench.scanner("sleep 600\n")
        for _ in range(2):
            queued(bench, repository)
        folder = tmp_path / "shared"
        variables = (bench.fetch_variables(), bench.scan_variables())
        with ExitStack() as apps:
            starting = [apps.enter_context(app(folder, 2, *variables)) for _ in range(4)]
            started = [execution for each in starting if (execution := name_from(each)) != "None"]
            for each in starting:
                each.kill()
        runner = ProcessRunner(folder, 2, dict, dict)
        assert len(started) == 2
        assert all(runner.is_alive(execution) for execution in started)
        runner.stop_all()
        assert not any(runner.is_alive(execution) for execution in started)

    def test_the_steps_are_told_only_what_is_theirs(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        bench: Bench,
        repository: Repository,
        runner: ProcessRunner,
    ) -> None:
        """Neither step sees the app's secrets or the other's; arguments and files hold none."""
        monkeypatch.setenv("SCANGATE_SIGNING_KEY", "APP-SECRET")
        bench.scanner(
            "step=$(cut -d' ' -f4 /proc/$PPID/stat)\n"
            f"cat /proc/$PPID/environ /proc/$step/environ | tr '\\0' '\\n' > {tmp_path}/seen\n"
            f"tr '\\0' '\\n' < /proc/$step/cmdline > {tmp_path}/argv\n"
            f"grep -rl 'qualys-token-\\|pat-0123' {tmp_path}/workers > {tmp_path}/files\n" + GOOD
        )
        message = queued(bench, repository)
        execution = runner.start()
        assert execution is not None
        ended(runner, execution)
        assert bench.manifest(message).error is None
        seen = (tmp_path / "seen").read_text()
        assert "QUALYS_ACCESS_TOKEN" in seen
        assert "SCANGATE_DEVOPS_PAT" not in seen
        assert "SCANGATE_ATTEMPTS_QUEUE" not in seen
        assert "APP-SECRET" not in seen
        assert "qualys-token" not in (tmp_path / "argv").read_text()
        assert (tmp_path / "files").read_text() == ""

    def test_a_machine_that_starts_nothing(self, runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error is passing: the machine may be busy."""

        def refuse(*_: object, **__: object) -> None:
            raise OSError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(subprocess, "run", refuse)
        with pytest.raises(RunnerError, match="temporarily unavailable") as caught:
            runner.start()
        assert caught.value.transient

    def test_a_launcher_that_fails(self, runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is reported, and counts as a worker no longer."""
        monkeypatch.setattr(executions, "_LAUNCHER", "scan_core.nowhere")
        for _ in range(3):
            with pytest.raises(RunnerError) as caught:
                runner.start()
            assert caught.value.sentence

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        """A wrong setting is a sentence, not a crash."""
        (tmp_path / "file").write_text("x")
        with pytest.raises(RunnerError):
            ProcessRunner(tmp_path / "file" / "workers", 1, dict, dict).start()


class Scanning(NamedTuple):
    """A worker whose scanner runs and has started a process that left its session."""

    execution: str
    message: AttemptMessage
    stray: int


class TestEnd:
    @pytest.fixture
    def scanning(self, bench: Bench, repository: Repository, runner: ProcessRunner, tmp_path: Path) -> Scanning:
        """Have a worker scan."""
        pid = tmp_path / "scanner-pid"
        bench.scanner(f"setsid sleep 600 & echo $! > {pid}.new; mv {pid}.new {pid}; wait\n")
        message = queued(bench, repository)
        execution = runner.start()
        until(pid.exists)
        assert execution is not None
        return Scanning(execution, message, int(pid.read_text()))

    def test_stop_ends_a_worker_and_what_it_started(
        self, bench: Bench, runner: ProcessRunner, scanning: Scanning
    ) -> None:
        """The attempt is reported as one to try again; stopping twice is harmless."""
        execution, message, scanner = scanning
        runner.stop(execution)
        assert runner.is_alive(execution) is False
        assert gone(scanner)
        error = bench.manifest(message).error
        assert error is not None
        assert error.kind is AttemptErrorKind.LOST
        runner.stop(execution)

    def test_stop_kills_what_does_not_end(
        self,
        runner: ProcessRunner,
        scanning: Scanning,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A worker that does not react is killed, and the scanner with it."""
        execution, _, scanner = scanning
        pid = int((runner.folder / "running" / execution / "pid").read_text())
        os.killpg(pid, signal.SIGSTOP)
        monkeypatch.setattr(executions, "_STOP_SECONDS", 0.1)
        runner.stop(execution)
        until(lambda: runner.is_alive(execution) is False)
        until(lambda: gone(scanner))

    def test_a_killed_launcher_leaves_nothing_running(
        self, bench: Bench, runner: ProcessRunner, scanning: Scanning
    ) -> None:
        """Its step is told to end, reports, and the next start puts the folder away."""
        execution, message, scanner = scanning
        os.kill(int((runner.folder / "running" / execution / "pid").read_text()), signal.SIGKILL)
        ended(runner, execution)
        assert gone(scanner)
        assert bench.manifest(message).error is not None
        another = runner.start()
        assert another is not None
        assert (runner.folder / "ended" / execution).is_dir()
        assert not (runner.folder / "ended" / execution / "work").exists()
        ended(runner, another)

    def test_a_killed_step_leaves_nothing_running(self, runner: ProcessRunner, scanning: Scanning) -> None:
        """The launcher sees to what the step could not end itself."""
        execution, _, scanner = scanning
        launcher = int((runner.folder / "running" / execution / "pid").read_text())
        step = next(int(p.name) for p in Path("/proc").glob("[0-9]*") if _parent(p) == launcher)
        os.kill(step, signal.SIGKILL)
        ended(runner, execution)
        assert gone(scanner)
        until((runner.folder / "ended" / execution / "end.json").exists)
        assert json.loads((runner.folder / "ended" / execution / "end.json").read_text())["exit_codes"]["scan"] == -9

    def test_workers_go_on_when_the_app_is_killed(
        self, bench: Bench, repository: Repository, tmp_path: Path, storage: Storage
    ) -> None:
        """Signal 9 to the app takes no worker with it."""
        go, folder = tmp_path / "go", tmp_path / "workers"
        bench.scanner(f"until [ -e {go} ]; do sleep 0.02; done\n" + GOOD)
        message = queued(bench, repository)
        with app(folder, 1, bench.fetch_variables(), bench.scan_variables()) as started:
            execution = name_from(started)
            started.kill()
        runner = ProcessRunner(folder, 1, dict, dict)
        assert runner.is_alive(execution)
        assert runner.start() is None
        go.touch()
        ended(runner, execution)
        assert bench.manifest(message).error is None

    def test_what_was_never_started(self, runner: ProcessRunner) -> None:
        """Names come out of documents; whatever they are, nothing is harmed."""
        for name in ("", "..", "../../etc", "worker-1", "worker-1234567890123-0123abcd"):
            assert runner.is_alive(name) is False
            runner.stop(name)

    def test_what_cannot_be_told(self, runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        """A lock that cannot be asked for is neither yes nor no."""

        def refuse(*_: object) -> bool:
            raise PermissionError

        monkeypatch.setattr(executions, "_is_locked", refuse)
        assert runner.is_alive("worker-1234567890123-0123abcd") is None

    def test_old_ones_are_forgotten(self, runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only the latest are remembered."""
        monkeypatch.setattr(executions, "_KEPT", 2)
        for number in range(5):
            (runner.folder / "ended" / f"worker-{number:013}-00000000").mkdir(parents=True)
        execution = runner.start()
        assert execution is not None
        ended(runner, execution)
        kept = {path.name for path in (runner.folder / "ended").iterdir()} - {execution}
        assert kept == {"worker-0000000000003-00000000", "worker-0000000000004-00000000"}


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def test_links_given_to_workers_may_expire(bench: Bench, repository: Repository, runner: ProcessRunner) -> None:
    """An attempt whose links have ended is dropped by a real worker too."""
    bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"})), ends_in=timedelta(seconds=-1)))
    execution = runner.start()
    assert execution is not None
    ended(runner, execution)
    assert bench.waiting() == 0
