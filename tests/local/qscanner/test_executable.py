"""The stand-in as a program that anything can start by its path."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.qscanner.launcher import write_launcher

PACKAGE = Path(__file__).parents[3] / "local" / "qscanner"
EXECUTABLE = PACKAGE / "qscanner"


def run(executable: Path, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing in its environment but what is given."""
    return subprocess.run(
        [str(executable), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_starts_from_any_folder_with_an_empty_environment(checkout: Path, tmp_path: Path) -> None:
    """It finds itself, and files in the folder it is started from are not run."""
    (checkout / "json.py").write_text("raise SystemExit('code under scan was run')\n", encoding="utf-8")
    arguments = ("--pod", "US1", "--output-dir", str(tmp_path / "out"), "repo", ".")
    done = run(EXECUTABLE, *arguments, cwd=checkout, QUALYS_ACCESS_TOKEN="t", SCANGATE_PYTHON=sys.executable)
    assert (done.returncode, done.stdout.splitlines()[0].split()[0]) == (0, "SEVERITY")
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("form", ["absolute", "relative", "by search path"])
def test_can_be_named_in_every_way(tmp_path: Path, form: str) -> None:
    """By its path, by a relative one, and by a search path."""
    named = {
        "absolute": str(EXECUTABLE),
        "relative": os.path.relpath(EXECUTABLE, tmp_path),
        "by search path": "qscanner",
    }[form]
    path = f"{PACKAGE}:/usr/bin:/bin"
    done = run(Path("/bin/sh"), "-c", f"{named} version", cwd=tmp_path, PATH=path, SCANGATE_PYTHON=sys.executable)
    assert (done.returncode, done.stdout) == (0, "qscanner stand-in 4.0.0\n")


def test_exit_codes_reach_the_caller(tmp_path: Path) -> None:
    """The shell in between changes nothing."""
    assert run(EXECUTABLE, "--nonsense", cwd=tmp_path, SCANGATE_PYTHON=sys.executable).returncode == 2


def test_a_launcher_carries_settings(checkout: Path, tmp_path: Path) -> None:
    """Which whoever runs a scanner would not pass on; quotes and white space survive."""
    settings = {"QSCANNER_STANDIN_FAULT": "exit:99", "QSCANNER_STANDIN_RUNLOG": str(tmp_path / "it's a log")}
    launcher = write_launcher(tmp_path / "scanner", settings)
    arguments = ("--pod", "US1", "--output-dir", str(tmp_path / "out"), "repo", str(checkout))
    assert run(launcher, *arguments, cwd=tmp_path, QUALYS_ACCESS_TOKEN="t").returncode == 99
    assert len((tmp_path / "it's a log").read_text(encoding="utf-8").splitlines()) == 1


def test_a_launcher_without_settings_is_the_plain_stand_in(tmp_path: Path) -> None:
    """It may replace an older one."""
    launcher = write_launcher(write_launcher(tmp_path / "scanner", {"QSCANNER_STANDIN_VERSION": "1"}))
    assert run(launcher, "version", cwd=tmp_path).stdout == "qscanner stand-in 4.0.0\n"


def test_needs_the_standard_library_only() -> None:
    """It starts without site-packages, and shares no code with what reads its files."""
    allowed = sys.stdlib_module_names | {"local"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert all(name.split(".")[0] in allowed for name in names), path
            assert all(name.startswith("local.qscanner") for name in names if name.startswith("local")), path


def test_an_ordinary_start_loads_nothing_heavy(checkout: Path, tmp_path: Path) -> None:
    """One process a scan: modules that cost much are loaded only where they are needed."""
    arguments = ["--pod", "US1", "--output-dir", str(tmp_path / "out"), "repo", str(checkout)]
    code = (
        "import sys; from local.qscanner.__main__ import main; main(sys.argv[1:]);"
        " print(*sorted(sys.modules), file=sys.stderr)"
    )
    environment = {"QUALYS_ACCESS_TOKEN": "t", "PYTHONPATH": str(PACKAGE.parents[1]), "HOME": str(tmp_path)}
    command = [sys.executable, "-P", "-S", "-s", "-c", code, *arguments]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "local.qscanner.scan" in loaded
    heavy = {"argparse", "asyncio", "dataclasses", "inspect", "lzma", "socket", "subprocess", "xml.parsers.expat"}
    assert not loaded & heavy
