"""Running a program that is not trusted to end, to be quiet, or to stay small."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from scan_core.model.attempt import AttemptError

_PIPE_BYTES: Final = 64 * 1024
_LOOK_SECONDS: Final = 0.2
"""How often `watch` is asked."""
_LOOK_SHARE: Final = 20
"""Looking may cost one part in so many of the time."""


class Sink(Protocol):
    """Takes what a program prints."""

    def write(self, data: bytes) -> object:
        """Take the next bytes."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended.

    Attributes:
        code: Its exit code; None after a death by signal.
        signal: The signal it died by; None if it exited.
        stopped: Why we ended it; None if it ended by itself.
    """

    code: int | None
    signal: int | None
    stopped: AttemptError | None


def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    sink: Sink,
    watch: Callable[[], AttemptError | None],
    grace_seconds: float,
    with_errors: bool = True,
) -> Ending:
    """Run a program in a session and process group of its own until it ends or has to be ended.

    Args:
        argv: The program and its arguments.
        environment: Every variable that it sees.
        folder: Where it runs.
        sink: Takes what it prints.
        watch: Asked again and again whether it has to stop, and why.
        grace_seconds: How long its process group has between SIGTERM and SIGKILL.
        with_errors: Whether `sink` also takes its standard error, which is dropped otherwise.

    Returns:
        How it ended.

    Raises:
        OSError: It could not be started.
    """
    with subprocess.Popen(
        argv,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if with_errors else subprocess.DEVNULL,
        start_new_session=True,
        bufsize=0,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for just above
        pipe = process.stdout.fileno()
        os.set_blocking(pipe, False)
        try:
            stopped = _attend(process, pipe, sink, watch, grace_seconds)
        finally:
            _signal_group(process, signal.SIGKILL)
    code = process.returncode
    return Ending(code=code if code >= 0 else None, signal=-code if code < 0 else None, stopped=stopped)


def _attend(
    process: subprocess.Popen[bytes],
    pipe: int,
    sink: Sink,
    watch: Callable[[], AttemptError | None],
    grace_seconds: float,
) -> AttemptError | None:
    """Read and watch until the program has ended; what it leaves in the pipe is read, but not waited for."""
    stopped: AttemptError | None = None
    kill_at = float("inf")
    look_at = 0.0
    ended = os.pidfd_open(process.pid)
    try:
        waiting = select.poll()
        waiting.register(ended, select.POLLIN)
        waiting.register(pipe, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in waiting.poll(_LOOK_SECONDS * 1000)}
            if pipe in ready and not _read_some(pipe, sink):
                waiting.unregister(pipe)
            if ended in ready:
                _drain(pipe, sink)
                return stopped
            now = time.monotonic()
            if stopped is None and now >= look_at:
                stopped = watch()
                look_at = time.monotonic() + max(_LOOK_SECONDS, _LOOK_SHARE * (time.monotonic() - now))
                if stopped is not None:
                    _signal_group(process, signal.SIGTERM)
                    kill_at = time.monotonic() + grace_seconds
            elif now >= kill_at:
                _signal_group(process, signal.SIGKILL)
                kill_at = float("inf")
    finally:
        os.close(ended)


def _read_some(pipe: int, sink: Sink) -> bool:
    """Pass on what can be read now; tell whether there may be more later."""
    try:
        data = os.read(pipe, _PIPE_BYTES)
    except BlockingIOError:
        return True
    sink.write(data)
    return bool(data)


def _drain(pipe: int, sink: Sink) -> None:
    """Pass on what an ended program left; one full pipe at most, since a child of it may write on."""
    with contextlib.suppress(BlockingIOError):
        left = 1024 * 1024
        while left > 0 and (data := os.read(pipe, _PIPE_BYTES)):
            sink.write(data)
            left -= len(data)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
