"""An image's files of interest, found and read like those of a folder."""

from collections.abc import Iterator
from pathlib import Path

from local.qscanner.image.contents import Contents
from local.qscanner.image.overlay import KeptFile, Overlay
from local.qscanner.tree import MAX_FILE_BYTES


class ImageTree:
    """The files that an image's layers leave together, as far as they were kept."""

    def __init__(self, root: Path, diff_ids: list[str], overlay: Overlay, contents: Contents) -> None:
        """Set what it is made of.

        Args:
            root: The private folder that the contents are in.
            diff_ids: The layers' hashes, the lowest first.
            overlay: The tree.
            contents: What its files hold.
        """
        self.root = root
        self._diff_ids = diff_ids
        self._overlay = overlay
        self._contents = contents
        self._versions: dict[str, list[KeptFile]] = {}

    def remember_version(self, path: str, file: KeptFile) -> None:
        """Remember what a package database said once a layer was applied."""
        self._versions.setdefault(path, []).append(file)

    def files(self) -> Iterator[str]:
        """Walk the paths of the kept files, with ``/``, in a stable order."""
        return self._overlay.files()

    def read(self, path: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Read a kept file.

        Args:
            path: Relative to the image's root.
            max_bytes: The largest size that is read.

        Returns:
            The file's content.

        Raises:
            OSError: There is no such file, it was not kept, or a link stands anywhere on the way.
            ValueError: The file is larger than allowed.
        """
        file = self._overlay.file(path)
        if file is None:
            message = f"{path} is not a regular file"
            raise OSError(message)
        return self._content(path, file, max_bytes)

    def layer_of(self, path: str) -> str:
        """Give the diff id of the layer that last brought a kept file; empty for anything else."""
        file = self._overlay.file(path)
        return self._diff_ids[file.layer] if file else ""

    def versions(self, path: str) -> list[tuple[str, bytes]]:
        """Give what a package database said after each layer that wrote it, the last as it is now.

        Raises:
            OSError: The file is not in the image any more.
            ValueError: One of the versions is too large to be read.
        """
        now = self.read(path)
        before = [
            (self._diff_ids[file.layer], self._content(path, file, MAX_FILE_BYTES))
            for file in self._versions.get(path, [])[:-1]
        ]
        return [*before, (self.layer_of(path), now)]

    def _content(self, path: str, file: KeptFile, max_bytes: int) -> bytes:
        if file.extent is None or file.size > max_bytes:
            message = f"{path} is larger than {max_bytes} bytes"
            raise ValueError(message)
        return self._contents.read(file.extent)
