"""Applies an image's layers, one after another, and keeps what is of interest in them."""

from pathlib import Path
from typing import NamedTuple

from local.qscanner.image.contents import Contents
from local.qscanner.image.interest import Interest
from local.qscanner.image.layer_blob import Allowance, LayerBlob
from local.qscanner.image.overlay import KeptFile, Overlay
from local.qscanner.image.tar_stream import Entry, Kind, TarStream
from local.qscanner.image.tree import ImageTree
from local.qscanner.journal import Journal
from local.qscanner.secret_rules import MAX_FILE_BYTES as MAX_TEXT_BYTES
from local.qscanner.secret_rules import is_text
from local.qscanner.tree import MAX_FILE_BYTES


class _Missed(NamedTuple):
    """A hard link to a file that was not kept when it passed."""

    path: str
    target: str


class LayerReader:
    """Reads the layers of one image into a tree."""

    def __init__(self, folder: Path, diff_ids: list[str], interest: Interest, journal: Journal) -> None:
        """Begin with nothing.

        Args:
            folder: A private folder, in which one file of contents is made.
            diff_ids: The layers' hashes, the lowest first.
            interest: What is kept.
            journal: Where links that lead nowhere are named.
        """
        self._interest = interest
        self._journal = journal
        self._overlay = Overlay()
        self._contents = Contents(folder / "contents")
        self.tree = ImageTree(folder, diff_ids, self._overlay, self._contents)

    def close(self) -> None:
        """Let go of the contents; the tree cannot be read any more."""
        self._contents.close()

    def apply(self, blob: Path, number: int, allowance: Allowance) -> str:
        """Apply a layer.

        Args:
            blob: The layer's blob.
            number: Which layer it is, from 0.
            allowance: How much may still be read.

        Returns:
            The hash of the layer's uncompressed content.

        Raises:
            ScanError: With code 6 where the layer is damaged, or beyond what may be read.
        """
        missed: list[_Missed] = []
        layer = LayerBlob(blob, allowance)
        try:
            stream = TarStream(layer.read)
            for entry in stream:
                allowance.take_entry()
                self._apply_entry(entry, stream, number, missed)
            diff_id = layer.finish()
        finally:
            layer.close()
        if missed:
            self._find_missed(blob, number, allowance, missed)
        return diff_id

    def _apply_entry(self, entry: Entry, stream: TarStream, number: int, missed: list[_Missed]) -> None:
        path = self._overlay.resolve(entry.path)
        if not path or self._overlay.apply_whiteout(path, number):
            return
        if entry.kind is Kind.FOLDER:
            self._overlay.put_folder(path, number)
        elif entry.kind is Kind.SYMBOLIC_LINK:
            self._overlay.put_link(path, entry.link, number)
        elif entry.kind is Kind.HARD_LINK:
            self._link(path, self._overlay.resolve(entry.link), number, missed)
        elif entry.kind is Kind.FILE and (kept := self._kept(path, entry.size, stream, number)):
            self._put(path, kept)
        else:
            self._overlay.remove(path)

    def _kept(self, path: str, size: int, stream: TarStream, number: int) -> KeptFile | None:
        if self._interest.names(path):
            extent = self._contents.keep(stream.content()) if size <= MAX_FILE_BYTES else None
            return KeptFile(number, size, extent)
        if self._interest.texts and size <= MAX_TEXT_BYTES:
            content = b"".join(stream.content())
            return KeptFile(number, size, self._contents.keep([content])) if is_text(content) else None
        return None

    def _put(self, path: str, file: KeptFile) -> None:
        self._overlay.put_file(path, file)
        if self._interest.databases(path):
            self.tree.remember_version(path, file)

    def _link(self, path: str, target: str, number: int, missed: list[_Missed]) -> None:
        if file := self._overlay.file(target):
            self._put(path, file._replace(layer=number))
            return
        self._overlay.remove(path)
        if self._interest.names(path):
            missed.append(_Missed(path, target))

    def _find_missed(self, blob: Path, number: int, allowance: Allowance, missed: list[_Missed]) -> None:
        """Go through a layer once more for files that are of interest only by the name of a link to them."""
        by_target: dict[str, list[str]] = {}
        for link in missed:
            by_target.setdefault(link.target, []).append(link.path)
        layer = LayerBlob(blob, allowance)
        try:
            stream = TarStream(layer.read)
            for entry in stream:
                paths = by_target.get(self._overlay.resolve(entry.path), []) if entry.kind is Kind.FILE else []
                if paths:
                    extent = self._contents.keep(stream.content()) if entry.size <= MAX_FILE_BYTES else None
                    for path in paths:
                        self._put(path, KeptFile(number, entry.size, extent))
                    del by_target[self._overlay.resolve(entry.path)]
        finally:
            layer.close()
        for target, paths in by_target.items():
            self._journal.warn(f"{paths[0]} is a hard link to {target}, which is not a file of the same layer")
