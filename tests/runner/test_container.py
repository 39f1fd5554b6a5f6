"""Workers as containers: how each is fenced in, what each step is told, how they end, and what is left of them."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from scan_core.model.attempt import AttemptErrorKind
from scan_core.runner import container, executions
from scan_core.runner.api import Runner, RunnerError
from scan_core.runner.container import Allowance, ContainerRunner
from tests.runner.engines import IMAGE, IMAGE_ID, Engine, installed
from tests.waiting import until
from tests.worker.conftest import QUALYS_TOKEN, Bench, bench, repositories, repository, server
from tests.worker.git_server import PAT
from tests.worker.repositories import Repository

__all__ = ["bench", "repositories", "repository", "server"]  # fixtures

FETCH = {"SCANGATE_ATTEMPTS_QUEUE": "https://queue?sig=fetch-secret", "SCANGATE_DEVOPS_PAT": "pat-secret"}
SCAN = {"QUALYS_ACCESS_TOKEN": "token-secret"}
ALLOWANCE = Allowance(network="scan-only", cpus=1.5, memory_bytes=1 << 30, seconds=600)
SCANNING = ("sh", "-c", 'if [ "$0" = scan ]; then exec sleep 600; fi')
"""The command of an image whose scan goes on for long."""


@pytest.fixture(params=["docker"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine, the first on the search path."""
    engine = installed(tmp_path / "engine", request.param)
    monkeypatch.setenv("PATH", f"{engine.folder}:{os.environ['PATH']}")
    return engine


def runner_of(
    engine: Engine, fetch: Mapping[str, str] = FETCH, scan: Mapping[str, str] = SCAN, most: int = 2
) -> ContainerRunner:
    """A runner on an engine."""
    folder = engine.folder / "workers"
    return ContainerRunner(folder, most, engine.name, IMAGE, ALLOWANCE, lambda: fetch, lambda: scan)


@pytest.fixture
def runner(engine: Engine) -> Iterator[ContainerRunner]:
    """A runner for two workers; whatever it started has ended afterwards."""
    made = runner_of(engine)
    yield made
    engine.fails()
    made.stop_all()


def started(runner: Runner) -> str:
    """Start a worker."""
    execution = runner.start()
    assert execution is not None
    return execution


def scanning(engine: Engine, runner: Runner) -> str:
    """Start a worker and wait until it scans."""
    engine.with_image(*SCANNING)
    execution = started(runner)
    until(lambda: engine.containers() == [f"{execution}-scan"])
    return execution


def ended(runner: ContainerRunner, execution: str) -> Path:
    """Wait until a worker has ended and was put away; give what is remembered of it."""
    folder = runner.folder / "ended" / execution
    until((folder / "end.json").is_file)
    assert runner.is_alive(execution) is False
    return folder


def launcher(runner: ContainerRunner, execution: str) -> int:
    """The process id of a worker's launcher."""
    return int((runner.folder / "running" / execution / "pid").read_text())


def test_a_worker_claims_fetches_scans_and_reports(bench: Bench, repository: Repository, engine: Engine) -> None:
    """The real worker, from the queue to the manifest, with nothing but what each container is given."""
    own = {"SCANGATE_WORKER_DIR", "SCANGATE_EXECUTION", "PATH", "SCANGATE_QSCANNER"}
    fetch = {name: value for name, value in bench.fetch_variables().items() if name not in own}
    scan = {name: value for name, value in bench.scan_variables().items() if name not in own}
    scanner = bench.scanner()
    path = "/usr/local/bin:/usr/bin:/bin"
    engine.with_image(sys.executable, "-m", "scan_core.worker", PATH=path, SCANGATE_QSCANNER=str(scanner))
    message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
    runner = runner_of(engine, fetch, scan)
    execution = started(runner)
    folder = ended(runner, execution)
    manifest = bench.manifest(message)
    assert (manifest.error, manifest.execution) == (None, execution)
    assert json.loads((folder / "end.json").read_text())["exit_codes"] == {"fetch": 0, "scan": 0}
    assert "claimed attempt 1" in (folder / "worker.log").read_text()
    assert (engine.containers(), engine.volumes()) == ([], [])
    arguments = json.dumps([line["argv"] for line in engine.journal("run")])
    assert not [secret for secret in (QUALYS_TOKEN, PAT, "sig=") if secret in arguments]


class TestFence:
    @pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)
    def test_each_container_is_fenced_in(self, engine: Engine, runner: ContainerRunner) -> None:
        """The engine of these tests refuses a container without its hardening; here are the figures."""
        execution = started(runner)
        ended(runner, execution)
        fetch, scan = (line["argv"] for line in engine.journal("run"))
        for argv, step in ((fetch, "fetch"), (scan, "scan")):
            given = dict(itertools.pairwise(argv))
            assert argv[-2:] == [IMAGE_ID, step]
            assert (given["--name"], given["--network"]) == (f"{execution}-{step}", "scan-only")
            assert (given["--cpus"], given["--memory"], given["--pids-limit"]) == ("1.5", str(1 << 30), "512")
            assert f"type=volume,source={execution},target=/work" in argv
            assert {f"{container.LABEL}={execution}", f"scangate.step={step}"} <= set(argv)
        assert (engine.containers(), engine.volumes()) == ([], [])

    def test_each_step_is_told_only_what_is_its_own(
        self, engine: Engine, runner: ContainerRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By name in the arguments, by value in the environment of the engine's command, and nowhere else."""
        monkeypatch.setenv("SCANGATE_SIGNING_KEYS", "app-secret")
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        ended(runner, started(runner))
        fetch, scan = engine.journal("run")
        own = {"SCANGATE_WORKER_DIR", "SCANGATE_EXECUTION", "HTTPS_PROXY"}
        for line, expected in ((fetch, FETCH), (scan, SCAN)):
            argv = line["argv"]
            names = {name for option, name in itertools.pairwise(argv) if option == "--env"}
            assert names == expected.keys() | own
            assert {name: line["environment"][name] for name in expected} == expected
        everything = json.dumps([fetch, scan, engine.journal("rm"), engine.journal("image inspect")])
        assert "app-secret" not in everything
        assert "-secret" not in json.dumps([fetch["argv"], scan["argv"]])
        assert "fetch-secret" not in json.dumps(scan)
        assert "token-secret" not in json.dumps(fetch)
        files = [path for path in runner.folder.rglob("*") if path.is_file()]
        assert not [path for path in files if b"-secret" in path.read_bytes()]

    def test_a_variable_that_would_steer_the_engine_is_refused(self, engine: Engine) -> None:
        """It would reach the engine's command before it reaches the container."""
        with pytest.raises(RunnerError, match="DOCKER_HOST belongs to docker") as caught:
            runner_of(engine, scan={"DOCKER_HOST": "tcp://elsewhere"}).start()
        assert not caught.value.transient
        assert engine.volumes() == []

    def test_a_fetch_that_ends_badly_is_the_last_step(self, engine: Engine, runner: ContainerRunner) -> None:
        """As in a container job, whose init container failed."""
        engine.with_image("false")
        folder = ended(runner, started(runner))
        assert json.loads((folder / "end.json").read_text())["exit_codes"] == {"fetch": 1}
        assert len(engine.journal("run")) == 1

    def test_the_options_are_those_of_the_docker_command(self, engine: Engine, runner: ContainerRunner) -> None:
        """The real command reads its options before it looks for an engine."""
        found = [path for path in os.environ["PATH"].split(":")[1:] if (Path(path) / "docker").exists()]
        if not found:
            pytest.skip("there is no docker command on this machine")
        ended(runner, started(runner))
        nowhere = {"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{engine.folder}/none.sock"}
        for command in ("image inspect", "volume create", "run", "rm", "volume rm"):
            argv = [f"{found[0]}/docker", *engine.journal(command)[-1]["argv"]]
            done = subprocess.run(argv, env=nowhere, capture_output=True, text=True, check=False)
            assert done.returncode != 0
            assert "daemon" in done.stderr
            assert "flag" not in done.stderr


class TestCap:
    def test_no_more_than_may_run(self, engine: Engine, runner: ContainerRunner) -> None:
        """Whoever comes third is told to come again, and can once a worker has ended."""
        first = scanning(engine, runner)
        second = started(runner)
        assert runner.start() is None
        runner.stop(first)
        third = started(runner)
        assert {second, third} == set(runner._executions.names())

    def test_a_worker_whose_remains_cannot_be_removed_counts(self, engine: Engine) -> None:
        """Its container may still run."""
        runner = runner_of(engine, most=1)
        execution = scanning(engine, runner)
        os.killpg(launcher(runner, execution), signal.SIGKILL)
        until(lambda: runner._executions.is_held(execution) is False)
        engine.fails(ps="not now")
        assert runner.is_alive(execution) is None
        assert runner.start() is None
        engine.fails()
        runner.stop_all()


class TestEnd:
    def test_stop_ends_a_worker_and_removes_it(self, bench: Bench, engine: Engine, runner: ContainerRunner) -> None:
        """The real scan step is told to end, and says so in the manifest; stopping twice is harmless."""
        message = bench.ready(bench.message(bench.spec("a" * 40)))
        mark = engine.folder / "scanning"
        scanner = bench.scanner(f"touch {mark}; sleep 600\n")
        fetched = f'cp -r {bench.folder}/. "$SCANGATE_WORKER_DIR"'
        body = f'if [ "$1" = fetch ]; then {fetched}; else exec {sys.executable} -m scan_core.worker "$1"; fi'
        engine.with_image("sh", "-c", body, "sh", PATH=os.environ["PATH"], SCANGATE_QSCANNER=str(scanner))
        execution = started(runner)
        until(mark.exists)
        assert runner.is_alive(execution)
        runner.stop(execution)
        assert runner.is_alive(execution) is False
        assert (engine.containers(), engine.volumes()) == ([], [])
        error = bench.manifest(message).error
        assert error is not None
        assert error.kind is AttemptErrorKind.LOST
        runner.stop(execution)

    def test_stop_kills_what_does_not_end(
        self, engine: Engine, runner: ContainerRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A launcher that does not react is killed, and its container removed by force."""
        execution = scanning(engine, runner)
        os.killpg(launcher(runner, execution), signal.SIGSTOP)
        monkeypatch.setattr(executions, "_STOP_SECONDS", 0.1)
        runner.stop(execution)
        assert (engine.containers(), engine.volumes()) == ([], [])
        assert runner.is_alive(execution) is False

    def test_a_killed_launcher_tells_its_container_to_end(self, engine: Engine, runner: ContainerRunner) -> None:
        """Linux tells the engine's command, and that the container; the next start removes the volume."""
        execution = scanning(engine, runner)
        os.kill(launcher(runner, execution), signal.SIGKILL)
        until(lambda: engine.containers() == [])
        until(lambda: runner.is_alive(execution) is False)
        assert engine.volumes() == [execution]
        another = started(runner)
        assert engine.volumes() == [another]
        assert (runner.folder / "ended" / execution).is_dir()

    def test_a_container_without_launcher_and_command_lives_until_it_is_removed(
        self, engine: Engine, runner: ContainerRunner
    ) -> None:
        """Both may be killed at once, for want of memory; the next start ends what they left."""
        execution = scanning(engine, runner)
        os.killpg(launcher(runner, execution), signal.SIGKILL)
        until(lambda: runner._executions.is_held(execution) is False)
        assert runner.is_alive(execution)
        engine.with_image("true")
        another = started(runner)
        assert f"{execution}-scan" not in engine.containers()
        ended(runner, another)
        assert engine.volumes() == []

    def test_workers_go_on_when_the_app_is_killed(self, engine: Engine, runner: ContainerRunner) -> None:
        """Signal 9 to the app takes no container with it."""
        engine.with_image(*SCANNING)
        code = (
            "import sys, time; from pathlib import Path; from scan_core.runner.container import *\n"
            "allowed = Allowance('scan-only', 1, 1 << 28, 600)\n"
            "runner = ContainerRunner(Path(sys.argv[1]), 2, 'docker', sys.argv[2], allowed, dict, dict)\n"
            "print(runner.start(), flush=True); time.sleep(600)"
        )
        argv = [sys.executable, "-c", code, str(runner.folder), IMAGE]
        with subprocess.Popen(argv, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as app:
            assert app.stdout is not None
            execution = app.stdout.readline().strip()
            app.kill()
        until(lambda: engine.containers() == [f"{execution}-scan"])
        assert runner.is_alive(execution)
        runner.stop(execution)
        assert engine.containers() == []

    def test_a_worker_that_never_ends_is_ended(self, engine: Engine, runner: ContainerRunner) -> None:
        """Code that took the scanner over could stop the worker's own clocks."""
        engine.with_image(*SCANNING)
        late = replace(runner, allowance=replace(ALLOWANCE, seconds=0.5))
        folder = ended(runner, started(late))
        # Told to end, its client either says so itself or dies of the signal.
        assert json.loads((folder / "end.json").read_text())["exit_codes"].get("scan", 143) in {143, -15}
        assert (engine.containers(), engine.volumes()) == ([], [])

    def test_a_volume_that_cannot_be_removed_is_removed_later(self, engine: Engine, runner: ContainerRunner) -> None:
        """The folder stays where it is found, and does not count for ever."""
        engine.fails(volume_rm="device is busy")
        execution = started(runner)
        until(lambda: runner._executions.is_held(execution) is False)
        assert runner._executions.names() == [execution]
        with pytest.raises(RunnerError, match=r"docker could not remove a volume: .*device is busy"):
            runner.stop(execution)
        engine.fails()
        ended(runner, started(runner))
        assert engine.volumes() == []

    def test_what_was_never_started(self, engine: Engine, runner: ContainerRunner) -> None:
        """Names come out of documents; whatever they are, the engine is not asked about them."""
        for name in ("", "..", "--all", "worker-1", "worker-1234567890123-0123abcd"):
            assert runner.is_alive(name) is False
            runner.stop(name)
        assert engine.journal("ps") == []


class TestRefusals:
    def test_no_engine(self, tmp_path: Path, runner: ContainerRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        """What to install or set is said, and that trying again is of no use."""
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(RunnerError, match="docker is not on the search path: install it, or set") as caught:
            runner.start()
        assert not caught.value.transient

    @pytest.mark.parametrize(
        ("command", "words"),
        [("image_inspect", "find the scanner image"), ("volume_create", "make a volume")],
    )
    def test_an_engine_that_refuses(self, engine: Engine, runner: ContainerRunner, command: str, words: str) -> None:
        """Its own words are kept, on one line; nothing is left of the try."""
        engine.fails(**{command: "Cannot connect\nto the daemon\x1b[0m " + "x" * 500})
        with pytest.raises(RunnerError, match=f"docker could not {words}: .*Cannot connect to the daemon") as caught:
            runner.start()
        assert caught.value.transient
        assert caught.value.sentence.isprintable()
        assert len(caught.value.sentence) < 300
        engine.fails()
        ended(runner, started(runner))

    def test_an_engine_that_hangs(
        self, engine: Engine, runner: ContainerRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever waits for a start does not wait for ever."""
        monkeypatch.setattr(container, "_ENGINE_SECONDS", 0.2)
        engine.fails(image_inspect="hang")
        with pytest.raises(RunnerError, match="docker did not find the scanner image within 0 seconds"):
            runner.start()

    def test_an_engine_that_cannot_be_run(self, engine: Engine, runner: ContainerRunner) -> None:
        """Such as one for another processor."""
        engine.program.write_text("\x7fELF")
        with pytest.raises(RunnerError, match="docker could not be run: Exec format error"):
            runner.start()

    def test_an_engine_that_says_nothing(self, engine: Engine, runner: ContainerRunner) -> None:
        """Then at least that."""
        engine.program.write_text("#!/bin/sh\nexit 1\n")
        with pytest.raises(RunnerError, match="docker could not find the scanner image: it did not say why"):
            runner.start()
