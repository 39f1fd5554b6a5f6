"""Layers of images, described as data and written as the same bytes every time.

"Image Layer Filesystem Changeset" of the OCI Image Specification: a tar archive of what was added or changed, with a
whiteout for each thing that was removed, compressed with gzip.
"""

import gzip
import io
import posixpath
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_FASTEST: Final = 1


@dataclass(frozen=True)
class Layer:
    """What one step of a build changed.

    Attributes:
        created_by: the command, as it stands in the image's history.
        files: contents by path; paths have no slash at the beginning.
        links: targets of symbolic links by path.
        removed: paths of lower layers that are gone.
        emptied: folders whose content of lower layers is gone.
    """

    created_by: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()

    def tar(self) -> bytes:
        """Return the archive: folders before what is in them, in order, without times and owners."""
        entries: dict[str, tuple[bytes, bytes]] = {
            path: (tarfile.REGTYPE, content) for path, content in self.files.items()
        }
        entries |= {path: (tarfile.SYMTYPE, target.encode()) for path, target in self.links.items()}
        entries |= {_whiteout(path): (tarfile.REGTYPE, b"") for path in self.removed}
        entries |= {posixpath.join(path, _OPAQUE): (tarfile.REGTYPE, b"") for path in self.emptied}
        folders = {folder for path in entries for folder in _folders(path)}
        entries |= dict.fromkeys(folders, (tarfile.DIRTYPE, b""))
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path, (kind, content) in sorted(entries.items()):
                _add(archive, path, kind, content)
        return buffer.getvalue()


def compressed(archive: bytes) -> bytes:
    """Return an archive under gzip, always the same bytes.

    Args:
        archive: a layer's archive.
    """
    return gzip.compress(archive, _FASTEST, mtime=0)


def _add(archive: tarfile.TarFile, path: str, kind: bytes, content: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.type = kind
    entry.mode = 0o755 if kind == tarfile.DIRTYPE else 0o777 if kind == tarfile.SYMTYPE else 0o644
    if kind == tarfile.SYMTYPE:
        entry.linkname = content.decode()
        archive.addfile(entry)
        return
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _whiteout(path: str) -> str:
    folder, name = posixpath.split(path)
    return posixpath.join(folder, _WHITEOUT + name)


def _folders(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
