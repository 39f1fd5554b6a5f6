"""Running QScanner on a checkout or an image, within bounds and with nothing but what it needs."""

import hashlib
import logging
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scan_core.model.attempt import AttemptError, AttemptErrorKind, AttemptSpec
from scan_core.model.target import ImageTarget, SourceTarget
from scan_core.qscanner.command import ImageSource, command_line, environment, image_command
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


def scan(
    spec: AttemptSpec,
    folder: WorkerFolder,
    settings: ScanEnvironment,
    stop: StopSign,
    registry_token: str | None = None,
) -> Scanned:
    """Run QScanner on the checkout in a worker's folder, or on an image in its registry.

    Args:
        spec: What to look for, and the limits.
        folder: Where the worker keeps what.
        settings: The program and its token.
        stop: Whether to stop.
        registry_token: What an image is pulled with; None for a source, or where everybody may pull.

    Returns:
        How it ended. Nothing that it started is alive any more.
    """
    started = time.time()
    log = CappedLog(spec.limits.log_bytes)
    ending = _attempt(_Run(spec, folder, settings, registry_token), stop, log)
    if isinstance(ending, AttemptError):
        return Scanned(started, None, ending, log.content())
    error = ending.stopped or _own_error(ending, spec)
    code = ending.code if ending.stopped is None else None
    return Scanned(started, code, error, log.content())


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run of QScanner is told."""

    spec: AttemptSpec
    folder: WorkerFolder
    settings: ScanEnvironment
    registry_token: str | None = field(repr=False)

    def argv(self, program: Path, cache: Path) -> list[str]:
        """Write the command; ValueError where it cannot be written."""
        spec, output, seconds = self.spec, self.folder.output, self.spec.limits.scan_seconds
        if isinstance(spec.target, ImageTarget):
            image = ImageSource(spec.target.reference, spec.target.platform.text)
            return image_command(program, spec.profile, spec.pod, image, output, cache, seconds)
        return command_line(program, spec.profile, spec.pod, self.folder.source, output, cache, seconds)

    def variables(self, home: Path, temporary: Path) -> dict[str, str]:
        """Give every variable that QScanner sees."""
        base = {**self.settings.inherited, "TMPDIR": str(temporary)}
        return environment(self.settings.token, home, base, self.registry_token)


def _attempt(this: _Run, stop: StopSign, log: CappedLog) -> Ending | AttemptError:
    program = _program(this.settings)
    if isinstance(program, AttemptError):
        return program
    folder = this.folder
    fresh(folder.run)
    home, cache, temporary = (fresh(folder.run / name) for name in ("home", "cache", "tmp"))
    fresh(folder.output)
    try:
        argv = this.argv(program, cache)
    except ValueError as error:
        return _missing(AttemptErrorKind.SCANNER_FAILED, f"QScanner cannot be asked for this: {error}")
    late = stop.or_after(this.spec.limits.scan_seconds, _timed_out(this.spec))
    flooded = _flood_watch(folder, this.spec)
    try:
        return run(
            keeper.command(argv, grace_seconds=_GRACE_SECONDS, file_bytes=_RUN_BYTES),
            environment=this.variables(home, temporary),
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


def _flood_watch(folder: WorkerFolder, spec: AttemptSpec) -> Callable[[], AttemptError | None]:
    """Watch what the run writes: its output by the size of artifacts, the rest by what the disk can take."""
    output_bytes = _OUTPUT_FACTOR * spec.limits.artifact_bytes

    def watch() -> AttemptError | None:
        size, files = occupied(folder.output, most_files=_OUTPUT_FILES)
        if size > output_bytes or files >= _OUTPUT_FILES:
            return _flooded(output_bytes)
        size, files = occupied(folder.run, most_files=_RUN_FILES)
        return _disk_flooded(spec) if size > _RUN_BYTES or files >= _RUN_FILES else None

    return watch


def _own_error(ending: Ending, spec: AttemptSpec) -> AttemptError | None:
    if ending.signal == signal.SIGXFSZ:
        return _disk_flooded(spec)
    return error_of(ending.code, ending.signal)


def _flooded(most_bytes: int) -> AttemptError:
    return AttemptError(
        kind=AttemptErrorKind.ARTIFACT_TOO_LARGE,
        sentence=f"QScanner wrote more files, or more than the {most_bytes:,} bytes, that a run may take; "
        "it was stopped.",
    )


def _disk_flooded(spec: AttemptSpec) -> AttemptError:
    flooded = _flooded(_RUN_BYTES)
    if isinstance(spec.target, SourceTarget):
        return flooded
    advice = "The image may be larger than a worker's disk can take: make it smaller."
    return flooded.model_copy(update={"sentence": f"{flooded.sentence} {advice}"})


def _timed_out(spec: AttemptSpec) -> AttemptError:
    advice = "exclude folders that need no scan" if isinstance(spec.target, SourceTarget) else "make the image smaller"
    return AttemptError(
        kind=AttemptErrorKind.SCANNER_TIMED_OUT,
        sentence=f"QScanner was not done within {spec.limits.scan_seconds} seconds and was stopped: "
        f"{advice}, or have the limit raised.",
    )


def _missing(kind: AttemptErrorKind, sentence: str) -> AttemptError:
    return AttemptError(kind=kind, sentence=f"{sentence[:_LONGEST_QUOTE]}.")
