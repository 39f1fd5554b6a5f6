"""Finding what a run left in its output folder. QScanner chooses the names; only their endings are known."""

import lzma
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.qscanner.json_stream import JsonEvents, JsonUnreadable

MOST_UNPACKED_BYTES = 512 * 1024 * 1024
_UNPACK_MEMORY_BYTES = 128 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_LONGEST_SHOWN = 60

# docs.qualys.com (QScanner output files) and the public wrappers; the part before the dash is opaque.
_SARIF = re.compile(r"(?:.*[-_])?Report\.sarif\.json", re.DOTALL)
_INVENTORY = re.compile(r"(?:.*[-_])?ScanResult\.json", re.DOTALL)
_SPDX = re.compile(r"(?:.*[-_])?ScanResult\.spdx\.json", re.DOTALL)
_REPORT_JSON = re.compile(r"(?:.*[-_])?Report\.json", re.DOTALL)
_PACKED = ".xz"


class Outputs(NamedTuple):
    """What a run left; None for what it did not leave.

    Attributes:
        sarif: The report.
        inventory: Packages and secrets, with the secrets in plaintext.
        spdx: The SPDX bill of materials.
        cyclonedx: The CycloneDX bill of materials.
    """

    sarif: Path | None = None
    inventory: Path | None = None
    spdx: Path | None = None
    cyclonedx: Path | None = None


class OutputsRefused(Exception):
    """What a run left cannot be told apart, or must not be opened. `error` says why."""

    def __init__(self, kind: AttemptErrorKind, sentence: str) -> None:
        super().__init__(sentence)
        self.error = AttemptError(kind=kind, sentence=sentence)


def discover(folder: Path, most_unpacked_bytes: int = MOST_UNPACKED_BYTES) -> Outputs:
    """Find a run's files. Only for a folder that was this run's own and empty, after every process of it has ended.

    A file that exists only as its compressed copy is unpacked beside it.

    Args:
        folder: The output folder.
        most_unpacked_bytes: How large an unpacked file may become.

    Returns:
        The files found; nothing is read but what tells one kind from another.

    Raises:
        OutputsRefused: There are two reports or two inventories, a file is a link or no regular file, or a compressed
            copy is damaged or too large.
    """
    names = sorted(entry.name for entry in os.scandir(folder) if _is_wanted(entry.name))
    paths = list(_plain_files(folder, names, most_unpacked_bytes))
    rest = [path for path in paths if not any(kind.fullmatch(path.name) for kind in (_SARIF, _INVENTORY, _REPORT_JSON))]
    spdx = [path for path in rest if _SPDX.fullmatch(path.name)]
    others = [path for path in rest if path not in spdx]
    return Outputs(
        sarif=_only_one("report", [path for path in paths if _SARIF.fullmatch(path.name)]),
        inventory=_only_one("inventory", [path for path in paths if _INVENTORY.fullmatch(path.name)]),
        spdx=next((path for path in (*spdx, *others) if _states(path, "spdxVersion", "SPDX-")), None),
        cyclonedx=next((path for path in others if _states(path, "bomFormat", "CycloneDX")), None),
    )


def open_output(path: Path) -> BinaryIO:
    """Open a file that a scanner wrote, if it is one.

    Args:
        path: A path from `discover`.

    Returns:
        The file, at its beginning.

    Raises:
        OutputsRefused: It is a link, a device, a pipe or a folder, or it is gone.
    """
    try:
        # Not blocking: opening a named pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _not_a_file(path.name) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_a_file(path.name)
    return os.fdopen(descriptor, "rb")


def _is_wanted(name: str) -> bool:
    return name.removesuffix(_PACKED).endswith(".json")


def _plain_files(folder: Path, names: list[str], most_unpacked_bytes: int) -> Iterator[Path]:
    for name in names:
        path = folder / name
        if not name.endswith(_PACKED):
            open_output(path).close()
            yield path
        elif name.removesuffix(_PACKED) not in names:
            yield _unpacked(path, most_unpacked_bytes)


def _unpacked(packed: Path, most_bytes: int) -> Path:
    target = packed.with_name(packed.name.removesuffix(_PACKED))
    decompressor = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_UNPACK_MEMORY_BYTES)
    size = 0
    with open_output(packed) as source, target.open("xb") as sink:
        while not decompressor.eof:
            for piece in _pieces(source, decompressor, packed.name):
                size += len(piece)
                if size > most_bytes:
                    sentence = f"{_shown(packed.name)} unpacks to more than {most_bytes:,} bytes."
                    raise OutputsRefused(AttemptErrorKind.ARTIFACT_TOO_LARGE, sentence)
                sink.write(piece)
    return target


def _pieces(source: BinaryIO, decompressor: lzma.LZMADecompressor, name: str) -> Iterator[bytes]:
    damaged = OutputsRefused(AttemptErrorKind.REPORT_UNREADABLE, f"{_shown(name)} is damaged and cannot be unpacked.")
    data = source.read(_CHUNK_BYTES)
    if not data:
        raise damaged
    try:
        yield decompressor.decompress(data, max_length=_CHUNK_BYTES)
        while not decompressor.needs_input and not decompressor.eof:
            yield decompressor.decompress(b"", max_length=_CHUNK_BYTES)
    except lzma.LZMAError as error:
        raise damaged from error


def _only_one(what: str, paths: list[Path]) -> Path | None:
    if len(paths) > 1:
        names = ", ".join(_shown(path.name) for path in paths[:3])
        sentence = f"The scan left more than one {what} ({names}), and nothing tells which is its own."
        raise OutputsRefused(AttemptErrorKind.REPORT_FOREIGN, sentence)
    return paths[0] if paths else None


def _states(path: Path, key: str, beginning: str) -> bool:
    """Look for a member of the outermost object, wherever in it it stands."""
    with open_output(path) as stream:
        events = JsonEvents(stream)
        try:
            if events.next()[0] != "start_map":
                return False
            for member in events.members():
                if member == key:
                    return str(events.next()[1]).startswith(beginning)
                events.skip()
        except JsonUnreadable:
            return False
    return False


def _not_a_file(name: str) -> OutputsRefused:
    sentence = f"{_shown(name)} in the output folder is not a regular file; it was not opened."
    return OutputsRefused(AttemptErrorKind.REPORT_UNREADABLE, sentence)


def _shown(name: str) -> str:
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return printable if len(printable) <= _LONGEST_SHOWN else f"…{printable[-_LONGEST_SHOWN:]}"
