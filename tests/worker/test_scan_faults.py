"""What goes wrong with a scanner: how it ends, what it leaves, what it floods, what it leaves running."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from scan_core.model.attempt import Artifact, AttemptErrorKind
from scan_core.model.target import Mode, Profile, ScanType
from scan_core.worker import scanner as scanner_module
from tests.worker import scanners
from tests.worker.conftest import Bench
from tests.worker.scanners import GOOD, sarif, writes

COMMIT = "a" * 40


def failure(bench: Bench, body: str, **limits: Any) -> AttemptErrorKind:
    """Run a scanner that fails, and give how that is recorded."""
    manifest = bench.scanned(body, **limits)
    assert manifest.error is not None
    assert Artifact.SARIF not in {file.name for file in manifest.files}
    assert len(bench.announced()) == 1
    return manifest.error.kind


class TestFaults:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (1, AttemptErrorKind.SCANNER_FAILED),
            (2, AttemptErrorKind.SCANNER_FAILED),
            (15, AttemptErrorKind.UNSUPPORTED),
            (40, AttemptErrorKind.INCOMPLETE),
            (41, AttemptErrorKind.INCOMPLETE),
            (99, AttemptErrorKind.SCANNER_FAILED),
        ],
    )
    def test_exit_codes_that_conclude_nothing(self, bench: Bench, code: int, kind: AttemptErrorKind) -> None:
        """A perfect report changes nothing about them."""
        assert failure(bench, GOOD + f"exit {code}\n") is kind

    def test_no_report(self, bench: Bench) -> None:
        """Exit code 0 without a report is not clean."""
        assert failure(bench, writes("ScanResult.json", "{}")) is AttemptErrorKind.REPORT_MISSING

    def test_half_a_report(self, bench: Bench) -> None:
        """A report cut off in the middle is not read as far as it goes."""
        assert failure(bench, writes("Report.sarif.json", sarif()[:-20])) is AttemptErrorKind.REPORT_UNREADABLE

    def test_a_report_about_another_commit(self, bench: Bench) -> None:
        """The report says so itself."""
        assert failure(bench, writes("Report.sarif.json", sarif("b" * 40))) is AttemptErrorKind.REPORT_FOREIGN

    def test_a_report_older_than_the_run(self, bench: Bench) -> None:
        """A file put there with its old date was not written by this run."""
        body = GOOD + f'touch -d 2020-01-01 "$out/{scanners.PREFIX}-Report.sarif.json"\n'
        assert failure(bench, body) is AttemptErrorKind.REPORT_FOREIGN

    def test_two_reports(self, bench: Bench) -> None:
        """Nothing tells which is the run's own."""
        body = GOOD + f'cp "$out/{scanners.PREFIX}-Report.sarif.json" "$out/other-Report.sarif.json"\n'
        assert failure(bench, body) is AttemptErrorKind.REPORT_FOREIGN

    def test_a_report_that_is_a_link(self, bench: Bench) -> None:
        """A link in the output folder is not followed."""
        assert failure(bench, 'ln -s /etc/passwd "$out/x-Report.sarif.json"\n') is AttemptErrorKind.REPORT_UNREADABLE

    @pytest.mark.parametrize("name", ["Report.sarif.json", "ScanResult.json", "ScanResult.spdx.json"])
    def test_an_artifact_that_is_too_large(self, bench: Bench, name: str) -> None:
        """Nothing above the limit is kept, and so the result is not conclusive."""
        body = GOOD + f"head -c 300000 /dev/zero | tr '\\0' ' ' >> \"$out/{scanners.PREFIX}-{name}\"\n"
        assert failure(bench, body, artifact_bytes=200_000) is AttemptErrorKind.ARTIFACT_TOO_LARGE

    def test_killed(self, bench: Bench) -> None:
        """A death by signal has no exit code."""
        manifest = bench.scanned(GOOD + "kill -KILL $$\n")
        assert manifest.exit_code is None
        assert manifest.error is not None
        assert manifest.error.kind is AttemptErrorKind.SCANNER_KILLED

    def test_hanging(self, bench: Bench) -> None:
        """The wall clock ends it, whatever the scanner thinks of its own time-out."""
        manifest = bench.scanned("sleep 600\n", scan_seconds=1)
        assert manifest.exit_code is None
        assert manifest.error is not None
        assert manifest.error.kind is AttemptErrorKind.SCANNER_TIMED_OUT

    def test_flood_of_output(self, bench: Bench) -> None:
        """A log without end costs neither memory nor disk, and its head and tail are kept."""
        message = bench.ready(bench.message(bench.spec(COMMIT, log_bytes=4_000)))
        line = "a line of a flood, rather long"
        flood = f"echo first; i=0; while [ $i -lt 20000 ]; do echo '{line}'; i=$((i+1)); done; echo last\n"
        bench.scanner(flood + GOOD)
        bench.scan()
        log = bench.blob(message, Artifact.LOG) or b""
        assert bench.manifest(message).error is None
        assert len(log) < 5_000
        assert b"first" in log
        assert b"last" in log
        assert b"left out" in log

    def test_flood_of_the_output_folder(self, bench: Bench) -> None:
        """A scanner that fills its output folder is stopped while it does."""
        body = 'while :; do head -c 500000 /dev/zero >> "$out/x"; sleep 0.02; done\n'
        assert failure(bench, body, artifact_bytes=100_000) is AttemptErrorKind.ARTIFACT_TOO_LARGE

    def test_flood_of_the_disk(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """So is one that fills its cache."""
        monkeypatch.setattr(scanner_module, "_RUN_BYTES", 2_000_000)
        body = 'i=0; while :; do i=$((i+1)); head -c 500000 /dev/zero > "$cache/$i"; sleep 0.02; done\n'
        assert failure(bench, body) is AttemptErrorKind.ARTIFACT_TOO_LARGE

    def test_one_file_without_end(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """The system itself stops a file that grows too large."""
        monkeypatch.setattr(scanner_module, "_RUN_BYTES", 1_000_000)
        monkeypatch.setattr(scanner_module, "_flood_watch", lambda *_: lambda: None)
        assert failure(bench, 'exec cat /dev/zero > "$cache/x"\n') is AttemptErrorKind.ARTIFACT_TOO_LARGE

    def test_missing_scanner(self, bench: Bench) -> None:
        """The sentence names the setting."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        assert bench.scan(SCANGATE_QSCANNER="/nowhere/qscanner") == 0
        error = bench.manifest(message).error
        assert error is not None
        assert error.kind is AttemptErrorKind.SCANNER_MISSING
        assert "SCANGATE_QSCANNER" in error.sentence

    def test_scanner_that_is_not_the_pinned_one(self, bench: Bench, tmp_path: Path) -> None:
        """A changed program is not run."""
        mark = tmp_path / "mark"
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner(f"touch {mark}\n")
        assert bench.scan(SCANGATE_QSCANNER_SHA256="0" * 64) == 0
        error = bench.manifest(message).error
        assert error is not None
        assert error.kind is AttemptErrorKind.SCANNER_MISSING
        assert not mark.exists()

    def test_scanner_that_is_the_pinned_one(self, bench: Bench) -> None:
        """The right program runs."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        sha256 = hashlib.sha256(bench.scanner().read_bytes()).hexdigest()
        assert bench.scan(SCANGATE_QSCANNER_SHA256=sha256.upper()) == 0
        assert bench.manifest(message).error is None

    def test_scanner_that_cannot_be_executed(self, bench: Bench) -> None:
        """A program for another machine is an error of the scanner."""
        (bench.tools / "qscanner").write_bytes(b"\x7fELF nonsense")
        (bench.tools / "qscanner").chmod(0o755)
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        assert bench.scan() == 0
        error = bench.manifest(message).error
        assert error is not None
        assert error.kind is AttemptErrorKind.SCANNER_FAILED
        assert b"could not be started" in (bench.blob(message, Artifact.LOG) or b"")

    def test_rules_that_cannot_be_passed_on(self, bench: Bench) -> None:
        """A name that QScanner would read as two is refused before it starts."""
        profile = Profile(scan_types=(ScanType.PKG,), mode=Mode.GET_REPORT, exclude_dirs=("a,b" * 200,))
        message = bench.ready(bench.message(bench.spec(COMMIT).model_copy(update={"profile": profile})))
        bench.scanner()
        bench.scan()
        error = bench.manifest(message).error
        assert error is not None
        assert error.kind is AttemptErrorKind.SCANNER_FAILED

    def test_keeper_that_cannot_be_started(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """A machine that starts no more processes is reported as well."""

        def refuse(*_: object, **__: object) -> None:
            raise OSError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(scanner_module, "run", refuse)
        assert failure(bench, GOOD) is AttemptErrorKind.SCANNER_MISSING

    def test_unforeseen_failure(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Even a bug is reported, as worth another try."""

        def broken(*_: object) -> None:
            raise RuntimeError("?")

        monkeypatch.setattr("scan_core.worker.artifacts.discover", broken)
        assert failure(bench, GOOD) is AttemptErrorKind.LOST


class TestProcesses:
    def test_a_grandchild_that_ignores_the_end_is_killed(self, bench: Bench, tmp_path: Path) -> None:
        """One that left the group and the session and ignores SIGTERM does not outlive the scan."""
        pid = tmp_path / "pid"
        loop = rf"trap '' TERM; echo \$\$ > {pid}.new; mv {pid}.new {pid}; while :; do sleep 0.05; done"
        stray = f'setsid sh -c "{loop}" >/dev/null 2>&1 &\n'
        bench.scanned(stray + f"until [ -e {pid} ]; do sleep 0.01; done\n" + GOOD)
        assert not Path(f"/proc/{pid.read_text().strip()}").exists()

    def test_the_same_when_the_scan_is_ended_by_us(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nor does one of a scanner that hangs and ignores SIGTERM itself."""
        monkeypatch.setattr(scanner_module, "_GRACE_SECONDS", 0.2)
        pid = tmp_path / "pid"
        loop = "while :; do sleep 0.05; done"
        stray = f"trap '' TERM\nsetsid sh -c 'echo $$ > {pid}; {loop}' &\n{loop}\n"
        manifest = bench.scanned(stray, scan_seconds=1)
        assert manifest.error is not None
        assert manifest.error.kind is AttemptErrorKind.SCANNER_TIMED_OUT
        assert not Path(f"/proc/{pid.read_text().strip()}").exists()

    def test_a_stray_that_holds_the_pipe_open_holds_nothing_up(self, bench: Bench) -> None:
        """The end of the scanner is the end, not the end of what it printed to."""
        assert bench.scanned("sleep 600 &\n" + GOOD).error is None
