"""Starts the two steps one after the other as plain processes: what a container job does with two containers.

Detached from the app that started it, it goes on when the app dies. On the standard library alone, because every
attempt pays for it. The environments of the steps come over standard input and are never in arguments or on disk.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from typing import Final

from scan_core.worker import keeper

STEPS: Final = ("fetch", "scan")
_GRACE_SECONDS: Final = 20.0
"""How long a step has to end by itself once it was told to; QScanner's own grace is part of it."""
_LOG_BYTES: Final = 1024 * 1024
_PIPE_BYTES: Final = 64 * 1024


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

    def run(self, environments: dict[str, dict[str, str]]) -> dict[str, int]:
        """Run the fetch step and, if that ended well, the scan step.

        Args:
            environments: The whole environment of each step, by its name; forgotten once it is handed on.

        Returns:
            The exit code of each step that ran; negative after a death by signal.
        """
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGALRM, lambda *_: self._signal_step(signal.SIGKILL))
        ended: dict[str, int] = {}
        for step in STEPS:
            if self._stopping or any(ended.values()):
                break
            ended[step] = self._run(step, environments.pop(step))
            # What a step that was killed could not end itself.
            keeper.kill_descendants()
        return ended

    def _run(self, step: str, environment: dict[str, str]) -> int:
        reading, writing = os.pipe()
        argv = [sys.executable, "-m", "scan_core.worker", step, "--parent", str(os.getpid())]
        os.set_inheritable(self._alive, True)  # noqa: FBT003 - the interface of os
        self._step = os.posix_spawn(
            sys.executable,
            argv,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, writing, 1),
                (os.POSIX_SPAWN_DUP2, writing, 2),
            ],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
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

    def _signal_step(self, number: int) -> None:
        if self._step:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._step, number)


def main(argv: list[str]) -> int:
    """Read the environments, detach, and run the steps.

    Args:
        argv: The execution's folder, the folder for those that ended, and the descriptor of the lock.

    Returns:
        0. The process that was started returns at once; the detached one when the steps have ended.
    """
    folder, ended_folder, alive = argv[0], argv[1], int(argv[2])
    environments = json.load(sys.stdin)
    launcher = os.fork()
    if launcher:
        _write(f"{folder}/pid", str(launcher))
        # Without the clean-up of the interpreter: the detached process shares what it would clean.
        os._exit(0)
    os.setsid()
    for descriptor in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    keeper.adopt_orphans()
    # The fetch step's credential was read here, and code under scan may soon run as this user.
    keeper.hide_memory()
    started = time.time()
    codes = Launcher(folder, alive).run(environments)
    conclude(folder, ended_folder, {"started": started, "ended": time.time(), "exit_codes": codes})
    return 0


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
    with contextlib.suppress(OSError), open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
