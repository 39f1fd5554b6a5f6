"""Runs the local host as a child process: for the local stack, and for tests that kill it."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self, cast

_REPOSITORY = Path(__file__).parents[2]
_READY_S = 60.0
# A little more than the host itself gives to what runs.
_STOP_S = 40.0
_LOG_TAIL = 4000


class HostFailed(RuntimeError):
    """The host ended before it was ready, or was not ready in time; the message has the end of its log."""


class HostProcess:
    """A host in a process of its own, which also ends when this process does."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        """Use `start` instead.

        Args:
            process: the running host.
            log: the file that its standard error is appended to.
        """
        self._process = process
        self._log = log
        self._ready: dict[str, Any] = {}

    def wait_ready(self, seconds: float = _READY_S) -> Self:
        """Wait until the host serves.

        Args:
            seconds: how long to wait.

        Returns:
            The same object.

        Raises:
            HostFailed: it ended first, or the time passed.
        """
        if not self._ready:
            deadline = time.monotonic() + seconds
            line = self._read_line(deadline)
            if not line:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    # Its output closes a moment before it has ended.
                    self._process.wait(timeout=max(deadline - time.monotonic(), 0.0))
                raise HostFailed(f"the local host was not ready: {self.log_text()[-_LOG_TAIL:]}")
            self._ready = json.loads(line)
        return self

    @property
    def url(self) -> str:
        """Its address, without a slash at the end; waits until it serves."""
        return str(self._when_ready()["url"])

    @property
    def port(self) -> int:
        """Its port; waits until it serves."""
        return int(self._when_ready()["port"])

    @property
    def functions(self) -> list[str]:
        """The names of its functions; waits until it serves."""
        return list(self._when_ready()["functions"])

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """The exit status once it has ended, negative for a signal; None while it runs."""
        return self._process.poll()

    def log_text(self) -> str:
        """Everything that it has logged so far."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def terminate(self) -> None:
        """Ask it to stop, without waiting."""
        self._process.terminate()

    def stop(self) -> int:
        """Ask it to finish what runs and to end, and wait until it has; after 40 seconds it is killed.

        One that has ended already stays as it is.

        Returns:
            Its exit status.
        """
        self._process.terminate()
        try:
            self._process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self._reap()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._reap()

    def _reap(self) -> int:
        status = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        return status

    def _when_ready(self) -> dict[str, Any]:
        self.wait_ready()
        return self._ready

    def _read_line(self, deadline: float) -> bytes:
        """Read the one line that the host writes; empty when it ended or the time passed."""
        # `start` always makes this pipe.
        output = cast("IO[bytes]", self._process.stdout)
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(deadline - time.monotonic(), 0.0)):
                    return b""
                chunk = os.read(output.fileno(), 65536)
                if not chunk:
                    return b""
                line += chunk
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._log.close()


def start(
    app_dir: Path,
    env: Mapping[str, str],
    *,
    port: int = 0,
    lease: int | None = None,
    instance: str | None = None,
    log: Path | None = None,
) -> HostProcess:
    """Start a host for a function app; it is not waited for.

    Args:
        app_dir: the folder with host.json and function_app.py.
        env: app settings, on top of this process's environment; AzureWebJobsStorage among them.
        port: where to listen; 0 chooses a free port.
        lease: seconds for which a queue message is hidden while it runs; by default 10 minutes, as in Azure.
        instance: the host's name; one started again under it takes its timers back at once.
        log: a file to append the host's log to; by default one that goes with this object.

    Returns:
        The process. As a context manager it stops the host at the end.
    """
    command = [sys.executable, "-m", "local.host", "--app", str(app_dir), "--port", str(port), "--die-with-parent"]
    if lease is not None:
        command += ["--lease", str(lease)]
    if instance is not None:
        command += ["--instance", instance]
    file: IO[bytes] = tempfile.TemporaryFile("a+b") if log is None else log.open("a+b")  # noqa: SIM115 - closed by HostProcess
    process = subprocess.Popen(
        command,
        cwd=_REPOSITORY,
        env={**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=file,
        # Ctrl-C in a terminal reaches the parent alone, which stops the host when it is its turn.
        start_new_session=True,
    )
    return HostProcess(process, file)
