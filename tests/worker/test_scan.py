"""The scan step: from a checkout to artifacts, a signed manifest and a message."""

import hashlib
import json
from pathlib import Path

import pytest

from scan_core.model.attempt import Artifact, AttemptErrorKind, FetchState, ResultMessage
from scan_core.model.ids import AttemptNumber
from scan_core.store.attempt_links import AttemptLinkClient, StorageUnreachable
from tests.worker import scanners
from tests.worker.conftest import QUALYS_TOKEN, Bench, now
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


def test_manifest_is_plain_json(bench: Bench) -> None:
    """Anyone can read the manifest without our code."""
    message = bench.ready(bench.message(bench.spec(COMMIT)))
    bench.scanner()
    bench.scan()
    assert json.loads(bench.blob(message, Artifact.MANIFEST) or b"")["exit_code"] == 0
