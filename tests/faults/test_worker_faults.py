"""What starts workers fails in every way it has at every call, and so does git at every fetch.

How the words of a real git and the answers of a real runner lead to these ends is tested with the worker and the
runner.
"""

from collections.abc import Callable, Iterator

import pytest

from scan_core.model.attempt import AttemptErrorKind
from tests.faults.conftest import NewEstate
from tests.faults.crew import FETCH_FAULTS, START_FAULTS, STOP_FAULTS
from tests.faults.estate import Estate
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.seeds import Choice
from tests.faults.walks import WALKS, share

pytestmark = pytest.mark.faults

SAMPLE = 18
"""Schedules of a dependency, of all walks together."""
_FAULTS = {"app runner start": START_FAULTS, "app runner stop": STOP_FAULTS, "worker git fetch": FETCH_FAULTS}
_DEPENDENCIES = ("runner", "git")


@pytest.mark.parametrize("dependency", _DEPENDENCIES)
@pytest.mark.parametrize("path", WALKS)
def test_any_fault_at_any_call(
    path: str, dependency: str, new_estate: NewEstate, choice: Choice, record_property: Record
) -> None:
    """Another attempt, or an error that says so: never nothing, and never a result that is none."""
    family = f"{dependency}-{path}"
    name = wanted(choice, family)

    def walk(call: int, fault: str) -> None:
        estate = new_estate()
        estate.toll.before_call = _striking(estate, call, fault)
        WALKS[path](estate)

    def schedule(call: int, fault: str) -> Schedule:
        return Schedule(f"{fault}-at-{call}", lambda: walk(call, fault))

    if name is not None:
        fault, _, call = name.rpartition("-at-")
        run_all(choice, family, [schedule(int(call), fault)], record_property, figure="schedules")
        return
    reference = new_estate()
    WALKS[path](reference)
    everywhere = list(_everywhere(reference, dependency))
    assert everywhere, f"no call to {dependency} on this walk"
    chosen = choice.spread(family, everywhere, share(SAMPLE, 1))
    run_all(choice, family, (schedule(*each) for each in chosen), record_property, figure="schedules")


def _everywhere(reference: Estate, dependency: str) -> Iterator[tuple[str, tuple[int, str]]]:
    for number, label in enumerate(reference.toll.calls, 1):
        if f" {dependency} " in label:
            yield from ((f"{label} {fault}", (number, fault)) for fault in _FAULTS[label])


def _striking(estate: Estate, call: int, fault: str) -> Callable[[int, str], None]:
    """Have one call go wrong; it is asked for right before, so that it strikes no other."""

    def strike(number: int, label: str) -> None:
        if number != call:
            return
        if label.startswith("app runner"):
            estate.crew.runner_fault = fault
        elif label == "worker git fetch":
            estate.crew.fetch_fault = AttemptErrorKind(fault)

    return strike
