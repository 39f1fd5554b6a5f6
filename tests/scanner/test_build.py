"""tools/image.sh names what is missing, in one line each, before it builds anything; and how it calls the engine."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scanner.dockerfile import ROOT

DIGEST = "python:3.13-slim-bookworm@sha256:" + "ab" * 32
COMPLETE = {
    "BASE_IMAGE": DIGEST,
    "QSCANNER_VERSION": "4.6.0",
    "QSCANNER_URL": "https://files.example/qscanner",
    "QSCANNER_SHA256": "cd" * 32,
}


class Machine:
    """A search path with the engines that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.calls = folder / "calls"
        for tool in ("bash", "dirname", "env", "git", "sed"):
            found = shutil.which(tool)
            assert found
            (self.bin / tool).symlink_to(found)

    def engine(self, name: str, refuses: str = "none") -> None:
        """Put an engine on the path; `refuses` is a first argument that it fails at."""
        program = self.bin / name
        program.write_text(f'#!/bin/sh\n[ "$1" = {refuses} ] && exit 1\nprintf "%s\\n" {name} "$@" >> {self.calls}\n')
        program.chmod(0o755)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(
            [ROOT / "tools" / "image.sh", *arguments],
            env={"PATH": str(self.bin), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def complaints(self, *arguments: str, **variables: str) -> list[str]:
        """The lines of a refusal."""
        done = self.run(*arguments, **variables)
        assert done.returncode == 1
        assert done.stdout == ""
        return done.stderr.splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without an engine."""
    return Machine(tmp_path)


def test_everything_that_is_missing_is_named_at_once(machine: Machine) -> None:
    """Nobody has to run it five times to learn five things."""
    lines = machine.complaints()
    starts = ["No container engine answers", "BASE_IMAGE is", "QSCANNER_VERSION is", "QSCANNER_URL", "QSCANNER_SHA256"]
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 5


def test_an_engine_that_does_not_answer_is_no_engine(machine: Machine) -> None:
    """A command without a daemon behind it, say."""
    machine.engine("docker", refuses="info")
    (line,) = machine.complaints(**COMPLETE)
    assert line.startswith("No container engine answers: install and start docker or podman")


def test_docker_needs_buildx(machine: Machine) -> None:
    """The old builder knows no mounts."""
    machine.engine("docker", refuses="buildx")
    (line,) = machine.complaints(**COMPLETE)
    assert line.startswith("docker has no buildx")


def test_a_base_without_a_digest_is_for_trials_only(machine: Machine) -> None:
    """A tag means something else tomorrow."""
    machine.engine("podman")
    base = {**COMPLETE, "BASE_IMAGE": "python:3.13-slim-bookworm"}
    (line,) = machine.complaints(**base)
    assert line.startswith("BASE_IMAGE has no digest")
    assert machine.run("--trial", **base).returncode == 0


def test_a_check_looks_at_engine_and_base_alone(machine: Machine) -> None:
    """What `make test-image` asks before it begins."""
    (line,) = machine.complaints("--check")
    assert line.startswith("No container engine answers")
    machine.engine("podman")
    (line,) = machine.complaints("--check")
    assert line.startswith("BASE_IMAGE is not set")
    assert machine.run("--check", BASE_IMAGE="base:local").returncode == 0
    assert "build" not in machine.calls.read_text().split()


def test_a_misspelt_option_is_refused(machine: Machine) -> None:
    """With how it is called."""
    done = machine.run("--chekc")
    assert (done.returncode, done.stderr) == (2, "usage: tools/image.sh [--check|--trial]\n")


@pytest.mark.parametrize(("name", "command"), [("docker", "buildx build"), ("podman", "build")])
def test_the_build_gets_its_arguments(machine: Machine, name: str, command: str, tmp_path: Path) -> None:
    """Configuration that may hold credentials is mounted for one step, and is no argument of the build."""
    machine.engine(name)
    more = {"IMAGE": "own.example/scanner:1", "PIP_CONF": f"{tmp_path}/pip.conf", "BUILD_NETWORK": "host"}
    assert machine.run(**COMPLETE, **more).returncode == 0
    called = machine.calls.read_text().rpartition(f"{name}\n")[2].splitlines()
    assert " ".join(called).startswith(command)
    assert called[-1] == "."
    assert {"own.example/scanner:1", f"id=pip.conf,src={tmp_path}/pip.conf", "host"} <= set(called)
    assert {f"{key}={value}" for key, value in COMPLETE.items()} <= set(called)
    assert ("--load" in called) == (name == "docker")


def test_make_shows_both_targets() -> None:
    """They are found where people look."""
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "make image " in done.stdout
    assert "make test-image " in done.stdout
