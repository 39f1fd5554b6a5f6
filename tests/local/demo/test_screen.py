"""What the demo shows, and how it fails."""

import io

import pytest
from rich.console import Console

from local.demo import screen as screen_module
from local.demo.image_act import _by_log
from local.demo.screen import DemoFailed, Screen, Seen

PENDING = Seen("pending", "Scanning 1 image…", "https://gate.example/api/gates/abc-1?expires=1&signature=0")
PASSED = PENDING._replace(state="succeeded", description="Passed: [no] findings")


@pytest.fixture
def screen() -> Screen:
    """A screen that can be read."""
    return Screen(Console(file=io.StringIO(), width=100))


def written(screen: Screen) -> str:
    """Read it."""
    file = screen.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_what_comes_before_the_verdict_is_shown_once(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the verdict in any case; each is a row of the summary, with its gate."""
    monkeypatch.setattr(screen_module, "_PAUSE_SECONDS", 0)
    looks = iter([None, PENDING, PENDING, PASSED])
    assert screen.await_verdict("image", lambda: next(looks), "succeeded") == PASSED
    assert [(step.step, step.gate, step.state) for step in screen.steps] == [
        ("image", "abc-1", "pending"),
        ("image", "abc-1", "succeeded"),
    ]
    assert "Passed: [no] findings" in written(screen)


def test_another_verdict_ends_the_demo(screen: Screen) -> None:
    """With what was expected and what came."""
    with pytest.raises(DemoFailed, match="expected failed, got succeeded: Passed"):
        screen.await_verdict("image", lambda: PASSED, "failed")


def test_no_verdict_ends_the_demo(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for ever."""
    monkeypatch.setattr(screen_module, "_PATIENCE_SECONDS", 0)
    with pytest.raises(DemoFailed, match="no final state within 0 seconds"):
        screen.await_verdict("image", lambda: None, "failed")


def test_lines_stay_within_the_terminal(screen: Screen) -> None:
    """Long words of a description are wrapped below its beginning, and markup in it is none."""
    screen.note("step", "", "failed", "word " * 60, 1)
    screen.say("[bold]" + "word " * 60)
    lines = written(screen).splitlines()
    assert all(len(line.rstrip()) <= 100 for line in lines)
    assert all(line.startswith("  ") for line in lines)
    assert "[bold]word" in written(screen)


def test_a_stage_is_shown_with_what_its_check_wrote_last() -> None:
    """Its gate is told by the link; a log without any words is shown as it is."""
    log = ["other", "Scangate: Scanning 1 image…", "Scangate: Failed: why", f"Scangate: {PENDING.page}"]
    assert _by_log("failed", log) == Seen("failed", "Failed: why", PENDING.page)
    assert _by_log("failed", ["other"]) == Seen("failed", "", "")
