"""Misbehaviour on request, so that whatever runs a scanner can be tested against a bad one.

Asked for by ``QSCANNER_STANDIN_FAULT``, or by ``{"fault": "..."}`` in ``.qscanner-standin.json`` of the scanned folder
or image if ``QSCANNER_STANDIN_ALLOW_TREE_FAULTS`` is 1. Several are separated by commas. Everything that would last for
ever is ended by the kernel after ``LONGEST_LIFE_SECONDS``, so that a forgotten one does not stay on a machine.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple, NoReturn

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.journal import Journal
from local.qscanner.outputs.files import OutputFolder
from local.qscanner.tree import FileTree

FAULT_VARIABLE = "QSCANNER_STANDIN_FAULT"
TREE_FAULTS_VARIABLE = "QSCANNER_STANDIN_ALLOW_TREE_FAULTS"
TREE_FILE = ".qscanner-standin.json"
LONGEST_LIFE_SECONDS = 900
CHILDREN = 20
MOST_FLOODED_BYTES = 8 * 1024**3
ESCAPE_NAME = "escaped-from-scan.txt"

# Kinds, and what stands after their colon.
KINDS = {
    "hang": "",
    "hang_ignoring_sigterm": "",
    "flood": "",
    "flood_disk": "",
    "killed": "",
    "no_sarif": "",
    "half_sarif": "",
    "other_sarif": "",
    "exit": "a code from 0 to 255",
    "slow": "seconds",
    "print_token": "",
    "escape": "",
    "symlink_out": "",
    "huge_sarif": "a number of results",
    "fork_bomb_lite": "",
}
_BLOCK = b"flood " * 10_000 + b"\n"


class Faults(NamedTuple):
    """The faults of one run, from kind to argument (empty where the kind takes none)."""

    wanted: dict[str, str]

    @property
    def exit_code(self) -> int | None:
        """The code that ``exit`` asks for."""
        return int(self.wanted["exit"]) if "exit" in self.wanted else None

    def before_scan(self, folder: OutputFolder, tree: FileTree, journal: Journal) -> None:
        """Do what happens at the beginning; some of it never comes back."""
        actions = {
            "print_token": _print_environment,
            "fork_bomb_lite": _start_children,
            "hang": _hang,
            "hang_ignoring_sigterm": _hang_ignoring_signals,
            "flood": _flood_streams,
        }
        for kind in self.wanted:
            if kind in actions:
                journal.warn(f"fault {kind}, as asked for")
                actions[kind]()
        if "escape" in self.wanted:
            _try_to_escape(folder, tree, journal)
        if "flood_disk" in self.wanted:
            _flood_disk(folder)

    def during_scan(self) -> None:
        """Do what happens once the scan's own clock runs."""
        if "slow" in self.wanted:
            time.sleep(float(self.wanted["slow"]))
        if "killed" in self.wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    def after_scan(self, folder: OutputFolder) -> None:
        """Spoil what was written."""
        if "symlink_out" in self.wanted:
            inventory = folder.path("ScanResult.json")
            inventory.unlink(missing_ok=True)
            inventory.symlink_to("/etc/passwd")
        if self.wanted.keys() & {"no_sarif", "half_sarif", "other_sarif", "huge_sarif"}:
            # Only here: reports in their thousands are built by nobody else.
            from local.qscanner.spoilt_sarif import spoil_sarif  # noqa: PLC0415 - keeps ordinary starts short

            spoil_sarif(folder.path("Report.sarif.json"), self.wanted)


def read_faults(environment: dict[str, str], tree: FileTree) -> Faults:
    """Find out which faults are wanted.

    Args:
        environment: The process's environment.
        tree: The scanned folder, whose own wishes count only where they are allowed.

    Returns:
        The faults; none in an ordinary run.

    Raises:
        ScanError: With code 2 for a fault that is not known, or whose argument is wrong.
    """
    text = environment.get(FAULT_VARIABLE, "")
    if not text and environment.get(TREE_FAULTS_VARIABLE) == "1":
        text = _tree_wish(tree)
    wanted: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        kind, _, argument = item.partition(":")
        if kind not in KINDS or bool(argument) != bool(KINDS[kind]) or (argument and not _is_number(kind, argument)):
            raise ScanError(
                ExitCode.BAD_PARAMETER, f"fault {item!r} is not known: {kind} takes {KINDS.get(kind) or 'nothing'}"
            )
        wanted[kind] = argument
    return Faults(wanted)


def _tree_wish(tree: FileTree) -> str:
    try:
        document = json.loads(tree.read(TREE_FILE, max_bytes=4096))
    except (OSError, ValueError):
        return ""
    return str(document.get("fault", "")) if isinstance(document, dict) else ""


def _is_number(kind: str, text: str) -> bool:
    if kind == "slow":
        return text.replace(".", "", 1).isdecimal()
    return text.isdecimal() and (kind != "exit" or int(text) <= 255)


def _hang() -> NoReturn:
    signal.alarm(LONGEST_LIFE_SECONDS)
    while True:
        signal.pause()


def _hang_ignoring_signals() -> NoReturn:
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    # Both the child and this process hang, and both hold the output streams open.
    os.fork()
    _hang()


def _start_children() -> None:
    for _ in range(CHILDREN):
        if os.fork() == 0:
            _hang()


def _flood_streams() -> NoReturn:
    signal.alarm(LONGEST_LIFE_SECONDS)
    for _ in range(MOST_FLOODED_BYTES // len(_BLOCK)):
        for stream in (1, 2):
            os.write(stream, _BLOCK)
    raise ScanError(ExitCode.GENERIC_ERROR, "flooded enough")


def _flood_disk(folder: OutputFolder) -> NoReturn:
    signal.alarm(LONGEST_LIFE_SECONDS)
    with folder.path("flood.bin").open("wb") as file:
        for _ in range(MOST_FLOODED_BYTES // len(_BLOCK)):
            file.write(_BLOCK)
    raise ScanError(ExitCode.GENERIC_ERROR, "flooded enough")


def _print_environment() -> None:
    lines = "".join(f"{name}={value}\n" for name, value in sorted(os.environ.items()))
    for stream in (sys.stdout, sys.stderr):
        stream.write(lines)
        stream.flush()


def _try_to_escape(folder: OutputFolder, tree: FileTree, journal: Journal) -> None:
    """Write a file beside the output folder, in the scanned folder and in HOME."""
    places = [folder.folder.resolve().parent, tree.root, Path(os.environ.get("HOME") or "/")]
    for place in dict.fromkeys(places):
        try:
            (place / ESCAPE_NAME).write_text("written by a scanner outside of its output folder\n", encoding="utf-8")
        except OSError as error:
            journal.warn(f"could not write to {place}: {error.strerror}")
        else:
            journal.warn(f"wrote {place / ESCAPE_NAME}")
