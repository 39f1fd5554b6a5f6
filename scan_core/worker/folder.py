"""The folder that the fetch and the scan step share, and nothing else does."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from scan_core.model.attempt import FetchOutcome

_PRIVATE: Final = 0o700


class OutcomeUnreadable(Exception):
    """The fetch step left nothing that can be read."""


@dataclass(frozen=True, slots=True)
class WorkerFolder:
    """Where a worker keeps what in its folder.

    Attributes:
        root: The folder, absolute.
    """

    root: Path

    @property
    def outcome(self) -> Path:
        """``fetch.json``: how the fetch step ended."""
        return self.root / "fetch.json"

    @property
    def source(self) -> Path:
        """The checkout."""
        return self.root / "source"

    @property
    def fetch_home(self) -> Path:
        """The home folder of git."""
        return self.root / "fetch-home"

    @property
    def notes(self) -> Path:
        """What the fetch step wants said in the attempt's log, lines of text."""
        return self.root / "notes.txt"

    @property
    def run(self) -> Path:
        """Everything that QScanner may write: its home, cache, temporary files and output."""
        return self.root / "run"

    @property
    def output(self) -> Path:
        """QScanner's output, unscrubbed."""
        return self.run / "output"

    @property
    def upload(self) -> Path:
        """What is about to be uploaded, scrubbed."""
        return self.root / "upload"

    def write_outcome(self, outcome: FetchOutcome) -> None:
        """Leave ``fetch.json``, whole or not at all, for this user alone.

        Args:
            outcome: How the fetch step ended.
        """
        unfinished = self.outcome.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(outcome.model_dump_json())
        unfinished.replace(self.outcome)

    def read_outcome(self) -> FetchOutcome:
        """Read ``fetch.json``.

        Returns:
            How the fetch step ended.

        Raises:
            OutcomeUnreadable: It is not there, or is not what a fetch step writes.
        """
        try:
            return FetchOutcome.model_validate_json(self.outcome.read_bytes())
        except FileNotFoundError:
            raise OutcomeUnreadable("the fetch step left no fetch.json") from None
        except ValidationError:
            # Without the cause: pydantic quotes its input, and the links are in it.
            raise OutcomeUnreadable("fetch.json is not what a fetch step writes") from None


def fresh(folder: Path) -> Path:
    """Make a folder that is empty and this user's alone, whatever stood there.

    Args:
        folder: Where.

    Returns:
        The same path.
    """
    remove(folder)
    folder.mkdir(mode=_PRIVATE, parents=True)
    return folder


def remove(path: Path) -> None:
    """Delete a folder or file with everything in it, also what its writer protected; links are not followed.

    Args:
        path: What; it need not exist.
    """
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except PermissionError:
        _unprotect(path)
        shutil.rmtree(path)


def occupied(folder: Path, *, most_files: int) -> tuple[int, int]:
    """Measure a folder that somebody may be writing to.

    Args:
        folder: Which; links in it are not followed.
        most_files: Where to stop counting.

    Returns:
        How many bytes its files take on disk, and how many entries it has, `most_files` at most.
    """
    size = files = 0
    for entry in _entries(folder):
        files += 1
        if files >= most_files:
            break
        with suppress(OSError):
            size += entry.stat(follow_symlinks=False).st_blocks * 512
    return size, files


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    below = [str(folder)]
    while below:
        with suppress(OSError), os.scandir(below.pop()) as entries:
            for entry in entries:
                yield entry  # first: whoever asks may have to open a folder up before it can be entered
                if entry.is_dir(follow_symlinks=False):
                    below.append(entry.path)


def _unprotect(folder: Path) -> None:
    """Give back the permissions on folders that whoever wrote them took away."""
    folder.chmod(_PRIVATE)
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            Path(entry.path).chmod(_PRIVATE)
