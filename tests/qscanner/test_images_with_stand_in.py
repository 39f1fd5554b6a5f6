"""Images, from the command line to findings with layers and scrubbed files, against the QScanner stand-in."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.qscanner.__main__ import main
from scan_core.model.target import Mode, Profile, ScanType
from scan_core.qscanner.command import ImageSource, environment, image_command
from scan_core.qscanner.exit_codes import error_of
from scan_core.qscanner.foreign import image_contradiction
from scan_core.qscanner.inventory import read_secrets
from scan_core.qscanner.outputs import discover, open_output
from scan_core.qscanner.sarif import Report, read_sarif
from scan_core.qscanner.scrub import Scrubber, token_secrets
from scan_core.qscanner.secret_fields import secret_values
from tests.local.qscanner.images import Image, SmallRegistry, image, small_registry, tar

TOKEN = "qualys-token-a1b2c3d4"
PULL_TOKEN = "static-token-1"
SECRET = "AKIAQ7ZK4TNVX3MPLS2D"
PROFILE = Profile(scan_types=(ScanType.PKG, ScanType.SECRET), mode=Mode.GET_REPORT)
STATUS = "Package: curl\nStatus: install ok installed\nVersion: 7.88.1-10+deb12u3\nArchitecture: amd64\n"
PUSHED = image(
    tar({"usr/lib/os-release": "ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian 12\n", "var/lib/dpkg/status": STATUS}),
    tar({"app/requirements.txt": "jinja2==2.10\n", "app/.env": f"KEY={SECRET}\n"}),
    commands=["ADD rootfs.tar /", "COPY . /app"],
)


@pytest.fixture
def registry() -> Iterator[SmallRegistry]:
    """A registry that wants a token."""
    with small_registry() as server:
        server.scheme = "Bearer"
        yield server


def scan(
    pushed: Image, registry: SmallRegistry, folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str = ""
) -> tuple[int, Path]:
    """Run the stand-in in this process, with the environment that a worker would give it."""
    output = folder / "out"
    source = ImageSource(registry.push("1", pushed), "linux/amd64")
    command = image_command(Path("/qscanner"), PROFILE, "US2", source, output, folder / "cache", 60)
    for name, value in environment(TOKEN, folder, {"PATH": "/bin"}, PULL_TOKEN).items():
        monkeypatch.setenv(name, value)
    if fault:
        monkeypatch.setenv("QSCANNER_STANDIN_FAULT", fault)
    return main(command[1:]), output


def read_report(output: Path) -> Report:
    """Read the report that a run left."""
    outputs = discover(output)
    assert outputs.sarif is not None
    with open_output(outputs.sarif) as stream:
        return read_sarif(stream)


def test_findings_name_their_layer_and_its_command(
    registry: SmallRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of system packages and of the application's own; and the report is of this image."""
    code, output = scan(PUSHED, registry, tmp_path, monkeypatch)
    assert error_of(code) is None
    report = read_report(output)
    layers = {each.package: (f"sha256:{each.layer}", each.layer_command) for each in report.findings}
    assert layers["curl"] == (PUSHED.diff_ids[0], "ADD rootfs.tar /")
    assert layers["jinja2"] == (PUSHED.diff_ids[1], "COPY . /app")
    assert image_contradiction(report, [PUSHED.digest]) is None


def test_another_images_report_is_recognised(
    registry: SmallRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the digest that it states."""
    _, output = scan(PUSHED, registry, tmp_path, monkeypatch, "other_sarif")
    assert image_contradiction(read_report(output), [PUSHED.digest]) is not None


def test_nothing_secret_is_left(
    registry: SmallRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the found secret nor a token, in files or in a log that prints the whole environment."""
    _, output = scan(PUSHED, registry, tmp_path, monkeypatch, "print_token")
    printed = capsys.readouterr()
    log = (printed.out + printed.err).encode()
    assert PULL_TOKEN.encode() in log
    outputs = discover(output)
    assert outputs.inventory is not None
    with open_output(outputs.inventory) as stream:
        assert [(found.path, found.line) for found in read_secrets(stream)] == [("app/.env", 1)]
        stream.seek(0)
        values = secret_values(stream)
    scrubber = Scrubber([TOKEN, *token_secrets(PULL_TOKEN), *values])
    for content in (log, *(path.read_bytes() for path in outputs if path is not None)):
        sink = io.BytesIO()
        scrubber.scrub_stream(io.BytesIO(content), sink)
        assert not any(secret.encode() in sink.getvalue() for secret in (SECRET, TOKEN, PULL_TOKEN))
