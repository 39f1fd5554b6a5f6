"""What a commit holds, before it is written to disk; and the links in it that lead elsewhere, after."""

import os
from pathlib import Path
from typing import Final

from scan_core.model.attempt import AttemptError, Limits
from scan_core.worker import git_failures

_LINK: Final = b"120000"
_FOLDER: Final = b"040000"
_SUBMODULE: Final = b"160000"  # the modes of git's tree objects


class TreeListing:
    """Reads what ``git ls-tree -r -t -l -z`` prints, keeping sums and links only: a tree may be made to be endless."""

    def __init__(self, limits: Limits) -> None:
        """Start with nothing.

        Args:
            limits: What the commit may hold.
        """
        self._limits = limits
        self._rest = b""
        self._bytes = self._files = self._folders = 0
        self.links: list[bytes] = []
        """The paths of symbolic links."""
        self.problem: AttemptError | None = None
        """Why the commit must not be checked out."""

    def write(self, data: bytes) -> None:
        """Take what git printed next.

        Args:
            data: Any number of bytes.
        """
        if self.problem is not None:
            return
        *entries, self._rest = (self._rest + data).split(b"\0")
        for entry in entries:
            self._count(entry)
        self.problem = self._excess()

    def _count(self, entry: bytes) -> None:
        described, _, path = entry.partition(b"\t")
        mode, _, _, size = described.split()
        if mode == _FOLDER:
            self._folders += 1
            return
        if mode == _SUBMODULE:  # becomes an empty folder
            return
        self._files += 1
        self._bytes += int(size)
        if mode == _LINK:
            self.links.append(path)

    def _excess(self) -> AttemptError | None:
        if self._bytes > self._limits.repository_bytes:
            return git_failures.too_large("The commit's files", self._limits.repository_bytes, "bytes")
        if max(self._files, self._folders) > self._limits.repository_files:
            return git_failures.too_large("The commit's files", self._limits.repository_files, "files")
        return None


def remove_leaving_links(root: Path, links: list[bytes]) -> list[str]:
    """Remove the symbolic links of a checkout that lead out of it: who scans it must not be led to other files.

    Args:
        root: The checkout.
        links: The paths of its links, relative to it.

    Returns:
        The paths that were removed.
    """
    inside = os.path.realpath(os.fsencode(root))
    removed: list[str] = []
    for link in links:
        place = os.path.join(inside, link)  # noqa: PTH118 - paths in a repository are bytes, and need not be text
        if os.path.islink(place) and not _within(inside, os.path.realpath(place)):  # noqa: PTH114 - as above
            os.unlink(place)  # noqa: PTH108 - as above
            removed.append(link.decode(errors="backslashreplace"))
    return removed


def _within(folder: bytes, place: bytes) -> bool:
    return place == folder or place.startswith(folder + b"/")
