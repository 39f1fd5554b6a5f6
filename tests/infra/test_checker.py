"""The Bicep against Azure's published resource types, where the checker and its types are at hand."""

import importlib.util
import subprocess
import sys

import pytest

from tests.infra.bicep_text import INFRA, bicep_files

CHECKER = INFRA.parents[1] / "shared" / "tools" / "bicep_check.py"


def test_the_checker_finds_nothing() -> None:
    """Syntax, names, modules and every property are right for the versions used."""
    if not CHECKER.is_file():
        pytest.skip("../shared/tools/bicep_check.py is not here: it stands outside of the repository")
    if importlib.util.find_spec("tree_sitter_bicep") is None:
        pytest.skip("tree-sitter-bicep is not installed")
    answer = subprocess.run([sys.executable, CHECKER, INFRA], capture_output=True, text=True, check=False)
    assert answer.stdout.splitlines() == [f"{len(bicep_files())} files: nothing found"], answer.stderr
    assert answer.returncode == 0
