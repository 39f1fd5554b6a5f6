"""What the launcher of a worker does between two steps, and after the last; the rest is seen from its runners."""

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from scan_core.worker import keeper, launcher


class Exited(Exception):
    """The process would have ended here."""


def test_a_step_is_told_to_end_with_its_launcher_and_has_signals_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a child does before it becomes the step, where coverage can see it; one that cannot be started says 127."""
    done: list[object] = []

    def refuse(*given: object) -> NoReturn:
        done.append(given[1:])
        raise FileNotFoundError

    def leave(code: int) -> NoReturn:
        raise Exited(code)

    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "dup2", lambda source, target: done.append(target))
    monkeypatch.setattr(os, "set_inheritable", lambda descriptor, _: done.append(f"kept {descriptor}"))
    monkeypatch.setattr(os, "execve", refuse)
    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(signal, "signal", lambda number, how: done.append((number, how)))
    monkeypatch.setattr(keeper, "end_with_parent", lambda parent, how: done.append((parent, how)))
    with pytest.raises(Exited, match="127"):
        launcher._started(["/nowhere"], {"A": "1"}, output=7, alive=9)
    assert {0, 1, 2, "kept 9", (os.getpid(), signal.SIGTERM), (signal.SIGTERM, signal.SIG_DFL)} <= set(done[:-1])
    assert done[-1] == (["/nowhere"], {"A": "1"})
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


class TestRemoval:
    def test_nothing_to_remove_is_gone(self) -> None:
        """A worker of plain processes leaves only its folder."""
        assert launcher.all_gone([])

    def test_only_the_last_command_counts(self) -> None:
        """There may have been nothing to remove before."""
        assert launcher.all_gone([["/bin/false"], ["/bin/true"]])
        assert not launcher.all_gone([["/bin/true"], ["/bin/false"]])

    def test_a_command_that_is_missing_or_hangs_has_removed_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Then the next start tries again."""
        monkeypatch.setattr(launcher, "_REMOVAL_SECONDS", 0.1)
        hanging = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
        for last in (["/nowhere"], hanging):
            assert not launcher.all_gone([["/bin/true"], last])
