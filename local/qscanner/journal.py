"""The stand-in's journal: one line for each event, on standard error."""

import sys
import time
from enum import IntEnum


class Level(IntEnum):
    """How much a line matters."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4


class Journal:
    """Writes lines at or above a level to standard error."""

    def __init__(self, level: Level = Level.INFO) -> None:
        """Set the lowest level that is written."""
        self.level = level

    def debug(self, message: str) -> None:
        """Write what helps only when something is being looked into."""
        self._write(Level.DEBUG, message)

    def info(self, message: str) -> None:
        """Write what a reader of an ordinary run wants to see."""
        self._write(Level.INFO, message)

    def warn(self, message: str) -> None:
        """Write what did not stop the scan, but should be known."""
        self._write(Level.WARN, message)

    def error(self, message: str) -> None:
        """Write why the scan ended."""
        self._write(Level.ERROR, message)

    def _write(self, level: Level, message: str) -> None:
        if level < self.level:
            return
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        one_line = message.encode("unicode_escape").decode("ascii") if not message.isprintable() else message
        sys.stderr.write(f"{moment} {level.name:5} {one_line}\n")
        sys.stderr.flush()
