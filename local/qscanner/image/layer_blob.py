"""A layer's blob as a stream of its uncompressed content, within limits, and hashed as it passes."""

import gzip
import hashlib
import zlib
from pathlib import Path

from local.qscanner.image.manifests import unreadable

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_CHUNK_BYTES = 256 * 1024


class Allowance:
    """How much may still be read of an image, all layers together."""

    def __init__(self, unpacked_bytes: int, entries: int) -> None:
        """Set the limits."""
        self._bytes = unpacked_bytes
        self._entries = entries

    def take_bytes(self, count: int) -> None:
        """Count bytes of uncompressed content.

        Raises:
            ScanError: With code 6 where there are too many: a bomb, or an image beyond what is scanned.
        """
        self._bytes -= count
        if self._bytes < 0:
            raise unreadable("the image unpacks to more than can be read")

    def take_entry(self) -> None:
        """Count an entry of a layer.

        Raises:
            ScanError: With code 6 where there are too many.
        """
        self._entries -= 1
        if self._entries < 0:
            raise unreadable("the image has more files than can be read")


class LayerBlob:
    """One opened blob."""

    def __init__(self, path: Path, allowance: Allowance) -> None:
        """Open a blob that was fetched; gzip and plain tar are told by how it begins.

        Raises:
            ScanError: With code 6 for zstd, which the standard library cannot read.
        """
        self._allowance = allowance
        self._hash = hashlib.sha256()
        file = path.open("rb")
        beginning = file.read(4)
        file.seek(0)
        if beginning == _ZSTD:
            file.close()
            raise unreadable("layers compressed with zstd cannot be read by this stand-in; push them as gzip")
        self._file = file
        self._content = gzip.GzipFile(fileobj=file) if beginning.startswith(_GZIP) else file

    def read(self, size: int) -> bytes:
        """Read so many bytes, or fewer at the end.

        Raises:
            ScanError: With code 6 where the compression is damaged, or the allowance is used up.
        """
        pieces: list[bytes] = []
        while size > 0 and (piece := self._piece(min(size, _CHUNK_BYTES))):
            size -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        try:
            piece = self._content.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable("a layer's compression is damaged") from error
        self._allowance.take_bytes(len(piece))
        self._hash.update(piece)
        return piece

    def finish(self) -> str:
        """Read what is left.

        Returns:
            The hash of the whole uncompressed content: 64 hexadecimal digits.

        Raises:
            ScanError: As ``read`` does.
        """
        while self.read(_CHUNK_BYTES):
            pass
        return self._hash.hexdigest()

    def close(self) -> None:
        """Close the blob."""
        self._content.close()
        self._file.close()
