"""The whole room against the QScanner stand-in: called, collected, read and scrubbed."""

import io
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from scan_core.model.finding import FoundSecret
from scan_core.model.ids import CommitSha
from scan_core.model.target import Mode, Profile, ScanType
from scan_core.model.verdict import PolicyDecision
from scan_core.qscanner.command import command_line, environment
from scan_core.qscanner.exit_codes import error_of, policy_of
from scan_core.qscanner.foreign import contradiction, is_older_than_run
from scan_core.qscanner.inventory import read_secrets
from scan_core.qscanner.outputs import Outputs, OutputsRefused, discover, open_output
from scan_core.qscanner.sarif import ReportUnreadable, read_sarif
from scan_core.qscanner.scrub import Scrubber
from scan_core.qscanner.secret_fields import secret_values

SCANNER = Path(__file__).parents[2] / "local" / "qscanner" / "qscanner"
TOKEN = "qualys-token-a1b2c3d4"
SECRET = "AKIAQ7ZK4TNVX3MPLS2D"
PROFILE = Profile(scan_types=(ScanType.PKG, ScanType.SECRET), mode=Mode.GET_REPORT)
ADDRESS = "https://dev.azure.com/contoso/shop/_git/web"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkout with a vulnerable dependency and a secret."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "requirements.txt").write_text("jinja2==2.10\nrequests==2.19.0\n")
    (folder / "settings.py").write_text(f'\naws = "{SECRET}"\n')
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        [*identity, "commit", "-q", "-m", "x"],
        ["remote", "add", "origin", ADDRESS],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, env=_git_environment(tmp_path))
    return folder


def _git_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


def commit_of(source: Path) -> CommitSha:
    """The commit that is checked out."""
    command = ["git", "rev-parse", "HEAD"]
    found = subprocess.run(
        command, cwd=source, check=True, capture_output=True, text=True, env=_git_environment(source.parent)
    )
    return CommitSha(found.stdout.strip())


def scan(source: Path, fault: str = "") -> tuple[Outputs, int, bytes]:
    """Run the stand-in once: what it left, its exit code, and what it printed."""
    output = source.parent / "out"
    output.mkdir()
    command = command_line(SCANNER, PROFILE, "US2", source, output, source.parent / "cache", 60)
    variables = environment(TOKEN, source.parent / "home", os.environ)
    if fault:
        variables["QSCANNER_STANDIN_FAULT"] = fault
    ended = subprocess.run(command, capture_output=True, env=variables, check=False, cwd=source.parent)
    return discover(output), ended.returncode, ended.stdout + ended.stderr


def test_a_scan_is_read_and_nothing_secret_is_left(source: Path) -> None:
    """From the command line to findings and scrubbed files."""
    started = time.time()
    outputs, code, log = scan(source)
    assert error_of(code) is None
    assert policy_of(code, PROFILE.mode) is PolicyDecision.NONE
    assert outputs.sarif is not None
    assert outputs.inventory is not None
    with open_output(outputs.sarif) as stream:
        report = read_sarif(stream)
    assert {(each.package, each.installed_version) for each in report.findings} >= {("jinja2", "2.10")}
    assert all(each.path == "requirements.txt" and each.cves for each in report.findings)
    assert report.scanner_version
    assert contradiction(report, commit_of(source)) is None
    assert not is_older_than_run(outputs.sarif.lstat(), started)
    with open_output(outputs.inventory) as stream:
        found = read_secrets(stream)
        stream.seek(0)
        values = secret_values(stream)
    assert found == (FoundSecret(kind="aws-access-key-id", path="settings.py", line=2),)
    for content in (log, *(path.read_bytes() for path in outputs if path is not None)):
        sink = io.BytesIO()
        Scrubber([TOKEN, *values]).scrub_stream(io.BytesIO(content), sink)
        assert SECRET.encode() not in sink.getvalue()
        assert content == log or json.loads(sink.getvalue())


def test_another_scans_report_is_recognised(source: Path) -> None:
    """By its time and by what it says it is about."""
    started = time.time()
    outputs, _, _ = scan(source, "other_sarif")
    assert outputs.sarif is not None
    assert is_older_than_run(outputs.sarif.lstat(), started)
    with open_output(outputs.sarif) as stream:
        assert contradiction(read_sarif(stream), commit_of(source)) is not None


def test_half_a_report_and_none_are_told_apart(source: Path) -> None:
    """Neither is a clean one."""
    outputs, code, _ = scan(source, "half_sarif")
    assert code == 0
    assert outputs.sarif is not None
    with open_output(outputs.sarif) as stream, pytest.raises(ReportUnreadable):
        read_sarif(stream)


def test_no_report_is_seen(source: Path) -> None:
    """With an exit code that says that all is well."""
    outputs, code, _ = scan(source, "no_sarif")
    assert (outputs.sarif, code) == (None, 0)


def test_a_link_out_of_the_folder_is_refused(source: Path) -> None:
    """It is not opened."""
    with pytest.raises(OutputsRefused):
        scan(source, "symlink_out")


def test_a_printed_environment_is_scrubbed(source: Path) -> None:
    """The token is the only secret in it."""
    _, _, log = scan(source, "print_token")
    assert TOKEN.encode() in log
    sink = io.BytesIO()
    Scrubber([TOKEN]).scrub_stream(io.BytesIO(log), sink)
    assert TOKEN.encode() not in sink.getvalue()
