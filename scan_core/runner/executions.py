"""Workers that a detached launcher on this machine runs: how many, which of them live, and what is left of the others.

What a worker is, plain processes or containers, is the business of whoever starts it. Linux only.
"""

import contextlib
import fcntl
import json
import logging
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
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
MEASURING: Final = "COVERAGE_PROCESS_CONFIG"
"""Set only while tests measure which lines ran, also in processes that a test does not start itself."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a worker, as a command.

    Attributes:
        name: ``fetch`` or ``scan``.
        argv: The program, by its absolute path, and its arguments. No secret: everybody on the machine can read them.
        environment: Every variable that the program sees.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Launch:
    """What a launcher is told.

    Attributes:
        steps: Run one after the other; the first that fails is the last.
        adopts: Whether everything that a step leaves running belongs to the worker and is killed.
        seconds: After how long the worker is told to end, whatever it says of itself; None = never.
        afterwards: Commands that remove what the steps left. The last tells by its exit code whether all is gone.
        environment: Every variable that the launcher and the commands `afterwards` see.
    """

    steps: tuple[Step, ...]
    adopts: bool
    seconds: float | None
    afterwards: tuple[tuple[str, ...], ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Executions:
    """The workers in one folder, each in a folder of its own. Several apps may share it; the cap holds for all of them.

    Attributes:
        folder: Where workers live, and what is remembered of those that ended.
        max_workers: How many may run at once.
        clear: Removes what a worker may have left elsewhere when its launcher was killed; raises `RunnerError` where it
            cannot.
    """

    folder: Path
    max_workers: int
    clear: Callable[[str], None] = lambda _: None

    def start(self, plan: Callable[[str, Path], Launch]) -> str | None:
        """Start one worker, which goes on when this process dies.

        Args:
            plan: Says what to launch, given the name of the execution and its own folder.

        Returns:
            The name of the execution; None where `max_workers` run already.

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
                self._launch(plan(execution, self._running / execution), execution, alive)
            finally:
                os.close(alive)
        except OSError as error:
            sentence = f"A worker could not be started on this machine: {error.strerror}."
            raise RunnerError(sentence, transient=True) from error
        return execution

    def stop(self, executions: Iterable[str]) -> None:
        """Tell workers to end, all at once, then see to it that each does.

        Args:
            executions: Their names; one that has ended, or never was, is left alone.

        Raises:
            RunnerError: What a worker left elsewhere could not be removed.
        """
        known = [name for name in executions if self.is_known(name)]
        told = [name for name in known if self.is_held(name)]
        for execution in told:
            self._signal(execution, signal.SIGTERM)
        ends = time.monotonic() + _STOP_SECONDS
        for execution in told:
            while self.is_held(execution) and time.monotonic() < ends:
                time.sleep(_LOOK_SECONDS)
            if self.is_held(execution):
                self._signal(execution, signal.SIGKILL)
        for execution in known:
            if self.is_known(execution):  # its launcher could not put it away any more
                self.clear(execution)

    def names(self) -> list[str]:
        """List the workers that are not put away yet.

        Returns:
            The names of their executions.
        """
        return [path.name for path in self._running.glob("worker-*")]

    def is_known(self, execution: str) -> bool:
        """Tell whether a worker was started here and is not put away yet.

        Args:
            execution: The name of its execution; names come out of documents, so it may be any text.

        Returns:
            Whether it stands among those that run.
        """
        return _EXECUTION.fullmatch(execution) is not None and (self._running / execution).is_dir()

    def is_held(self, execution: str) -> bool | None:
        """Tell whether the launcher of a worker lives, or a step that it started.

        Args:
            execution: The name of its execution, or any text.

        Returns:
            Whether one of them does; None where that cannot be read.
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
        """Put away what was left by workers that were killed, and forget the oldest; count those that may run."""
        running = 0
        for execution in self.names():
            if _is_locked(self._running / execution / "alive") or not self._put_away(execution):
                running += 1
        for folder in sorted(self._ended.glob("worker-*"))[:-_KEPT]:
            shutil.rmtree(folder, ignore_errors=True)
        return running

    def _put_away(self, execution: str) -> bool:
        """Put a worker whose launcher is gone with those that ended; False where something of it may still run."""
        try:
            self.clear(execution)
        except RunnerError as error:
            _log.warning("what %s left could not be removed: %s", execution, error.sentence)
            return False
        shutil.rmtree(self._running / execution / "work", ignore_errors=True)
        with contextlib.suppress(OSError):  # its launcher did it just now
            (self._running / execution).rename(self._ended / execution)
        return True

    def _locked_folder(self, execution: str) -> int:
        """Make a worker's folder; give the descriptor whose lock says that the worker lives.

        The lock belongs to the open file, so it lasts until the last process that inherited it is gone, however each
        of them ends; and unlike a process id it is never somebody else's.
        """
        folder = self._running / execution
        folder.mkdir(mode=0o700)
        alive = os.open(folder / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(alive, fcntl.LOCK_EX)
        return alive

    def _launch(self, launch: Launch, execution: str, alive: int) -> None:
        folder = self._running / execution
        argv = [sys.executable, "-m", _LAUNCHER, str(folder.resolve()), str(self._ended.resolve()), str(alive)]
        told = asdict(launch)
        environment = {**told.pop("environment"), **passed_on([MEASURING])}
        try:
            subprocess.run(
                argv,
                input=json.dumps(told).encode(),
                env=environment,
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

    def _signal(self, execution: str, number: signal.Signals) -> None:
        """Signal a launcher and its step, which share a group named after the launcher even when that is gone."""
        with contextlib.suppress(OSError, ValueError):
            os.killpg(int((self._running / execution / "pid").read_text(encoding="utf-8")), number)


def passed_on(names: Iterable[str]) -> dict[str, str]:
    """Take variables from the app's own environment. Everything else, secrets above all, is kept from workers.

    Args:
        names: Which.

    Returns:
        Those that are set.
    """
    return {name: os.environ[name] for name in names if name in os.environ}


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
