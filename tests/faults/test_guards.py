"""Each guard is taken out of the code that runs, and the test that is named with it has to fail; with it, it passes.

So nobody deletes one unnoticed, and no test that should miss one has come to pass whatever happens.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.guard import ROOT, Guard, removed
from tests.faults.guards import GUARDS
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.seeds import Choice
from tests.faults.unguarded import FAILED, PASSED

SHARDS = 2
_CONDITIONS = {"match_condition", "overwrite", "If-None-Match", "If-Match", "create_entity"}
"""What makes a write conditional: arguments of the SDKs, headers of the REST interface, and creating."""


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.slug)
def test_every_guard_stands_where_it_is_said_to(guard: Guard) -> None:
    """It is there once, and the code without it is code: whoever moves a guard says how it looks now."""
    with removed(guard):
        pass


def test_every_conditional_write_is_a_guard() -> None:
    """A new one comes with the test that misses it."""
    guarded = {file: list(_guarded_lines(file)) for file in (ROOT / "scan_core" / "store").glob("*.py")}
    unnamed = [
        f"{file.name}:{line}"
        for file, ranges in guarded.items()
        for line in _conditions_in(file)
        if not any(line in each for each in ranges)
    ]
    assert not unnamed, f"conditions of writes that no guard in guards_of_store.py names: {unnamed}"


def test_no_two_guards_share_a_name() -> None:
    """Each can be asked for alone."""
    assert len({guard.slug for guard in GUARDS}) == len(GUARDS)


@pytest.mark.faults
@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_guard_can_be_deleted(shard: int, tmp_path: Path, choice: Choice, record_property: Record) -> None:
    """All of them, every time."""
    family = "guard"
    name = wanted(choice, family, first=shard == 0)
    # Tests of one file share what they start, so they stay together.
    in_order = sorted(GUARDS, key=lambda guard: guard.missed_by)
    half = -(-len(in_order) // SHARDS)
    ours = in_order[shard * half :][:half]
    chosen = ours if name is None else [guard for guard in GUARDS if guard.slug == name]
    assert chosen, f"there is no guard {name}"
    became = _tried(chosen, tmp_path / "became.json")
    schedules = [Schedule(guard.slug, lambda guard=guard: _is_missed(guard, became)) for guard in chosen]  # type: ignore[misc]  # a default binds the loop's value
    run_all(choice, family, schedules, record_property, figure="schedules")


def _is_missed(guard: Guard, became: dict[str, dict[str, str]]) -> None:
    found = became[guard.slug]
    assert found["with"] == PASSED, f"{guard.missed_by} is {found['with']} where nothing was deleted"
    assert found["without"] == FAILED, f"{guard.missed_by} is {found['without']} although '{guard.name}' is gone"


def _tried(guards: list[Guard], became: Path) -> dict[str, dict[str, str]]:
    """Run the tests of guards, with and without them, in one process of their own."""
    files = sorted({guard.missed_by.partition("::")[0] for guard in guards})
    # What a failed test left open is told later, and must not be laid at the door of another.
    plugins = ["no:cacheprovider", "no:unraisableexception", "no:threadexception", "tests.faults.unguarded"]
    options = ["-q", "--timeout=60", *(option for plugin in plugins for option in ("-p", plugin))]
    slugs = ",".join(guard.slug for guard in guards)
    command = [sys.executable, "-m", "pytest", *options, f"--guards={slugs}", f"--became={became}", *files]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1200)
    assert became.exists(), done.stdout[-3000:] + done.stderr[-2000:]
    found: dict[str, dict[str, str]] = json.loads(became.read_text())
    return found


def _guarded_lines(file: Path) -> Iterator[range]:
    source = file.read_text()
    for guard in GUARDS:
        if guard.room == file.parent.name and guard.text in source:
            first = source[: source.index(guard.text)].count("\n") + 1
            yield range(first, first + guard.text.count("\n") + 1)


def _conditions_in(file: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.keyword(arg=name) if name in _CONDITIONS:
                yield node.value.lineno
            case ast.Attribute(attr=name) | ast.Constant(value=str(name)) if name in _CONDITIONS:
                yield node.lineno
