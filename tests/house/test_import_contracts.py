"""Which room may build on which, beyond what import-linter's contracts in pyproject.toml say."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def modules_imported_by(file: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_importing(package: str, below: str = "scan_core") -> set[str]:
    """Return the files below a folder that import a package or a part of it, relative to the repository."""
    return {
        str(file.relative_to(ROOT))
        for file in (ROOT / below).rglob("*.py")
        if any(name == package or name.startswith(f"{package}.") for name in modules_imported_by(file))
    }


def test_the_contracts_hold() -> None:
    """import-linter finds no arrow back up, and no room without a place."""
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_function_app_knows_neither_the_local_stack_nor_the_command_line_nor_the_worker() -> None:
    """Those three are not there once it is deployed, or have no business there."""
    strangers = ("local", "scan_core.cli", "scan_core.worker")
    imported = set(modules_imported_by(ROOT / "function_app.py"))
    assert not {name for name in imported if name.startswith(strangers)}


@pytest.mark.parametrize(
    ("package", "room"),
    [
        ("azure.devops", "scan_core/devops/"),
        ("msrest", "scan_core/devops/"),
        ("azure.data", "scan_core/store/"),
        ("azure.storage", "scan_core/store/"),
        ("jinja2", "scan_core/report/"),
        ("yaml", "scan_core/rules/"),
        ("ijson", "scan_core/qscanner/"),
    ],
)
def test_a_service_is_spoken_to_from_one_room(package: str, room: str) -> None:
    """What hardens a package stands in one place, so nobody goes around it."""
    assert {file for file in files_importing(package) if not file.startswith(room)} == set()
