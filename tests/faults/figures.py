"""Pytest plugin of `make faults`: prints the seed at the start, and at the end a table of what was tried."""

import os
import random
from collections import Counter
from collections.abc import Iterable

import pytest

from tests.faults.seeds import SEED, choice

POINTS, PAIRS, SCHEDULES, STEPS, CASES, FAILURES = "points", "pairs", "schedules", "steps", "cases", "failures"
KNOWN = "known points"
COLUMNS = (POINTS, KNOWN, PAIRS, SCHEDULES, STEPS, CASES, FAILURES)
"""Properties that tests record, each with `` of `` and its family behind it; those of several tests are added up."""
_REPORTS = ("passed", "failed", "error")


def pytest_configure() -> None:
    """Draw a seed where none was given; processes that are started from here on inherit it."""
    if not os.environ.get(SEED):
        os.environ[SEED] = str(random.SystemRandom().randrange(10**6))


def pytest_report_header() -> str:
    """Say what is tried."""
    chosen = choice()
    extent = "everything" if chosen.everything else "a sample"
    return f"faults: {chosen.only or extent}, seed {chosen.seed}; the same again: make faults SEED={chosen.seed}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests recorded, and how to see all of it again."""
    figures: dict[str, Counter[str]] = {}
    for outcome in _REPORTS:
        for report in terminalreporter.stats.get(outcome, []):
            _add(figures, report)
    chosen = choice()
    total = sum(figures.values(), Counter[str]())
    for line in table(figures, total):
        terminalreporter.write_line(line)
    extent = "everything" if chosen.everything else "a sample"
    terminalreporter.write_line(
        f"faults: {total[FAILURES]} failures; {extent} by seed {chosen.seed}; again: make faults SEED={chosen.seed}"
        + (" ALL=1" if chosen.everything else "")
    )


def table(figures: dict[str, Counter[str]], total: Counter[str]) -> Iterable[str]:
    """Write figures as lines of text, one for each family.

    Args:
        figures: What was counted, by family.
        total: The sum of all families.

    Yields:
        A line for the names, one for each family, and one for the sum.
    """
    width = max((len(family) for family in figures), default=0) + 2
    yield "family".ljust(width) + "".join(column.rjust(len(column) + 3) for column in COLUMNS)
    for family, counted in (*sorted(figures.items()), ("all", total)):
        yield family.ljust(width) + "".join(_cell(column, counted) for column in COLUMNS)


def _cell(column: str, counted: Counter[str]) -> str:
    number = f"{counted[column]:,}" if counted[column] or column == FAILURES else "-"
    return number.rjust(len(column) + 3)


def _add(figures: dict[str, Counter[str]], report: pytest.TestReport) -> None:
    """Count what a test recorded; one that recorded nothing is a schedule by itself, of the family of its file."""
    told: Counter[str] = Counter()
    for name, value in getattr(report, "user_properties", []):
        figure, _, family = name.partition(" of ")
        if figure in COLUMNS:
            figures.setdefault(family, Counter())[figure] += int(value)
            told[figure] += int(value)
    place = report.nodeid.partition("::")[0].rpartition("/")[2]
    family = place.removeprefix("test_").removesuffix(".py")
    if not told:
        figures.setdefault(family, Counter())[SCHEDULES] += 1
    if report.outcome == "failed" and not told[FAILURES]:  # it broke before it could count
        figures.setdefault(family, Counter())[FAILURES] += 1
