"""Workers as executions of a Container Apps job: every start goes wrong in every way, and the app dies over it.

It walks with the app's real runner whatever else this run walks with. What makes a start harmless that nobody knows
the outcome of is that workers pull: one too many finds nothing, and for one too few there is another start.
"""

from collections.abc import Callable, Iterator

import pytest

from scan_core.runner.api import Runner
from tests.faults import job
from tests.faults.conftest import NewEstate
from tests.faults.crew import Crew
from tests.faults.estate import Estate
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.seeds import Choice
from tests.faults.toll import Point
from tests.faults.walks import WALKS
from tests.flow.fakes import Clock

pytestmark = pytest.mark.faults

SAMPLE = 8
_START = "app runner start"
_LIVES, _BEFORE, _AFTER = "lives", "dies-before", "dies-after"
_PATH = "pushes"
_NONE = "answered"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Crew, Clock], Runner]]:
    """What the app starts workers with: a job, always."""
    with job.resources(tmp_path_factory.mktemp("job")) as found:
        yield lambda crew, clock: found.runner(crew, clock, crew.most)


def test_any_fault_of_any_start_and_death_over_it(
    new_estate: NewEstate, choice: Choice, record_property: Record
) -> None:
    """Refused, throttled, taken and never heard of again, answered with nonsense; also right before the app dies."""
    family = f"job-{_PATH}"
    name = wanted(choice, family)

    def walk(call: int, fault: str, fate: str) -> None:
        estate = new_estate()
        estate.toll.before_call = _striking(estate, call, fault)
        if fate != _LIVES:
            estate.toll.plan([Point(call, after=fate == _AFTER)])
        WALKS[_PATH](estate)

    def schedule(call: int, fault: str, fate: str) -> Schedule:
        return Schedule(f"{fault}-{fate}-at-{call}", lambda: walk(call, fault, fate))

    reference = new_estate()
    WALKS[_PATH](reference)
    everywhere = [
        (f"{fault} {fate}", schedule(number, fault, fate))
        for number, label in enumerate(reference.toll.calls, 1)
        if label == _START
        for fault in (*job.START_FAULTS, _NONE)
        for fate in (_LIVES, _BEFORE, _AFTER)
        if (fault, fate) not in {(_NONE, _LIVES), (_NONE, _BEFORE)}
    ]
    assert everywhere, "no worker is started on this walk"
    if name is not None:
        asked = [one for _, one in everywhere if one.name == name]
        assert asked, f"there is no schedule {name}"
        run_all(choice, family, asked, record_property, figure="schedules")
        return
    run_all(choice, family, choice.spread(family, everywhere, SAMPLE), record_property, figure="schedules")


def _striking(estate: Estate, call: int, fault: str) -> Callable[[int, str], None]:
    """Have one start go wrong; asked for right before, so that it strikes no other."""

    def strike(number: int, _label: str) -> None:
        if number == call and fault != _NONE:
            estate.crew.runner_fault = fault

    return strike
