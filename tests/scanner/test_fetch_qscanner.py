"""Nothing gets into the image as QScanner but the program with the sum asked for."""

import gzip
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from scanner import fetch_qscanner
from tests.scanner import stand_in

PROGRAM = b"\x7fELF a program"
SUM = stand_in.sha256(PROGRAM)


def archive(name: str, content: bytes = PROGRAM) -> bytes:
    """A gzipped tar archive of one file."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return plain.getvalue()


def fetch(url: str, wanted: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the program as the build does."""
    monkeypatch.setenv("QSCANNER_URL", url)
    monkeypatch.setenv("QSCANNER_SHA256", wanted)
    return fetch_qscanner.main([str(target)])


@pytest.mark.parametrize(
    "content",
    [PROGRAM, gzip.compress(PROGRAM), archive("qscanner"), archive("./qscanner-4.6.0/qscanner")],
    ids=["plain", "gzip", "tar", "tar with a folder"],
)
def test_the_program_is_taken_as_it_comes(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum is the program's own, whatever it was packed in."""
    target = tmp_path / "opt" / "qscanner"
    with stand_in.served(content) as url:
        assert fetch(url, SUM.upper(), target, monkeypatch) == 0
    assert target.read_bytes() == PROGRAM
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"another program", "SHA-256 is"),
        (gzip.compress(b"another program"), "SHA-256 is"),
        (gzip.compress(PROGRAM)[:-6], "damaged archive"),
        (archive("something-else"), "no file named qscanner"),
        (b"", "SHA-256 is"),
    ],
    ids=["another", "another, packed", "half", "no program", "nothing"],
)
def test_anything_else_is_refused_in_one_line(
    content: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The build ends there, and nothing was written."""
    with stand_in.served(content) as url:
        assert fetch(url, SUM, tmp_path / "qscanner", monkeypatch) == 1
    printed = capsys.readouterr().err
    assert words in printed
    assert printed.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_fetched_is_refused_without_showing_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An address may hold what lets in."""
    with stand_in.served(PROGRAM) as url:
        assert fetch(url + "/else?sig=let-me-in", SUM, tmp_path / "q", monkeypatch) == 1
    assert fetch(url + "?sig=let-me-in", SUM, tmp_path / "q", monkeypatch) == 1
    assert fetch("file:///etc/passwd?sig=let-me-in", SUM, tmp_path / "q", monkeypatch) == 1
    assert fetch(url, "not a sum", tmp_path / "q", monkeypatch) == 1
    printed = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in printed] == ["QScanner"] * 4
    assert "answered 404" in printed[0]
    assert "could not be reached" in printed[1]
    assert "https address" in printed[2]
    assert "64 hex digits" in printed[3]
    assert "let-me-in" not in "".join(printed)


def test_a_flood_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what is fetched nor what is packed in it can fill the machine that builds."""
    monkeypatch.setattr(fetch_qscanner, "_MOST_BYTES", 1000)
    for content in (bytes(1001), gzip.compress(bytes(1001))):
        with stand_in.served(content) as url:
            assert fetch(url, SUM, tmp_path / "q", monkeypatch) == 1
    assert not (tmp_path / "q").exists()


def test_the_packed_stand_in_runs(tmp_path: Path) -> None:
    """What `make test-image` puts in the image in QScanner's place."""
    program = tmp_path / "qscanner"
    program.write_bytes(stand_in.packed())
    done = subprocess.run([sys.executable, program, "version"], capture_output=True, text=True, check=True)
    assert stand_in.version() in done.stdout
