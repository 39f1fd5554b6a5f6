"""An environment without any setting of this machine."""

import os

import pytest


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every setting of this machine away."""
    for name in [name for name in os.environ if name.startswith("SCANGATE_")]:
        monkeypatch.delenv(name)
