"""The scan step on an image: QScanner pulls it with a token that nobody else gets to see."""

import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.registry.applications import planted_secret, python_application, secret_layer
from local.registry.debian import debian_image
from local.registry.push import push_image
from local.registry.server import RegistryServer
from scan_core.model.attempt import Artifact, AttemptErrorKind, AttemptMessage, FetchState, Manifest
from scan_core.model.image import Login
from scan_core.qscanner.sarif import read_sarif
from scan_core.worker import scanner as scanner_module
from tests.worker.conftest import QUALYS_TOKEN, Bench, now
from tests.worker.git_server import PAT
from tests.worker.images import NOWHERE, REPOSITORY, SOME_DIGEST, listed, spec_of
from tests.worker.scanners import FOUND_SECRET, GOOD, sarif, writes

CLAIMS, SIGNATURE = "eyJhY2Nlc3MiOlt7InR5cGUiOiJyZXBvIn1dfQ", "c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
TOKEN = f"eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.{SIGNATURE}"


def image_message(bench: Bench, lasts: timedelta = timedelta(hours=1), token: str | None = TOKEN) -> AttemptMessage:
    """Leave what a fetch step leaves of an image."""
    return bench.ready(bench.message(spec_of(bench, NOWHERE, SOME_DIGEST)), token, lasts)


def scanned(bench: Bench, body: str, **limits: Any) -> Manifest:
    """Scan an image with a scanner, and read how that ended."""
    message = bench.ready(bench.message(spec_of(bench, NOWHERE, SOME_DIGEST, **limits)), TOKEN)
    bench.scanner(body)
    assert bench.scan() == 0
    return bench.manifest(message)


def kind_of(manifest: Manifest) -> AttemptErrorKind:
    """Why a scan is not conclusive."""
    assert manifest.error is not None
    return manifest.error.kind


class TestWhatTheScannerGets:
    def test_the_image_by_its_digest_and_the_platform(self, bench: Bench, tmp_path: Path) -> None:
        """And no secret in any argument."""
        dump = tmp_path / "arguments"
        manifest = scanned(bench, f"tr '\\0' '\\n' < /proc/$PPID/cmdline > {dump}\necho $target > {dump}.t\n" + GOOD)
        assert manifest.error is None
        arguments = dump.read_text().splitlines()
        assert Path(f"{dump}.t").read_text().strip() == f"{NOWHERE}/{REPOSITORY}@{SOME_DIGEST}"
        assert arguments[arguments.index("--platform") + 1] == "linux/amd64"
        assert not [argument for argument in arguments if TOKEN in argument or QUALYS_TOKEN in argument]

    def test_the_token_in_one_variable_and_in_no_file(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While it runs, what the fetch step left has no token any more; nothing of the worker's own is seen."""
        monkeypatch.setenv("SCANGATE_REGISTRIES", "must-not-be-seen")
        dump = tmp_path / "environment"
        assert scanned(bench, f"env > {dump}; cat {bench.worker.outcome} > {dump}.json\n" + GOOD).error is None
        variables = dict(line.split("=", 1) for line in dump.read_text().splitlines())
        assert [name for name, value in variables.items() if TOKEN in value] == ["QSCANNER_REGISTRY_TOKEN"]
        assert {name for name in variables if name.startswith(("QUALYS", "QSCANNER", "SCANGATE", "AZURE"))} == {
            "QUALYS_ACCESS_TOKEN",
            "QSCANNER_REGISTRY_TOKEN",
        }
        left = Path(f"{dump}.json").read_text()
        assert json.loads(left)["registry_token"] is None
        assert TOKEN not in left

    def test_no_token_where_everybody_may_pull(self, bench: Bench, tmp_path: Path) -> None:
        """An empty one would be refused."""
        message = image_message(bench, token=None)
        dump = tmp_path / "environment"
        bench.scanner(f"env > {dump}\n" + GOOD)
        assert bench.scan() == 0
        assert bench.manifest(message).error is None
        assert "QSCANNER_REGISTRY" not in dump.read_text()


class TestSecrets:
    def test_no_part_of_the_token_is_in_any_blob(self, bench: Bench) -> None:
        """Whole, or the parts of it that mean something, wherever the scanner puts them."""
        message = image_message(bench)
        leaks = f'echo "pulling with $QSCANNER_REGISTRY_TOKEN"; echo "claims {CLAIMS}, signed {SIGNATURE}"\n'
        bench.scanner(GOOD.replace('"text": "x"', f'"text": "{TOKEN} {CLAIMS} {FOUND_SECRET}"') + leaks)
        assert bench.scan() == 0
        assert bench.manifest(message).error is None
        for name in Artifact:
            content = bench.blob(message, name) or b""
            assert content
            for secret in (TOKEN, CLAIMS, SIGNATURE, FOUND_SECRET):
                assert secret.encode() not in content, name

    def test_nothing_is_left_in_the_folder(self, bench: Bench) -> None:
        """Not even by a scan that failed."""
        scanned(bench, "exit 6\n")
        assert TOKEN.encode() not in bench.on_disk()
        assert bench.worker.read_outcome().state is FetchState.NOTHING


class TestForeignReports:
    @pytest.mark.parametrize(
        "about",
        [
            {"imageDigest": SOME_DIGEST},
            {"repoDigest": f"{NOWHERE}/{REPOSITORY}@{SOME_DIGEST}", "platform": "linux/amd64"},
            {"platform": "linux/x86_64"},
        ],
    )
    def test_a_report_that_names_our_image_is_ours(self, bench: Bench, about: dict[str, str]) -> None:
        """By whatever it says of it."""
        assert scanned(bench, writes("Report.sarif.json", sarif(**about))).error is None

    @pytest.mark.parametrize(
        "about",
        [
            {"imageDigest": "sha256:" + "e" * 64},
            {"platform": "linux/arm64"},
            {"imageDigest": SOME_DIGEST, "platform": "windows/amd64"},
        ],
    )
    def test_a_report_about_another_image_is_not(self, bench: Bench, about: dict[str, str]) -> None:
        """Another digest, or the same for another platform."""
        manifest = scanned(bench, writes("Report.sarif.json", sarif(**about)))
        assert kind_of(manifest) is AttemptErrorKind.REPORT_FOREIGN


class TestFaults:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (6, AttemptErrorKind.SCANNER_FAILED),
            (15, AttemptErrorKind.UNSUPPORTED),
            (21, AttemptErrorKind.SCANNER_FAILED),
            (40, AttemptErrorKind.INCOMPLETE),
        ],
    )
    def test_exit_codes_that_conclude_nothing(self, bench: Bench, code: int, kind: AttemptErrorKind) -> None:
        """As for a source."""
        assert kind_of(scanned(bench, GOOD + f"exit {code}\n")) is kind

    def test_hanging(self, bench: Bench) -> None:
        """The advice is one for images."""
        error = scanned(bench, "sleep 600\n", scan_seconds=1).error
        assert error is not None
        assert error.kind is AttemptErrorKind.SCANNER_TIMED_OUT
        assert "make the image smaller" in error.sentence

    def test_an_image_that_fills_the_disk(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is stopped while it does."""
        monkeypatch.setattr(scanner_module, "_RUN_BYTES", 2_000_000)
        error = scanned(
            bench, 'i=0; while :; do i=$((i+1)); head -c 500000 /dev/zero > "$TMPDIR/$i"; sleep 0.02; done\n'
        ).error
        assert error is not None
        assert error.kind is AttemptErrorKind.ARTIFACT_TOO_LARGE
        assert "image may be larger" in error.sentence


class TestTokenThatEnds:
    def test_before_the_scan_begins(self, bench: Bench, tmp_path: Path) -> None:
        """QScanner is not even started, and another attempt gets another token."""
        message = image_message(bench, lasts=timedelta(seconds=-1))
        bench.scanner(f"touch {tmp_path / 'mark'}\n" + GOOD)
        assert bench.scan() == 0
        assert kind_of(bench.manifest(message)).retryable
        assert not (tmp_path / "mark").exists()

    @pytest.mark.parametrize(("code", "explained"), [(6, True), (40, False)])
    def test_while_the_scan_runs(self, bench: Bench, tmp_path: Path, code: int, explained: bool) -> None:
        """A failure that it may have caused says so; any other keeps its own reason alone."""
        mark = tmp_path / "mark"
        message = image_message(bench)
        bench.scanner(f"touch {mark}; exit {code}\n")

        def clock() -> datetime:
            return now() + timedelta(hours=2 if mark.exists() else 0)

        assert bench.scan(clock=clock) == 0
        error = bench.manifest(message).error
        assert error is not None
        assert ("have the registry give tokens that last longer" in error.sentence) is explained

    def test_with_a_step_that_is_started_again(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """The token is gone with the step that took it: the attempt is reported as one to try again."""
        message = image_message(bench)
        bench.scanner()

        def dies(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("scan_core.worker.scan.scan", dies)
            with pytest.raises(KeyboardInterrupt):
                bench.scan()
        assert bench.scan() == 0
        assert kind_of(bench.manifest(message)) is AttemptErrorKind.LOST

    def test_not_of_an_image_that_everybody_may_pull(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Such a step is simply done again."""
        message = image_message(bench, token=None)
        bench.scanner()

        def dies(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("scan_core.worker.scan.scan", dies)
            with pytest.raises(KeyboardInterrupt):
                bench.scan()
        assert bench.scan() == 0
        assert bench.manifest(message).error is None


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    """A registry that lets nobody in without a token."""
    with RegistryServer(tmp_path / "registry") as running:
        yield running


def test_both_steps_on_a_real_image_with_the_stand_in(bench: Bench, registry: RegistryServer) -> None:
    """From the queue to findings with their layers; the scan gets no credential but its two tokens."""
    image = debian_image().then(python_application({"jinja2": "2.10"}), secret_layer())
    digest = push_image(registry.url, REPOSITORY, "1", image, registry.access.user)
    message = bench.queue(bench.message(spec_of(bench, registry.host, digest, Login.BASIC)))
    assert bench.fetch(SCANGATE_REGISTRIES=listed(registry, Login.BASIC)).error is None
    for secret in (registry.access.user[1], PAT):
        assert secret.encode() not in bench.on_disk()
    stand_in = Path(__file__).parents[2] / "local" / "qscanner" / "qscanner"
    assert bench.scan(SCANGATE_QSCANNER=str(stand_in)) == 0
    manifest = bench.manifest(message)
    assert manifest.error is None, bench.blob(message, Artifact.LOG)
    assert {file.name for file in manifest.files} == set(Artifact) - {Artifact.MANIFEST}
    findings = read_sarif(io.BytesIO(bench.blob(message, Artifact.SARIF) or b"")).findings
    assert {finding.package for finding in findings if finding.layer_command} >= {"jinja2"}
    assert planted_secret().encode() not in b"".join(bench.blob(message, name) or b"" for name in Artifact)
