"""``scangate local``: what each command starts, and how it fails. The stack itself is tested end to end."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from local.demo import show
from local.stack import parts
from local.stack import up as stack_up
from local.stack.parts import Part, PartMissing
from local.stack.plan import Plan, plan_in
from scan_core import wiring
from scan_core.cli.main import app


def run(*arguments: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, ["local", *arguments])


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave this process's signals and environment as they were."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    environment = dict(os.environ)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> list[Part]:
    """Note what the process would become."""
    became: list[Part] = []
    monkeypatch.setattr(Part, "replace_this_process", lambda part: became.append(part))  # noqa: PLW0108 - a method
    return became


class TestParts:
    def test_storage_becomes_storage(self, become: list[Part], tmp_path: Path) -> None:
        """In the data folder that was named."""
        done = run("storage", "--data", str(tmp_path))
        assert done.exit_code == 0, done.output
        (part,) = become
        assert (part.name, str(tmp_path / "storage") in part.command) == ("storage", True)

    def test_devops_becomes_the_simulator(self, become: list[Part], tmp_path: Path) -> None:
        """At a port that is remembered for the next start."""
        assert run("devops", "--data", str(tmp_path), "--devops-port", "18080").exit_code == 0
        assert run("devops", "--data", str(tmp_path)).exit_code == 0
        assert [("18080" in part.command, part.name) for part in become] == [(True, "devops")] * 2

    def test_registry_becomes_the_registry(self, become: list[Part], tmp_path: Path) -> None:
        """At a port that is remembered, since tokens and references carry it; its secrets are no arguments."""
        for _ in range(2):
            assert run("registry", "--data", str(tmp_path)).exit_code == 0
        plan = plan_in(tmp_path)
        assert [(str(plan.registry_port) in part.command, part.name) for part in become] == [(True, "registry")] * 2
        assert plan.registry_password not in " ".join(become[0].command)

    def test_app_needs_storage_first(self, become: list[Part], tmp_path: Path) -> None:
        """And says which command starts it."""
        done = run("app", "--data", str(tmp_path))
        assert (done.exit_code, become) == (1, [])
        assert "scangate local storage" in done.stderr

    def test_app_becomes_the_host(self, become: list[Part], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the port, the lease and the scanner that were asked for."""
        asked: list[tuple[Any, ...]] = []

        def described(data: Path, plan: Plan, lease: int, port: int | None) -> Part:
            asked.append((data, plan.scanner, plan.devops_url, lease, port))
            return Part("app", ["python"], {"SCANGATE_LOCAL_TEST": "1"})

        monkeypatch.setattr(parts, "app", described)
        monkeypatch.setattr(wiring, "settings_problem", lambda: None)
        options = ("--port", "7071", "--lease", "5", "--scanner", "q", "--devops-url", "http://127.0.0.1:1")
        done = run("app", "--data", str(tmp_path), *options)
        assert done.exit_code == 0, done.output
        assert asked == [(tmp_path, str(Path("q").absolute()), "http://127.0.0.1:1", 5, 7071)]
        assert [part.name for part in become] == ["app"]

    def test_app_names_a_wrong_setting(
        self, become: list[Part], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Instead of answering 503 to everything."""
        monkeypatch.setattr(parts, "app", lambda *_: Part("app", ["python"]))
        monkeypatch.setattr(wiring, "settings_problem", lambda: "SCANGATE_PUBLIC_URL: is missing")
        done = run("app", "--data", str(tmp_path))
        assert (done.exit_code, become) == (1, [])
        assert done.stderr.strip() == "SCANGATE_PUBLIC_URL: is missing"

    def test_a_damaged_plan_is_said(self, become: list[Part], tmp_path: Path) -> None:
        """With what to remove."""
        (tmp_path / "stack.json").write_text("{")
        done = run("storage", "--data", str(tmp_path))
        assert (done.exit_code, become) == (1, [])
        assert "to start anew" in done.stderr


class TestUp:
    def test_prints_one_line_and_runs_until_it_is_told_to_stop(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Then everything ends with it."""
        events: list[str] = []

        @contextmanager
        def start(_data: Path, plan: Plan, lease: int, progress: Any) -> Iterator[str]:
            progress("storage")
            events.append(f"started with lease {lease}, app on {plan.app_port}")
            os.kill(os.getpid(), signal.SIGTERM)
            yield "stack"
            events.append("stopped")

        monkeypatch.setattr(stack_up, "start", start)
        monkeypatch.setattr(stack_up, "ready_line", lambda stack: f'{{"app": "{stack}"}}')
        done = run("up", "--data", str(tmp_path), "--port", "7071", "--lease", "3")
        assert (done.exit_code, done.stdout) == (0, '{"app": "stack"}\n')
        assert done.stderr.splitlines() == ["starting storage", "stopping"]
        assert events == ["started with lease 3, app on 7071", "stopped"]

    def test_says_which_part_did_not_start(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the part's own words."""

        def start(*_: Any) -> None:
            raise stack_up.PartFailed("storage did not start: no node")

        monkeypatch.setattr(stack_up, "start", start)
        done = run("up", "--data", str(tmp_path))
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.strip() == "storage did not start: no node"

    def test_remembers_its_options(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Parts that are started alone later find each other."""

        def start(*_: Any) -> None:
            raise PartMissing("enough")

        monkeypatch.setattr(stack_up, "start", start)
        run("up", "--data", str(tmp_path), "--devops-url", "https://devops.example", "--scanner", "/opt/qscanner")
        plan = plan_in(tmp_path)
        assert (plan.devops_url, plan.scanner) == ("https://devops.example", "/opt/qscanner")


class TestDemo:
    @pytest.mark.parametrize("stays", [False, True])
    def test_ends_as_the_show_does(self, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """And stays only where it is asked to."""
        shown: list[tuple[Path, bool]] = []

        def show_run(data: Path, *, stay: Any) -> int:
            shown.append((data, stay is not None))
            return 3

        monkeypatch.setattr(show, "run", show_run)
        options = ["--stay"] if stays else []
        assert run("demo", "--data", str(tmp_path), *options).exit_code == 3
        assert shown == [(tmp_path, stays)]


def test_the_command_line_explains_itself() -> None:
    """Without arguments it lists what there is."""
    done = CliRunner().invoke(app, [])
    for word in ("local", "rules"):
        assert word in done.output
