"""Pytest plugin: runs each test that a guard names, with it and without it, and writes down what became of it.

Everything that the tests share is started once, so that a guard costs no more than its test, twice.
"""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

from tests.faults.guard import Guard, removed
from tests.faults.guards import GUARDS

FAILED, PASSED, NOT_RUN = "failed", "passed", "not run"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Be told which guards, and where to write."""
    parser.addoption("--guards", help="slugs of guards, with commas between them")
    parser.addoption("--became", type=Path, help="the file to write to: what became of each guard's tests")


def pytest_configure() -> None:
    """A test that fails has failed: no time is lost on a smaller example, and none is kept."""
    settings.register_profile("unguarded", settings(), phases=[Phase.generate], database=None)
    settings.load_profile("unguarded")


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the tests of each guard."""
    asked = set(session.config.getoption("guards").split(","))
    guards = [guard for guard in GUARDS if guard.slug in asked]
    whole: dict[str, str] = {}
    tried = {guard.slug: _tried(guard, _named(guard, session.items), whole) for guard in guards}
    session._setupstate.teardown_exact(None)
    session.config.getoption("became").write_text(json.dumps(tried))
    return True


def _named(guard: Guard, items: list[pytest.Item]) -> list[pytest.Item]:
    """Find the tests of a guard by their file and name, whatever class they are in."""
    file, _, name = guard.missed_by.partition("::")
    in_file = [item for item in items if item.nodeid.startswith(f"{file}::")]
    return [item for item in in_file if name in {item.name, getattr(item, "originalname", item.name)}]


def _tried(guard: Guard, items: list[pytest.Item], whole: dict[str, str]) -> dict[str, str]:
    """Run a guard's tests with it to the last, unless that is known, and without it until one fails."""
    for item in items:
        whole[item.nodeid] = whole.get(item.nodeid) or _outcome(item, None)
    known = {whole[item.nodeid] for item in items}
    try:
        without = FAILED if any(_outcome(item, guard) == FAILED for item in items) else PASSED
    except LookupError as misplaced:
        without = str(misplaced)
    return {"with": PASSED if known == {PASSED} else FAILED if FAILED in known else NOT_RUN, "without": without}


def _outcome(item: Any, guard: Guard | None) -> str:
    """Run a test; what a whole session or module shares is left standing for the next one."""
    sibling: Any = _Sibling(item)
    item.session._setupstate.teardown_exact(sibling)
    item._initrequest()
    with removed(guard) if guard else nullcontext():
        reports = runtestprotocol(item, log=False, nextitem=sibling)
    if any(report.failed for report in reports):
        return FAILED
    return NOT_RUN if any(report.skipped for report in reports) else PASSED


class _Sibling:
    """Stands in for the next test, one of the same module: only what belongs to a test alone is torn down before it."""

    def __init__(self, item: pytest.Item) -> None:
        self._chain = item.listchain()[:-1]

    def listchain(self) -> list[Any]:
        """Tell what is to be left standing."""
        return self._chain
