"""The scan step: from a checkout to artifacts, a signed manifest and a message."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scan_core.model.attempt import Artifact, AttemptError, AttemptErrorKind, FetchOutcome, FetchState, ResultMessage
from scan_core.model.ids import AttemptNumber
from scan_core.model.target import Mode, Profile, ScanType
from scan_core.store.attempt_links import AttemptLinkClient, StorageUnreachable
from scan_core.worker import scanner as scanner_module
from scan_core.worker.fetch import without_claim
from scan_core.worker.stopping import CANCELLED, TOLD_TO_END, StopSign
from tests.worker import scanners
from tests.worker.conftest import QUALYS_TOKEN, Bench, StopWhen, now, with_links
from tests.worker.repositories import Repository
from tests.worker.scanners import FOUND_SECRET, GOOD, sarif, writes

COMMIT = "a" * 40


class TestGoodRun:
    def test_leaves_every_artifact_and_names_it_in_the_manifest(self, bench: Bench) -> None:
        """Sizes and hashes in the manifest are those of the blobs."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner()
        assert bench.scan() == 0
        manifest = bench.manifest(message)
        assert (manifest.exit_code, manifest.error, manifest.scanner_version) == (0, None, "4.6.0")
        assert (manifest.scan_id, manifest.attempt, manifest.execution) == (message.spec.scan_id, 1, "worker-1")
        assert {file.name for file in manifest.files} == set(Artifact) - {Artifact.MANIFEST}
        for file in manifest.files:
            content = bench.blob(message, file.name) or b""
            assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())

    def test_says_when_it_fetched_and_finished(self, bench: Bench) -> None:
        """Timings come from both steps."""
        before = now()
        manifest = bench.scanned()
        assert manifest.fetched_at is not None
        assert before <= manifest.started_at <= manifest.fetched_at <= manifest.finished_at <= now()

    def test_announces_the_end(self, bench: Bench) -> None:
        """The message names the attempt and nothing else."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner()
        bench.scan()
        assert bench.announced() == [ResultMessage(scan_id=message.spec.scan_id, attempt=AttemptNumber(1))]

    def test_leaves_nothing_in_its_folder(self, bench: Bench) -> None:
        """The source, the unscrubbed output and the links are gone; started once more, the step has nothing to do."""
        bench.scanned()
        assert [path.name for path in bench.folder.iterdir()] == ["fetch.json"]
        assert bench.worker.read_outcome().state is FetchState.NOTHING
        assert b"sig=" not in bench.on_disk()
        assert bench.scan() == 0

    def test_beats_in_its_own_step(self, bench: Bench) -> None:
        """A heartbeat names the step."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner()
        bench.scan()
        heartbeat = bench.heartbeat(message)
        assert heartbeat is not None
        assert heartbeat.step == "scan"

    def test_beats_again_and_again(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """A long scan is seen to live."""
        beats: list[str] = []
        enough = bench.folder.parent / "enough"
        write = AttemptLinkClient.write_blob

        def counted(self: AttemptLinkClient, url: str, data: bytes) -> None:
            write(self, url, data)
            beats.append(url)
            if len(beats) == 3:
                enough.touch()

        monkeypatch.setattr(AttemptLinkClient, "write_blob", counted)
        bench.scanned(f"until [ -e {enough} ]; do sleep 0.02; done\n" + GOOD)
        assert len(beats) >= 3

    @pytest.mark.parametrize("code", [42, 43])
    def test_other_conclusive_codes(self, bench: Bench, code: int) -> None:
        """DENY and AUDIT conclude a scan as well."""
        manifest = bench.scanned(GOOD + f"exit {code}\n")
        assert (manifest.exit_code, manifest.error) == (code, None)

    def test_a_run_without_inventory_and_bills_of_materials_is_conclusive(self, bench: Bench) -> None:
        """The report alone decides."""
        manifest = bench.scanned(writes("Report.sarif.json", sarif(version="")))
        assert manifest.error is None
        assert manifest.scanner_version is None
        assert {file.name for file in manifest.files} == {Artifact.SARIF, Artifact.LOG}

    def test_a_report_that_names_our_commit_is_ours(self, bench: Bench) -> None:
        """What the report says about itself is compared."""
        assert bench.scanned(writes("Report.sarif.json", sarif(COMMIT))).error is None

    def test_works_with_the_stand_in(self, bench: Bench, repository: Repository) -> None:
        """Both steps with the program that local runs use, from the queue to the manifest."""
        commit = repository.commit({"requirements.txt": b"requests==2.19.0\n"})
        message = bench.queue(bench.message(bench.spec(commit)))
        assert bench.fetch().error is None
        stand_in = Path(__file__).parents[2] / "local" / "qscanner" / "qscanner"
        assert bench.scan(SCANGATE_QSCANNER=str(stand_in)) == 0
        manifest = bench.manifest(message)
        assert manifest.error is None
        assert {file.name for file in manifest.files} == set(Artifact) - {Artifact.MANIFEST}


class TestWhatTheScannerGets:
    def test_its_environment_is_its_own(self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The Qualys token, a private home, and nothing of the worker's own environment."""
        monkeypatch.setenv("SCANGATE_DEVOPS_PAT", "must-not-be-seen")
        dump = tmp_path / "environment"
        bench.scanned(f'env > {dump}; ls -A "$HOME" "$TMPDIR" "$cache" "$out" > {dump}.ls\n' + GOOD)
        variables = dict(line.split("=", 1) for line in dump.read_text().splitlines())
        own = {"PATH", "LANG", "HOME", "TMPDIR", "QUALYS_ACCESS_TOKEN"}
        allowed = own | {
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
            "PWD",
            "SHLVL",
            "_",
            "OLDPWD",
            "LC_CTYPE",
        }
        assert own <= set(variables) <= allowed
        assert variables["QUALYS_ACCESS_TOKEN"] == QUALYS_TOKEN
        assert variables["HOME"].startswith(str(bench.folder))
        assert "must-not-be-seen" not in dump.read_text()
        listed = Path(f"{dump}.ls").read_text().splitlines()
        assert [line for line in listed if line and not line.endswith(":")] == []

    def test_its_arguments_hold_no_secret(self, bench: Bench, tmp_path: Path) -> None:
        """What everybody on the machine can read names paths and flags."""
        dump = tmp_path / "arguments"
        bench.scanned(f"tr '\\0' '\\n' < /proc/$PPID/cmdline > {dump}\n" + GOOD)
        assert QUALYS_TOKEN not in dump.read_text()

    def test_it_gets_no_file_of_another_run(self, bench: Bench) -> None:
        """A report left in the output folder by a run before is gone before this one starts."""
        bench.worker.output.mkdir(parents=True)
        (bench.worker.output / "old-Report.sarif.json").write_text(sarif())
        error = bench.scanned("exit 0\n").error
        assert error is not None
        assert error.kind is AttemptErrorKind.REPORT_MISSING


class TestSecrets:
    def test_no_secret_is_in_any_blob(self, bench: Bench) -> None:
        """The Qualys token, a found secret, link signatures and the attempt's key, wherever the scanner puts them."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        signature = message.links.heartbeat.rsplit("sig=", 1)[1].partition("&")[0]
        leaks = f'echo "$QUALYS_ACCESS_TOKEN {FOUND_SECRET} {message.secret} {signature} {message.links.results}"\n'
        bench.scanner(GOOD.replace('"text": "x"', f'"text": "{FOUND_SECRET} {QUALYS_TOKEN} {message.secret}"') + leaks)
        assert bench.scan() == 0
        assert bench.manifest(message).error is None
        for name in Artifact:
            content = bench.blob(message, name) or b""
            assert content
            for secret in (QUALYS_TOKEN, FOUND_SECRET, message.secret, signature):
                assert secret.encode() not in content, name

    def test_the_log_is_withheld_where_the_secrets_are_not_known(self, bench: Bench) -> None:
        """Half an inventory may have listed more, so nothing that was printed is kept."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        half = writes("ScanResult.json", scanners.inventory()[:-5])
        bench.scanner(GOOD + half)
        bench.scan()
        manifest = bench.manifest(message)
        assert manifest.error is not None
        assert manifest.error.kind is AttemptErrorKind.REPORT_UNREADABLE
        assert [file.name for file in manifest.files] == [Artifact.LOG]
        log = bench.blob(message, Artifact.LOG) or b""
        assert b"withheld" in log
        assert FOUND_SECRET.encode() not in log

    def test_a_failed_run_keeps_its_own_reason(self, bench: Bench) -> None:
        """That its inventory cannot be read either matters less than why it failed."""
        error = bench.scanned(writes("ScanResult.json", "{") + "exit 40\n").error
        assert error is not None
        assert error.kind is AttemptErrorKind.INCOMPLETE

    def test_the_log_of_a_failed_run_is_kept(self, bench: Bench) -> None:
        """Whoever looks for the reason finds what was printed, and what the worker says."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.worker.notes.write_text("Not scanned: 1 symbolic link(s)\n")
        bench.scanner('echo "no route to host $QUALYS_ACCESS_TOKEN"; exit 40\n')
        bench.scan()
        log = (bench.blob(message, Artifact.LOG) or b"").decode()
        assert "no route to host ***" in log
        assert "Scangate: QScanner ended with exit code 40." in log
        assert "Scangate: Not scanned: 1 symbolic link(s)" in log


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


class TestOtherEnds:
    def test_nothing_to_do(self, bench: Bench) -> None:
        """Where the fetch step found nothing, the scan step ends without a word."""
        outcome = FetchOutcome(state=FetchState.NOTHING, execution="w", started_at=now(), finished_at=now())
        bench.worker.write_outcome(outcome)
        assert bench.scan() == 0
        assert bench.announced() == []

    @pytest.mark.parametrize("content", [None, "{", "{}"])
    def test_a_fetch_step_that_left_nothing_readable(self, bench: Bench, content: str | None) -> None:
        """Without links nothing can be reported; the exit code says so."""
        if content is not None:
            bench.worker.outcome.write_text(content)
        assert bench.scan() == 1

    def test_a_failed_fetch_is_reported_like_any_other_end(self, bench: Bench) -> None:
        """The scan step alone writes the manifest."""
        message = bench.message(bench.spec(COMMIT))
        error = AttemptError(kind=AttemptErrorKind.COMMIT_GONE, sentence="Gone.")
        handed = without_claim(message)
        bench.worker.write_outcome(
            FetchOutcome(
                state=FetchState.FAILED, execution="w", started_at=now(), finished_at=now(), message=handed, error=error
            )
        )
        assert bench.scan() == 0
        manifest = bench.manifest(message)
        assert (manifest.error, manifest.exit_code, manifest.fetched_at, manifest.files) == (error, None, None, ())
        assert len(bench.announced()) == 1

    def test_cancelled_before_it_starts(self, bench: Bench, tmp_path: Path) -> None:
        """The scanner is not even started."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner(f"touch {tmp_path / 'mark'}\n")
        bench.cancel(message)
        assert bench.scan() == 0
        assert bench.manifest(message).error == CANCELLED
        assert not (tmp_path / "mark").exists()

    def test_cancelled_while_it_runs(self, bench: Bench, tmp_path: Path) -> None:
        """The cancel is seen at a heartbeat, the scanner is stopped, and the end is still reported."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        mark = tmp_path / "mark"
        bench.scanner(f"touch {mark}; sleep 600\n")
        stop = StopWhen(mark.exists, lambda: bench.cancel(message))
        assert bench.scan(stop=stop) == 0
        manifest = bench.manifest(message)
        assert (manifest.error, manifest.exit_code) == (CANCELLED, None)
        assert len(bench.announced()) == 1

    def test_told_to_end(self, bench: Bench) -> None:
        """A worker that is told to end reports its attempt as one to try again."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        stop = StopSign()
        stop.ask(TOLD_TO_END)
        assert bench.scan(stop=stop) == 0
        assert bench.manifest(message).error == TOLD_TO_END


class TestRepeats:
    def test_a_step_started_again_after_the_manifest_only_announces(self, bench: Bench, tmp_path: Path) -> None:
        """What stands is not judged again."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner()
        bench.scan()
        before = bench.blob(message, Artifact.MANIFEST)
        bench.ready(message)
        bench.scanner(f"touch {tmp_path / 'mark'}\n")
        assert bench.scan() == 0
        assert bench.blob(message, Artifact.MANIFEST) == before
        assert not (tmp_path / "mark").exists()
        assert len(bench.announced()) == 2

    def test_a_step_started_again_before_the_manifest_finds_its_artifacts(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Equal files are taken as its own."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner()

        def dies(*_: object) -> None:
            raise StorageUnreachable("gone")

        with monkeypatch.context() as patched:
            patched.setattr("scan_core.worker.delivery.conclude", dies)
            assert bench.scan() == 1
        assert bench.blob(message, Artifact.SARIF) is not None
        bench.ready(message)
        assert bench.scan() == 0
        assert bench.manifest(message).error is None

    def test_a_file_that_we_did_not_write_makes_the_attempt_void(self, bench: Bench) -> None:
        """Nothing is concluded from artifacts that somebody else put there."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner()
        AttemptLinkClient().create_blob(message.links.artifacts[Artifact.SARIF], b"forged")
        assert bench.scan() == 0
        manifest = bench.manifest(message)
        assert manifest.error is not None
        assert manifest.error.kind is AttemptErrorKind.TAMPERED
        assert manifest.files == ()

    def test_a_manifest_that_appears_meanwhile_counts(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is left as it is, and announced."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner()
        monkeypatch.setattr("scan_core.worker.delivery.manifest_stands", lambda *_: False)
        AttemptLinkClient().create_blob(message.links.artifacts[Artifact.MANIFEST], b"{}")
        assert bench.scan() == 0
        assert bench.blob(message, Artifact.MANIFEST) == b"{}"
        assert len(bench.announced()) == 1


class TestStorageFailures:
    def test_expired_links(self, bench: Bench) -> None:
        """Nothing can be reported; the exit code says so, and nothing of the source stays."""
        message = bench.ready(bench.message(bench.spec(COMMIT), ends_in=timedelta(seconds=-1)))
        bench.scanner()
        assert bench.scan() == 1
        assert bench.blob(message, Artifact.MANIFEST) is None
        assert not bench.worker.source.exists()

    def test_a_message_that_cannot_be_sent_is_not_needed(self, bench: Bench) -> None:
        """The manifest is found without it."""
        message = bench.message(bench.spec(COMMIT))
        bench.ready(with_links(message, results=message.links.results[:-12]))
        bench.scanner()
        assert bench.scan() == 0
        assert bench.manifest(message).error is None
        assert bench.announced() == []

    def test_a_heartbeat_that_cannot_be_written_does_not_stop_the_scan(self, bench: Bench) -> None:
        """Nor does a cancel that cannot be read."""
        message = bench.message(bench.spec(COMMIT))
        broken = {name: getattr(message.links, name)[:-12] for name in ("heartbeat", "cancel")}
        bench.ready(with_links(message, **broken))
        bench.scanner()
        assert bench.scan() == 0
        assert bench.manifest(message).error is None

    def test_a_manifest_of_another_attempt_cannot_be_written(self, bench: Bench) -> None:
        """A link is good for its own blob alone."""
        mine, other = (bench.message(bench.spec(COMMIT)) for _ in range(2))
        path, _, query = mine.links.artifacts[Artifact.MANIFEST].partition("?")
        theirs = path.replace(mine.spec.scan_id, other.spec.scan_id)
        bench.ready(with_links(mine, artifacts={**mine.links.artifacts, Artifact.MANIFEST: f"{theirs}?{query}"}))
        bench.scanner()
        assert bench.scan() == 1
        assert bench.blob(other, Artifact.MANIFEST) is None


def test_manifest_is_plain_json(bench: Bench) -> None:
    """Anyone can read the manifest without our code."""
    message = bench.ready(bench.message(bench.spec(COMMIT)))
    bench.scanner()
    bench.scan()
    assert json.loads(bench.blob(message, Artifact.MANIFEST) or b"")["exit_code"] == 0
