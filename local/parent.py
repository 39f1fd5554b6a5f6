"""Ends a process when the one that started it is gone, however that one died.

The parent keeps the write end of a pipe that is the child's standard input and writes nothing. When the parent dies, be
it by signal 9, the kernel closes that end and the child reads the end of the file. Unlike `prctl(PR_SET_PDEATHSIG)`,
this works on macOS too, and it is bound to the parent's process, not to the thread in it that started the child.
"""

import contextlib
import os
import threading
from collections.abc import Callable

STDIN = 0


def _exit_at_once() -> None:
    os._exit(1)


def end_with_parent(descriptor: int = STDIN, *, end: Callable[[], None] = _exit_at_once) -> threading.Thread:
    """Watch the pipe from the parent in a thread of its own and end this process when it closes.

    Args:
        descriptor: the read end of a pipe whose only write end the parent holds; standard input by default.
        end: what to do then; by default the process exits at once, as if it had been killed.

    Returns:
        The watching thread, which never keeps the process alive.
    """

    def watch() -> None:
        # A descriptor that cannot be read is as good as closed.
        with contextlib.suppress(OSError):
            while os.read(descriptor, 4096):
                pass
        end()

    thread = threading.Thread(target=watch, name="parent", daemon=True)
    thread.start()
    return thread
