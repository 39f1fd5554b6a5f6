"""Runs the two steps of a worker one after the other: what a container job does with two containers.

A step is a command: the worker itself, or the client of a container engine. Detached from the app that started it, the
launcher goes on when the app dies. On the standard library alone, because every attempt pays for it. The environments
of the steps come over standard input and are never in arguments or on disk.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from typing import Any, Final

from scan_core.worker import keeper

_GRACE_SECONDS: Final = 20.0
"""How long a step has to end by itself once it was told to; QScanner's own grace is part of it."""
_LOG_BYTES: Final = 1024 * 1024
_PIPE_BYTES: Final = 64 * 1024
_REMOVAL_SECONDS: Final = 60.0
_NOT_STARTED: Final = 127
"""The exit code of a program that could not be started, as in a shell."""


class _Log:
    """The worker's log; what comes after a megabyte is dropped."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._room = _LOG_BYTES

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk must not end the attempt
            self._room -= os.write(self._descriptor, data[: self._room]) if self._room > 0 else 0


class Launcher:
    """Runs the steps in one folder."""

    def __init__(self, folder: str, alive: int) -> None:
        """Prepare to run them.

        Args:
            folder: This execution's own folder.
            alive: A descriptor whose lock says that this execution lives; the steps keep it too.
        """
        self._folder = folder
        self._alive = alive
        self._log = _Log(f"{folder}/worker.log")
        self._step = 0
        self._stopping = False

    def run(self, steps: list[dict[str, Any]], *, adopts: bool, seconds: float | None) -> dict[str, int]:
        """Run one step after the other, until one does not end well.

        Args:
            steps: For each its ``name``, ``argv`` and whole ``environment``; forgotten once it is handed on.
            adopts: Whether everything that a step leaves running is killed.
            seconds: After how long the steps are told to end; None = never.

        Returns:
            The exit code of each step that ran; negative after a death by signal.
        """
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGALRM, self._rung)
        signal.setitimer(signal.ITIMER_REAL, seconds or 0)
        ended: dict[str, int] = {}
        while steps and not self._stopping and not any(ended.values()):
            step = steps.pop(0)
            ended[step["name"]] = self._run(step["argv"], step["environment"])
            if adopts:  # what a step that was killed could not end itself
                keeper.kill_descendants()
        return ended

    def _run(self, argv: list[str], environment: dict[str, str]) -> int:
        reading, writing = os.pipe()
        self._step = _started(argv, environment, writing, self._alive)
        os.close(writing)
        if self._stopping:  # told so while it was being started
            self._signal_step(signal.SIGTERM)
        self._copy(reading)
        os.close(reading)
        status = os.waitpid(self._step, 0)[1]
        self._step = 0
        return os.waitstatus_to_exitcode(status)

    def _copy(self, reading: int) -> None:
        """Copy a step's log until it ends, even if something it left behind holds the pipe open."""
        ended = os.pidfd_open(self._step)
        waiting = select.poll()
        waiting.register(reading, select.POLLIN)
        waiting.register(ended, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in waiting.poll()}
            data = os.read(reading, _PIPE_BYTES) if reading in ready else b""
            self._log.write(data)
            if reading in ready and not data:
                waiting.unregister(reading)
            if ended in ready and not data:
                break
        os.close(ended)

    def _stop(self, *_: object) -> None:
        self._stopping = True
        self._signal_step(signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, _GRACE_SECONDS)

    def _rung(self, *_: object) -> None:
        """One clock for both: how long the steps may take, and then how long the last one has to end."""
        if self._stopping:
            self._signal_step(signal.SIGKILL)
        else:
            self._stop()

    def _signal_step(self, number: int) -> None:
        if self._step:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._step, number)


def _started(argv: list[str], environment: dict[str, str], output: int, alive: int) -> int:
    """Start a program that is told to end when this process is gone; give its process id."""
    parent = os.getpid()
    # A signal that comes before the program has its own way with signals waits.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM})
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        return child
    try:
        for descriptor, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
            os.dup2(source, descriptor)
        os.set_inheritable(alive, True)  # noqa: FBT003 - the interface of os
        # Python ignores the first two, and a child would inherit that.
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        keeper.end_with_parent(parent, signal.SIGTERM)
        os.execve(argv[0], argv, environment)  # noqa: S606 - an argument list, without a shell
    finally:
        os._exit(_NOT_STARTED)


def main(argv: list[str]) -> int:
    """Read what to do, detach, and run the steps.

    Args:
        argv: The execution's folder, the folder for those that ended, and the descriptor of the lock. Standard input
            has the rest as JSON: ``steps``, ``adopts``, ``seconds``, and the commands ``afterwards``.

    Returns:
        0. The process that was started returns at once; the detached one when the steps have ended.
    """
    folder, ended_folder, alive = argv[0], argv[1], int(argv[2])
    told = json.load(sys.stdin)
    launcher = os.fork()
    if launcher:
        _write(f"{folder}/pid", str(launcher))
        # Without the clean-up of the interpreter: the detached process shares what it would clean.
        os._exit(0)
    os.setsid()
    for descriptor in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    if told["adopts"]:
        keeper.adopt_orphans()
    # The fetch step's credential was read here, and code under scan may soon run as this user.
    keeper.hide_memory()
    started = time.time()
    codes = Launcher(folder, alive).run(told["steps"], adopts=told["adopts"], seconds=told["seconds"])
    if all_gone(told["afterwards"]):
        conclude(folder, ended_folder, {"started": started, "ended": time.time(), "exit_codes": codes})
    return 0


def all_gone(commands: list[list[str]]) -> bool:
    """Run the commands that remove what the steps left.

    Args:
        commands: In their order. One may fail because there is nothing to remove; only the last counts.

    Returns:
        Whether the last one ended well. Where it did not, the folder stays, and the next start tries again.
    """
    if not commands:
        return True
    import subprocess  # noqa: PLC0415 - loading it costs, and most launchers have no need of it

    ended = None
    for command in commands:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            nowhere = subprocess.DEVNULL
            ended = None
            ended = subprocess.run(
                command, stdin=nowhere, stdout=nowhere, stderr=nowhere, timeout=_REMOVAL_SECONDS, check=False
            ).returncode
    return ended == 0


def conclude(folder: str, ended_folder: str, record: dict[str, object]) -> None:
    """Keep of an execution its log and a record, and put it with those that ended.

    Args:
        folder: The execution's folder.
        ended_folder: Where those that ended are kept.
        record: What is to be remembered of it.
    """
    shutil.rmtree(f"{folder}/work", ignore_errors=True)
    _write(f"{folder}/end.json", json.dumps(record))
    with contextlib.suppress(OSError):  # somebody else put it there, or is removing it
        os.rename(folder, f"{ended_folder}/{os.path.basename(folder)}")  # noqa: PTH104, PTH119 - loading pathlib costs


def _write(path: str, text: str) -> None:
    """Write a file that is there whole or not at all: whoever lists executions reads it at any time."""
    with contextlib.suppress(OSError):
        with open(f"{path}.new", "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
            file.write(text)
        os.replace(f"{path}.new", path)  # noqa: PTH105 - as above


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
