"""tools/setup.sh names what is missing, in one line each, before it changes anything."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What the script itself uses of a POSIX system.
SYSTEM_TOOLS = ["bash", "cat", "chmod", "cmp", "cp", "cut", "dirname", "env", "grep", "head", "mkdir", "rm", "sort"]


@dataclass(frozen=True)
class Machine:
    """A copy of the script in an empty repository, with a PATH that holds only what a test puts there."""

    repository: Path
    bin: Path

    def put(self, name: str, script: str) -> None:
        """Put a command on the PATH."""
        command = self.bin / name
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    def set_up(self, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the script with nothing but this PATH and a home of its own."""
        return subprocess.run(
            [self.repository / "tools" / "setup.sh"],
            env={"PATH": str(self.bin), "HOME": str(self.repository), **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine on which every prerequisite but Python answers as it should."""
    repository, commands = tmp_path / "repository", tmp_path / "bin"
    (repository / "tools").mkdir(parents=True)
    commands.mkdir()
    shutil.copy(ROOT / "tools" / "setup.sh", repository / "tools")
    for name in SYSTEM_TOOLS:
        found = shutil.which(name)
        assert found
        (commands / name).symlink_to(found)
    machine = Machine(repository, commands)
    machine.put("node", "echo v20.20.2")
    machine.put("npm", "echo 11.0.0")
    machine.put("git", "echo 'git version 2.39.5 (Apple Git-154)'")
    return machine


def complaints(answer: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of a refusal, after checking that it is one and that nothing was begun."""
    assert answer.returncode == 1
    assert answer.stdout == ""
    return answer.stderr.splitlines()


def test_everything_missing_is_named_at_once_in_one_line_each(machine: Machine) -> None:
    """Nobody has to run it four times to learn four things."""
    for name in ("node", "npm", "git"):
        (machine.bin / name).unlink()
    lines = complaints(machine.set_up())
    assert [line.split(" is missing: install")[0] for line in lines] == ["Python 3.13", "Node", "npm", "git"]
    assert not (machine.repository / ".venv").exists()


@pytest.mark.parametrize(
    ("command", "answer", "words"),
    [
        ("node", "v18.19.0", "Node 20 or newer is needed, and node is 18.19.0"),
        ("git", "git version 2.25.1", "git 2.30 or newer is needed, and git is 2.25.1"),
    ],
)
def test_a_version_that_is_too_old_is_named_with_the_one_needed(
    machine: Machine, command: str, answer: str, words: str
) -> None:
    """Wanted, found, and what to do."""
    machine.put(command, f"echo '{answer}'")
    machine.put("python3.13", f"echo {machine.bin / 'python3.13'}")
    assert [line.split(":")[0] for line in complaints(machine.set_up())] == [words]


def test_a_pyenv_shim_that_does_not_run_is_not_taken_for_python(machine: Machine) -> None:
    """A shim is on the PATH for every version anybody installed, and fails unless its version is chosen."""
    machine.put("python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    (line,) = complaints(machine.set_up())
    assert line.startswith("Python 3.13 is missing:")


@pytest.mark.parametrize("finder", ["python3.13", "pyenv", "uv"])
def test_python_is_found_wherever_it_is(machine: Machine, finder: str) -> None:
    """A Python that runs is found by name, among pyenv's versions or through uv."""
    python = machine.repository / "versions" / "3.13.9" / "bin" / "python"
    python.parent.mkdir(parents=True)
    # Knows its own path, and has no venv module: so the complaint shows that it was found and asked.
    python.write_text(f'#!/bin/sh\ncase "$2" in *venv*) exit 1;; esac\necho "{python}"\n')
    python.chmod(0o755)
    variables = {}
    if finder == "python3.13":
        (machine.bin / "python3.13").symlink_to(python)
    elif finder == "pyenv":
        variables["PYENV_ROOT"] = str(machine.repository)
    else:
        machine.put("uv", f"echo {python}")
    (line,) = complaints(machine.set_up(variables))
    assert line.startswith("Python 3.13 cannot make virtual environments: install its venv module")


def test_make_finds_nothing_to_do_once_it_is_ready() -> None:
    """The second run of any target goes straight to its work."""
    if not os.access(ROOT / ".venv" / "ready", os.F_OK):
        pytest.skip("this environment was not made by tools/setup.sh")
    answer = subprocess.run(["make", "--question", "setup"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
