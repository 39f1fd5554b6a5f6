"""A bad scanner is as bad as it was asked to be, and no worse."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

from local.qscanner import faults as faults_module
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.faults import ESCAPE_NAME, KINDS, read_faults
from local.qscanner.tree import Tree
from tests.local.qscanner.checkouts import Scanner, write_tree
from tests.local.qscanner.schemas import SARIF_VALIDATOR

ROOT = Path(__file__).parents[3]
REPORT = "-Report.sarif.json"
Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start(checkout: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts a scanner with a fault in a process group of its own, which is gone after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(fault: str) -> subprocess.Popen[bytes]:
        arguments = ["--pod", "US1", "--output-dir", str(tmp_path / "output"), "repo", str(checkout)]
        environment = {**os.environ, "QUALYS_ACCESS_TOKEN": "t", "HOME": str(tmp_path), "QSCANNER_STANDIN_FAULT": fault}
        process = subprocess.Popen(
            [sys.executable, "-m", "local.qscanner", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if group_members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def group_members(group: int) -> list[int]:
    """Live processes of a group."""
    members = []
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if folder.name.isdecimal() and int(fields[2]) == group and fields[0] != "Z":
            members.append(int(folder.name))
    return members


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask again until it holds; the test's own time limit is the last word."""
    while not condition():
        time.sleep(0.01)


def ignores(pid: int, wanted: signal.Signals) -> bool:
    """Tell whether a process ignores a signal, by the mask that the kernel shows."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    (mask,) = [int(line.split()[1], 16) for line in lines if line.startswith("SigIgn")]
    return bool(mask >> (wanted - 1) & 1)


class TestProcesses:
    def test_hangs_until_it_is_told_to_end(self, start: Start) -> None:
        """It ends by SIGTERM."""
        process = start("hang")
        assert process.stdout is not None
        assert any(b"fault hang" in line for line in process.stdout)
        process.terminate()
        assert process.wait() != 0

    def test_hangs_with_a_child_and_ignores_sigterm(self, start: Start) -> None:
        """Only killing the whole group ends both."""
        process = start("hang_ignoring_sigterm")
        wait_until(lambda: len(group_members(process.pid)) == 2)
        wait_until(lambda: all(ignores(pid, signal.SIGTERM) for pid in group_members(process.pid)))
        os.killpg(process.pid, signal.SIGTERM)
        assert len(group_members(process.pid)) == 2
        process.kill()
        process.wait()
        assert len(group_members(process.pid)) == 1
        os.killpg(process.pid, signal.SIGKILL)
        wait_until(lambda: not group_members(process.pid))

    def test_floods_both_streams(self, start: Start) -> None:
        """Faster than anyone reads."""
        process = start("flood")
        assert process.stdout is not None
        assert len(process.stdout.read(5_000_000)) == 5_000_000
        assert process.poll() is None

    def test_floods_the_disk(self, start: Start, tmp_path: Path) -> None:
        """In its own output folder."""
        process = start("flood_disk")
        wait_until(lambda: any(path.stat().st_size > 2_000_000 for path in (tmp_path / "output").glob("*flood.bin")))
        process.kill()
        assert process.wait() == -signal.SIGKILL

    def test_dies_by_signal(self, start: Start, tmp_path: Path) -> None:
        """In the middle of its scan: no report."""
        assert start("killed").wait() == -signal.SIGKILL
        assert list((tmp_path / "output").iterdir()) == []

    def test_leaves_children_behind(self, start: Start, tmp_path: Path) -> None:
        """The scan itself ends well; twenty others hold its output open."""
        process = start("fork_bomb_lite")
        assert process.wait() == 0
        assert len(list((tmp_path / "output").glob(f"*{REPORT}"))) == 1
        assert len(group_members(process.pid)) == 20

    @pytest.mark.parametrize("code", [0, 7, 40, 99, 255])
    def test_ends_with_any_code(self, start: Start, tmp_path: Path, code: int) -> None:
        """All else is as ever, except that 40 means no report."""
        assert start(f"exit:{code}").wait() == code
        assert bool(list((tmp_path / "output").glob(f"*{REPORT}"))) is (code != 40)


class TestBounds:
    @pytest.mark.parametrize("fault", ["flood", "flood_disk"])
    def test_a_flood_that_nobody_stops_ends(
        self, checkout: Path, scan: Scanner, monkeypatch: pytest.MonkeyPatch, fault: str
    ) -> None:
        """A forgotten scanner does not fill a machine."""
        monkeypatch.setattr(faults_module, "MOST_FLOODED_BYTES", 200_000)
        monkeypatch.setattr(os, "write", lambda _, data: len(data))
        monkeypatch.setattr(signal, "alarm", lambda _: None)
        assert scan("repo", str(checkout), QSCANNER_STANDIN_FAULT=fault).code == ExitCode.GENERIC_ERROR


class TestReports:
    def test_writes_no_sarif(self, checkout: Path, scan: Scanner) -> None:
        """And ends with 0."""
        run = scan("repo", str(checkout), QSCANNER_STANDIN_FAULT="no_sarif")
        assert run.code == ExitCode.SUCCESS
        assert not list(run.output.glob(f"*{REPORT}"))

    def test_writes_half_a_sarif(self, checkout: Path, scan: Scanner) -> None:
        """Which is no JSON."""
        run = scan("repo", str(checkout), QSCANNER_STANDIN_FAULT="half_sarif")
        with pytest.raises(json.JSONDecodeError):
            run.document(REPORT)

    def test_writes_another_scans_sarif(self, checkout: Path, scan: Scanner) -> None:
        """Well-formed, clean, older, under another name, of another commit."""
        run = scan("repo", str(checkout), QSCANNER_STANDIN_FAULT="other_sarif")
        document = run.document(REPORT)
        SARIF_VALIDATOR.validate(document)
        assert document["runs"][0]["results"] == []
        assert run.file(REPORT).name.partition("-")[0] != run.file("-ScanResult.json").name.partition("-")[0]
        assert run.file(REPORT).stat().st_mtime < run.file("-ScanResult.json").stat().st_mtime - 80_000

    @pytest.mark.parametrize("count", [0, 1, 2500])
    def test_writes_a_huge_sarif(self, checkout: Path, scan: Scanner, count: int) -> None:
        """As many more results as asked for, and valid."""
        document = scan("repo", str(checkout), QSCANNER_STANDIN_FAULT=f"huge_sarif:{count}").document(REPORT)
        assert len(document["runs"][0]["results"]) == count + 6
        if count < 2:
            SARIF_VALIDATOR.validate(document)

    def test_puts_a_link_in_the_place_of_the_inventory(self, checkout: Path, scan: Scanner) -> None:
        """Whoever uploads what it points to leaks a file of the machine."""
        run = scan("repo", str(checkout), QSCANNER_STANDIN_FAULT="symlink_out")
        assert run.file("-ScanResult.json").readlink() == Path("/etc/passwd")

    def test_faults_of_a_report_that_is_not_written_change_nothing(self, checkout: Path, scan: Scanner) -> None:
        """As in mode inventory-only."""
        assert scan("--mode", "inventory-only", "repo", str(checkout), QSCANNER_STANDIN_FAULT="half_sarif").code == 0


class TestLeaks:
    def test_prints_its_token_and_environment(self, checkout: Path, scan: Scanner) -> None:
        """On both streams, and then scans as ever."""
        run = scan("repo", str(checkout), QSCANNER_STANDIN_FAULT="print_token", QUALYS_ACCESS_TOKEN="the-token")
        assert run.code == ExitCode.SUCCESS
        assert "QUALYS_ACCESS_TOKEN=the-token" in run.stdout
        assert "QUALYS_ACCESS_TOKEN=the-token" in run.stderr

    def test_tries_to_write_elsewhere(self, checkout: Path, tmp_path: Path, scan: Scanner) -> None:
        """Beside its output, into the scanned folder and into HOME; where it may not, it says so."""
        run = scan("repo", str(checkout), QSCANNER_STANDIN_FAULT="escape", HOME=str(tmp_path / "absent"))
        assert run.code == ExitCode.SUCCESS
        assert (tmp_path / ESCAPE_NAME).is_file()
        assert (checkout / ESCAPE_NAME).is_file()
        assert "could not write" in run.stderr


class TestAsking:
    def test_a_tree_asks_only_where_it_is_allowed(self, checkout: Path, scan: Scanner) -> None:
        """Code under scan decides nothing in an ordinary run."""
        write_tree(checkout, {".qscanner-standin.json": {"fault": "exit:9"}})
        assert scan("repo", str(checkout)).code == 0
        assert scan("repo", str(checkout), QSCANNER_STANDIN_ALLOW_TREE_FAULTS="1").code == 9

    @pytest.mark.parametrize("content", ["{", "[]", "{}", '{"fault": ""}'])
    def test_a_tree_that_asks_for_nothing_gets_nothing(self, tmp_path: Path, content: str) -> None:
        """Nor does one whose wish cannot be read."""
        tree = Tree(write_tree(tmp_path, {".qscanner-standin.json": content}))
        assert read_faults({"QSCANNER_STANDIN_ALLOW_TREE_FAULTS": "1"}, tree).wanted == {}

    def test_several_faults_may_be_asked_for(self, tmp_path: Path) -> None:
        """Separated by commas."""
        wanted = read_faults({"QSCANNER_STANDIN_FAULT": "print_token, slow:0.1,exit:3"}, Tree(tmp_path)).wanted
        assert wanted == {"print_token": "", "slow": "0.1", "exit": "3"}

    @pytest.mark.parametrize(
        "fault", ["explode", "exit", "exit:256", "exit:x", "slow:-1", "hang:5", "huge_sarif:many", "slow:"]
    )
    def test_a_fault_that_is_not_known_is_a_bad_parameter(self, tmp_path: Path, fault: str) -> None:
        """A test with a slip in it must not pass for a good scan."""
        with pytest.raises(ScanError, match="is not known") as refusal:
            read_faults({"QSCANNER_STANDIN_FAULT": fault}, Tree(tmp_path))
        assert refusal.value.code is ExitCode.BAD_PARAMETER

    def test_every_kind_is_documented_by_its_argument(self) -> None:
        """Fifteen kinds, of which three take one."""
        assert len(KINDS) == 15
        assert {kind for kind, argument in KINDS.items() if argument} == {"exit", "slow", "huge_sarif"}


def test_the_schema_would_notice() -> None:
    """The validator that these tests lean on refuses what is not SARIF."""
    with pytest.raises(jsonschema.ValidationError):
        SARIF_VALIDATOR.validate({"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": []}]})
