"""The scanner image for real: built by a container engine, and a pull request gated through the container runner.

Opt-in (`make test-image`): it needs docker or podman, and in BASE_IMAGE an image with Python 3.13 on Debian. QScanner
is the stand-in, fetched and verified as the real one is.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.site import CLEAN, VULNERABLE, opened_site
from tests.scanner import stand_in

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
NAME = "scangate-scanner:test-image"


def engine() -> str:
    """The engine that tools/image.sh takes."""
    for name in (os.environ.get("SCANGATE_CONTAINER_ENGINE") or "docker podman").split():
        if subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    raise AssertionError("no container engine answers")


@pytest.fixture(scope="module")
def image() -> str:
    """Build the image with the stand-in in it."""
    program = stand_in.packed()
    with stand_in.served(program) as url:
        arguments = {
            "SCANGATE_CONTAINER_ENGINE": engine(),
            "QSCANNER_VERSION": stand_in.version(),
            "QSCANNER_URL": url,
            "QSCANNER_SHA256": stand_in.sha256(program),
            "BUILD_NETWORK": "host",  # where the stand-in is served
            "IMAGE": NAME,
        }
        built = subprocess.run(
            [ROOT / "tools" / "image.sh", "--trial"],
            env={**os.environ, **arguments},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert built.returncode == 0, built.stdout[-5000:]
    return NAME


def asked(*arguments: str) -> str:
    """Ask the engine something."""
    return subprocess.run([engine(), *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_a_pull_request_is_gated_by_containers(image: str, tmp_path: Path) -> None:
    """Refused, fixed and let through; afterwards no container and no volume is left."""
    environment = tmp_path / "scan-environment.json"
    environment.write_text(json.dumps({"QUALYS_ACCESS_TOKEN": "not-a-real-token"}))
    settings = {
        "SCANGATE_RUNNER": "container",
        "SCANGATE_CONTAINER_ENGINE": engine(),
        "SCANGATE_SCANNER_IMAGE": image,
        "SCANGATE_CONTAINER_NETWORK": "host",  # the stack listens on loopback alone
        "SCANGATE_SCAN_ENVIRONMENT_FILE": str(environment),
    }
    with opened_site(tmp_path, **settings) as site:
        pull_request = site.new_repository().propose(VULNERABLE)
        assert pull_request.await_state("failed")["description"].startswith("Failed: 1 critical and 2 high findings")
        pull_request.repository.copy.commit_and_push("change", "Update lodash", CLEAN)
        assert pull_request.await_state("succeeded")["description"] == "Passed: no findings"
    label = "label=scangate.execution"
    assert asked("ps", "--all", "--quiet", "--filter", label) == ""
    assert asked("volume", "ls", "--quiet", "--filter", label) == ""


def test_the_root_is_read_only_and_the_user_is_nobody_special(image: str) -> None:
    """The image works so; Container Apps cannot ask for it, the container runner does."""
    look = "import os; print(os.getuid(), os.access('/opt/scangate', os.W_OK), os.access('/work', os.W_OK))"
    fence = ("--read-only", "--cap-drop", "ALL", "--network", "none", "--entrypoint", "python3.13")
    assert asked("run", "--rm", *fence, image, "-c", look).split()[:2] == ["10001", "False"]


def test_the_image_says_what_is_in_it(image: str) -> None:
    """The label leads to the bill of materials, which names the scanner with its sum."""
    labels = json.loads(asked("image", "inspect", "--format", "{{json .Config.Labels}}", image))
    read = f"print(open({labels['scangate.sbom']!r}).read())"
    bill = json.loads(asked("run", "--rm", "--network", "none", "--entrypoint", "python3.13", image, "-c", read))
    found = {package["name"]: package for package in bill["packages"]}
    assert found["qscanner"]["checksums"][0]["checksumValue"] == labels["scangate.qscanner.sha256"]
    assert {"git", "tini", "pydantic"} <= found.keys()
