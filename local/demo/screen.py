"""What the demo shows while it goes on, and keeps for its summary."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

FINAL: Final = frozenset({"succeeded", "failed", "error", "notApplicable"})
_PATIENCE_SECONDS = 90
_PAUSE_SECONDS = 0.2
_STYLES = {"succeeded": "green", "failed": "red", "error": "red", "completed": "green", "refused": "yellow"}


class DemoFailed(RuntimeError):
    """Something did not come about; the message says what was expected."""


@dataclass(frozen=True)
class Step:
    """A row of the summary."""

    step: str
    gate: str
    state: str
    description: str
    seconds: float


class Seen(NamedTuple):
    """What Scangate shows somewhere.

    Attributes:
        state: as a status names it.
        description: in words.
        page: the link to the gate's page.
    """

    state: str
    description: str
    page: str

    @property
    def gate(self) -> str:
        """The gate's id, from the link to its page."""
        return urlsplit(self.page).path.rpartition("/")[2]


@dataclass
class Screen:
    """The terminal, and the rows of the summary so far."""

    console: Console
    steps: list[Step] = field(default_factory=list)

    def head(self, number: int, title: str, rest: str = "") -> None:
        """Begin a chapter.

        Args:
            number: Its number.
            title: What happens.
            rest: What more there is to say.
        """
        self.console.print(f"[bold]{number} · {title}[/]{rest}", highlight=False)

    def say(self, line: str) -> None:
        """Show a line of detail.

        Args:
            line: As it is, without markup.
        """
        self.console.print(Padding(f"[dim]{escape(line)}[/]", (0, 0, 0, 4), expand=False), highlight=False)

    def note(self, step: str, gate: str, state: str, description: str, seconds: float) -> None:
        """Show a step that is done, and keep it for the summary.

        Args:
            step: What was done.
            gate: The gate's id; empty where there is none.
            state: What came of it.
            description: In words.
            seconds: How long it took.
        """
        self.steps.append(Step(step, gate, state, description, round(seconds, 1)))
        style = _STYLES.get(state, "cyan")
        text = f"[{style}]{state}[/] {escape(description)} [dim]({seconds:.1f} s)[/]"
        self.console.print(Padding(text, (0, 0, 0, 2), expand=False), highlight=False)

    def await_verdict(self, step: str, look: Callable[[], Seen | None], expected: str) -> Seen:
        """Wait for a final state, and show what comes before it too.

        Args:
            step: What is waited for.
            look: Reads what Scangate shows now.
            expected: The state that is to come.

        Returns:
            What it shows then.

        Raises:
            DemoFailed: It did not come, or another one did.
        """
        started = time.monotonic()
        shown = ""
        with self.console.status(f"{step}…"):
            while time.monotonic() - started < _PATIENCE_SECONDS:
                seen = look()
                if seen and (seen.state in FINAL or seen.description != shown):
                    shown = seen.description
                    self.note(step, seen.gate, seen.state, shown, time.monotonic() - started)
                if seen and seen.state in FINAL:
                    return _expect(seen, expected)
                time.sleep(_PAUSE_SECONDS)
        raise DemoFailed(f"{step}: no final state within {_PATIENCE_SECONDS} seconds")


def _expect(seen: Seen, expected: str) -> Seen:
    if seen.state != expected:
        raise DemoFailed(f"expected {expected}, got {seen.state}: {seen.description}")
    return seen
