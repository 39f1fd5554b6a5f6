"""Runs one command and lets nothing of it live on: not after its end, and not after its starter's.

A process group is not enough: what the command starts may leave its group and its session. The keeper asks Linux to
hand it every orphan below it (prctl(2), PR_SET_CHILD_SUBREAPER), so that whatever was started stays its descendant.

A program of its own on the standard library, run without site packages, because it starts twice in every attempt.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h
_NOT_STARTED: Final = 127
"""The exit code of a command that could not be started, as in a shell."""
_KILL_SECONDS: Final = 10.0
"""For how long processes that multiply are hunted."""


def command(argv: list[str], *, grace_seconds: float, file_bytes: int) -> list[str]:
    """Put a command under a keeper's care.

    Args:
        argv: The command and its arguments.
        grace_seconds: How long it has, once the keeper gets SIGTERM, before everything of it is killed.
        file_bytes: The largest file that it may write.

    Returns:
        The command to start instead. It ends as `argv` ends, with the same exit code or signal, and ends it on SIGTERM.
    """
    own = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(grace_seconds), str(file_bytes)]
    return [*own, *argv]


def end_with_parent(parent: int, how: signal.Signals) -> None:
    """Have this process get a signal when the one that started it ends, however that ends.

    Args:
        parent: Who started this process.
        how: The signal.
    """
    _prctl(_PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:  # it ended before we could ask
        os.kill(os.getpid(), how)


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_memory() -> None:
    """Keep other processes of this user from reading this one's memory and environment (root is not kept)."""
    _prctl(_PR_SET_DUMPABLE, 0)


def descendants(ancestor: int) -> list[int]:
    """Find every living process below one.

    Args:
        ancestor: Its process id.

    Returns:
        The ids of its children, their children and so on; zombies are left out.
    """
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib takes a third of the start time
        if name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = _state_and_parent(int(name))
                if state not in "ZX":
                    children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    below = children.get(ancestor, [])
    while below:
        found += below
        below = [child for process in below for child in children.get(process, [])]
    return found


def kill_descendants() -> None:
    """Kill and reap every process below this one, however fast they multiply."""
    ends = time.monotonic() + _KILL_SECONDS
    while time.monotonic() < ends:
        _kill_once()
        if not _reap():
            return
        time.sleep(0.005)


def main(argv: list[str]) -> int:
    """Run a command to its end.

    Args:
        argv: The starter's process id, the grace in seconds, the largest file in bytes, then the command.

    Returns:
        The command's exit code. After a death by signal this process dies by the same one and does not return.
    """
    parent, grace_seconds, file_bytes, *wanted = argv
    adopt_orphans()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, int(file_bytes))
    told_to_stop = False

    def stop(*_: object) -> None:
        nonlocal told_to_stop
        told_to_stop = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, float(grace_seconds))

    # Blocked until there is something to stop.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, lambda *_: _kill_once())
    end_with_parent(int(parent), signal.SIGTERM)
    try:
        child = os.posix_spawnp(
            wanted[0],
            wanted,
            os.environ,
            setsid=True,
            setsigmask=[],
            # Python ignores these two, and a child would inherit that.
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    except OSError as error:
        print(f"{wanted[0]} could not be started: {error.strerror}", file=sys.stderr)  # noqa: T201 - goes to the log
        return _NOT_STARTED
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    status = _status_of(child)
    kill_descendants()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _die_by(-code)
    return code


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _limit(what: int, most: int) -> None:
    """Lower a limit of this process and its children for good; one that is lower already stays."""
    hard = resource.getrlimit(what)[1]
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (limit, limit))


def _state_and_parent(process: int) -> tuple[str, int]:
    """Read fields 3 and 4 of proc(5) stat; the name before them may hold anything, parentheses too."""
    with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123 - as above
        after_name = file.read().rpartition(b")")[2].split()
    return after_name[0].decode(), int(after_name[1])


def _kill_once() -> None:
    """Kill what is below this process now. Reaps nothing, so that a signal handler may call it."""
    for process in descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _reap() -> bool:
    """Take the status of every child that has ended; tell whether any child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _status_of(child: int) -> int:
    """Wait for one child; orphans that end meanwhile are reaped, so that they do not pile up."""
    while True:
        process, status = os.waitpid(-1, 0)
        if process == child:
            return status


def _die_by(number: int) -> None:
    with contextlib.suppress(OSError, ValueError):  # SIGKILL has no handler to reset
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
