"""Azure DevOps fails in every way it has, at every call that is made to it.

A walk is taken once to learn its calls; then once for each of them and each kind of fault.
"""

from collections.abc import Callable

import pytest

from tests.faults.conftest import NewEstate
from tests.faults.estate import Estate
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.seeds import Choice
from tests.faults.walks import WALKS, share

pytestmark = pytest.mark.faults

SHARDS = 2
SAMPLE = 60
"""Schedules of all walks together."""
FAULTS: dict[str, dict[str, object]] = {
    "signed-out-203": {"kind": "html203"},
    "signed-out-302": {"kind": "redirect302"},
    "signed-out-401": {"kind": "status", "status": 401},
    "forbidden": {"kind": "status", "status": 403},
    "not-found": {"kind": "status", "status": 404},
    "conflict": {"kind": "status", "status": 409},
    "throttled": {"kind": "status", "status": 429, "seconds": 300},
    "throttled-200": {"kind": "retry_after_200", "seconds": 120},
    "failed-500": {"kind": "status", "status": 500},
    "busy-503": {"kind": "status", "status": 503, "seconds": 20},
    "slow": {"kind": "delay", "seconds": 0.3},
    "silent": {"kind": "hang", "seconds": 4},
    "reset": {"kind": "reset"},
    "garbled": {"kind": "malformed"},
    "lost-answer": {"kind": "reset", "after": True},
    "late-500": {"kind": "status", "status": 500, "after": True},
}
"""What the simulator can be asked for; `after` = the call is carried out all the same."""
_SECONDS = 1.5
"""How long a call to Azure DevOps may take here."""
# A rules file may hold anything; what breaks off in the middle of one is refused by its length.
_MEANINGLESS = {("items", "garbled")}


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("path", WALKS)
def test_any_fault_at_any_call(
    path: str, shard: int, new_estate: NewEstate, choice: Choice, record_property: Record
) -> None:
    """What could not be said is said later, what could not be read is read later, and nothing untrue in between."""
    family = f"devops-{path}"
    name = wanted(choice, family, first=shard == 0)

    def walk(call: int, fault: str) -> None:
        estate = new_estate(devops_timeout_seconds=_SECONDS)
        estate.toll.before_call = _striking(estate, call, fault)
        WALKS[path](estate)

    def schedule(call: int, fault: str) -> Schedule:
        return Schedule(f"{fault}-at-{call}", lambda: walk(call, fault))

    if name is not None:
        fault, _, call = name.rpartition("-at-")
        run_all(choice, family, [schedule(int(call), fault)], record_property, figure="schedules")
        return
    reference = new_estate(devops_timeout_seconds=_SECONDS)
    WALKS[path](reference)
    everywhere = [
        ((label, fault), (number, fault))
        for number, label in enumerate(reference.toll.calls, 1)
        for fault in _faults_of(label)
    ]
    chosen = choice.spread(f"{family} {shard}", everywhere[shard::SHARDS], share(SAMPLE, SHARDS))
    run_all(choice, family, (schedule(*each) for each in chosen), record_property, figure="schedules")


def _faults_of(label: str) -> list[str]:
    if not label.startswith("app devops"):
        return []
    place = label.rsplit("/", 1)[-1]
    carried_out = [name for name, fault in FAULTS.items() if not fault.get("after") or " GET " not in label]
    return [name for name in carried_out if (place, name) not in _MEANINGLESS]


def _striking(estate: Estate, call: int, fault: str) -> Callable[[int, str], None]:
    """Have one call go wrong; it is asked for right before, so that it strikes no other."""

    def strike(number: int, label: str) -> None:
        if number == call and label.startswith("app devops"):
            estate.sim.fault(".", count=1, **FAULTS[fault])  # type: ignore[arg-type]  # as the simulator takes it

    return strike
