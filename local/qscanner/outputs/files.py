"""Writes a scan's files under QScanner's names into the output folder."""

import json
from pathlib import Path
from typing import Any

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.journal import Journal

COMPRESSED_COPIES_VARIABLE = "QSCANNER_STANDIN_XZ"


class OutputFolder:
    """The folder that one run writes its files to."""

    def __init__(self, folder: Path, prefix: str, journal: Journal, *, compressed_copies: bool) -> None:
        """Set the folder, what file names begin with, and whether ``.xz`` copies stand beside the files."""
        self.folder = folder
        self._prefix = prefix
        self._journal = journal
        self._compressed_copies = compressed_copies

    def create(self) -> None:
        """Make the folder if it is not there.

        Raises:
            ScanError: With code 30 where it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScanError(
                ExitCode.WRITING_RESULT_FAILED, f"{self.folder} cannot be made: {error.strerror}"
            ) from error

    def path(self, suffix: str) -> Path:
        """Give the path of a file, such as that for ``Report.sarif.json``."""
        return self.folder / f"{self._prefix}-{suffix}"

    def write(self, suffix: str, document: dict[str, Any]) -> None:
        """Write a document as JSON.

        Raises:
            ScanError: With code 30 where it cannot be written.
        """
        content = json.dumps(document, indent=1).encode("ascii")
        path = self.path(suffix)
        try:
            path.write_bytes(content)
            if self._compressed_copies:
                self._write_compressed(path, content)
        except OSError as error:
            raise ScanError(
                ExitCode.WRITING_RESULT_FAILED, f"{path.name} cannot be written: {error.strerror}"
            ) from error
        self._journal.info(f"wrote {path.name} ({len(content)} bytes)")

    def _write_compressed(self, path: Path, content: bytes) -> None:
        import lzma  # noqa: PLC0415 - costs start-up time, and few runs want it

        path.with_name(f"{path.name}.xz").write_bytes(lzma.compress(content, preset=0))
