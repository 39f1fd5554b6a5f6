"""Pytest plugin of `make faults`: prints the seed at the start and the figures in one line at the end."""

import os
import random
from collections import Counter

import pytest

from tests.faults.seeds import SEED, choice

COUNTED = ("points", "pairs", "schedules", "steps", "cases", "failed schedules")
"""Properties that tests record; the same property of several tests is added up."""
KNOWN = "known points of "
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
    """Add up what the tests recorded."""
    sums: Counter[str] = Counter()
    known: dict[str, int] = {}
    for outcome in _REPORTS:
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name in COUNTED:
                    sums[name] += int(value)
                elif name.startswith(KNOWN):
                    known[name] = int(value)
    broken = sums["failed schedules"] or sum(len(terminalreporter.stats.get(each, [])) for each in ("failed", "error"))
    chosen = choice()
    terminalreporter.write_line(
        f"faults: {sums['points']} of {sum(known.values())} crash points, {sums['pairs']} pairs,"
        f" {sums['schedules']} schedules, {sums['steps']} random steps, {sums['cases']} fuzz cases,"
        f" {broken} failures (seed {chosen.seed}{', everything' if chosen.everything else ''})"
    )
