"""Workers as plain processes of this machine, for trials only.

A worker runs as the same user as everything else here, so code under scan that took the scanner over could read what
this user can read. Use a container job wherever the code is not your own. Linux only.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import scan_core
from scan_core.runner.api import RunnerError

type Environment = Callable[[], Mapping[str, str]]
"""Gives the variables of one step, anew for each worker: links in them may expire."""

_LAUNCHER: Final = "scan_core.worker.launcher"
_EXECUTION: Final = re.compile(r"worker-[0-9]{13}-[0-9a-f]{8}")
_KEPT: Final = 200
"""How many workers that ended are remembered."""
_LAUNCH_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 25.0
"""How long a worker has to end before it is killed; longer than its own grace for a step."""
_LOOK_SECONDS: Final = 0.02
_PASSED_ON: Final = (
    *("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    # Set only while tests measure which lines ran, also in processes that a test does not start itself.
    "COVERAGE_PROCESS_CONFIG",
)
"""What workers get from the app's own environment. Everything else, secrets above all, is kept from them."""


@dataclass(frozen=True, slots=True)
class ProcessRunner:
    """Starts each worker as a detached process, which goes on when the app that started it dies.

    Several apps may share one folder; the cap holds for all of them together.

    Attributes:
        folder: Where workers live, and what is remembered of those that ended.
        max_workers: How many may run at once.
        fetch_environment: What the fetch step is told, and nothing else is.
        scan_environment: What the scan step is told, and nothing else is.
    """

    folder: Path
    max_workers: int
    fetch_environment: Environment
    scan_environment: Environment

    def start(self) -> str | None:
        """Start one worker.

        Returns:
            The name of its execution; None where `max_workers` run already.

        Raises:
            RunnerError: It could not be started.
        """
        try:
            with self._capped() as may_start:
                if not may_start:
                    return None
                execution = f"worker-{time.time_ns() // 1_000_000:013}-{secrets.token_hex(4)}"
                alive = self._locked_folder(execution)
            try:
                self._launch(execution, alive)
            finally:
                os.close(alive)
        except OSError as error:
            sentence = f"A worker could not be started on this machine: {error.strerror}."
            raise RunnerError(sentence, transient=True) from error
        return execution

    def stop(self, execution: str) -> None:
        """End a worker and everything it started.

        Args:
            execution: The name of its execution.
        """
        self._stop([execution])

    def stop_all(self) -> None:
        """End every worker in this runner's folder."""
        self._stop(path.name for path in self._running.glob("worker-*"))

    def is_alive(self, execution: str) -> bool | None:
        """Tell whether a worker runs.

        Args:
            execution: The name of its execution.

        Returns:
            Whether it runs; None where its state cannot be read.
        """
        if not _EXECUTION.fullmatch(execution):
            return False
        try:
            return _is_locked(self._running / execution / "alive")
        except OSError:
            return None

    @property
    def _running(self) -> Path:
        return self.folder / "running"

    @property
    def _ended(self) -> Path:
        return self.folder / "ended"

    @contextlib.contextmanager
    def _capped(self) -> Iterator[bool]:
        """Hold off every other start; tell whether one more worker may run."""
        for folder in (self._running, self._ended):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "starting").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._sweep() < self.max_workers

    def _sweep(self) -> int:
        """Put away what was left by workers that were killed, and forget the oldest; count those that run."""
        running = 0
        for folder in self._running.glob("worker-*"):
            if _is_locked(folder / "alive"):
                running += 1
            else:
                shutil.rmtree(folder / "work", ignore_errors=True)
                with contextlib.suppress(OSError):
                    folder.rename(self._ended / folder.name)
        for folder in sorted(self._ended.glob("worker-*"))[:-_KEPT]:
            shutil.rmtree(folder, ignore_errors=True)
        return running

    def _locked_folder(self, execution: str) -> int:
        """Make a worker's folder; give the descriptor whose lock says that the worker lives.

        The lock belongs to the open file, so it lasts until the last process that inherited it is gone, however each
        of them ends; and unlike a process id it is never somebody else's.
        """
        folder = self._running / execution
        (folder / "work").mkdir(mode=0o700, parents=True)
        alive = os.open(folder / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(alive, fcntl.LOCK_EX)
        return alive

    def _launch(self, execution: str, alive: int) -> None:
        inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        folder = self._running / execution
        own = {"SCANGATE_WORKER_DIR": str((folder / "work").resolve()), "SCANGATE_EXECUTION": execution}
        environments = {
            "fetch": {**inherited, **self.fetch_environment(), **own},
            "scan": {**inherited, **self.scan_environment(), **own},
        }
        argv = [sys.executable, "-m", _LAUNCHER, str(folder.resolve()), str(self._ended.resolve()), str(alive)]
        try:
            subprocess.run(
                argv,
                input=json.dumps(environments).encode(),
                env=inherited,
                # Where the package is, so that it is found also when it is not installed.
                cwd=Path(scan_core.__file__).parents[1],
                pass_fds=(alive,),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LAUNCH_SECONDS,
                check=True,
            )
        except subprocess.SubprocessError as error:
            sentence = f"A worker could not be started on this machine ({type(error).__name__})."
            raise RunnerError(sentence, transient=True) from None

    def _stop(self, executions: Iterable[str]) -> None:
        """Tell all of them to end at once, then see to it that each does."""
        told = [name for name in executions if self.is_alive(name)]
        for execution in told:
            self._signal(execution, signal.SIGTERM)
        ends = time.monotonic() + _STOP_SECONDS
        for execution in told:
            while self.is_alive(execution) and time.monotonic() < ends:
                time.sleep(_LOOK_SECONDS)
            if self.is_alive(execution):
                self._signal(execution, signal.SIGKILL)

    def _signal(self, execution: str, number: signal.Signals) -> None:
        """Signal a launcher and its step, which share a group named after the launcher even when that is gone."""
        with contextlib.suppress(OSError, ValueError):
            os.killpg(int((self._running / execution / "pid").read_text(encoding="utf-8")), number)


def _is_locked(alive: Path) -> bool:
    """Tell whether somebody holds a worker's lock; asked with a shared one, so that asking is not taken for holding."""
    try:
        with alive.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
