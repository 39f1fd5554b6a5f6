"""Running QScanner on a checkout, within bounds and with nothing but what it needs."""

import hashlib
import logging
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scan_core.model.attempt import AttemptError, AttemptErrorKind, AttemptSpec, Limits
from scan_core.qscanner.command import command_line, environment
from scan_core.qscanner.exit_codes import error_of
from scan_core.worker import keeper
from scan_core.worker.bounded import Ending, run
from scan_core.worker.capped_log import CappedLog
from scan_core.worker.environment import ScanEnvironment
from scan_core.worker.folder import WorkerFolder, fresh, occupied
from scan_core.worker.stopping import StopSign

_GRACE_SECONDS: Final = 5.0
_KEEPER_SECONDS: Final = 15.0
"""What the keeper gets on top, to find and kill what is left."""
_RUN_BYTES: Final = 3 * 1024**3
"""For home, cache, temporary files and output together; the smallest disk of a Container Apps job has 4 GiB."""
_RUN_FILES: Final = 200_000
_OUTPUT_FACTOR: Final = 8
"""How many times the largest artifact the whole output may be: five kinds of files, and compressed copies."""
_OUTPUT_FILES: Final = 1_000
_LONGEST_QUOTE: Final = 300
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scanned:
    """How a run of QScanner ended.

    Attributes:
        started_epoch_seconds: When it was started.
        exit_code: QScanner's own; None where it did not run, was ended by a signal, or by us.
        error: Why the run is not conclusive; None where it is.
        log: What it printed; unscrubbed.
    """

    started_epoch_seconds: float
    exit_code: int | None
    error: AttemptError | None
    log: bytes


def scan(spec: AttemptSpec, folder: WorkerFolder, settings: ScanEnvironment, stop: StopSign) -> Scanned:
    """Run QScanner on the checkout in a worker's folder.

    Args:
        spec: What to look for, and the limits.
        folder: Where the worker keeps what.
        settings: The program and its token.
        stop: Whether to stop.

    Returns:
        How it ended. Nothing that it started is alive any more.
    """
    started = time.time()
    log = CappedLog(spec.limits.log_bytes)
    ending = _attempt(spec, folder, settings, stop, log)
    if isinstance(ending, AttemptError):
        return Scanned(started, None, ending, log.content())
    error = ending.stopped or _own_error(ending, spec.limits)
    code = ending.code if ending.stopped is None else None
    return Scanned(started, code, error, log.content())


def _attempt(
    spec: AttemptSpec, folder: WorkerFolder, settings: ScanEnvironment, stop: StopSign, log: CappedLog
) -> Ending | AttemptError:
    program = _program(settings)
    if isinstance(program, AttemptError):
        return program
    fresh(folder.run)
    home, cache, temporary = (fresh(folder.run / name) for name in ("home", "cache", "tmp"))
    fresh(folder.output)
    seconds = spec.limits.scan_seconds
    try:
        argv = command_line(program, spec.profile, spec.pod, folder.source, folder.output, cache, seconds)
    except ValueError as error:
        return _missing(AttemptErrorKind.SCANNER_FAILED, f"QScanner cannot be asked for this: {error}")
    late = stop.or_after(seconds, _timed_out(seconds))
    flooded = _flood_watch(folder, spec.limits)
    try:
        return run(
            keeper.command(argv, grace_seconds=_GRACE_SECONDS, file_bytes=_RUN_BYTES),
            environment=environment(settings.token, home, {**settings.inherited, "TMPDIR": str(temporary)}),
            folder=home,
            sink=log,
            watch=lambda: late() or flooded(),
            grace_seconds=_GRACE_SECONDS + _KEEPER_SECONDS,
        )
    except OSError as error:
        return _missing(AttemptErrorKind.SCANNER_MISSING, f"QScanner could not be started ({error.strerror})")


def _program(settings: ScanEnvironment) -> Path | AttemptError:
    """Find the program, and make sure that it is the one that was chosen."""
    found = shutil.which(settings.scanner, path=settings.inherited.get("PATH"))
    if found is None:
        sentence = f"QScanner was not found at {settings.scanner!r}: set SCANGATE_QSCANNER to the program"
        return _missing(AttemptErrorKind.SCANNER_MISSING, sentence)
    program = Path(found).resolve()
    if settings.scanner_sha256 is None:
        return program
    with program.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual == settings.scanner_sha256:
        return program
    _log.error("QScanner's SHA-256 is %s", actual)
    return _missing(
        AttemptErrorKind.SCANNER_MISSING,
        "QScanner is not the program that SCANGATE_QSCANNER_SHA256 names, and was not run: install the pinned version",
    )


def _flood_watch(folder: WorkerFolder, limits: Limits) -> Callable[[], AttemptError | None]:
    """Watch what the run writes: its output by the size of artifacts, the rest by what the disk can take."""
    output_bytes = _OUTPUT_FACTOR * limits.artifact_bytes

    def watch() -> AttemptError | None:
        size, files = occupied(folder.output, most_files=_OUTPUT_FILES)
        if size > output_bytes or files >= _OUTPUT_FILES:
            return _flooded(output_bytes)
        size, files = occupied(folder.run, most_files=_RUN_FILES)
        return _flooded(_RUN_BYTES) if size > _RUN_BYTES or files >= _RUN_FILES else None

    return watch


def _own_error(ending: Ending, limits: Limits) -> AttemptError | None:
    if ending.signal == signal.SIGXFSZ:
        return _flooded(_OUTPUT_FACTOR * limits.artifact_bytes)
    return error_of(ending.code, ending.signal)


def _flooded(most_bytes: int) -> AttemptError:
    return AttemptError(
        kind=AttemptErrorKind.ARTIFACT_TOO_LARGE,
        sentence=f"QScanner wrote more files, or more than the {most_bytes:,} bytes, that a run may take; "
        "it was stopped.",
    )


def _timed_out(seconds: int) -> AttemptError:
    return AttemptError(
        kind=AttemptErrorKind.SCANNER_TIMED_OUT,
        sentence=f"QScanner was not done within {seconds} seconds and was stopped: "
        "exclude folders that need no scan, or have the limit raised.",
    )


def _missing(kind: AttemptErrorKind, sentence: str) -> AttemptError:
    return AttemptError(kind=kind, sentence=f"{sentence[:_LONGEST_QUOTE]}.")
