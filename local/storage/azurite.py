"""Starts and stops Azurite, the storage emulator, as a child of this process."""

import contextlib
import fcntl
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Self

from local.storage.account import HOST, Account, Ports, recall, remember

_REPOSITORY = Path(__file__).parents[2]
_INSTALLED = _REPOSITORY / ".local" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_END_WITH_PARENT = Path(__file__).with_name("end_with_parent.cjs")
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at http://[^:]+:(\d+)")
_SERVICES = 3
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_LOCK = "lock"
_LOCK_SECONDS = 20.0
"""A little more than one that was told to end has to save everything (`end_with_parent.cjs`)."""
_LOOK_SECONDS = 0.05


class AzuriteMissing(RuntimeError):
    """Azurite or node is not installed where it is looked for."""


class AzuriteFailed(RuntimeError):
    """Azurite ended, or did not listen in time."""


@dataclass(slots=True)
class Azurite:
    """A running Azurite.

    It also ends when this process does, however this process dies. `kill` and the death of the machine lose what
    Azurite had not yet written: it saves its indexes every 5 seconds and when it is stopped.
    """

    account: Account
    process: subprocess.Popen[str]

    @property
    def connection_string(self) -> str:
        """What every storage SDK takes to reach it."""
        return self.account.connection_string

    def stop(self) -> None:
        """Ask it to save everything and end, and wait until it has; after 15 seconds it is killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._reap()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self._reap()

    def _reap(self) -> None:
        self.process.wait()
        _close(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(data: Path | None, ports: Ports | None = None) -> Azurite:
    """Start Azurite and wait until its three services listen.

    One that still saves the same folder, having lost the process that started it, is waited for: reading the folder
    before it has done so would lose what it saves.

    Args:
        data: the folder to keep everything in, made when missing; it is served again with the same account, key and
            ports. None keeps everything in memory.
        ports: ports to listen on; where one is 0, the remembered one, else one that the system chooses.

    Returns:
        The running emulator.

    Raises:
        AzuriteMissing: node or Azurite is not installed.
        AzuriteFailed: it ended, or was not ready within a minute; the message has its last words. Or another one serves
            the folder.
        AccountUnreadable: the folder's remembered account is damaged.
    """
    if data is None:
        return _started(None, ports, ())
    data.mkdir(parents=True, exist_ok=True)
    with _alone_in(data) as lock:
        return _started(data, ports, (lock,))


@contextlib.contextmanager
def _alone_in(data: Path) -> Iterator[int]:
    """Wait until nobody serves a folder; give the lock, which lasts as long as a process that inherited it."""
    lock = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    ends = time.monotonic() + _LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise AzuriteFailed(f"another Azurite serves {data}: stop it first") from None
                time.sleep(_LOOK_SECONDS)
        yield lock
    finally:
        os.close(lock)


def _started(data: Path | None, ports: Ports | None, inherited: tuple[int, ...]) -> Azurite:
    known = None if data is None else recall(data)
    account = known or Account.new(Ports())
    if ports is not None:
        wanted = Ports(*(chosen or old for chosen, old in zip(astuple(ports), astuple(account.ports), strict=True)))
        account = replace(account, ports=wanted)
    process = _spawn(account, data, inherited)
    try:
        account = replace(account, ports=_wait_listening(process))
    except BaseException:
        process.kill()
        process.wait()
        _close(process)
        raise
    if data is not None:
        remember(data, account)
    return Azurite(account, process)


def _script() -> Path:
    script = Path(os.environ.get("SCANGATE_AZURITE") or _INSTALLED)
    if not script.is_file():
        raise AzuriteMissing(f"Azurite is not at {script}: run `make`, or set SCANGATE_AZURITE to its azurite.js")
    return script


def _spawn(account: Account, data: Path | None, inherited: tuple[int, ...]) -> subprocess.Popen[str]:
    node = shutil.which("node")
    if node is None:
        raise AzuriteMissing("Azurite needs node, which is not on the PATH: install Node 20 or newer")
    # Azurite is started by node itself: ending npx would leave it behind.
    command = [node, "--require", str(_END_WITH_PARENT), str(_script())]
    # The storage SDKs send newer API versions than Azurite knows.
    command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    for service, port in (("blob", account.ports.blob), ("queue", account.ports.queue), ("table", account.ports.table)):
        command += [f"--{service}Host", HOST, f"--{service}Port", str(port)]
    command += ["--inMemoryPersistence"] if data is None else ["--location", str(data)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=inherited,
        env={**os.environ, "AZURITE_ACCOUNTS": f"{account.name}:{account.key}"},
        # Ctrl-C in a terminal reaches the whole group: what uses the storage stops first, then the storage is stopped.
        start_new_session=True,
    )


def _wait_listening(process: subprocess.Popen[str]) -> Ports:
    """Read Azurite's output until it has named the addresses of all its services."""
    found: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
    last_words: deque[str] = deque(maxlen=20)

    def read() -> None:
        output = process.stdout
        # Closed under the reader when the emulator is stopped.
        with contextlib.suppress(ValueError):
            for line in output or ():
                last_words.append(line.strip())
                if match := _LISTENING.search(line):
                    found.put((match[1].lower(), int(match[2])))
        found.put(None)

    threading.Thread(target=read, name="azurite-output", daemon=True).start()
    ports: dict[str, int] = {}
    while len(ports) < _SERVICES:
        try:
            listening = found.get(timeout=_START_SECONDS)
        except queue.Empty:
            raise AzuriteFailed(f"Azurite was not ready within {_START_SECONDS:.0f} seconds") from None
        if listening is None:
            raise AzuriteFailed(f"Azurite ended while starting: {' | '.join(last_words) or 'it said nothing'}")
        ports[listening[0]] = listening[1]
    return Ports(**ports)


def _close(process: subprocess.Popen[str]) -> None:
    """Close our ends of the pipes to a process that has ended."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
