"""An image's file tree: what its layers say together, by the OCI image layer specification.

Nothing is unpacked. The tree knows folders, symbolic links and the files that are of interest; other files leave no
trace but the place they take.
"""

from collections.abc import Iterator
from typing import NamedTuple

from local.qscanner.image.contents import Extent
from local.qscanner.image.manifests import unreadable

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_MOST_DEPTH = 256
_MOST_LINKS = 40


class KeptFile(NamedTuple):
    """A file of interest.

    Attributes:
        layer: The number of the layer that brought it, from 0.
        size: Its size in bytes.
        extent: Where its content is kept; None where it is too large to be.
    """

    layer: int
    size: int
    extent: Extent | None


class _Link(NamedTuple):
    layer: int
    target: str


class _Folder:
    __slots__ = ("children", "layer")

    def __init__(self, layer: int) -> None:
        self.layer = layer
        self.children: dict[str, _Folder | _Link | KeptFile] = {}


class Overlay:
    """The tree, to which layers are applied from the lowest up."""

    def __init__(self) -> None:
        """Begin with an empty root."""
        self._root = _Folder(0)

    def resolve(self, path: str) -> str:
        """Give where an entry of a layer stands in the tree.

        Folders on the way may be symbolic links of lower layers; they are followed within the tree, of which ``..``
        never leads out, as a container engine would in the image's own root.

        Args:
            path: The entry's path as the archive writes it.

        Returns:
            The path without leading or doubled slashes, ``.`` and ``..``; empty for the root itself.

        Raises:
            ScanError: With code 6 where links lead in circles, or folders are nested beyond any use.
        """
        waiting = _parts(path)[::-1]
        done: list[str] = []
        links_left = _MOST_LINKS
        while waiting:
            part = waiting.pop()
            if part == "..":
                done = done[:-1]
                continue
            node = self._node([*done, part]) if waiting else None
            if isinstance(node, _Link):
                links_left -= 1
                if not links_left:
                    raise unreadable("symbolic links of the image lead in circles")
                done = [] if node.target.startswith("/") else done
                waiting.extend(_parts(node.target)[::-1])
            else:
                done.append(part)
            if len(done) + len(waiting) > _MOST_DEPTH:
                raise unreadable(f"folders of the image are nested deeper than {_MOST_DEPTH}")
        return "/".join(done)

    def apply_whiteout(self, path: str, layer: int) -> bool:
        """Take away what a whiteout names, as far as it is of lower layers.

        Returns:
            Whether the path is that of a whiteout.
        """
        folder, _, name = path.rpartition("/")
        if not name.startswith(_WHITEOUT):
            return False
        parts = folder.split("/") if folder else []
        if name == _OPAQUE:
            node = self._node(parts)
            if isinstance(node, _Folder):
                _hide_lower(node, layer)
        elif hidden := name.removeprefix(_WHITEOUT):
            parent = self._node(parts)
            if isinstance(parent, _Folder):
                _hide_child(parent, hidden, layer)
        return True

    def put_folder(self, path: str, layer: int) -> None:
        """Put a folder; one that is there keeps what it holds."""
        if path:
            self._folder(path.split("/"), layer)

    def put_link(self, path: str, target: str, layer: int) -> None:
        """Put a symbolic link in the place of whatever is there."""
        self._put(path, _Link(layer, target), layer)

    def put_file(self, path: str, file: KeptFile) -> None:
        """Put a file of interest in the place of whatever is there."""
        self._put(path, file, file.layer)

    def remove(self, path: str) -> None:
        """Take away what is at a path: a file of no interest has replaced it."""
        folder, _, name = path.rpartition("/")
        parent = self._node(folder.split("/") if folder else [])
        if isinstance(parent, _Folder):
            parent.children.pop(name, None)

    def file(self, path: str) -> KeptFile | None:
        """Give the file of interest at a path; None for anything else, and where a link stands on the way."""
        node = self._node(path.split("/"))
        return node if isinstance(node, KeptFile) else None

    def files(self) -> Iterator[str]:
        """Walk the paths of the files of interest, in a stable order."""
        waiting: list[tuple[str, _Folder]] = [("", self._root)]
        while waiting:
            prefix, folder = waiting.pop()
            below: list[tuple[str, _Folder]] = []
            for name, node in sorted(folder.children.items()):
                if isinstance(node, KeptFile):
                    yield f"{prefix}{name}"
                elif isinstance(node, _Folder):
                    below.append((f"{prefix}{name}/", node))
            waiting.extend(reversed(below))

    def _put(self, path: str, node: _Link | KeptFile, layer: int) -> None:
        folder, _, name = path.rpartition("/")
        if name:
            self._folder(folder.split("/") if folder else [], layer).children[name] = node

    def _folder(self, parts: list[str], layer: int) -> _Folder:
        """Give a folder, made with those above it where they are not there; what stands in the way gives way."""
        folder = self._root
        for part in parts:
            node = folder.children.get(part)
            if not isinstance(node, _Folder):
                node = folder.children[part] = _Folder(layer)
            node.layer = layer
            folder = node
        return folder

    def _node(self, parts: list[str]) -> _Folder | _Link | KeptFile | None:
        node: _Folder | _Link | KeptFile | None = self._root
        for part in parts:
            node = node.children.get(part) if isinstance(node, _Folder) else None
        return node


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _hide_lower(folder: _Folder, layer: int) -> None:
    """Empty a folder of everything that is not of this very layer."""
    for name in list(folder.children):
        _hide_child(folder, name, layer)


def _hide_child(folder: _Folder, name: str, layer: int) -> None:
    node = folder.children.get(name)
    if isinstance(node, _Folder) and node.layer == layer:
        _hide_lower(node, layer)
    elif node is not None and node.layer != layer:
        del folder.children[name]
