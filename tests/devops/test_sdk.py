"""The SDK as it is imported and built."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scan_core.devops.locations import LOCATIONS

ROOT = Path(__file__).parents[2]


def run(code: str, home: Path, **environment: str) -> str:
    """Run Python code in a process of its own with this HOME."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_needs_no_home_and_leaves_no_file(tmp_path: Path) -> None:
    """The SDK would make a folder under HOME, and trust what it finds there."""
    home = tmp_path / "absent"
    code = "import os, scan_core.devops.client; print(os.environ.get('AZURE_DEVOPS_CACHE_DIR'))"
    assert run(code, home) == "None"
    assert not home.exists()


def test_importing_leaves_the_environment_as_it_was(tmp_path: Path) -> None:
    """Child processes inherit it."""
    code = "import os, scan_core.devops.client; print(os.environ['AZURE_DEVOPS_CACHE_DIR'])"
    assert run(code, tmp_path, AZURE_DEVOPS_CACHE_DIR=str(tmp_path / "own")) == str(tmp_path / "own")
    assert list(tmp_path.iterdir()) == []


def test_errors_and_values_do_not_bring_the_sdk_with_them(tmp_path: Path) -> None:
    """What the webhook path may touch stays light."""
    code = (
        "import sys, scan_core.devops.api, scan_core.devops.errors, scan_core.devops.identity;"
        "print([name for name in ('azure.devops', 'azure.identity', 'msrest', 'requests') if name in sys.modules])"
    )
    assert run(code, tmp_path) == "[]"


def test_every_operation_has_one_place() -> None:
    """Otherwise the SDK would ask the server, and another host after that."""
    assert len({location.location_id for location in LOCATIONS}) == len(LOCATIONS)
    assert all("{organization}" not in location.route for location in LOCATIONS)


@pytest.mark.parametrize("name", ["azure.devops.client", "msrest.serialization"])
def test_the_sdks_loggers_stay_silent_below_warning(name: str) -> None:
    """They would write bodies."""
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
