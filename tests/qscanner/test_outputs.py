"""Finding what a run left."""

import json
import lzma
import os
from pathlib import Path

import pytest

from scan_core.model.attempt import AttemptErrorKind
from scan_core.qscanner.outputs import Outputs, OutputsRefused, discover, open_output

PREFIX = "0123abcd"


def write(folder: Path, ending: str, content: str = "{}", prefix: str = f"{PREFIX}-") -> Path:
    """Leave a file as a run would."""
    path = folder / f"{prefix}{ending}"
    path.write_text(content)
    return path


class TestDiscover:
    def test_files_are_found_by_how_their_names_end(self, tmp_path: Path) -> None:
        """CycloneDX by what it says, because its name is not documented."""
        expected = Outputs(
            sarif=write(tmp_path, "Report.sarif.json"),
            inventory=write(tmp_path, "ScanResult.json"),
            spdx=write(tmp_path, "ScanResult.spdx.json", '{"packages": [], "spdxVersion": "SPDX-2.3"}'),
            cyclonedx=write(tmp_path, "whatever.json", '{"components": [{"bomFormat": 1}], "bomFormat": "CycloneDX"}'),
        )
        write(tmp_path, "Report.json", '{"bomFormat": "CycloneDX"}')
        write(tmp_path, "ScanResult.table")
        write(tmp_path, "broken.json", "{")
        write(tmp_path, "array.json", "[]")
        write(tmp_path, "nothing.json", "{}")
        assert discover(tmp_path) == expected

    def test_an_empty_folder_has_nothing(self, tmp_path: Path) -> None:
        """Which is not an error yet."""
        assert discover(tmp_path) == Outputs()

    def test_names_without_a_prefix_or_with_an_underscore_are_found(self, tmp_path: Path) -> None:
        """Names cannot be chosen, and may change a little."""
        assert discover(tmp_path).sarif is None
        path = write(tmp_path, "_Report.sarif.json", prefix="odd\nname")
        assert discover(tmp_path).sarif == path

    @pytest.mark.parametrize("ending", ["Report.sarif.json", "ScanResult.json"])
    def test_two_of_a_kind_are_refused(self, tmp_path: Path, ending: str) -> None:
        """One of them is another scan's."""
        write(tmp_path, ending)
        write(tmp_path, ending, prefix="f" * 90 + "-")
        with pytest.raises(OutputsRefused, match="more than one") as refused:
            discover(tmp_path)
        assert refused.value.error.kind is AttemptErrorKind.REPORT_FOREIGN

    def test_a_link_is_refused(self, tmp_path: Path) -> None:
        """It could lead anywhere."""
        (tmp_path / f"{PREFIX}-Report.sarif.json").symlink_to("/etc/passwd")
        with pytest.raises(OutputsRefused, match="not a regular file"):
            discover(tmp_path)

    def test_a_folder_and_a_pipe_are_refused(self, tmp_path: Path) -> None:
        """Opening a pipe must not wait for its writer."""
        (tmp_path / "folder-Report.sarif.json").mkdir()
        with pytest.raises(OutputsRefused):
            discover(tmp_path)
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OutputsRefused):
            open_output(tmp_path / "pipe")

    def test_a_file_that_is_gone_is_refused(self, tmp_path: Path) -> None:
        """In the same words."""
        with pytest.raises(OutputsRefused):
            open_output(tmp_path / "gone")


class TestCompressed:
    def test_a_copy_beside_its_file_is_ignored(self, tmp_path: Path) -> None:
        """Even a broken one."""
        path = write(tmp_path, "Report.sarif.json")
        write(tmp_path, "Report.sarif.json.xz", "no xz")
        assert discover(tmp_path) == Outputs(sarif=path)

    def test_a_copy_alone_is_unpacked(self, tmp_path: Path) -> None:
        """Whatever its size."""
        content = json.dumps({"text": "x" * 1_000_000}).encode()
        (tmp_path / f"{PREFIX}-Report.sarif.json.xz").write_bytes(lzma.compress(content))
        found = discover(tmp_path).sarif
        assert found is not None
        assert found.read_bytes() == content

    def test_one_that_grows_too_large_is_refused(self, tmp_path: Path) -> None:
        """A small file must not fill the disk."""
        (tmp_path / f"{PREFIX}-Report.sarif.json.xz").write_bytes(lzma.compress(bytes(5_000_000)))
        with pytest.raises(OutputsRefused, match="unpacks to more") as refused:
            discover(tmp_path, most_unpacked_bytes=1_000_000)
        assert refused.value.error.kind is AttemptErrorKind.ARTIFACT_TOO_LARGE
        assert (tmp_path / f"{PREFIX}-Report.sarif.json").stat().st_size <= 1_000_000

    @pytest.mark.parametrize("content", [b"", b"no xz at all", lzma.compress(os.urandom(2000))[:1000]])
    def test_a_damaged_one_is_refused(self, tmp_path: Path, content: bytes) -> None:
        """Half of one least of all."""
        (tmp_path / f"{PREFIX}-Report.sarif.json.xz").write_bytes(content)
        with pytest.raises(OutputsRefused, match="damaged") as refused:
            discover(tmp_path)
        assert refused.value.error.kind is AttemptErrorKind.REPORT_UNREADABLE
