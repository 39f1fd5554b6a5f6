"""A stand-in for each test, on an ephemeral port, with a job whose steps are lines of a shell script."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.arm import executions
from local.arm.server import Config, serve
from tests.local.arm.driver import HEADER, Arm


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[Arm]:
    """A stand-in without a job; whatever it started has ended afterwards."""
    with serve(Config(tmp_path / "arm", tmp_path / "executions", HEADER)) as config:
        driver = Arm(config)
        try:
            yield driver
        finally:
            driver.end_all()
            driver.close()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what the steps do in place of the worker's own; both end well at once by default."""

    def say(fetch: str = ":", scan: str = ":") -> None:
        script = f'case "$1" in fetch) {fetch} ;; scan) {scan} ;; esac'
        monkeypatch.setattr(executions, "_ENTRY_POINT", ("/bin/sh", "-c", script, "worker"))

    say()
    return say
