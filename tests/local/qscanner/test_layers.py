"""Layers of every kind, honest and hostile, read without unpacking them."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.image import contents as contents_module
from local.qscanner.image import layers as layers_module
from local.qscanner.image import tar_stream as tar_module
from local.qscanner.image.contents import Contents
from local.qscanner.image.interest import Interest
from local.qscanner.image.layer_blob import Allowance
from local.qscanner.image.layers import LayerReader
from local.qscanner.image.overlay import KeptFile, Overlay
from local.qscanner.image.tar_stream import Kind, TarStream
from local.qscanner.journal import Journal
from tests.local.qscanner.images import Entry, tar

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
EVERYTHING = Interest(names=lambda _: True, databases=lambda path: path == "db", texts=False)
LARGE = Allowance(1024**3, 10_000)


def stream(content: bytes) -> TarStream:
    """A reader of an archive."""
    return TarStream(io.BytesIO(content).read)


def read_all(content: bytes) -> list[tuple[str, Kind, bytes, str]]:
    """Every entry with its content."""
    reader = stream(content)
    return [(entry.path, entry.kind, b"".join(reader.content()), entry.link) for entry in reader]


def refusal_of(content: bytes) -> ExitCode | None:
    """The code of the error that reading an archive ends with, if it does."""
    try:
        read_all(content)
    except ScanError as error:
        return error.code
    return None


class Layers:
    """Applies layers in a folder of a test's own."""

    def __init__(self, folder: Path, interest: Interest = EVERYTHING) -> None:
        self._folder = folder
        self.reader = LayerReader(folder, [f"{number:064x}" for number in range(9)], interest, Journal())
        self._count = 0

    def add(
        self, entries: dict[str, Entry] | list[tuple[str, Entry]] | bytes, allowance: Allowance = LARGE
    ) -> "Layers":
        """Apply one more."""
        blob = self._folder / "blob"
        blob.write_bytes(entries if isinstance(entries, bytes) else tar(entries))
        self.reader.apply(blob, self._count, allowance)
        self._count += 1
        return self

    def content(self) -> dict[str, bytes]:
        """The files that are left, with what they hold."""
        return {path: self.reader.tree.read(path) for path in self.reader.tree.files()}


@pytest.fixture
def layers(tmp_path: Path) -> Iterator[Layers]:
    """Layers of which every file is kept."""
    made = Layers(tmp_path)
    yield made
    made.reader.close()


class TestTarStream:
    @pytest.mark.parametrize("tar_format", FORMATS)
    def test_reads_every_kind_of_entry(self, tar_format: int) -> None:
        """As the standard library writes them."""
        device = tarfile.TarInfo("dev/null")
        device.type = tarfile.CHRTYPE
        content = tar(
            {"a/": None, "a/file": b"x" * 700, "empty": b"", "link": "-> a/file", "hard": "=> a/file", "dev": device},
            tar_format,
        )
        assert [(path.rstrip("/"), *rest) for path, *rest in read_all(content)] == [
            ("a", Kind.FOLDER, b"", ""),
            ("a/file", Kind.FILE, b"x" * 700, ""),
            ("empty", Kind.FILE, b"", ""),
            ("link", Kind.SYMBOLIC_LINK, b"", "a/file"),
            ("hard", Kind.HARD_LINK, b"", "a/file"),
            ("dev/null", Kind.OTHER, b"", ""),
        ]

    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=150).filter(
                    lambda name: not name.endswith("/") and name.strip("/")
                ),
                st.binary(max_size=1200),
            ),
            max_size=4,
        ),
        st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    )
    def test_agrees_with_the_standard_library(self, files: list[tuple[str, bytes]], tar_format: int) -> None:
        """Names of any script and length, contents of any size."""
        content = tar(list(files), tar_format)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            expected = [(member.name, archive.extractfile(member)) for member in archive]
            assert [(path.rstrip("/"), data) for path, _, data, _ in read_all(content)] == [
                (name, file.read() if file else b"") for name, file in expected
            ]

    def test_reads_large_sizes_without_holding_them(self) -> None:
        """In base 256, as GNU writes them, and in extended headers."""
        for tar_format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            info = tarfile.TarInfo("big")
            info.size = 9 * 1024**3
            header = info.tobuf(tar_format)
            (entry,) = [next(iter(stream(header)))]
            assert entry.size == 9 * 1024**3

    @given(st.binary(max_size=2000))
    def test_whatever_it_is_given_it_ends_with_one_kind_of_error(self, content: bytes) -> None:
        """Never another, and never with more than there is."""
        assert refusal_of(content) in {None, ExitCode.IMAGE_UNREADABLE}

    @given(st.integers(0, 2560), st.integers(0, 255))
    def test_a_changed_byte_does_no_harm(self, place: int, value: int) -> None:
        """The header's checksum finds it, or it stands in a content."""
        content = bytearray(tar([("x" * 120, b"content"), ("y", "-> z")], tarfile.PAX_FORMAT))
        content[place] = value
        assert refusal_of(bytes(content)) in {None, ExitCode.IMAGE_UNREADABLE}

    def test_a_file_that_ends_in_a_slash_is_a_folder(self) -> None:
        """As archives from before ustar write one."""
        info = tarfile.TarInfo("old/")
        header = info.tobuf(tarfile.USTAR_FORMAT)
        assert read_all(header)[0][1] is Kind.FOLDER

    def test_headers_that_are_no_headers_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Cut off, sparse, too large, without a number."""
        whole = tar({"a": b"x" * 600})
        with pytest.raises(ScanError, match="within a file"):
            read_all(whole[:700])
        with pytest.raises(ScanError, match="breaks off"):
            read_all(whole[:1200])
        with pytest.raises(ScanError, match="not a tar archive"):
            read_all(whole[:100])
        with pytest.raises(ScanError, match="sparse"):
            read_all(_header(b"S"))
        with pytest.raises(ScanError, match="sparse"):
            read_all(_extended(b"GNU.sparse.major=1\n") + _header(b"0"))
        with pytest.raises(ScanError, match="negative"):
            read_all(_header(b"0", size=b"\xff" * 12))
        with pytest.raises(ScanError, match="no number where"):
            read_all(_header(b"0", size=b"9" * 12))
        with pytest.raises(ScanError, match="no number for a size"):
            read_all(_extended(b"size=many\n") + _header(b"0"))
        with pytest.raises(ScanError, match="damaged extended header"):
            read_all(_header(b"x", size=b"00000000003\0") + b"9 x".ljust(512, b"\0"))
        monkeypatch.setattr(tar_module, "_MOST_HEADER_BYTES", 10)
        with pytest.raises(ScanError, match="too large to be one"):
            read_all(tar({"x" * 200: b""}))

    def test_a_global_header_changes_nothing(self) -> None:
        """It says something of the archive."""
        record = b"18 path=elsewhere\n"
        head = _header(b"g", size=f"{len(record):011o}\0".encode()) + record.ljust(512, b"\0")
        assert read_all(head + tar({"a": b"x"}))[0][0] == "a"


def _header(kind: bytes, size: bytes = b"00000000000\0") -> bytes:
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT))
    header[156:157] = kind
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header)


def _extended(record: bytes) -> bytes:
    length = len(record) + 3
    content = f"{length} ".encode() + record
    return _header(b"x", size=f"{len(content):011o}\0".encode()) + content.ljust(512, b"\0")


class TestLayers:
    def test_later_layers_win(self, layers: Layers) -> None:
        """And each file knows which layer it is from."""
        layers.add({"a": b"1", "b": b"1"}).add({"b": b"2"})
        assert layers.content() == {"a": b"1", "b": b"2"}
        tree = layers.reader.tree
        assert [tree.layer_of(path) for path in ("a", "b", "absent")] == ["0" * 64, f"{1:064x}", ""]

    def test_whiteouts_hide_lower_layers_only(self, layers: Layers) -> None:
        """Whatever their place in their own layer."""
        layers.add({"a/x": b"1", "a/y/z": b"1", "b/x": b"1", "c": b"1"})
        layers.add([("a/new", b"2"), ("a/.wh..wh..opq", b""), ("a/y/new", b"2"), (".wh.b", b""), ("b/own", b"2")])
        layers.add([("c", b"3"), (".wh.c", b""), ("absent/.wh.x", b""), (".wh.", b""), ("gone/.wh..wh..opq", b"")])
        assert layers.content() == {"a/new": b"2", "a/y/new": b"2", "b/own": b"2", "c": b"3"}

    def test_a_folder_a_link_and_a_file_replace_each_other(self, layers: Layers) -> None:
        """With all that was below."""
        layers.add({"a/x": b"1", "b": b"1", "c": b"1"})
        layers.add({"a": b"2", "b/": None, "b/x": b"2", "c": "-> a"})
        assert layers.content() == {"a": b"2", "b/x": b"2"}
        with pytest.raises(OSError, match="not a regular file"):
            layers.reader.tree.read("c")

    @pytest.mark.parametrize(
        ("path", "place"),
        [
            ("../../etc/passwd", "etc/passwd"),
            ("/etc/passwd", "etc/passwd"),
            ("./a//b/./c", "a/b/c"),
            ("a/../b", "b"),
            ("lib/x", "usr/lib/x"),
            ("absolute/x", "usr/lib/x"),
            ("out/etc/x", "etc/x"),
            ("chain/x", "usr/lib/x"),
        ],
    )
    def test_paths_stay_within_the_image(self, layers: Layers, tmp_path: Path, path: str, place: str) -> None:
        """Also those through links: they are the image's own, and nothing of this machine is written or read."""
        before = sorted(path.name for path in tmp_path.parent.iterdir())
        layers.add({"lib": "-> usr/lib", "absolute": "-> /usr/lib", "out": "-> ../../..", "chain": "-> lib"})
        layers.add({path: b"2"})
        assert layers.content() == {place: b"2"}
        assert {path.name for path in tmp_path.iterdir()} == {"blob", "contents"}
        assert sorted(path.name for path in tmp_path.parent.iterdir()) == before

    def test_the_root_itself_cannot_be_replaced(self, layers: Layers) -> None:
        """By a file, a link or anything else."""
        layers.add({"a": b"1"}).add({"./": None, "..": b"2", "/": "-> a"})
        assert layers.content() == {"a": b"1"}

    def test_links_in_circles_and_endless_folders_are_refused(self, layers: Layers) -> None:
        """Code 6."""
        with pytest.raises(ScanError, match="circles"):
            layers.add({"a": "-> b", "b": "-> a", "a/x": b""})
        with pytest.raises(ScanError, match="nested deeper"):
            layers.add({"x/" * 300: None})

    def test_devices_are_never_files(self, layers: Layers) -> None:
        """And take the place of what was there."""
        pipe = tarfile.TarInfo("a")
        pipe.type = tarfile.FIFOTYPE
        assert layers.add({"a": b"1"}).add({"a": pipe}).content() == {}

    def test_hard_links_give_a_file_another_name(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Also where only the link's name is of interest; one that leads nowhere is named in the log."""
        made = Layers(
            tmp_path, Interest(names=lambda path: path.endswith(".json"), databases=lambda _: False, texts=False)
        )
        made.add(
            [
                ("store/1", b"one"),
                ("a.json", "=> store/1"),
                ("also.json", "=> /store/1"),
                ("b.json", b"two"),
                ("c.json", "=> b.json"),
                ("d.json", "=> ../absent"),
                ("e", "=> store/1"),
            ]
        )
        assert made.content() == {"a.json": b"one", "also.json": b"one", "b.json": b"two", "c.json": b"two"}
        assert "d.json is a hard link to absent" in capsys.readouterr().err
        made.reader.close()

    def test_databases_are_kept_as_every_layer_left_them(self, layers: Layers) -> None:
        """Other files only as they are."""
        layers.add({"db": b"1", "x": b"1"}).add({"x": b"2"}).add({"db": b"3"})
        tree = layers.reader.tree
        assert tree.versions("db") == [("0" * 64, b"1"), (f"{2:064x}", b"3")]
        assert tree.versions("x") == [(f"{1:064x}", b"2")]

    def test_a_file_too_large_to_be_kept_is_known_to_be_there(
        self, layers: Layers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Reading it is an error, not a silence."""
        monkeypatch.setattr(layers_module, "MAX_FILE_BYTES", 3)
        layers.add([("x.json", b"1234"), ("y.json", "=> x.json")])
        assert list(layers.reader.tree.files()) == ["x.json", "y.json"]
        with pytest.raises(ValueError, match="larger"):
            layers.reader.tree.read("x.json")

    def test_only_what_is_of_interest_is_kept(self, tmp_path: Path) -> None:
        """Texts are, where secrets are looked for."""
        made = Layers(tmp_path, Interest(names=lambda _: False, databases=lambda _: False, texts=True))
        assert made.add({"text": b"a", "binary": b"a\0", "empty": b""}).content() == {"text": b"a", "empty": b""}
        made.reader.close()

    def test_bombs_and_floods_are_refused(self, layers: Layers, monkeypatch: pytest.MonkeyPatch) -> None:
        """By what they unpack to, by their number, and by what would have to be kept."""
        bomb = gzip.compress(tar({"zeros": bytes(10_000_000)}))
        assert len(bomb) < 20_000
        with pytest.raises(ScanError, match="unpacks to more"):
            layers.add(bomb, Allowance(1_000_000, 10))
        with pytest.raises(ScanError, match="more files"):
            layers.add({str(number): b"" for number in range(11)}, Allowance(1_000_000, 10))
        monkeypatch.setattr(contents_module, "MOST_KEPT_BYTES", 10)
        with pytest.raises(ScanError, match="than can be kept"):
            layers.add({"a": b"x" * 11})


NAMES = st.sampled_from(["a", "b", "c", "a/x", "a/y", "b/x", "c/x/y"])
CHANGES = st.lists(
    st.tuples(NAMES, st.sampled_from(["file", "folder", "whiteout", "opaque"])),
    max_size=6,
    unique_by=lambda each: each[0],
)


class TestOverlay:
    @given(st.lists(CHANGES, max_size=4))
    def test_agrees_with_unpacking_layer_by_layer(self, changes: list[list[tuple[str, str]]]) -> None:
        """Against a plain set of paths: lower files go first, then the layer's own come."""
        overlay, model = Overlay(), dict[str, int]()
        for layer, entries in enumerate(changes):
            own: dict[str, int] = {}
            lower = dict(model)
            for name, kind in entries:
                folder, _, last = name.rpartition("/")
                if kind == "whiteout":
                    overlay.apply_whiteout(f"{folder}/.wh.{last}".lstrip("/"), layer)
                    lower = {path: at for path, at in lower.items() if path != name and not path.startswith(f"{name}/")}
                elif kind == "opaque":
                    overlay.put_folder(name, layer)
                    overlay.apply_whiteout(f"{name}/.wh..wh..opq", layer)
                    lower = {path: at for path, at in lower.items() if path != name and not path.startswith(f"{name}/")}
                    own = {path: at for path, at in own.items() if path != name and not _is_above(path, name)}
                elif kind == "folder":
                    overlay.put_folder(name, layer)
                    lower = {path: at for path, at in lower.items() if path != name and not _is_above(path, name)}
                    own = {path: at for path, at in own.items() if path != name and not _is_above(path, name)}
                else:
                    overlay.put_file(name, KeptFile(layer, 0, None))
                    lower = {path: at for path, at in lower.items() if not _collide(path, name)}
                    own = {path: at for path, at in own.items() if not _collide(path, name)} | {name: layer}
            model = lower | own
        kept = {path: file.layer for path in overlay.files() if (file := overlay.file(path))}
        assert kept == model

    def test_contents_are_given_back_whole(self, tmp_path: Path) -> None:
        """In any order."""
        contents = Contents(tmp_path / "contents")
        extents = [contents.keep([b"one", b"two"]), contents.keep([]), contents.keep([b"three"])]
        assert [contents.read(extent) for extent in reversed(extents)] == [b"three", b"", b"onetwo"]
        contents.close()


def _is_above(path: str, name: str) -> bool:
    return name.startswith(f"{path}/")


def _collide(path: str, name: str) -> bool:
    return path == name or _is_above(path, name) or _is_above(name, path)
