"""The scanned folder, read with care: nothing outside it, no links, nothing endless."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from fnmatch import translate
from pathlib import Path, PurePosixPath
from typing import Protocol

from local.qscanner.exit_codes import ExitCode, ScanError

MAX_DEPTH = 64
MAX_ENTRIES = 500_000
MAX_FILE_BYTES = 64 * 1024 * 1024
# Git's own files hold no manifests, and what is committed is in the working tree already.
_NEVER_ENTERED = ".git"


class FileTree(Protocol):
    """Files that can be found and read, be they those of a folder or those of an image."""

    root: Path

    def files(self) -> Iterator[str]:
        """Find the regular files: paths relative to the root, with ``/``, in a stable order."""
        ...

    def read(self, path: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Read a file; OSError where there is none, ValueError where it may not be read."""
        ...

    def layer_of(self, path: str) -> str:
        """Give the diff id of the image layer that brought a file; empty where there are no layers."""
        ...

    def versions(self, path: str) -> list[tuple[str, bytes]]:
        """Give a file's contents over time with the layers they are from, the last as it is now."""
        ...


class Tree:
    """A folder whose files are found and read without following any symbolic link."""

    def __init__(self, root: Path, exclude_dirs: tuple[str, ...] = (), exclude_files: tuple[str, ...] = ()) -> None:
        """Set the folder and what to leave out: names, paths relative to it, or wildcards of either."""
        self.root = root
        self._excluded_dir = _matcher(exclude_dirs)
        self._excluded_file = _matcher(exclude_files)

    def files(self) -> Iterator[str]:
        """Find the regular files.

        Yields:
            Paths relative to the folder, with ``/``, in a stable order, as far as they can be written as text.

        Raises:
            ScanError: With code 5 where the folder cannot be read, is too deep, or has too many entries.
        """
        entries_left = MAX_ENTRIES
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            if folder.count("/") >= MAX_DEPTH:
                raise ScanError(
                    ExitCode.FILESYSTEM_UNREADABLE, f"folders are nested deeper than {MAX_DEPTH}: {folder[:200]}"
                )
            folders: list[str] = []
            for entry in self._entries(folder):
                entries_left -= 1
                if entries_left < 0:
                    raise ScanError(ExitCode.FILESYSTEM_UNREADABLE, f"more than {MAX_ENTRIES} files and folders")
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != _NEVER_ENTERED and not self._excluded_dir(path):
                        folders.append(f"{path}/")
                elif entry.is_file(follow_symlinks=False) and not self._excluded_file(path):
                    yield path
            waiting.extend(reversed(folders))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"folder {folder or '.'} cannot be read: {error.strerror}"
            raise ScanError(ExitCode.FILESYSTEM_UNREADABLE, reason) from error

    def read(self, path: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Read a regular file of the tree.

        Args:
            path: Relative to the folder, with ``/``; ``..`` is refused.
            max_bytes: The largest size that is read.

        Returns:
            The file's content.

        Raises:
            OSError: There is no such file, it is not a regular one, or a link stands anywhere on the way.
            ValueError: The path leads out of the tree, or the file is larger than allowed.
        """
        with os.fdopen(self._open(path), "rb") as file:
            content = file.read(max_bytes + 1)
        if len(content) > max_bytes:
            message = f"{path} is larger than {max_bytes} bytes"
            raise ValueError(message)
        return content

    def layer_of(self, _path: str) -> str:
        """Give nothing: a folder has no layers."""
        return ""

    def versions(self, path: str) -> list[tuple[str, bytes]]:
        """Give a file's content, the only one there is, as ``read`` does."""
        return [("", self.read(path))]

    def _open(self, path: str) -> int:
        """Open a file by walking down from the root, refusing a link at every step."""
        parts = PurePosixPath(path).parts
        if not parts or ".." in parts or path.startswith("/"):
            message = f"{path!r} leads out of the scanned folder"
            raise ValueError(message)
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts[:-1]:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            # Without O_NONBLOCK, opening a pipe put in a file's place would wait for ever.
            opened = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            message = f"{path} is not a regular file"
            raise OSError(message)
        return opened


def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Build a test for paths that equal a pattern, or whose last part does."""
    normal = [pattern.removeprefix("./").rstrip("/") for pattern in patterns]
    expression = re.compile("|".join(translate(pattern) for pattern in normal)) if normal else None

    def matches(path: str) -> bool:
        if expression is None:
            return False
        return bool(expression.match(path) or expression.match(path.rsplit("/", 1)[-1]))

    return matches
