"""Running what does not want to end: the keeper, the bounded run, the folder that is left, and the two steps' doors."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.worker import __main__ as door
from scan_core.worker import keeper
from scan_core.worker.bounded import run
from scan_core.worker.capped_log import CappedLog
from scan_core.worker.folder import fresh, occupied, remove
from scan_core.worker.stopping import CANCELLED
from tests.waiting import gone, until
from tests.worker.conftest import Bench
from tests.worker.repositories import Repository

PLAIN = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
ROOT = Path(__file__).parents[2]


def kept(script: str, grace: float = 5.0, file_bytes: int = 1 << 30) -> subprocess.Popen[bytes]:
    """Start a shell script under a keeper."""
    argv = keeper.command(["sh", "-c", script], grace_seconds=grace, file_bytes=file_bytes)
    return subprocess.Popen(argv, env=PLAIN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


class TestKeeper:
    @pytest.mark.parametrize(
        ("script", "code"), [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", -15), ("kill -KILL $$", -9)]
    )
    def test_ends_as_its_command_ends(self, script: str, code: int) -> None:
        """With the same exit code, or by the same signal."""
        with kept(script) as process:
            assert process.wait() == code

    def test_a_command_that_is_not_there(self) -> None:
        """The code is that of a shell."""
        argv = keeper.command(["/nowhere/at/all"], grace_seconds=1, file_bytes=1)
        done = subprocess.run(argv, env=PLAIN, capture_output=True, text=True, check=False)
        assert done.returncode == 127
        assert "could not be started" in done.stderr

    def test_leaves_no_orphan(self, tmp_path: Path) -> None:
        """A daemon of the command, two generations and a session away, is killed when the command ends."""
        with kept(f"setsid sh -c 'sleep 600 & echo $! > {tmp_path}/pid' & wait") as process:
            process.wait()
        assert gone(int((tmp_path / "pid").read_text()))

    def test_kills_what_ignores_the_end(self, tmp_path: Path) -> None:
        """After the grace nothing is asked any more."""
        pid = tmp_path / "pid"
        loop = "while :; do sleep 0.05; done"
        script = f"trap '' TERM; setsid sh -c 'echo $$ > {pid}; {loop}' & {loop}"
        with kept(script, grace=0.1) as process:
            until(lambda: pid.exists() and pid.read_text())
            process.terminate()
            assert process.wait() == -signal.SIGKILL
        assert gone(int(pid.read_text()))

    def test_ends_with_its_starter(self, tmp_path: Path) -> None:
        """When the starter is killed with signal 9, nothing of the command goes on."""
        pid = tmp_path / "pid"
        script = f"setsid sleep 600 & echo $! > {pid}; wait"
        starter = (
            "import subprocess, sys; sys.path.insert(0, sys.argv[1]); from scan_core.worker import keeper; "
            "subprocess.run(keeper.command(['sh', '-c', sys.argv[2]], grace_seconds=1, file_bytes=1 << 20))"
        )
        with subprocess.Popen([sys.executable, "-c", starter, str(ROOT), script], env=PLAIN) as process:
            until(lambda: pid.exists() and pid.read_text())
            process.kill()
        until(lambda: gone(int(pid.read_text())))

    def test_no_file_grows_beyond_the_limit(self, tmp_path: Path) -> None:
        """The system ends who writes on; no core is left."""
        with kept(f"exec cat /dev/zero > {tmp_path}/x", file_bytes=10_000) as process:
            assert process.wait() == -signal.SIGXFSZ
        assert (tmp_path / "x").stat().st_size == 10_000

    def test_a_parent_that_is_gone_already_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may have ended before anything could be asked for."""
        sent: list[tuple[int, int]] = []
        monkeypatch.setattr(os, "kill", lambda *given: sent.append(given))
        monkeypatch.setattr(keeper, "_prctl", lambda *_: None)
        keeper.end_with_parent(os.getppid(), signal.SIGTERM)
        assert sent == []
        keeper.end_with_parent(-1, signal.SIGTERM)
        assert sent == [(os.getpid(), signal.SIGTERM)]

    def test_an_option_that_linux_does_not_know_is_an_error(self) -> None:
        """Silence here would mean no protection."""
        with pytest.raises(OSError, match="prctl"):
            keeper._prctl(-1, 0)

    def test_memory_can_be_hidden_from_others(self) -> None:
        """Linux knows a process that hid itself as one that may not be dumped."""
        code = "import ctypes; from scan_core.worker import keeper; keeper.hide_memory(); "
        code += "print(ctypes.CDLL(None).prctl(3))"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "0"  # PR_GET_DUMPABLE

    def test_its_program_within_this_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same program, where coverage can see it: it has no site packages of its own."""
        done: list[object] = []
        monkeypatch.setattr(keeper, "adopt_orphans", lambda: done.append("orphans"))
        monkeypatch.setattr(keeper, "end_with_parent", lambda *_: done.append("parent"))
        monkeypatch.setattr(keeper, "kill_descendants", lambda: done.append("killed"))
        monkeypatch.setattr(keeper, "_limit", lambda *given: done.append(given))
        monkeypatch.setattr(keeper, "_die_by", done.append)
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
        try:
            assert keeper.main([str(os.getpid()), "0.1", "1000", "sh", "-c", "exit 7"]) == 7
            assert keeper.main([str(os.getpid()), "0.1", "1000", "sh", "-c", "kill -9 $$"]) == -9
            assert keeper.main([str(os.getpid()), "0.1", "1000", "/nowhere"]) == 127
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        assert {"orphans", "parent", "killed", 9} <= set(done)


class TestBounded:
    def test_gives_code_and_output(self, tmp_path: Path) -> None:
        """An ordinary end."""
        log = CappedLog(1000)
        argv = ["sh", "-c", "echo out; echo err >&2; exit 3"]
        ending = run(argv, environment=PLAIN, folder=tmp_path, sink=log, watch=lambda: None, grace_seconds=1)
        assert (ending.code, ending.signal, ending.stopped) == (3, None, None)
        assert log.content() == b"out\nerr\n"

    def test_leaves_errors_out_where_they_would_be_misread(self, tmp_path: Path) -> None:
        """What is parsed is the output alone."""
        log = CappedLog(1000)
        argv = ["sh", "-c", "echo out; echo err >&2"]
        run(argv, environment=PLAIN, folder=tmp_path, sink=log, watch=lambda: None, grace_seconds=1, with_errors=False)
        assert log.content() == b"out\n"

    def test_reads_on_after_the_pipe_was_closed_early(self, tmp_path: Path) -> None:
        """A program that closes its output goes on running."""
        log = CappedLog(1000)
        argv = ["sh", "-c", "echo out; exec >&- 2>&-; sleep 0.5; exit 4"]
        ending = run(argv, environment=PLAIN, folder=tmp_path, sink=log, watch=lambda: None, grace_seconds=1)
        assert ending.code == 4

    def test_stops_and_then_kills(self, tmp_path: Path) -> None:
        """What ignores SIGTERM is killed after the grace, and the reason is kept."""
        started = tmp_path / "started"
        argv = ["sh", "-c", f"trap '' TERM; touch {started}; while :; do sleep 0.05; done"]

        def watch() -> AttemptError | None:
            return CANCELLED if started.exists() else None

        ending = run(argv, environment=PLAIN, folder=tmp_path, sink=CappedLog(10), watch=watch, grace_seconds=0.1)
        assert (ending.code, ending.signal, ending.stopped) == (None, signal.SIGKILL, CANCELLED)

    def test_a_program_that_cannot_be_started(self, tmp_path: Path) -> None:
        """The caller is told."""
        with pytest.raises(FileNotFoundError):
            run(["/nowhere"], environment={}, folder=tmp_path, sink=CappedLog(1), watch=lambda: None, grace_seconds=1)


class TestFolder:
    def test_removes_what_was_protected(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Folders without permissions do not stop a deletion. For root they never do: a first refusal is played."""
        deep = tmp_path / "a" / "b" / "c"
        deep.mkdir(parents=True)
        (deep / "file").write_text("x")
        for folder in (deep, deep.parent, deep.parent.parent):
            folder.chmod(0)
        real, tries = __import__("shutil").rmtree, []

        def first_refused(path: Path) -> None:
            tries.append(path)
            if len(tries) == 1:
                raise PermissionError
            assert all(entry.stat().st_mode & 0o700 == 0o700 for entry in tmp_path.rglob("*") if entry.is_dir())
            real(path)

        monkeypatch.setattr("shutil.rmtree", first_refused)
        remove(tmp_path / "a")
        assert not (tmp_path / "a").exists()

    def test_removes_a_link_and_not_what_it_names(self, tmp_path: Path) -> None:
        """Nothing outside is touched."""
        (tmp_path / "kept").mkdir()
        (tmp_path / "kept" / "file").write_text("x")
        (tmp_path / "link").symlink_to(tmp_path / "kept")
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "link").symlink_to(tmp_path / "kept")
        for name in ("link", "folder", "none"):
            remove(tmp_path / name)
        assert (tmp_path / "kept" / "file").exists()
        assert [path.name for path in tmp_path.iterdir()] == ["kept"]

    def test_removes_what_is_nested_deeper_than_python_calls_itself(self, tmp_path: Path) -> None:
        """A repository may nest folders as deep as a path is long."""
        place = os.open(tmp_path, os.O_RDONLY)
        for _ in range(1500):
            os.mkdir("d", dir_fd=place)
            below = os.open("d", os.O_RDONLY, dir_fd=place)
            os.close(place)
            place = below
        os.close(place)
        remove(tmp_path / "d")
        assert not (tmp_path / "d").exists()

    def test_makes_a_folder_empty_and_private(self, tmp_path: Path) -> None:
        """Whatever stood there."""
        (tmp_path / "f").write_text("a file")
        assert fresh(tmp_path / "f").stat().st_mode & 0o077 == 0
        (tmp_path / "f" / "x").write_text("x")
        assert not list(fresh(tmp_path / "f").iterdir())

    def test_measures_no_further_than_it_has_to(self, tmp_path: Path) -> None:
        """A folder of many files is not walked to its end."""
        for number in range(20):
            (tmp_path / str(number)).write_bytes(bytes(5000))
        assert occupied(tmp_path, most_files=1000) >= (20 * 5000, 20)
        assert occupied(tmp_path, most_files=5)[1] == 5
        assert occupied(tmp_path / "none", most_files=5) == (0, 0)


class TestDoor:
    @pytest.mark.parametrize("argv", [[], ["both"], ["scan", "x"], ["scan", "fetch"]])
    def test_wrong_arguments(self, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """One line says how it is called."""
        assert door.main(argv) == 2
        assert capsys.readouterr().err == f"{door.USAGE}\n"

    @pytest.mark.parametrize("step", ["fetch", "scan"])
    def test_a_missing_setting_is_one_line(self, step: str) -> None:
        """As a process: exit code 2, the variable named."""
        argv = [sys.executable, "-m", "scan_core.worker", step]
        done = subprocess.run(argv, cwd=ROOT, env=PLAIN, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(f"scangate worker {step}: SCANGATE_WORKER_DIR is missing: set it to the folder")
        assert done.stderr.count("\n") == 1

    def test_both_steps_as_processes(self, bench: Bench, repository: Repository) -> None:
        """From the queue to the manifest; what they log holds no link."""
        commit = repository.commit({"a": b"1"})
        message = bench.queue(bench.message(bench.spec(commit)))
        bench.scanner()
        logged = ""
        for step, variables in (("fetch", bench.fetch_variables()), ("scan", bench.scan_variables())):
            argv = [sys.executable, "-m", "scan_core.worker", step]
            done = subprocess.run(argv, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            logged += done.stderr
        assert bench.manifest(message).error is None
        assert "claimed attempt 1" in logged
        assert "sig=" not in logged

    def test_sigterm_ends_a_scan_with_a_manifest(self, bench: Bench, tmp_path: Path) -> None:
        """What is told to end says so before it does."""
        message = bench.ready(bench.message(bench.spec("a" * 40)))
        bench.scanner(f"touch {tmp_path / 'mark'}; sleep 600\n")
        argv = [sys.executable, "-m", "scan_core.worker", "scan"]
        with subprocess.Popen(argv, cwd=ROOT, env=bench.scan_variables(), stderr=subprocess.DEVNULL) as process:
            until((tmp_path / "mark").exists)
            process.terminate()
            assert process.wait() == 0
        error = bench.manifest(message).error
        assert error is not None
        assert error.kind is AttemptErrorKind.LOST

    def test_a_scan_that_is_killed_leaves_nothing_running(self, bench: Bench, tmp_path: Path) -> None:
        """Signal 9 to the step takes the scanner with it, and what the scanner started."""
        bench.ready(bench.message(bench.spec("a" * 40)))
        pid = tmp_path / "pid"
        bench.scanner(f"setsid sleep 600 & echo $! > {pid}; wait\n")
        argv = [sys.executable, "-m", "scan_core.worker", "scan"]
        with subprocess.Popen(argv, cwd=ROOT, env=bench.scan_variables(), stderr=subprocess.DEVNULL) as process:
            until(lambda: pid.exists() and pid.read_text())
            process.kill()
        until(lambda: gone(int(pid.read_text())))

    @pytest.mark.parametrize("step", ["fetch", "scan"])
    def test_within_this_process(self, bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        """Each door leads to its step, with an end that SIGTERM asks for."""
        variables = bench.fetch_variables() if step == "fetch" else bench.scan_variables()
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        handler, mask = signal.getsignal(signal.SIGTERM), os.umask(0o022)
        try:
            if step == "scan":
                bench.fetch()
            assert door.main([step]) == 0
        finally:
            signal.signal(signal.SIGTERM, handler)
            os.umask(mask)
