"""Tar archives read forwards, entry by entry, in bounded memory (POSIX.1-2001 ustar and pax, GNU long names).

The standard library's reader takes headers of any size into memory, and would have to be kept from unpacking; this one
only names entries and hands out the content of those that are asked for.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

from local.qscanner.image.manifests import unreadable

_BLOCK = 512
_CHUNK_BYTES = 256 * 1024
# Two paths and some attributes; more than this is no honest header.
_MOST_HEADER_BYTES = 1024 * 1024
_LONGEST_NUMBER = 20


class Kind(Enum):
    """What an entry is, as far as it matters here."""

    FILE = "file"
    FOLDER = "folder"
    SYMBOLIC_LINK = "symbolic link"
    HARD_LINK = "hard link"
    OTHER = "device, pipe or the like"


class Entry(NamedTuple):
    """One entry.

    Attributes:
        path: Its path as the archive writes it.
        kind: What it is.
        size: How many bytes of content follow, for a file.
        link: What a link names, as the archive writes it.
    """

    path: str
    kind: Kind
    size: int
    link: str


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMBOLIC_LINK,
    b"5": Kind.FOLDER,
}
_SPARSE = b"S"

type Read = Callable[[int], bytes]


class TarStream:
    """The entries of one archive."""

    def __init__(self, read: Read) -> None:
        """Take a function that gives the next so many bytes, or fewer where they end."""
        self._read = read
        self._unread = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        """Walk the entries; an entry's content has to be taken before the next entry is.

        Raises:
            ScanError: With code 6 where the archive is damaged, breaks off, or has headers beyond any use.
        """
        long: dict[str, str] = {}
        while (header := self._header()) is not None:
            kind = header[156:157]
            size = self._size(header, long)
            if kind in {b"x", b"g", b"L", b"K"}:
                content = self._small(size)
                # Global pax headers (g) name nothing of an entry that matters here.
                long |= _pax(content) if kind == b"x" else _gnu(kind, content)
                continue
            self._unread, self._padding = size, -size % _BLOCK
            yield self._entry(header, kind, long)
            long = {}

    def content(self) -> Iterator[bytes]:
        """Give the content of the entry that was last named, in pieces.

        Raises:
            ScanError: With code 6 where the archive breaks off.
        """
        while self._unread:
            chunk = self._read(min(self._unread, _CHUNK_BYTES))
            if not chunk:
                raise unreadable("a layer breaks off within a file")
            self._unread -= len(chunk)
            yield chunk

    def _entry(self, header: bytes, kind: bytes, long: dict[str, str]) -> Entry:
        if kind == _SPARSE or any(key.startswith("GNU.sparse.") for key in long):
            raise unreadable("a layer holds sparse files, which are not read")
        path = long.get("path") or _joined(header)
        found = _KINDS.get(kind, Kind.OTHER)
        # Before ustar, a folder was a file whose name ends in a slash.
        if found is Kind.FILE and path.endswith("/"):
            found = Kind.FOLDER
        return Entry(path, found, self._unread, long.get("linkpath") or _text(header[157:257]))

    def _header(self) -> bytes | None:
        """Give the next header; None at the archive's end, which is a block of zeros."""
        for _ in self.content():
            pass
        self._exactly(self._padding)
        self._padding = 0
        block = self._read(_BLOCK)
        if not block or not any(block):
            return None
        if len(block) < _BLOCK or _number(block[148:156]) != sum(block[:148]) + 8 * 0x20 + sum(block[156:]):
            raise unreadable("a layer is not a tar archive, or is damaged")
        return block

    def _size(self, header: bytes, long: dict[str, str]) -> int:
        if header[156:157] in {b"x", b"g", b"L", b"K"}:
            return _number(header[124:136])
        if stated := long.get("size"):
            if not stated.isdecimal() or len(stated) > _LONGEST_NUMBER:
                raise unreadable("a layer's extended header has no number for a size")
            return int(stated)
        # What is no file has no content, whatever its header says of its size (links in older archives do).
        return _number(header[124:136]) if _KINDS.get(header[156:157], Kind.OTHER) is Kind.FILE else 0

    def _small(self, size: int) -> bytes:
        if size > _MOST_HEADER_BYTES:
            raise unreadable("a layer has a header that is too large to be one")
        content = self._exactly(size)
        self._exactly(-size % _BLOCK)
        return content

    def _exactly(self, size: int) -> bytes:
        content = self._read(size) if size else b""
        if len(content) < size:
            raise unreadable("a layer breaks off")
        return content


def _joined(header: bytes) -> str:
    name = _text(header[:100])
    is_ustar = header[257:263] == b"ustar\0"
    prefix = _text(header[345:500]) if is_ustar else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """Read a number: octal digits, or GNU's base 256 for large ones."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big", signed=False) & ((1 << (8 * len(field) - 1)) - 1)
        if field[0] == 0xFF:
            raise unreadable("a layer's header has a negative number")
        return value
    digits = field.strip(b" \0")
    if any(digit not in b"01234567" for digit in digits):
        raise unreadable("a layer's header has no number where one belongs")
    return int(digits or b"0", 8)


def _gnu(kind: bytes, content: bytes) -> dict[str, str]:
    key = {b"L": "path", b"K": "linkpath"}.get(kind)
    return {key: _text(content)} if key else {}


def _pax(content: bytes) -> dict[str, str]:
    """Read the records ``LENGTH KEY=VALUE`` of a pax header."""
    records: dict[str, str] = {}
    while content:
        length, space, _ = content.partition(b" ")
        if (
            not space
            or not length.isdigit()
            or len(length) > _LONGEST_NUMBER
            or not len(length) + 1 < int(length) <= len(content)
        ):
            raise unreadable("a layer has a damaged extended header")
        record = content[len(length) + 1 : int(length)].removesuffix(b"\n")
        key, _, value = record.partition(b"=")
        records[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        content = content[int(length) :]
    return records
