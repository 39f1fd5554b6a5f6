"""Each guard is taken out of a copy of the code, and some test has to miss it."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.guards import GUARDS, Guard
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.seeds import Choice

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
SAMPLE = 4
SHARDS = 2
_COPIED = ("scan_core", "local", "tests", "pyproject.toml", "function_app.py", "host.json")
_TESTS_FAILED = 1
"""Pytest's exit code for that; others mean that nothing was run."""


def test_every_guard_stands_where_it_is_said_to() -> None:
    """Whoever moves one says where it is now."""
    for guard in GUARDS:
        assert (ROOT / guard.file).read_text().count(guard.text) == 1, f"{guard.name} is not in {guard.file}"


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_guard_can_be_deleted(shard: int, tmp_path: Path, choice: Choice, record_property: Record) -> None:
    """The test that is named with it fails."""
    family = "guard"
    name = wanted(choice, family, first=shard == 0)
    chosen = choice.sample(f"{family} {shard}", GUARDS[shard::SHARDS], SAMPLE)
    if name is not None:
        chosen = [guard for guard in GUARDS if _slug(guard) == name]
    copy = _copied(tmp_path / "copy")
    schedules = [Schedule(_slug(guard), lambda guard=guard: _is_missed(copy, guard)) for guard in chosen]  # type: ignore[misc]  # a default binds the loop's value
    run_all(choice, family, schedules, record_property, figure="schedules")


def _slug(guard: Guard) -> str:
    return guard.name.replace(" ", "-").replace("'", "")


def _copied(folder: Path) -> Path:
    folder.mkdir()
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


def _is_missed(copy: Path, guard: Guard) -> None:
    place = copy / guard.file
    whole = place.read_text()
    assert whole.count(guard.text) == 1, f"{guard.name} is not in {guard.file}"
    place.write_text(whole.replace(guard.text, guard.without))
    try:
        done = _tested(copy, guard.missed_by)
    finally:
        place.write_text(whole)
    said = done.stdout[-2000:] + done.stderr[-1000:]
    assert done.returncode == _TESTS_FAILED, f"{guard.missed_by} ended with {done.returncode} without it: {said}"


def _tested(copy: Path, selection: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *shlex.split(selection)]
    installed = ROOT / ".local" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}
    environment = {"SCANGATE_AZURITE": str(installed), **kept}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=600)
