"""Where the kept content of an image's files is: one private file, in which no name from the image plays a part."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from local.qscanner.image.manifests import unreadable

MOST_KEPT_BYTES = 1024**3


class Extent(NamedTuple):
    """A stretch of the file."""

    offset: int
    length: int


class Contents:
    """Keeps pieces of content one after another, and gives them back."""

    def __init__(self, path: Path) -> None:
        """Make the file; it must not be there yet."""
        self._file = path.open("xb+", buffering=0)
        self._end = 0

    def keep(self, chunks: Iterable[bytes]) -> Extent:
        """Keep a content.

        Returns:
            Where it is.

        Raises:
            ScanError: With code 6 where more would have to be kept than there is room for.
        """
        start = self._end
        for chunk in chunks:
            if self._end + len(chunk) > MOST_KEPT_BYTES:
                raise unreadable("the image holds more files of interest than can be kept")
            os.pwrite(self._file.fileno(), chunk, self._end)
            self._end += len(chunk)
        return Extent(start, self._end - start)

    def read(self, extent: Extent) -> bytes:
        """Read a kept content."""
        pieces: list[bytes] = []
        offset, left = extent
        while left and (piece := os.pread(self._file.fileno(), left, offset)):
            pieces.append(piece)
            offset += len(piece)
            left -= len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
