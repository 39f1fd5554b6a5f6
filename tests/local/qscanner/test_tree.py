"""A folder under scan is hostile: links, pipes, depth and odd names."""

import os
from pathlib import Path

import pytest

from local.qscanner import tree as tree_module
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.tree import Tree
from tests.local.qscanner.checkouts import write_tree


def names(root: Path, exclude_dirs: tuple[str, ...] = (), exclude_files: tuple[str, ...] = ()) -> list[str]:
    """What is found in a folder."""
    return list(Tree(root, exclude_dirs, exclude_files).files())


class TestFiles:
    def test_finds_regular_files_in_a_stable_order(self, tmp_path: Path) -> None:
        """Folders by name; git's own files are left out."""
        write_tree(tmp_path, {"b/x": "", "a": "", ".git/HEAD": "", "b/c/y": "", "z": ""})
        assert names(tmp_path) == ["a", "z", "b/x", "b/c/y"]

    def test_follows_no_link_and_waits_for_no_pipe(self, tmp_path: Path) -> None:
        """What a link points to is either in the tree already or no business of the scan."""
        root = write_tree(tmp_path / "tree", {"real": "", "folder/file": ""})
        (root / "out").symlink_to(tmp_path)
        (root / "in").symlink_to(root / "real")
        (root / "circle").symlink_to(root)
        os.mkfifo(root / "pipe")
        assert names(root) == ["real", "folder/file"]

    @pytest.mark.parametrize(
        ("dirs", "files", "expected"),
        [
            (("b",), (), ["a.txt"]),
            (("c",), (), ["a.txt", "b/x.txt"]),
            (("./b/c/",), (), ["a.txt", "b/x.txt"]),
            (("b/*",), (), ["a.txt", "b/x.txt"]),
            ((), ("x.txt",), ["a.txt", "b/c/y.json"]),
            ((), ("b/x.txt",), ["a.txt", "b/c/y.json"]),
            ((), ("*.txt",), ["b/c/y.json"]),
            (("a.txt",), ("b",), ["a.txt", "b/x.txt", "b/c/y.json"]),
        ],
    )
    def test_leaves_out_what_is_excluded(
        self, tmp_path: Path, dirs: tuple[str, ...], files: tuple[str, ...], expected: list[str]
    ) -> None:
        """By name, by path or by wildcard; folders and files apart."""
        write_tree(tmp_path, {"a.txt": "", "b/x.txt": "", "b/c/y.json": ""})
        assert names(tmp_path, dirs, files) == expected

    def test_a_tree_that_is_too_deep_is_refused(self, tmp_path: Path) -> None:
        """With a reason, not with an endless walk."""
        write_tree(tmp_path, {"d/" * 70 + "file": ""})
        with pytest.raises(ScanError, match="nested deeper") as refusal:
            names(tmp_path)
        assert refusal.value.code is ExitCode.FILESYSTEM_UNREADABLE

    def test_a_tree_with_too_many_files_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The count includes folders."""
        monkeypatch.setattr(tree_module, "MAX_ENTRIES", 3)
        write_tree(tmp_path, {"a": "", "b/c": "", "b/d": ""})
        with pytest.raises(ScanError, match="more than 3"):
            names(tmp_path)

    def test_a_folder_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        """A scan that silently skipped it would look clean."""
        with pytest.raises(ScanError, match=r"folder \. cannot be read"):
            names(tmp_path / "absent")


class TestRead:
    def test_reads_a_file_below(self, tmp_path: Path) -> None:
        """By its path relative to the folder."""
        assert Tree(write_tree(tmp_path, {"a/b": "text"})).read("a/b") == b"text"

    @pytest.mark.parametrize("path", ["../secret", "a/../../secret", "/etc/passwd", ""])
    def test_never_leaves_the_folder(self, tmp_path: Path, path: str) -> None:
        """Whatever an include asks for."""
        with pytest.raises(ValueError, match="leads out"):
            Tree(write_tree(tmp_path, {"a/b": ""})).read(path)

    @pytest.mark.parametrize("path", ["link", "folder/file", "a", "pipe", "absent", "absent/file"])
    def test_reads_regular_files_only(self, tmp_path: Path, path: str) -> None:
        """A link is refused at the end of the way and on it; a folder, a pipe and nothing are refused, too."""
        root = write_tree(tmp_path / "tree", {"a/b": ""})
        write_tree(tmp_path / "outside", {"file": "secret"})
        (root / "link").symlink_to(tmp_path / "outside" / "file")
        (root / "folder").symlink_to(tmp_path / "outside")
        os.mkfifo(root / "pipe")
        with pytest.raises(OSError, match=r".+"):
            Tree(root).read(path)

    def test_refuses_a_file_larger_than_allowed(self, tmp_path: Path) -> None:
        """Memory has a bound."""
        tree = Tree(write_tree(tmp_path, {"a": "12345"}))
        assert tree.read("a", max_bytes=5) == b"12345"
        with pytest.raises(ValueError, match="larger than 4 bytes"):
            tree.read("a", max_bytes=4)
