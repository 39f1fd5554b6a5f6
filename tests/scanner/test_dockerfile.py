"""What the scanner image is made from, read from its Dockerfile."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scan_core.runner import container
from tests.scanner.dockerfile import ROOT, Instruction, instructions, is_ignored

TEXT = (ROOT / "scanner" / "Dockerfile").read_text()
ALL = instructions(TEXT)
IGNORED = (ROOT / ".dockerignore").read_text()
SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|CREDENTIAL|(^|_)(KEY|PAT|AUTH)(_|$)")


def of(word: str) -> list[Instruction]:
    return [each for each in ALL if each.word == word]


def copied() -> list[str]:
    """What is copied from the repository."""
    return [source for each in of("COPY") if "from" not in each.options for source in each.words[:-1]]


def variables() -> dict[str, str]:
    """What the image sets in every container's environment."""
    return dict(word.split("=", 1) for each in of("ENV") for word in each.words)


class TestBase:
    def test_is_an_argument_without_a_default(self) -> None:
        """Whoever builds pins it by digest; nobody gets what a tag happens to mean today."""
        declared = {each.text for each in of("ARG")}
        assert "BASE_IMAGE" in declared
        assert not [text for text in declared if "=" in text]

    def test_is_the_only_one(self) -> None:
        """Every stage starts from it, directly or not."""
        stages: set[str] = set()
        for each in of("FROM"):
            base, *name = each.words
            assert base in {"${BASE_IMAGE}", *stages}
            stages |= set(name[1:])
        assert {each.options["from"] for each in of("COPY") if "from" in each.options} <= stages


class TestContent:
    def test_is_in_the_repository_and_not_ignored(self) -> None:
        """A source that is not there fails only when somebody builds."""
        assert [source for source in copied() if not (ROOT / source).exists()] == []
        assert [source for source in copied() if is_ignored(source, IGNORED)] == []

    @pytest.mark.parametrize(
        "path",
        [
            ".git/config",
            ".env",
            "local/devops/server.py",
            "scan_core/settings/deployment.py",
            "scan_core/wiring.py",
            "scan_core/workers.py",
            "scan_core/store/queues.py",
            "scan_core/worker/launcher.py",
            "scan_core/worker/__pycache__/git.cpython-313.pyc",
            "tests/scanner/stand_in.py",
        ],
    )
    def test_leaves_everything_else_out(self, path: str) -> None:
        """Not even the engine that builds gets to see it."""
        assert is_ignored(path, IGNORED)

    def test_adds_nothing_from_an_address(self) -> None:
        """What is fetched is fetched by a program that checks its sum."""
        assert of("ADD") == []
        assert "://" not in TEXT
        (fetch,) = [each for each in of("RUN") if "/build/fetch_qscanner.py" in each.text]
        assert fetch.command is not None

    def test_holds_python_packages_by_their_hashes_alone(self) -> None:
        """As pinned, built by their makers, and none that is not listed."""
        (install,) = [each.command for each in of("RUN") if each.command and "pip" in each.command]
        assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(install)
        assert install[-1] == "/build/requirements-worker.txt"

    def test_is_all_that_the_worker_imports(self, tmp_path: Path) -> None:
        """The copied part of scan_core runs on the packages of requirements-worker.txt."""
        for source in copied():
            target = tmp_path / source
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-r", ROOT / source, target], check=True)
        pins = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-worker.txt").read_text(), re.MULTILINE))
        done = subprocess.run(
            [sys.executable, "-I", "-c", _IMPORTING, tmp_path, *pins], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


_IMPORTING = """
import importlib, importlib.metadata, pathlib, sys
root, *pins = sys.argv[1:]
sys.path.insert(0, root)
owners = importlib.metadata.packages_distributions()
known = {name for name, found in owners.items() if {each.lower().replace("_", "-") for each in found} & set(pins)}

class Fence:
    def find_spec(self, name, path=None, target=None):
        top, _, rest = name.partition(".")
        parts = {"core", "identity"} if top == "azure" else {rest.partition(".")[0]}
        foreign = top in owners and top not in known | {"scan_core"}
        if foreign or (rest and rest.partition(".")[0] not in parts):
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

sys.meta_path.insert(0, Fence())
for name in ("__main__", *(path.stem for path in pathlib.Path(root, "scan_core", "worker").glob("[a-z]*.py"))):
    module = importlib.import_module(f"scan_core.worker.{name}")
    assert module.__file__.startswith(root), module.__file__
from azure.identity import ManagedIdentityCredential
"""


class TestRunning:
    def test_is_not_by_root(self) -> None:
        """By number, so that an engine which demands it can see it; and nothing comes after that needs more."""
        assert of("USER")[-1].text == "10001:10001"
        after = ALL[ALL.index(of("USER")[-1]) :]
        assert {each.word for each in after} == {"USER", "ENTRYPOINT"}

    def test_starts_the_worker_under_an_init(self) -> None:
        """It hands signals on and reaps; the one argument that follows is the step."""
        assert of("ENTRYPOINT")[-1].command == ["/usr/bin/tini", "--", "python3.13", "-m", "scan_core.worker"]
        assert of("CMD") == []
        job = (ROOT / "infra" / "modules" / "scan-job.bicep").read_text()
        assert re.findall(r"args: \['(\w+)'\]", job) == ["fetch", "scan"]

    def test_writes_to_one_folder(self) -> None:
        """The same under every runner; what it is made of can be read-only."""
        assert variables()["SCANGATE_WORKER_DIR"] == container.FOLDER
        assert f"var folder = '{container.FOLDER}'" in (ROOT / "infra" / "modules" / "scan-job.bicep").read_text()
        (made,) = [each.command for each in of("RUN") if each.command and each.command[0] == "install"]
        assert made[-1] == container.FOLDER
        assert {"10001", "0700"} <= set(made)
        assert of("VOLUME") == []

    def test_checks_the_scanner_again(self) -> None:
        """The sum that it was built with is the one the worker asks for."""
        assert variables()["SCANGATE_QSCANNER_SHA256"] == "${QSCANNER_SHA256}"
        assert variables()["SCANGATE_QSCANNER"] == "/opt/qscanner/qscanner"


class TestHygiene:
    def test_no_argument_or_variable_is_for_a_secret(self) -> None:
        """Both can be read in the image's history; secrets are mounted for one step."""
        names = {each.text for each in of("ARG")} | variables().keys()
        assert [name for name in names if SECRET.search(name)] == []

    def test_only_apt_needs_a_shell(self) -> None:
        """Everything else is an argument list."""
        (shell,) = [each.text for each in of("RUN") if each.command is None]
        assert "apt-get install --yes --no-install-recommends git tini" in shell
        assert "rm -rf /var/lib/apt/lists/*" in shell
        assert not re.search(r"[|;`$]", shell)

    def test_says_what_it_is(self) -> None:
        """Origin, versions, and where its bill of materials is."""
        labels = dict(word.split("=", 1) for each in of("LABEL") for word in each.words)
        standard = {"title", "description", "version", "revision", "base.name"}
        assert {f"org.opencontainers.image.{name}" for name in standard} <= labels.keys()
        assert labels["scangate.qscanner.sha256"] == "${QSCANNER_SHA256}"
        (bill,) = [each.command for each in of("RUN") if each.command and "/build/image_sbom.py" in each.command]
        assert bill[-1] == labels["scangate.sbom"]
