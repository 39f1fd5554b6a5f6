"""Checkouts and a scanner for the stand-in's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.qscanner.checkouts import VULNERABLE_LOCK, Scanner, write_checkout
from tests.local.qscanner.images import SmallRegistry, small_registry


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with two vulnerable packages."""
    return write_checkout(tmp_path / "checkout", {"package-lock.json": VULNERABLE_LOCK})


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scanner:
    """The stand-in, writing to a folder of its own."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return Scanner(tmp_path / "output", monkeypatch, capsys)


@pytest.fixture
def registry() -> Iterator[SmallRegistry]:
    """A registry without images."""
    with small_registry() as server:
        yield server
